"""Of shares, linear weights, trees, a network and their mean the cheapest that is good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.parameters import Estimators, MaxEpochs, MemberNames
from pmlcli.algorithms._learning.calibration import softmax
from pmlcli.algorithms._learning.choice import STRICT, Choice, LateCases, cheapest_tied, rounds_of_means
from pmlcli.algorithms._learning.choosing import ChoosingAlgorithm, with_baseline
from pmlcli.algorithms._learning.recency import Turns
from pmlcli.algorithms.outcome._judged import Judged, Part, judging_parts
from pmlcli.algorithms.outcome._scales import LEAST
from pmlcli.algorithms.outcome._task import OutcomePredictor
from pmlcli.arrays import Floats
from pmlcli.encoding.outcome.encoding import OutcomePrefixes

CLOSE = 1.5
"""Who ranks best changes more from one part of a log to the next than elsewhere: means are tried sooner."""


@dataclass(kw_only=True)
class OutcomeEnsemble(ChoosingAlgorithm[OutcomePrefixes], OutcomePredictor):
    """Tries `prior` and its members, cheapest first, on held-out training cases. It takes the cheapest that
    the best beats neither beyond chance nor likely by much (`prior` yields to proof alone); the mean of those
    that are close, of log-odds, is tried too. No dearer member is trained where the one before it showed no
    hope of a gain; on fewer than 100 cases only `logistic` is.
    """

    source: ClassVar[str] = (
        "Genest and Zidek (1986), Combining probability distributions: a critique and an annotated "
        "bibliography, Statistical Science 1(1)"
    )
    extra: ClassVar[str | None] = "neural"

    members: MemberNames = ("logistic", "boosting", "gru")
    n_estimators: Estimators = 300
    max_epochs: MaxEpochs = 30

    def member_names(self) -> tuple[str, ...]:
        """The predictors to try."""
        return with_baseline(self.task.baseline, self.members)

    def choose(self, data: OutcomePrefixes) -> Choice:
        """By the area under the ROC curve of prefixes of cases that were held out."""
        parts = list(judging_parts(data))
        n_cases = len(np.unique(data.case_of_event[data.is_counted]))
        names = self.names_by_cost(n_cases)
        n_late = sum(len(part.late) for part in parts)
        if n_late == 0:
            return cheapest_tied((), tuple(self.parts), 0)
        turns = Turns()

        def answer(name: str) -> list[Floats]:
            return [self._said(name, data, part, turns) for part in parts]

        cases = LateCases(n_late, self.seed)
        judged = Judged.of(data, parts)
        rounds = rounds_of_means(
            names, answer, _mean, lambda said: cases.losses(judged.loss_over(said)), close=CLOSE
        )
        # The baseline knows nothing of a case: whether there is anything to know has to be proven.
        is_short = len(names) < len(self.parts)
        return cheapest_tied(rounds, tuple(self.parts), n_late, is_short=is_short, against_baseline=STRICT)

    def say(self, choice: Choice) -> str:
        """With each candidate's AUC."""
        return choice.sentence("AUC", lambda loss: f"{1 - loss:.3f}")

    def probabilities(self, data: OutcomePrefixes, rows: NDArray[np.int64]) -> Floats:
        """Softmax of the mean of the logarithms of what the members taken say."""
        return _mean([one.probabilities(data, rows) for one in self.kept_members().values()])

    def _said(self, name: str, data: OutcomePrefixes, part: Part, turns: Turns) -> Floats:
        one, late = self.parts[name], data.take(part.late)
        turns.take(one, partial(one.fit, data.take(part.early)))
        return np.asarray(one.probabilities(late, np.flatnonzero(late.is_counted)))


def _mean(said: Sequence[Floats]) -> Floats:
    if len(said) == 1:
        return said[0]
    logs = [np.log(np.maximum(one, LEAST)) for one in said]
    return softmax(np.asarray(sum(logs)) / len(said))

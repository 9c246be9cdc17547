"""Ensemble: the cheapest of prior, logistic, boosting, GRU and their mean that is as good as the best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.parameters import Estimators, MaxEpochs, MemberNames
from pmlcli.algorithms._learning.calibration import softmax
from pmlcli.algorithms._learning.choice import (
    STRICT,
    Choice,
    LateCases,
    LossOf,
    cheapest_tied,
    rounds_of_means,
)
from pmlcli.algorithms._learning.choosing import ChoosingAlgorithm, with_baseline
from pmlcli.algorithms._learning.recency import Turns
from pmlcli.algorithms._learning.validation import SHARE
from pmlcli.algorithms.outcome._rows import counted_rows, folds, rank_by_start
from pmlcli.algorithms.outcome._scales import LEAST
from pmlcli.algorithms.outcome._task import OutcomePredictor
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.outcome.encoding import OutcomePrefixes
from pmlcli.evaluation.ranking import macro_auc_over

CLOSE = 1.5
"""Who ranks best changes more from one part of a log to the next than elsewhere: means are tried sooner."""
JUDGED_IN_FOLDS = 500
"""With fewer cases algorithms are compared by cross-validation, else on the latest fifth alone."""


@dataclass(kw_only=True)
class OutcomeEnsemble(ChoosingAlgorithm[OutcomePrefixes], OutcomePredictor):
    """Tries `prior` and its members, cheapest first, on held-out training cases. It takes the cheapest that
    the best does not beat beyond chance or probably by much (`prior` is replaced only with proof). The mean
    of the log-odds of those that are close is tried too. A more expensive member is not trained if the one
    before it was not likely to gain anything; with fewer than 100 cases only `logistic` is.
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


class Part(NamedTuple):
    """Cases to learn from, and cases to be judged on, ascending."""

    early: Codes
    late: Codes


def judging_parts(data: OutcomePrefixes) -> Iterator[Part]:
    """On which cases algorithms are compared: folds of whole cases in turn where there are few, else the
    latest fifth. Parts that leave one class alone, to learn from or to rank, do not come.

    TrainingError without two outcomes.
    """
    own = np.unique(data.case_of_event[counted_rows(data)])
    rank = rank_by_start(data, own)
    parts = folds(rank) if len(own) < JUDGED_IN_FOLDS else [rank >= len(own) - round(len(own) * SHARE)]
    for is_late in parts:
        part = Part(own[~is_late], own[is_late])
        if all(len(np.unique(data.target[side])) > 1 for side in part):
            yield part


class Judged(NamedTuple):
    """Of each part the class that came, and the place of the case among all that are held out, (rows,)."""

    targets: list[NDArray[np.int64]]
    places: list[NDArray[np.int64]]
    n_cases: int

    @classmethod
    def of(cls, data: OutcomePrefixes, parts: Sequence[Part]) -> Judged:
        """Of the prefixes that count, places in order of start."""
        late = np.concatenate([part.late for part in parts])
        place = np.zeros(data.n_cases, dtype=np.int64)
        place[late[np.argsort(data.starts[late], kind="stable")]] = np.arange(len(late))
        counted = [_counted_cases(data, part.late) for part in parts]
        return cls([data.target[cases] for cases in counted], [place[cases] for cases in counted], len(late))

    def loss_over(self, said: Sequence[Floats]) -> LossOf:
        """1 - AUC, on average over the parts: what is told by different models is not ranked together."""
        each = [
            macro_auc_over(target, shares, place, self.n_cases)
            for target, shares, place in zip(self.targets, said, self.places, strict=True)
        ]

        def loss_of(units: NDArray[np.int64]) -> float:
            found = np.array([one(units) for one in each])
            known = found[np.isfinite(found)]
            return 1.0 - float(known.mean()) if len(known) else float("nan")

        return loss_of


def _counted_cases(data: OutcomePrefixes, cases: NDArray[np.int64]) -> NDArray[np.int64]:
    """The case of each of the prefixes of these cases that count, (rows,)."""
    taken = data.take(cases)
    return np.asarray(cases[taken.case_of_event][taken.is_counted])

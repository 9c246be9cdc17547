"""Of counts, linear weights, trees, a network and their mean the cheapest that is good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pmlcli.algorithms._interface.parameters import Estimators, MaxEpochs, MemberNames
from pmlcli.algorithms._learning.choice import Choice, LateCases, cheapest_tied, rounds_of_means
from pmlcli.algorithms._learning.choosing import ChoosingAlgorithm, with_baseline
from pmlcli.algorithms.next_activity._judged import Judged, wrong_over
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.arrays import Floats
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes


@dataclass(kw_only=True)
class NextActivityEnsemble(ChoosingAlgorithm[Prefixes], NextActivityPredictor[Prefixes]):
    """Tries `ngram` and its members, cheapest first, on the latest training cases; on fewer than 500 also on
    those before them, each time trained on what was earlier. It takes the cheapest that the best beats
    neither beyond chance nor likely by much; the mean of those that are close is tried too. No dearer member
    is trained where the one before it showed no hope of a gain; on fewer than 100 cases only `linear` is.
    """

    source: ClassVar[str] = (
        "Breiman, Friedman, Olshen and Stone (1984), Classification and regression trees, 3.4.3; "
        "Dietterich (2000), Ensemble methods in machine learning, MCS 2000, LNCS 1857"
    )
    extra: ClassVar[str | None] = "boost,neural"

    members: MemberNames = ("linear", "xgboost", "gru")
    n_estimators: Estimators = 100
    max_epochs: MaxEpochs = 30

    def member_names(self) -> tuple[str, ...]:
        """The predictors to try."""
        return with_baseline(self.task.baseline, self.members)

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def choose(self, data: Prefixes) -> Choice:
        """By the share of the prefixes of the latest cases whose likeliest class came true."""
        names = self.names_by_cost(data.n_cases)
        if not (judged := Judged.cuts(data)):
            return cheapest_tied((), tuple(self.parts), 0)

        def answer(name: str) -> list[Floats]:
            return [one.said(self.parts[name]) for one in judged]

        cases = LateCases(sum(one.late.n_cases for one in judged), self.seed)
        rounds = rounds_of_means(names, answer, _mean, lambda said: cases.losses(wrong_over(judged, said)))
        is_short = len(names) < len(self.parts)
        return cheapest_tied(rounds, tuple(self.parts), cases.n_cases, is_short=is_short)

    def say(self, choice: Choice) -> str:
        """With each candidate's accuracy."""
        return choice.sentence("accuracy", lambda loss: f"{1 - loss:.3f}")

    def probabilities(self, data: Prefixes) -> Floats:
        """The mean of what the members taken say."""
        return _mean([one.probabilities(data) for one in self.kept_members().values()])


def _mean(said: Sequence[Floats]) -> Floats:
    total = np.asarray(sum(said))
    return np.asarray(total / total.sum(axis=1, keepdims=True))

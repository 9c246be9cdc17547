"""Ensemble: the cheapest of n-gram, linear, XGBoost, GRU and their mean that is as good as the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.parameters import Estimators, MaxEpochs, MemberNames
from pmlcli.algorithms._learning.choice import Choice, LateCases, LossOf, cheapest_tied, rounds_of_means
from pmlcli.algorithms._learning.choosing import ChoosingAlgorithm, FitsHeldOut, with_baseline
from pmlcli.algorithms._learning.recency import Turns
from pmlcli.algorithms._learning.validation import Cut, early_and_late, rolling_cuts
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.arrays import Floats
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.sequences import targets
from pmlcli.encoding.vocabulary import FIRST_CODE
from pmlcli.evaluation.measurement import mean_over


@dataclass(kw_only=True)
class NextActivityEnsemble(ChoosingAlgorithm[Prefixes], NextActivityPredictor[Prefixes]):
    """Tries `ngram` and its members, cheapest first, on the latest training cases; with fewer than 500 also
    on those before them, each time trained on the earlier ones. It takes the cheapest that the best does not
    beat beyond chance or probably by much. The mean of those that are close is tried too. A more expensive
    member is not trained if the one before it was not likely to gain anything; with fewer than 100 cases only
    `linear` is.
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


class Judged(NamedTuple):
    """The cases known at a time, those that teach, those that judge, and the members' turns."""

    known: Prefixes
    early: Prefixes
    late: Prefixes
    turns: Turns

    @classmethod
    def cuts(cls, data: Prefixes) -> list[Judged]:
        """Of the latest cases, and of earlier ones where there are few."""
        return [cls._of(cut) for cut in rolling_cuts(data, data.n_cases, _early_and_late)]

    @classmethod
    def _of(cls, cut: Cut[Prefixes]) -> Judged:
        return cls(cut.data, cut.data.take(cut.early), cut.data.take(cut.late), Turns())

    def said(self, one: Any) -> Floats:
        """What an algorithm says of the late cases, after it has learned from the others."""
        self.turns.take(one, partial(_learn, one, self.known, self.early))
        return np.asarray(one.probabilities(self.late))


def wrong_over(judged: Sequence[Judged], said: Sequence[Floats]) -> LossOf:
    """The share of prefixes whose likeliest class did not come true; cases of all cuts, the oldest first."""
    each = [_by_case(one.late, shares) for one, shares in zip(judged, said, strict=True)]
    wrong, known = (np.concatenate(part) for part in zip(*each, strict=True))
    return mean_over(wrong, known)


def _by_case(late: Prefixes, said: Floats) -> list[Floats]:
    """How many prefixes of each case were said wrong, and of how many it is known."""
    following = targets(late)
    is_known = following >= FIRST_CODE
    is_wrong = is_known & (said.argmax(axis=1) != following)
    return [
        np.bincount(late.case_of_event, weights=flags, minlength=late.n_cases).astype(np.float64)
        for flags in (is_wrong, is_known)
    ]


def _early_and_late(data: Prefixes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    is_known = np.bincount(data.case_of_event, targets(data) >= FIRST_CODE, minlength=data.n_cases) > 0
    return early_and_late(data, is_known)


def _learn(one: Any, data: Prefixes, early: Prefixes) -> None:
    """Of members that look at the late cases themselves to settle on something, what they learned before."""
    if isinstance(one, FitsHeldOut):
        one.fit_held_out(data)
    else:
        one.fit(early)

"""Ensemble: of counts, linear weights, trees, a network and their mean the cheapest that is good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from pmlcli.algorithms._interface.parameters import Estimators, MaxEpochs, MemberNames
from pmlcli.algorithms._learning.choice import Choice, LateCases, LossOf, cheapest_tied, rounds_of_means
from pmlcli.algorithms._learning.choosing import ChoosingAlgorithm, FitsHeldOut, with_baseline
from pmlcli.algorithms._learning.recency import Turns
from pmlcli.algorithms._learning.validation import early_and_late
from pmlcli.algorithms.next_activity._task import NextActivityPredictor, Shares
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.sequences import targets
from pmlcli.encoding.vocabulary import FIRST_CODE
from pmlcli.evaluation.measurement import mean_over


@dataclass(kw_only=True)
class NextActivityEnsemble(ChoosingAlgorithm[Prefixes], NextActivityPredictor[Prefixes]):
    """Tries `ngram` and its members, cheapest first, on the latest training cases. It takes the cheapest that
    the best does not beat beyond chance; the mean of those that are close is tried too. No dearer member is
    trained where the one before it showed no hope of a gain; on fewer than 100 cases only `linear` is.
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
        names, following = self.names_by_cost(data.n_cases), targets(data)
        is_known = np.bincount(data.case_of_event, following >= FIRST_CODE, minlength=data.n_cases) > 0
        early, late = early_and_late(data, is_known)
        if len(early) == 0 or len(late) == 0:
            return cheapest_tied((), tuple(self.parts), 0)
        known, asked, turns = data.take(early), data.take(late), Turns()

        def answer(name: str) -> Shares:
            one = self.parts[name]
            turns.take(one, partial(_learn, one, data, known))
            return np.asarray(one.probabilities(asked))

        cases = LateCases(len(late), self.seed)
        rounds = rounds_of_means(names, answer, _mean, lambda said: cases.losses(_wrong_over(asked, said)))
        return cheapest_tied(rounds, tuple(self.parts), len(late), is_short=len(names) < len(self.parts))

    def say(self, choice: Choice) -> str:
        """With each candidate's accuracy."""
        return choice.sentence("accuracy", lambda loss: f"{1 - loss:.3f}")

    def probabilities(self, data: Prefixes) -> Shares:
        """The mean of what the members taken say."""
        return _mean([one.probabilities(data) for one in self.kept_members().values()])


def _learn(one: Any, data: Prefixes, early: Prefixes) -> None:
    """Of members that look at the late cases themselves to settle on something, what they learned before."""
    if isinstance(one, FitsHeldOut):
        one.fit_held_out(data)
    else:
        one.fit(early)


def _mean(said: Sequence[Shares]) -> Shares:
    total = np.zeros_like(said[0])
    for one in said:
        total += one
    return np.asarray(total / total.sum(axis=1, keepdims=True))


def _wrong_over(late: Prefixes, said: Shares) -> LossOf:
    """The share of prefixes whose likeliest class did not come true."""
    following = targets(late)
    is_known = following >= FIRST_CODE
    is_wrong = is_known & (said.argmax(axis=1) != following)
    wrong, known = (
        np.bincount(late.case_of_event, weights=flags, minlength=late.n_cases).astype(np.float64)
        for flags in (is_wrong, is_known)
    )
    return mean_over(wrong, known)

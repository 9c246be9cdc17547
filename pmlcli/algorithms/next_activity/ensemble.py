"""Ensemble: what linear weights, trees and a network say comes next, weighed by how well each foresaw it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._base import Algorithm
from pmlcli.algorithms._members import member
from pmlcli.algorithms._next_activity import NextActivityPredictor, late_cases, targets
from pmlcli.algorithms._param import Param
from pmlcli.encoding.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.vocabulary import FIRST_CODE

ROUNDS = 50
"""Rounds of expectation and maximisation; the weights hardly move after a dozen."""
SMALLEST = 1e-12

Floats = NDArray[np.float64]


@dataclass(kw_only=True)
class NextActivityEnsemble(NextActivityPredictor):
    """The mean of its members' probabilities. A member's weight is the share of the latest training cases'
    events that it explains best: members trained on the cases before are asked, then all are trained on all.
    """

    source: ClassVar[str] = "Jordan and Jacobs (1994), Hierarchical mixtures of experts and the EM algorithm"
    extra: ClassVar[str | None] = "boost,neural"
    container: ClassVar[str] = "members"
    tolerance: ClassVar[float] = 1e-9

    members: Annotated[tuple[str, ...], Param("Predictors to ask.")] = ("linear", "xgboost", "gru")
    rounds: Annotated[int, Param("Most trees for each activity of `xgboost`.", ge=1, le=10_000)] = 100
    max_epochs: Annotated[int, Param("Most passes of `gru` over the training part.", ge=1)] = 30

    weights_: list[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._members: dict[str, NextActivityPredictor] = {
            name: member(self, f"{self.task}/{name}") for name in self.members
        }

    def asked_algorithms(self) -> dict[str, Algorithm]:
        """The members."""
        return dict(self._members)

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def fit(self, data: Prefixes) -> None:
        """Rehearses every member, weighs them on the cases left out, then trains them on all."""
        late = data.take(np.flatnonzero(late_cases(data)))
        for one in self._members.values():
            one.rehearse(data)
        self.weights_ = self._weigh(late)
        for one in self._members.values():
            one.refit(data, one)

    def refit(self, data: Prefixes, trial: Self) -> None:
        """Trains the members on everything; the weights are the trial's."""
        self.weights_ = list(trial.weights_)
        for name, one in self._members.items():
            one.refit(data, trial._members[name])

    def probabilities(self, data: Prefixes) -> Floats:
        """The weighed mean of what the members say."""
        found = np.zeros((data.n_events, data.end_class + 1))
        for weight, one in zip(self.weights_, self._members.values(), strict=True):
            found += weight * one.probabilities(data)
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def _weigh(self, late: Prefixes) -> list[float]:
        """The weights of the mixture under which what came next in these cases is likeliest."""
        truth = targets(late)
        rows = np.flatnonzero(truth >= FIRST_CODE)
        of_truth = [one.probabilities(late)[rows, truth[rows]] for one in self._members.values()]
        chances = np.maximum(np.column_stack(of_truth), SMALLEST)
        weights = np.full(len(self._members), 1 / len(self._members))
        for _ in range(ROUNDS if len(rows) else 0):
            explained = chances * weights
            weights = (explained / explained.sum(axis=1, keepdims=True)).mean(axis=0)
        return [float(weight) for weight in weights]

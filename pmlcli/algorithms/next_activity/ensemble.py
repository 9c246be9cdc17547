"""Ensemble: what linear weights, trees and a network say comes next, on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.parameters import Estimators, MaxEpochs, MemberNames
from pmlcli.algorithms._learning.recency import fit_in_turn
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes


@dataclass(kw_only=True)
class NextActivityEnsemble(NextActivityPredictor[Prefixes]):
    """The mean of its members' probabilities, each of them counting alike: weights found on the latest
    training cases trusted whoever had followed the last change of the process, and failed at the next one.
    """

    source: ClassVar[str] = "Dietterich (2000), Ensemble methods in machine learning, MCS 2000, LNCS 1857"
    extra: ClassVar[str | None] = "boost,neural"
    container: ClassVar[str] = "members"
    tolerance: ClassVar[float] = 1e-9

    members: MemberNames = ("linear", "xgboost", "gru")
    n_estimators: Estimators = 100
    max_epochs: MaxEpochs = 30

    def member_names(self) -> tuple[str, ...]:
        """As the parameter says."""
        return self.members

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def fit(self, data: Prefixes) -> None:
        """Trains every member; what the first finds of `recency` holds for the others."""
        fit_in_turn(self.parts.values(), data)

    def refit(self, data: Prefixes, trial: Self) -> None:
        """Trains the members on everything, each guided by the trial's."""
        for name, one in self.parts.items():
            one.refit(data, trial.parts[name])

    def probabilities(self, data: Prefixes) -> NDArray[np.float64]:
        """The mean of what the members say."""
        found = np.zeros((data.n_events, data.end_class + 1))
        for one in self.parts.values():
            found += one.probabilities(data) / len(self.parts)
        return np.asarray(found / found.sum(axis=1, keepdims=True))

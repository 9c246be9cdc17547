"""Ensemble: what linear weights, trees and a network say comes next, on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.param import Param
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

    members: Annotated[tuple[str, ...], Param("Predictors to ask.")] = ("linear", "xgboost", "gru")
    rounds: Annotated[int, Param("Most trees for each activity of `xgboost`.", ge=1, le=10_000)] = 100
    max_epochs: Annotated[int, Param("Most passes of `gru` over the training part.", ge=1)] = 30

    def member_names(self) -> tuple[str, ...]:
        """The predictors to ask."""
        return self.members

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def fit(self, data: Prefixes) -> None:
        """Trains every member; the first that finds the better memory tells the others that would look."""
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

"""Ensemble: what several predictors of the outcome say together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.parameters import Estimators, MaxEpochs, MemberNames
from pmlcli.algorithms._learning.calibration import softmax
from pmlcli.algorithms.outcome._scales import LEAST
from pmlcli.algorithms.outcome._task import OutcomePredictor
from pmlcli.encoding.outcome.encoding import OutcomePrefixes


@dataclass(kw_only=True)
class OutcomeEnsemble(OutcomePredictor):
    """The mean of what its members say, as log-odds, each counting alike: held-out cases of small logs do
    not tell who should count more.
    """

    source: ClassVar[str] = (
        "Genest and Zidek (1986), Combining probability distributions: a critique and an annotated "
        "bibliography, Statistical Science 1(1)"
    )
    extra: ClassVar[str | None] = "neural"
    container: ClassVar[str] = "members"
    tolerance: ClassVar[float] = 1e-9

    members: MemberNames = ("logistic", "boosting", "gru")
    n_estimators: Estimators = 300
    max_epochs: MaxEpochs = 30

    def member_names(self) -> tuple[str, ...]:
        """As the parameter says."""
        return self.members

    def fit(self, data: OutcomePrefixes) -> None:
        """Trains each member."""
        for one in self.parts.values():
            one.fit(data)

    def refit(self, data: OutcomePrefixes, trial: Self) -> None:
        """Trains each on everything, guided by the trial's."""
        for name, one in self.parts.items():
            one.refit(data, trial.parts[name])

    def probabilities(self, data: OutcomePrefixes, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Softmax of the mean of the members' logarithms, member by member."""
        total = np.zeros((len(rows), data.n_classes))
        for one in self.parts.values():
            total += np.log(np.maximum(one.probabilities(data, rows), LEAST))
        return softmax(total / len(self.parts))

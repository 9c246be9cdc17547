"""Prior: the share of each outcome in training, the same for every case (baseline)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms.outcome._task import OutcomePredictor
from pmlcli.encoding.outcome.encoding import UNKNOWN, OutcomePrefixes


@dataclass(kw_only=True)
class Prior(OutcomePredictor):
    """Every case gets the same prediction: how often training cases ended in each way. It ranks nothing, so
    its AUC is 0.5. A model that is not better has learned nothing.
    """

    source: ClassVar[str] = "Teinemaa et al. (2019), Outcome-oriented predictive process monitoring, TKDD 13"

    shares_: NDArray[np.float64] = field(init=False, repr=False)

    def fit(self, data: OutcomePrefixes) -> None:
        """Counts the cases of each outcome, each class once more, so that none is impossible."""
        known = data.target[data.target != UNKNOWN]
        counts = np.bincount(known, minlength=data.n_classes) + 1.0
        self.shares_ = counts / counts.sum()

    def probabilities(self, data: OutcomePrefixes, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The shares, for every prefix."""
        return np.tile(self.shares_, (len(rows), 1))

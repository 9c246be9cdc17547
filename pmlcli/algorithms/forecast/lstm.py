"""LSTM: a recurrent network with a long memory, over all series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from pmlcli.algorithms.forecast._network import NeuralForecaster, Recurrent


@dataclass(kw_only=True)
class Lstm(NeuralForecaster):
    """Reads the last weeks bucket by bucket and corrects the mean of the same weekday, all steps at once.

    One network learns from all series together. It needs at least 100 buckets."""

    source: ClassVar[str] = (
        "Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9(8)"
    )

    def make_trunk(self, inputs: int, hidden: int) -> nn.Module:
        """One LSTM layer."""
        return Recurrent(nn.LSTM, inputs, hidden, False)

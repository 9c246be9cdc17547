"""Bidirectional LSTM: reads the last weeks forwards and backwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from pmlcli.algorithms.forecast._network import NeuralForecaster, Recurrent


@dataclass(kw_only=True)
class BidirectionalLstm(NeuralForecaster):
    """Two LSTMs of half the size, one from each end of the window, correct the mean of the same weekday.

    One network learns from all series together. It needs at least 100 buckets."""

    source: ClassVar[str] = (
        "Schuster and Paliwal (1997), Bidirectional recurrent neural networks, IEEE Trans. Signal Proc. 45"
    )

    def make_trunk(self, inputs: int, hidden: int) -> nn.Module:
        """One LSTM layer each way."""
        return Recurrent(nn.LSTM, inputs, hidden, True)

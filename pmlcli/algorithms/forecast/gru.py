"""GRU: a small recurrent network, over all series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from pmlcli.algorithms.forecast._network import NeuralForecaster, Recurrent


@dataclass(kw_only=True)
class Gru(NeuralForecaster):
    """Reads the last weeks bucket by bucket and corrects the mean of the same weekday, all steps at once.

    One network learns from all series together; it has fewer weights than an LSTM. It needs at least
    100 buckets."""

    source: ClassVar[str] = (
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, EMNLP"
    )

    def make_trunk(self, inputs: int, hidden: int) -> nn.Module:
        """One GRU layer."""
        return Recurrent(nn.GRU, inputs, hidden, False)

"""Temporal convolution: filters over the last weeks, each layer seeing twice as far back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from pmlcli.algorithms.forecast._network import NeuralForecaster

LAYERS, WIDTH = 4, 3


@dataclass(kw_only=True)
class TemporalConvolution(NeuralForecaster):
    """Looks for short patterns in the last weeks and corrects the mean of the same weekday by them.

    Four layers of causal filters, each over wider steps than the one before. One network learns from all
    series together. It needs at least 100 buckets.
    """

    source: ClassVar[str] = "Bai, Kolter and Koltun (2018), Generic convolutional networks, arXiv:1803.01271"

    def make_trunk(self, inputs: int, hidden: int) -> nn.Module:
        """Four causal layers."""
        return _Causal(inputs, hidden)


class _Causal(nn.Module):
    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv1d(inputs if i == 0 else hidden, hidden, WIDTH, dilation=2**i) for i in range(LAYERS)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """What the filters found at the last step, (batch, hidden)."""
        found = inputs.transpose(1, 2)
        for i, layer in enumerate(self.layers):
            new = torch.relu(layer(nn.functional.pad(found, ((WIDTH - 1) * 2**i, 0))))
            found = new if i == 0 else found + new
        return found[:, :, -1]

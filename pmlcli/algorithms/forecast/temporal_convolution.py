"""Temporal convolution: a network of filters over the last weeks, each layer reaching further back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from pmlcli.algorithms._interface.parameters import HiddenSize
from pmlcli.algorithms._learning.learner import Learner
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms.forecast._holidays import HolidaysParameter
from pmlcli.algorithms.forecast._network import (
    LEAST_BUCKETS,
    corrected,
    correcting,
)
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series

LAYERS, WIDTH = 4, 3


@dataclass(kw_only=True)
class TemporalConvolution(NeuralAlgorithm[tuple[Series, ...]], Forecaster):
    """Finds short patterns in the last weeks and uses them to correct the mean of the same weekday.

    Four layers of causal filters, each with wider steps than the one before. One network learns from all
    series together. It needs at least 100 buckets.
    """

    source: ClassVar[str] = "Bai, Kolter and Koltun (2018), Generic convolutional networks, arXiv:1803.01271"
    takes_regressors: ClassVar[bool] = True
    minimum_buckets: ClassVar[int] = LEAST_BUCKETS

    holidays: HolidaysParameter = None
    hidden_size: HiddenSize = 32

    def make_learner(self) -> Learner[tuple[Series, ...]]:
        """Four causal layers."""
        return correcting(_Causal, self.horizon)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """The mean of the same weekday and the network's corrections."""
        with self.answering() as network:
            return corrected(network, data, self.horizon)[:horizon]


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

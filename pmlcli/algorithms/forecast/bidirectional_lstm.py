"""Bidirectional LSTM: reads the last weeks forwards and backwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from pmlcli.algorithms._interface.parameters import HiddenSize
from pmlcli.algorithms._learning.neural import Batch, NeuralAlgorithm, Samples
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.forecast._holidays import HolidaysParameter
from pmlcli.algorithms.forecast._network import (
    LEAST_BUCKETS,
    Recurrent,
    absolute_loss,
    corrected,
    correcting,
    window_samples,
    window_sizes,
)
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class BidirectionalLstm(NeuralAlgorithm[tuple[Series, ...]], Forecaster):
    """Two LSTMs of half the size, one from each end of the window, correct the mean of the same weekday.

    One network learns from all series together. It needs at least 100 buckets."""

    source: ClassVar[str] = (
        "Schuster and Paliwal (1997), Bidirectional recurrent neural networks, IEEE Trans. Signal Proc. 45"
    )
    takes_regressors: ClassVar[bool] = True
    minimum_buckets: ClassVar[int] = LEAST_BUCKETS

    holidays: HolidaysParameter = None
    hidden_size: HiddenSize = 32

    def sizes(self, data: tuple[Series, ...]) -> Sizes:
        """Hidden size, window, steps and columns."""
        return window_sizes(data, self.hidden_size, self.horizon)

    def make_network(self, sizes: Sizes) -> nn.Module:
        """One LSTM layer each way."""
        return correcting(sizes, lambda inputs, hidden: Recurrent(nn.LSTM, inputs, hidden, True))

    def samples(self, data: tuple[Series, ...]) -> Samples:
        """Windows of all series."""
        return window_samples(data, self.horizon)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Absolute error."""
        return absolute_loss(network, batch)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """The mean of the same weekday and the network's corrections."""
        with self.answering() as network:
            return corrected(network, data, self.horizon)[:horizon]

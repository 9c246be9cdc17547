"""Bidirectional LSTM: a recurrent network that reads the last weeks in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from pmlcli.algorithms._interface.parameters import HiddenSize
from pmlcli.algorithms._learning.learner import Learner
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms.forecast._holidays import HolidaysParameter
from pmlcli.algorithms.forecast._network import (
    LEAST_BUCKETS,
    corrected,
    correcting,
    recurrent,
)
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class BidirectionalLstm(NeuralAlgorithm[tuple[Series, ...]], Forecaster):
    """Two LSTMs of half the size, one from each end of the window, correct the mean of the same weekday.

    One network learns from all series together. It needs at least 100 buckets.
    """

    source: ClassVar[str] = (
        "Schuster and Paliwal (1997), Bidirectional recurrent neural networks, IEEE Trans. Signal Proc. 45"
    )
    takes_regressors: ClassVar[bool] = True
    minimum_buckets: ClassVar[int] = LEAST_BUCKETS

    holidays: HolidaysParameter = None
    hidden_size: HiddenSize = 32

    def make_learner(self) -> Learner[tuple[Series, ...]]:
        """One LSTM layer each way."""
        return correcting(recurrent(nn.LSTM, both=True), self.horizon)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """The mean of the same weekday and the network's corrections."""
        with self.answering() as network:
            return corrected(network, data, self.horizon)[:horizon]

"""GRU: a small recurrent network over the last weeks, for all series."""

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
class Gru(NeuralAlgorithm[tuple[Series, ...]], Forecaster):
    """Reads the last weeks bucket by bucket and corrects the mean of the same weekday, all steps at once.

    One network learns from all series together; it has fewer weights than an LSTM. It needs at least 100
    buckets.
    """

    source: ClassVar[str] = (
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, EMNLP"
    )
    takes_regressors: ClassVar[bool] = True
    minimum_buckets: ClassVar[int] = LEAST_BUCKETS

    holidays: HolidaysParameter = None
    hidden_size: HiddenSize = 32

    def make_learner(self) -> Learner[tuple[Series, ...]]:
        """One GRU layer."""
        return correcting(recurrent(nn.GRU), self.horizon)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """The mean of the same weekday and the network's corrections."""
        with self.answering() as network:
            return corrected(network, data, self.horizon)[:horizon]

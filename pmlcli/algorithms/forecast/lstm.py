"""LSTM: a recurrent network with long short-term memory over the last weeks, for all series."""

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
class Lstm(NeuralAlgorithm[tuple[Series, ...]], Forecaster):
    """Reads the last weeks bucket by bucket and corrects the mean of the same weekday, all steps at once.

    One network learns from all series together. It needs at least 100 buckets.
    """

    source: ClassVar[str] = (
        "Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9(8)"
    )
    takes_regressors: ClassVar[bool] = True
    minimum_buckets: ClassVar[int] = LEAST_BUCKETS

    holidays: HolidaysParameter = None
    hidden_size: HiddenSize = 32

    def make_learner(self) -> Learner[tuple[Series, ...]]:
        """One LSTM layer."""
        return correcting(recurrent(nn.LSTM), self.horizon)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """The mean of the same weekday and the network's corrections."""
        with self.answering() as network:
            return corrected(network, data, self.horizon)[:horizon]

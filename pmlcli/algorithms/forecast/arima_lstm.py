"""ARIMA and LSTM: a recurrent network corrects the errors of ARIMA."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

from torch import nn

from pmlcli.algorithms._interface.parameters import HiddenSize
from pmlcli.algorithms._learning.learner import Learner
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms.forecast._each import Learned, learn_each
from pmlcli.algorithms.forecast._holidays import HolidaysParameter
from pmlcli.algorithms.forecast._methods.folds import out_of_fold
from pmlcli.algorithms.forecast._methods.windows import Base
from pmlcli.algorithms.forecast._network import (
    LEAST_BUCKETS,
    Lessons,
    corrected,
    correcting,
    recurrent,
    usual_lessons,
)
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series

ARIMA = "arima"


@dataclass(kw_only=True)
class ArimaLstm(NeuralAlgorithm[tuple[Series, ...]], Forecaster):
    """ARIMA forecasts, and an LSTM adds the error that it expects from the last weeks.

    The network learns from forecasts of four ARIMA models, each of which knew only what came before its part
    of the series, so that it sees errors as large as those to come.
    """

    source: ClassVar[str] = "Zhang (2003), Time series forecasting using a hybrid model, Neurocomputing 50"
    takes_regressors: ClassVar[bool] = True
    minimum_buckets: ClassVar[int] = LEAST_BUCKETS

    holidays: HolidaysParameter = None
    hidden_size: HiddenSize = 32

    bases_: dict[str, Learned] = field(init=False, repr=False)
    """The ARIMA of each whole series, by KPI."""

    def member_names(self) -> tuple[str, ...]:
        """What is corrected."""
        return (ARIMA,)

    def make_learner(self) -> Learner[tuple[Series, ...]]:
        """One LSTM layer, which corrects what ARIMA said."""
        return correcting(recurrent(nn.LSTM), self.horizon, self._lessons)

    def learn(self, data: tuple[Series, ...], trial: Self | None, *, all_of_it: bool = True) -> None:
        """ARIMA on each series, with the orders of a trial, then the network on all."""
        self.bases_ = learn_each(self.parts[ARIMA], data, None if trial is None else trial.bases_)
        super().learn(data, trial, all_of_it=all_of_it)

    def _lessons(self, series: Series) -> Lessons:
        """Forecasts of ARIMAs, of the same order, that knew only what came before."""
        (origins, _base), shape = usual_lessons(series), self.bases_[series.kpi]

        def learn(known: Series) -> Base:
            return self._base(self.parts[ARIMA].learn(known, shape))

        return out_of_fold(series, origins[:: max(1, len(origins) // 300)], learn, self.horizon)

    def _base(self, learned: Learned) -> Base:
        base: Base = self.parts[ARIMA].base(learned, self.horizon)
        return base

    def forecast(self, data: Series, horizon: int) -> Floats:
        """ARIMA's forecast and the network's corrections."""
        with self.answering() as network:
            return corrected(network, data, self.horizon, self._base(self.bases_[data.kpi]))[:horizon]

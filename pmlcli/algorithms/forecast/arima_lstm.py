"""ARIMA and LSTM: a recurrent network corrects what ARIMA missed on buckets that it had not seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from torch import nn

from pmlcli import runtime
from pmlcli.algorithms.forecast._methods import arima, folds
from pmlcli.algorithms.forecast._methods.windows import Base
from pmlcli.algorithms.forecast._network import NeuralForecaster, Recurrent
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class ArimaLstm(NeuralForecaster):
    """ARIMA forecasts; an LSTM adds what the last weeks say it misses.

    The network learns from forecasts of four ARIMAs, each of which knew only what came before its part
    of the series, so that it sees errors as large as those to come.
    """

    source: ClassVar[str] = "Zhang (2003), Time series forecasting using a hybrid model, Neurocomputing 50"

    bases_: dict[str, Any] = field(init=False, repr=False)
    """The ARIMA of each whole series, by KPI."""

    def fit(self, data: tuple[Series, ...]) -> None:
        """Learns ARIMA on each series and the network on all."""
        learned = runtime.spread(arima.learn, data, "learning ARIMA")
        self.bases_ = {s.kpi: one for s, one in zip(data, learned, strict=True)}
        super().fit(data)

    def refit(self, data: tuple[Series, ...], trial: Self) -> None:
        """New parameters for the trial's orders; the network is trained for as long as its."""
        known = trial.bases_
        self.bases_ = {
            s.kpi: arima.relearn(s, known[s.kpi]) if s.kpi in known else arima.learn(s) for s in data
        }
        super().refit(data, trial)

    def make_trunk(self, inputs: int, hidden: int) -> nn.Module:
        """One LSTM layer."""
        return Recurrent(nn.LSTM, inputs, hidden, False)

    def base(self, series: Series) -> Base:
        """ARIMA's forecast."""
        return folds.base_of(self.bases_[series.kpi], arima.forecast, self.horizon)

    def training_base(self, series: Series) -> tuple[NDArray[np.int64], Base]:
        """Forecasts of ARIMAs, of the same order, that knew only what came before."""
        origins, _base = super().training_base(series)
        shape, stride = self.bases_[series.kpi], max(1, len(origins) // 300)

        def learn(known: Series) -> Base:
            return folds.base_of(arima.relearn(known, shape), arima.forecast, self.horizon)

        return folds.out_of_fold(series, origins[::stride], learn, self.horizon)

    def state(self) -> dict[str, Any]:
        """The network, and ARIMA's parameters."""
        return super().state() | {"bases_": self.bases_}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.bases_ = state["bases_"]
        super().restore({name: value for name, value in state.items() if name != "bases_"})

"""Prophet and XGBoost: boosted trees correct what Prophet missed on dates that it had not seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli import runtime
from pmlcli.algorithms.forecast._boosted import BoostedForecaster
from pmlcli.algorithms.forecast._methods import folds, prophet
from pmlcli.algorithms.forecast._methods.prophet_text import check_all
from pmlcli.algorithms.forecast._methods.windows import Base
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class ProphetXGBoost(BoostedForecaster):
    """Prophet forecasts trend, seasons and holidays; trees add what the last weeks say it misses.

    The trees learn from forecasts of four Prophets, each of which knew only what came before its part of
    the series, so that they see errors as large as those to come.
    """

    extra: ClassVar[str | None] = "boost,prophet"
    source: ClassVar[str] = "Zhang (2003), Time series forecasting using a hybrid model, Neurocomputing 50"

    bases_: dict[str, Any] = field(init=False, repr=False)
    """Prophet's model of each whole series, by KPI."""

    def fit(self, data: tuple[Series, ...]) -> None:
        """Learns Prophet on each series and the trees on all."""
        learned = runtime.spread(self._learn, data, "learning Prophet")
        self.bases_ = {s.kpi: one for s, one in zip(data, learned, strict=True)}
        super().fit(data)

    def restore(self, state: dict[str, Any]) -> None:
        """Also checks what Prophet will read."""
        super().restore(state)
        check_all(self.bases_, self.holidays)

    def _learn(self, series: Series) -> dict[str, Any]:
        return prophet.learn(series, self.seed, self.holidays)

    def base(self, series: Series) -> Base:
        """Prophet's forecast."""
        return prophet.base_of(self.bases_[series.kpi], self.horizon)

    def training_base(self, series: Series, most: int) -> tuple[NDArray[np.int64], Base]:
        """Forecasts of Prophets that knew only what came before."""
        origins, _base = super().training_base(series, most)
        return folds.out_of_fold(series, origins, self._learn_base, self.horizon)

    def _learn_base(self, series: Series) -> Base:
        return prophet.base_of(self._learn(series), self.horizon)

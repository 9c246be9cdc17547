"""ARIMA with a season that is fixed or drifts, its order chosen by AICc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pmlcli.algorithms.forecast._holidays import CalendarForecaster
from pmlcli.algorithms.forecast._local import LocalForecaster
from pmlcli.algorithms.forecast._methods import arima
from pmlcli.algorithms.forecast._series import Floats
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class Arima(CalendarForecaster, LocalForecaster):
    """The next value from the last few values, the last few surprises, and the season.

    Works on square roots, which calms large counts. The season is a fixed profile (a level for each
    weekday, say), or drifts (seasonal differences, moving average), or is left out: whichever forecasts
    the last fifth of the training series best. KPSS decides about differencing, AICc about the order.
    """

    source: ClassVar[str] = "Hyndman and Khandakar (2008), Automatic time series forecasting, J. Stat. Softw."

    def learn(self, series: Series) -> dict[str, Any]:
        """Season, order and parameters."""
        return arima.learn(series)

    def relearn(self, series: Series, trial: dict[str, Any]) -> dict[str, Any]:
        """New parameters for the trial's season and order."""
        return arima.relearn(series, trial)

    def carry_on(self, learned: dict[str, Any], series: Series, horizon: int) -> Floats:
        """Filters the series and carries it on."""
        return arima.forecast(learned, series, horizon)

"""Holt-Winters: exponential smoothing of level, trend and season, chosen by AICc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pmlcli.algorithms.forecast._holidays import SundayForecaster
from pmlcli.algorithms.forecast._methods import smoothing
from pmlcli.algorithms.forecast._series import Floats
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class HoltWinters(SundayForecaster):
    """Level, trend and season that each new value moves a little.

    Of the models with no trend or a damped one, with or without a season (ETS with additive parts, on
    square roots), the one of the lowest AICc is taken. A season longer than 24 buckets is a fixed
    profile.
    """

    source: ClassVar[str] = "Hyndman, Koehler, Ord and Snyder (2008), Forecasting with exponential smoothing"

    def learn(self, series: Series) -> dict[str, Any]:
        """The model's shape, parameters and first states."""
        return smoothing.learn(series)

    def carry_on(self, learned: dict[str, Any], series: Series, horizon: int) -> Floats:
        """Runs the states through the series and carries them on."""
        return smoothing.forecast(learned, series, horizon)

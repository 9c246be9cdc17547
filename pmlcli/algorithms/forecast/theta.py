"""Theta: half the trend, a smoothed level and the season."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pmlcli.algorithms.forecast._holidays import SundayForecaster
from pmlcli.algorithms.forecast._methods import theta
from pmlcli.algorithms.forecast._series import Floats
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class Theta(SundayForecaster):
    """A level that forgets old values at a rate found from the series, plus half of its long trend.

    Works on square roots. A profile of the season is set aside first where values one season apart
    move together by more than chance.
    """

    source: ClassVar[str] = "Assimakopoulos and Nikolopoulos (2000), The theta model, Int. J. Forecasting 16"

    def learn(self, series: Series) -> dict[str, Any]:
        """Weight of the last value, slope, and profile of the season."""
        return theta.learn(series)

    def carry_on(self, learned: dict[str, Any], series: Series, horizon: int) -> Floats:
        """The smoothed level, half the slope, and the season."""
        return theta.forecast(learned, series, horizon)

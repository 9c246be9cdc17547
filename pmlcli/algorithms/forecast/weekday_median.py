"""Weekday median: what the same weekday brought in the last weeks, by several methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.forecast._holidays import SundayForecaster
from pmlcli.algorithms.forecast._methods import weekday
from pmlcli.algorithms.forecast._series import Floats
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class WeekdayMedian(SundayForecaster):
    """For each weekday (or hour of the day, week or month of the year) the median of four simple forecasts.

    They are the medians of the last few such days and of half as many again, their weighted mean, and
    the weekday's usual share of the level of the last two weeks. There is no trend.
    """

    source: ClassVar[str] = "Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, 13.4"

    seasons: Annotated[int, Param("Weeks of the first median.", ge=1, le=52, unit="seasons")] = 4

    def learn(self, series: Series) -> dict[str, Any]:
        """Nothing: the series itself holds it all."""
        return {}

    def carry_on(self, learned: dict[str, Any], series: Series, horizon: int) -> Floats:
        """The median of the methods."""
        return weekday.forecast(series, horizon, weekday.methods(self.seasons))

"""Weekday median: the median of four simple forecasts for the same weekday."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.forecast._each import Learned, learn_each
from pmlcli.algorithms.forecast._holidays import HolidaysParameter, with_sundays
from pmlcli.algorithms.forecast._series import season_of
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series

SMOOTHING = 0.3
"""Weight of the last season in the weighted mean; each season before counts 0.7 times as much."""
SEASONS_OF_PROFILE, SEASONS_OF_LEVEL = 8, 2

Method = Callable[[Floats], Floats]
"""Takes the last seasons of a series, (seasons, season), oldest first; column 0: the next bucket's phase."""


@dataclass(kw_only=True)
class WeekdayMedian(Forecaster):
    """For each weekday (or hour of the day, week or month of the year) the median of four simple forecasts.

    These are the medians of the last few such days and of half as many again, their weighted mean, and the
    weekday's usual share of the level of the last two weeks. There is no trend.
    """

    source: ClassVar[str] = "Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, 13.4"

    holidays: HolidaysParameter = None
    seasons: Annotated[
        int, Param("How many past weeks the first median uses.", ge=1, le=52, unit="seasons")
    ] = 4

    learned_: dict[str, Learned] = field(init=False, repr=False)

    def fit(self, data: tuple[Series, ...]) -> None:
        """Each series by itself."""
        self.learned_ = learn_each(self, data)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """The median of the methods, a holiday like a Sunday."""
        return with_sundays(lambda steps: self.carry_on({}, data, steps), self.holidays, data, horizon)

    def learn(self, series: Series, trial: Learned | None = None) -> Learned:
        """Nothing: the series itself holds it all."""
        return {}

    def carry_on(self, learned: Learned, series: Series, horizon: int) -> Floats:
        """The median of the methods' forecasts, (horizon,); the last value for less than one season."""
        season = season_of(series.frequency, len(series))
        whole = len(series) // season
        if whole == 0:
            return np.full(horizon, series.values[-1])
        past = series.values[len(series) - whole * season :].reshape(whole, season)
        found = [method(past) for method in methods(self.seasons)]
        return np.resize(np.median(found, axis=0), horizon)


def median_of(seasons: int) -> Method:
    """The median of the last so many seasons, phase by phase."""
    return lambda past: np.asarray(np.median(past[-seasons:], axis=0))


def weighted_mean(past: Floats) -> Floats:
    """The mean of the seasons, the later the heavier, phase by phase."""
    weights = (1 - SMOOTHING) ** np.arange(len(past))[::-1]
    return np.asarray(weights @ past / weights.sum())


def scaled_profile(past: Floats) -> Floats:
    """Each phase's share of the last two months of seasons, times the level of the last two seasons."""
    recent = past[-SEASONS_OF_PROFILE:]
    total = recent.sum()
    share = recent.sum(axis=0) / total if total > 0 else np.zeros(past.shape[1])
    return np.asarray(share * past[-SEASONS_OF_LEVEL:].sum(axis=1).mean())


def methods(seasons: int) -> tuple[Method, ...]:
    """The four: medians of `seasons` and of half as many again, weighted mean, profile times level."""
    return (median_of(seasons), median_of(seasons + seasons // 2), weighted_mean, scaled_profile)

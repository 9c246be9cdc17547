"""Methods of the same weekday: medians and means of past seasons, step by step, and their median.

They look at whole past seasons only, so they have no trend, no state, and no parameter to fit but one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pmlcli.algorithms.forecast._series import Floats, season_of
from pmlcli.encoding.series.encoding import Series

SMOOTHING = 0.3
"""Weight of the last season in the weighted mean; each season before counts 0.7 times as much."""
SEASONS_OF_PROFILE, SEASONS_OF_LEVEL = 8, 2

Seasons = Floats
"""The last seasons of a series, (seasons, season), oldest first; column 0 is the phase of the next bucket."""
Method = Callable[[Seasons], Floats]


def median_of(seasons: int) -> Method:
    """The median of the last so many seasons, phase by phase."""
    return lambda past: np.asarray(np.median(past[-seasons:], axis=0))


def weighted_mean(past: Seasons) -> Floats:
    """The mean of the seasons, the later the heavier, phase by phase."""
    weights = (1 - SMOOTHING) ** np.arange(len(past))[::-1]
    return np.asarray(weights @ past / weights.sum())


def scaled_profile(past: Seasons) -> Floats:
    """Each phase's share of the last two months of seasons, times the level of the last two seasons."""
    recent = past[-SEASONS_OF_PROFILE:]
    total = recent.sum()
    share = recent.sum(axis=0) / total if total > 0 else np.zeros(past.shape[1])
    return np.asarray(share * past[-SEASONS_OF_LEVEL:].sum(axis=1).mean())


def methods(seasons: int) -> tuple[Method, ...]:
    """The four: medians of `seasons` and of half as many again, weighted mean, profile times level."""
    return (median_of(seasons), median_of(seasons + seasons // 2), weighted_mean, scaled_profile)


def repeated(series: Series, horizon: int, season: int | None = None) -> Floats:
    """The last season again and again, (horizon,)."""
    return np.resize(series.values[-(season or season_of(series.frequency, len(series))) :], horizon)


def forecast(series: Series, horizon: int, chosen: tuple[Method, ...]) -> Floats:
    """The median of the chosen methods' forecasts, (horizon,); the last value for less than one season."""
    season = season_of(series.frequency, len(series))
    whole = len(series) // season
    if whole == 0:
        return np.full(horizon, series.values[-1])
    past = series.values[len(series) - whole * season :].reshape(whole, season)
    return np.resize(np.median([method(past) for method in chosen], axis=0), horizon)

"""Holt-Winters: exponential smoothing of level, trend and season, chosen by AICc."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any, ClassVar

import numpy as np
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from pmlcli.algorithms.forecast._each import Learned, learn_each
from pmlcli.algorithms.forecast._holidays import HolidaysParameter, with_sundays
from pmlcli.algorithms.forecast._series import aicc, phases, profile, season_of
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series

LONGEST = 2000
LONGEST_SEASON = 24
"""Longer seasons have too many first values to be found from a log: a fixed profile takes their place."""
TRENDS = ("none", "damped")
"""A trend that goes on for ever is often wrong and then very wrong."""


@dataclass(kw_only=True)
class HoltWinters(Forecaster):
    """Each new value moves the level, the trend and the season a little.

    Of the models without trend or with a damped one, with or without a season (additive ETS on square roots),
    the one with the lowest AICc is used. A season longer than 24 buckets is a fixed profile.
    """

    source: ClassVar[str] = "Hyndman, Koehler, Ord and Snyder (2008), Forecasting with exponential smoothing"

    holidays: HolidaysParameter = None

    learned_: dict[str, Learned] = field(init=False, repr=False)

    def fit(self, data: tuple[Series, ...]) -> None:
        """Each series by itself."""
        self.learned_ = learn_each(self, data)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """Carries the series on, a holiday like a Sunday."""
        ahead = partial(self.carry_on, self.learned_[data.kpi], data)
        return with_sundays(ahead, self.holidays, data, horizon)

    def learn(self, series: Series, trial: Learned | None = None) -> Learned:
        """The model's shape, parameters and first states."""
        return smoothed(series)

    def carry_on(self, learned: Learned, series: Series, horizon: int) -> Floats:
        """Runs the states through the series and carries them on; a constant series stays where it is."""
        known, levels = _scaled(series, learned), np.asarray(learned["profile"])
        ahead = np.full(horizon, known[-1])
        if learned["params"]:
            # The likelihood of a series without errors is infinite; only the states are needed here.
            with np.errstate(divide="ignore", invalid="ignore"):
                ahead = _model(known, learned).smooth(np.asarray(learned["params"])).forecast(horizon)
        ahead = ahead + levels[phases(series, len(levels), horizon)[-horizon:]]
        return np.asarray(np.maximum(ahead, 0.0) ** 2 if learned["on_roots"] else ahead, dtype=np.float64)


def smoothed(series: Series, *, on_roots: bool = True) -> Learned:
    """Trend, season, parameters and first states of the model of the lowest AICc.

    Errors, trend and season add up on square roots, which calms large counts, or on the values themselves.
    """
    season = season_of(series.frequency, len(series.values[-LONGEST:]))
    moves = 1 < season <= LONGEST_SEASON and len(series) >= 2 * season + 3
    base: Learned = {
        "season": 1,
        "trend": "none",
        "on_roots": on_roots,
        "profile": [0.0],
        "params": [],
    }
    if season > LONGEST_SEASON:
        levels = profile(_scaled(series, base), phases(series, season)[-LONGEST:], season)
        base["profile"] = (levels - levels.mean()).tolist()
    known = _scaled(series, base)
    if known.std() <= 1e-9 * (1 + np.abs(known).max()):
        return base
    shapes = [base | {"trend": t, "season": s} for t, s in product(TRENDS, (1, season) if moves else (1,))]
    fitted = [found for shape in shapes if (found := _fitted(known, shape)) is not None]
    return min(fitted, key=lambda found: found[0], default=(0.0, base))[1]


def _scaled(series: Series, learned: Learned) -> Floats:
    """Square roots or values, without the fixed profile."""
    levels = np.asarray(learned["profile"])
    values = np.sqrt(series.values) if learned["on_roots"] else series.values
    return np.asarray(values - levels[phases(series, len(levels))], dtype=np.float64)[-LONGEST:]


def _model(values: Floats, shape: Learned) -> Any:
    if type(shape["season"]) is not int or shape["season"] > LONGEST_SEASON:
        raise ValueError("a season that training does not try")
    return ETSModel(
        values,
        error="add",
        trend=None if shape["trend"] == "none" else "add",
        damped_trend=shape["trend"] == "damped",
        seasonal="add" if shape["season"] > 1 else None,
        seasonal_periods=shape["season"] if shape["season"] > 1 else None,
        initialization_method="estimated",
    )


def _fitted(values: Floats, shape: Learned) -> tuple[float, Learned] | None:
    """The model's AICc and what was learned, or None when it cannot be fitted."""
    try:
        # What an optimiser that stopped early found serves too, so nobody is warned.
        with warnings.catch_warnings(action="ignore"):
            result = _model(values, shape).fit(disp=0, maxiter=200)
    except (np.linalg.LinAlgError, ValueError):
        return None
    if not (np.isfinite(result.llf) and np.isfinite(result.params).all()):
        return None
    params = [float(value) for value in result.params]
    return aicc(result.llf, len(params) + 1, len(values)), {**shape, "params": params}

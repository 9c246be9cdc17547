"""What forecasters that are boosted trees share: one model for all series and steps, which corrects a base.

The trees read lags, their means and spread, the calendar and the step ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import xgboost
from numpy.typing import NDArray

from pmlcli.algorithms._learning.boosting import grow
from pmlcli.algorithms._learning.trees import Trees
from pmlcli.algorithms.forecast._methods.windows import Base, Windows, make_windows, origins_of
from pmlcli.algorithms.forecast._series import SEASON
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series, local_times

MOST_ROWS = 30_000

Lessons = tuple[NDArray[np.int64], Base | None]
"""Origins to learn from, and the base that is corrected there; None for the mean of the same weekday."""


class Settings(NamedTuple):
    """How the trees are grown."""

    n_estimators: int
    learning_rate: float
    max_depth: int
    seed: int


def usual_lessons(series: Series, most: int) -> Lessons:
    """At most so many origins evenly over the series; the mean of the same weekday is corrected."""
    return origins_of(series, most), None


def boosted(
    data: Sequence[Series],
    horizon: int,
    settings: Settings,
    lessons: Callable[[Series, int], Lessons] = usual_lessons,
) -> bytes:
    """Trees in XGBoost's JSON, learned from windows of all series, each step ahead a row. A base of `lessons`
    at each origin knew nothing of what came after.
    """
    most = max(20, MOST_ROWS // (horizon * len(data)))
    parts = []
    for series in data:
        origins, base = lessons(series, most)
        windows = make_windows(series, origins, horizon, base)
        parts.append((_features(series, origins, windows), windows.targets.ravel()))
    rows, targets = (np.concatenate(column) for column in zip(*parts, strict=True))
    known = np.isfinite(targets)
    parameters = {
        "objective": "reg:absoluteerror",
        "eta": settings.learning_rate,
        "max_depth": settings.max_depth,
        "min_child_weight": 10,
        "subsample": 0.7,
        "colsample_bytree": 0.7,
        "seed": settings.seed,
        "nthread": 1,
    }
    matrix = xgboost.DMatrix(rows[known], targets[known], nthread=1)
    return bytes(grow(parameters, matrix, settings.n_estimators).save_raw("json"))


def corrected(trees: Trees, data: Series, horizon: int, base: Base | None = None) -> Floats:
    """The base and the trees' corrections for the buckets that follow, (horizon,)."""
    origins = np.array([len(data)])
    windows = make_windows(data, origins, horizon, base)
    corrections = trees.predict(_features(data, origins, windows)).reshape(1, -1)
    return np.asarray(windows.values(corrections)[0])


def _features(series: Series, origins: NDArray[np.int64], windows: Windows) -> NDArray[np.float32]:
    """Lags, their mean and spread, base, calendar and step: (origins * horizon, features)."""
    past, horizon = windows.inputs, windows.base.shape[1]
    season = min(SEASON[series.frequency], past.shape[1])
    of_window = np.hstack(
        [past, past[:, -season:].mean(axis=1, keepdims=True), past[:, -1:] - past[:, -2:-1]]
    )
    of_window = np.hstack([of_window, past[:, -season:].std(axis=1, keepdims=True), np.log1p(windows.middle)])
    step = np.tile(np.arange(1, horizon + 1), len(origins))[:, None]
    exogenous = windows.exogenous[:, -horizon:].reshape(len(step), -1)
    of_step = np.hstack([windows.base.reshape(-1, 1), step, _calendar(series, origins, horizon), exogenous])
    return np.hstack([np.repeat(of_window, horizon, axis=0), of_step]).astype(np.float32)


def _calendar(series: Series, origins: NDArray[np.int64], horizon: int) -> Floats:
    """Hour, weekday, day and month of each bucket that is forecast, (origins * horizon, 4)."""
    starts = np.concatenate((series.starts, series.next_starts(horizon)))
    local = local_times(starts, series.timezone)
    facts = np.column_stack([local.hour, local.day_of_week, local.day, local.month]).astype(np.float64)
    return np.asarray(facts[(origins[:, None] + np.arange(horizon)).ravel()])

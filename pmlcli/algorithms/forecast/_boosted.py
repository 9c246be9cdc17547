"""Forecasters that are boosted trees: one model for all series and steps, which corrects a base forecast."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
import xgboost
from numpy.typing import NDArray

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.trees import Trees
from pmlcli.algorithms.forecast._holidays import CalendarForecaster
from pmlcli.algorithms.forecast._methods.windows import Base, Windows, make_windows, origins_of
from pmlcli.algorithms.forecast._series import SEASON, Floats
from pmlcli.encoding.series.encoding import Series, local_times

MOST_ROWS = 30_000


@dataclass(kw_only=True)
class BoostedForecaster(CalendarForecaster):
    """Boosted trees over lags, their means and spread, the calendar and the step ahead."""

    extra: ClassVar[str | None] = "boost"
    container: ClassVar[str] = "xgboost"

    trees: Annotated[int, Param("Number of trees.", ge=1, le=10_000)] = 150
    learning_rate: Annotated[float, Param("Weight of each tree.", gt=0, le=1)] = 0.05
    max_depth: Annotated[int, Param("Depth of each tree.", ge=1, le=12)] = 4

    booster_: bytes = field(init=False, repr=False)
    """The trees, in XGBoost's JSON."""

    def base(self, series: Series) -> Base | None:
        """The forecast that is corrected; None for the mean of the same weekday."""
        return None

    def training_base(self, series: Series, most: int) -> tuple[NDArray[np.int64], Base | None]:
        """Origins to learn from, and a base that at each knew nothing of what came after."""
        return origins_of(series, most), None

    def fit(self, data: tuple[Series, ...]) -> None:
        """Learns from windows of all series, each step ahead a row."""
        most = max(20, MOST_ROWS // (self.horizon * len(data)))
        parts = []
        for series in data:
            origins, base = self.training_base(series, most)
            windows = make_windows(series, origins, self.horizon, base)
            parts.append((_features(series, origins, windows), windows.targets.ravel()))
        rows, targets = (np.concatenate(column) for column in zip(*parts, strict=True))
        known = np.isfinite(targets)
        settings = {
            "objective": "reg:absoluteerror",
            "eta": self.learning_rate,
            "max_depth": self.max_depth,
            "min_child_weight": 10,
            "subsample": 0.7,
            "colsample_bytree": 0.7,
            "seed": self.seed,
            "nthread": 1,
        }
        trained = xgboost.train(settings, xgboost.DMatrix(rows[known], targets[known], nthread=1), self.trees)
        self.restore({"booster_": bytes(trained.save_raw("json"))})

    def restore(self, state: dict[str, Any]) -> None:
        """Reads the trees; their structure was checked when the file was."""
        super().restore(state)
        self._trees = Trees.from_json(self.booster_, rounds=self.trees, depth=self.max_depth)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """The base and the trees' corrections."""
        origins = np.array([len(data)])
        windows = make_windows(data, origins, self.horizon, self.base(data))
        corrections = self._trees.predict(_features(data, origins, windows)).reshape(1, -1)
        return windows.values(corrections)[0, :horizon]


def _features(series: Series, origins: NDArray[np.int64], windows: Windows) -> NDArray[np.float32]:
    """Lags, their mean and spread, base, calendar and step: (origins * horizon, features)."""
    past, horizon = windows.inputs, windows.base.shape[1]
    season = min(SEASON[series.frequency], past.shape[1])
    of_window = np.hstack(
        [past, past[:, -season:].mean(axis=1, keepdims=True), past[:, -1:] - past[:, -2:-1]]
    )
    of_window = np.hstack([of_window, past[:, -season:].std(axis=1, keepdims=True), np.log1p(windows.middle)])
    step = np.tile(np.arange(1, horizon + 1), len(origins))[:, None]
    outside = windows.outside[:, -horizon:].reshape(len(step), -1)
    of_step = np.hstack([windows.base.reshape(-1, 1), step, _calendar(series, origins, horizon), outside])
    return np.hstack([np.repeat(of_window, horizon, axis=0), of_step]).astype(np.float32)


def _calendar(series: Series, origins: NDArray[np.int64], horizon: int) -> Floats:
    """Hour, weekday, day and month of each bucket that is forecast, (origins * horizon, 4)."""
    starts = np.concatenate((series.starts, series.next_starts(horizon)))
    local = local_times(starts, series.timezone)
    facts = np.column_stack([local.hour, local.day_of_week, local.day, local.month]).astype(np.float64)
    return np.asarray(facts[(origins[:, None] + np.arange(horizon)).ravel()])

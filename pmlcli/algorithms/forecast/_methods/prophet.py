"""Prophet: a trend with bends, and seasons of week and year, fitted to the dates alone."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from prophet import Prophet, serialize

from pmlcli.algorithms.forecast._methods.prophet_text import LONGEST, dates_of
from pmlcli.algorithms.forecast._methods.windows import Base
from pmlcli.algorithms.forecast._series import Floats
from pmlcli.encoding.series.encoding import Series


def learn(series: Series, seed: int, holidays: str | None) -> dict[str, Any]:
    """The fitted model as Prophet's own JSON; square roots are its values."""
    starts, values = series.starts[-LONGEST:], np.sqrt(series.values[-LONGEST:])
    columns = _columns(series, series.outside_values()[-LONGEST:])
    model = Prophet(uncertainty_samples=0)
    with _silence():
        if holidays:
            model.add_country_holidays(country_name=holidays)
        for name in columns:
            model.add_regressor(name)
        frame = pd.DataFrame({"ds": dates_of(starts, series.timezone), "y": values, **columns})
        model.fit(frame, seed=seed)
    return {"model": serialize.model_to_json(model)}


def forecast(learned: dict[str, Any], series: Series, horizon: int) -> Floats:
    """The values of the buckets that follow: of their dates and regressors, whatever came last."""
    return np.asarray(base_of(learned, horizon)(series, np.array([len(series)]))[0] ** 2)


def _roots(learned: dict[str, Any], series: Series, starts: NDArray[np.int64], outside: Floats) -> Floats:
    frame = pd.DataFrame({"ds": dates_of(starts, series.timezone), **_columns(series, outside)})
    with _silence():
        found = _read(learned["model"]).predict(frame)
    return np.asarray(np.maximum(found["yhat"].to_numpy(dtype=np.float64), 0.0))


def base_of(learned: dict[str, Any], horizon: int) -> Base:
    """The base that a learned model gives at each origin, as square roots: all dates in one go."""

    def base(series: Series, origins: NDArray[np.int64]) -> Floats:
        first = int(origins.min())
        starts = np.concatenate((series.starts, series.next_starts(horizon)))[first:]
        found = _roots(learned, series, starts, series.outside_values(horizon)[first:])
        return np.asarray(found[origins[:, None] - first + np.arange(horizon)])

    return base


def _columns(series: Series, outside: Floats) -> dict[str, Floats]:
    """The columns from outside by name; holidays are Prophet's own, which knows each by name."""
    count = 0 if series.outside is None else len(series.outside.columns)
    return {f"outside_{place}": outside[:, place] for place in range(count)}


class _Reader(Prophet):
    """A model that only predicts: it needs no compiler, no program and no place for files."""

    def _load_stan_backend(self, stan_backend: str | None) -> None:
        pass


@lru_cache(maxsize=64)
def _read(text: str) -> Prophet:
    # The library's reader makes a whole Prophet, which looks for programs: not for a stranger's model.
    with patch.object(serialize, "Prophet", _Reader):
        return serialize.model_from_json(text)


@contextmanager
def _silence() -> Iterator[None]:
    """No chatter: progress of the optimiser, advice about seasons, warnings of its libraries."""
    loggers = [logging.getLogger(name) for name in ("prophet", "cmdstanpy", "prophet.plot", "holidays")]
    were = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for logger, was in zip(loggers, were, strict=True):
            logger.disabled = was

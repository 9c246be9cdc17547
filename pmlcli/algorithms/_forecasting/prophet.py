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

from pmlcli.algorithms._series_tools import Floats
from pmlcli.encoding.series import Series

LONGEST = 3000


def learn(series: Series, seed: int, holidays: str | None) -> dict[str, Any]:
    """The fitted model as Prophet's own JSON; square roots are its values."""
    starts, values = series.starts[-LONGEST:], np.sqrt(series.values[-LONGEST:])
    model = Prophet(uncertainty_samples=0)
    with _silence():
        if holidays:
            model.add_country_holidays(country_name=holidays)
        frame = pd.DataFrame({"ds": local_times(starts, series.timezone), "y": values})
        model.fit(frame, seed=seed)
    return {"model": serialize.model_to_json(model)}


def roots(learned: dict[str, Any], starts: NDArray[np.int64], timezone: str) -> Floats:
    """The model's square roots for the buckets that begin then."""
    with _silence():
        found = _read(learned["model"]).predict(pd.DataFrame({"ds": local_times(starts, timezone)}))
    return np.asarray(np.maximum(found["yhat"].to_numpy(dtype=np.float64), 0.0))


def forecast(learned: dict[str, Any], series: Series, horizon: int) -> Floats:
    """The values of the buckets that follow: of their dates alone, whatever came last."""
    return np.asarray(roots(learned, series.next_starts(horizon), series.timezone) ** 2)


def local_times(starts: NDArray[np.int64], timezone: str) -> pd.DatetimeIndex:
    """Times on the clock of the zone; Prophet knows no zones."""
    zoned = pd.DatetimeIndex(starts.view("datetime64[us]")).tz_localize("UTC").tz_convert(timezone)
    return zoned.tz_localize(None)


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

"""Prophet: a piecewise linear trend, seasons of week and year, and holidays."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from prophet import Prophet, serialize

from pmlcli.algorithms.forecast._each import Learned, learn_each
from pmlcli.algorithms.forecast._holidays import HolidaysParameter
from pmlcli.algorithms.forecast._methods.windows import Base
from pmlcli.algorithms.forecast._prophet_text import LONGEST, check_all, dates_of
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class ProphetForecaster(Forecaster):
    """A line whose slope may change at a few dates, plus effects of weekdays, time of year and holidays.

    It uses only the dates: a newer log moves the start of the forecast, not its level. It uses square roots.
    """

    extra: ClassVar[str | None] = "prophet"
    source: ClassVar[str] = "Taylor and Letham (2018), Forecasting at scale, The American Statistician 72"
    takes_regressors: ClassVar[bool] = True

    holidays: HolidaysParameter = None

    learned_: dict[str, Learned] = field(init=False, repr=False)

    def fit(self, data: tuple[Series, ...]) -> None:
        """Each series by itself."""
        self.learned_ = learn_each(self, data)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """Carries the series on."""
        return self.carry_on(self.learned_[data.kpi], data, horizon)

    def restore(self, state: dict[str, Any]) -> None:
        """Also checks what Prophet will read."""
        super().restore(state)
        check_all(self.learned_, self.holidays)

    def learn(self, series: Series, trial: Learned | None = None) -> Learned:
        """The fitted model as Prophet's own JSON; square roots are its values."""
        starts, values = series.starts[-LONGEST:], np.sqrt(series.values[-LONGEST:])
        columns = _columns(series, series.exogenous_values()[-LONGEST:])
        model = Prophet(uncertainty_samples=0)
        with _silence():
            if self.holidays:
                model.add_country_holidays(country_name=self.holidays)
            for name in columns:
                model.add_regressor(name)
            frame = pd.DataFrame({"ds": dates_of(starts, series.timezone), "y": values, **columns})
            model.fit(frame, seed=self.seed)
        return {"model": serialize.model_to_json(model)}

    def carry_on(self, learned: Learned, series: Series, horizon: int) -> Floats:
        """The values of the buckets that follow: of their dates and regressors, whatever came last."""
        return np.asarray(self.base(learned, horizon)(series, np.array([len(series)]))[0] ** 2)

    def base(self, learned: Learned, horizon: int) -> Base:
        """Square roots of its forecasts from several origins, all dates in one go."""

        def base(series: Series, origins: NDArray[np.int64]) -> Floats:
            first = int(origins.min())
            starts = np.concatenate((series.starts, series.next_starts(horizon)))[first:]
            found = _roots(learned, series, starts, series.exogenous_values(horizon)[first:])
            return np.asarray(found[origins[:, None] - first + np.arange(horizon)])

        return base


def _roots(learned: Learned, series: Series, starts: NDArray[np.int64], exogenous: Floats) -> Floats:
    frame = pd.DataFrame({"ds": dates_of(starts, series.timezone), **_columns(series, exogenous)})
    with _silence():
        found = _read(learned["model"]).predict(frame)
    return np.asarray(np.maximum(found["yhat"].to_numpy(dtype=np.float64), 0.0))


def _columns(series: Series, exogenous: Floats) -> dict[str, Floats]:
    """The exogenous columns by name; holidays are Prophet's own, which knows each by name."""
    count = 0 if series.exogenous is None else len(series.exogenous.columns)
    return {f"exogenous_{place}": exogenous[:, place] for place in range(count)}


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

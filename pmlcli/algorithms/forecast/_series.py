"""What forecasters share: seasons, cuts in time, rolling origins and a few statistics of series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series, local_times
from pmlcli.eventlog.far_events import near_events
from pmlcli.eventlog.log import EventLog, offsets_of
from pmlcli.eventlog.split import Split

SEASON = {"H": 24, "D": 7, "W": 52, "M": 12}
"""Buckets of a day, a week and a year."""
BUCKET = {"H": "hour", "D": "day", "W": "week", "M": "month"}
MINIMUM_BUCKETS = {"H": 72, "D": 21, "W": 10, "M": 10}
"""Three days of hours, three weeks of days: two seasons to learn from, and the rest to be measured on."""
MAXIMUM_ORIGINS = 60
HALF_LIFE = {"H": 96, "D": 28, "W": 26, "M": 12}
"""An error counts half after so many buckets when methods are weighed: processes change."""
TRAINING_SHARE = 0.8


def season_of(frequency: str, n: int) -> int:
    """Buckets of a season; 1 for weeks and months of fewer than two years."""
    season = SEASON[frequency]
    return season if frequency in ("H", "D") or n >= 2 * season else 1


def phases(series: Series, season: int, ahead: int = 0) -> NDArray[np.int64]:
    """Where in the season each bucket stands, 0 to season - 1, by the clock and calendar of the series' zone.

    (n + ahead,): the last `ahead` are the buckets that follow the series. Seasons of one day or week
    of hours, one week of days, one year of weeks or months.
    """
    if season == 1:
        return np.zeros(len(series) + ahead, dtype=np.int64)
    starts = np.concatenate((series.starts, series.next_starts(ahead)))
    local = local_times(starts, series.timezone)
    if series.frequency == "H":
        position = local.hour + 24 * local.day_of_week if season == 168 else local.hour
    elif series.frequency == "D":
        position = local.day_of_week
    elif series.frequency == "M":
        position = local.month - 1
    else:
        days = local.tz_localize(None).as_unit("s").asi8 // 86_400
        return (days // 7) % season
    return position.to_numpy().astype(np.int64)


def split_at(log: EventLog, moment: int, until: int | None = None) -> Split:
    """The events before `moment` (microseconds UTC) and those from it on, before `until`; a case may lie in
    both.
    """
    times = log.starts if log.times is None else log.times
    is_tested = (times >= moment) & (True if until is None else times < until)
    return Split(_rows(log, times < moment), _rows(log, is_tested), moment, until)


def known_then(log: EventLog, split: Split) -> EventLog:
    """The log up to the last event of a split's test part; the log itself where that is its last, but for
    those that lie far from all others.
    """
    near, last = near_events(log).times, split.test.times
    if log.times is None or near is None or last is None or last.max() == near.max():
        return log
    return _rows(log, log.times <= last.max())


def _rows(log: EventLog, wanted: NDArray[np.bool_]) -> EventLog:
    lengths = np.bincount(log.case_of_event[wanted], minlength=log.n_cases)
    return log.take_rows(np.flatnonzero(wanted), offsets_of(lengths[lengths > 0]))


HALF_LIVES = 4
"""Errors of the last four half-lives count: older ones weigh a sixteenth."""


def weight_of_age(age: NDArray[np.int64] | int, half_life: float) -> Floats:
    """How much an error of so many buckets ago counts, 1 at age 0."""
    return np.asarray(0.5 ** (np.asarray(age) / half_life))


def first_test_bucket(series: Series) -> int:
    """Position of the first bucket of the last fifth."""
    return int(len(series) * TRAINING_SHARE)


@dataclass(frozen=True)
class Backtest:
    """Forecasts from rolling origins beside what came.

    - `origins`: int64 (k,), the number of buckets known at each
    - `forecasts`, `came`: float64 (k, horizon); `came` is NaN beyond the end of the series
    - `n`: buckets of the series
    """

    origins: NDArray[np.int64]
    forecasts: Floats
    came: Floats
    n: int

    @property
    def errors(self) -> Floats:
        """What came minus the forecast, (k, horizon)."""
        return self.came - self.forecasts

    @property
    def stride(self) -> int:
        """Buckets from one origin to the next."""
        steps = np.diff(np.unique(self.origins))
        return int(steps.min()) if len(steps) else 1

    @property
    def targets(self) -> NDArray[np.int64]:
        """The bucket that each forecast is about, (k, horizon)."""
        return self.origins[:, None] + np.arange(self.forecasts.shape[1])

    def late_weights(self, half_life: float) -> Floats:
        """How much what came counts, (k, horizon): half after so many buckets, 0 where it is not known."""
        age = np.maximum(self.n - self.targets, 0)
        return np.where(np.isfinite(self.came), weight_of_age(age, half_life), 0.0)

    def late_error(self, half_life: float, forecasts: Floats) -> float:
        """Mean absolute error of forecasts of the same buckets, (k, horizon), late ones counted more."""
        weights = self.late_weights(half_life)
        size = np.abs(np.where(weights > 0, self.came - forecasts, 0.0))
        return float((weights * size).sum() / weights.sum())

    def known_at(self, moment: int, since: int = 0) -> Backtest:
        """What was known once `moment` buckets were: origins from `since` to before it, later values NaN."""
        then = (self.origins >= since) & (self.origins < moment)
        came = np.where(self.targets[then] < moment, self.came[then], np.nan)
        return Backtest(self.origins[then], self.forecasts[then], came, moment)


def backtest(
    forecast: Callable[[Series, int], Floats],
    series: Series,
    first_origin: int,
    horizon: int,
    most: int = MAXIMUM_ORIGINS,
) -> Backtest:
    """Forecasts from `first_origin` on, each time knowing only the buckets before; at most `most` origins."""
    stride = max(1, -(-(len(series) - first_origin) // most))
    origins = np.arange(first_origin, len(series), stride, dtype=np.int64)
    forecasts = np.full((len(origins), horizon), np.nan)
    came = np.full((len(origins), horizon), np.nan)
    for row, origin in enumerate(origins):
        known = series.values[origin : origin + horizon]
        came[row, : len(known)] = known
        forecasts[row] = forecast(series.head(int(origin)), horizon)
    return Backtest(origins, forecasts, came, len(series))


def unit_roots(values: Floats, season: int = 0) -> int:
    """0 when the KPSS test at 5 % leaves the values a constant level, else 1 (Kwiatkowski et al. 1992).

    With a season the test is about the seasonal differences.
    """
    values = values[season:] - values[:-season] if season else values
    n, deviation = len(values), values - values.mean()
    lags = min(int(4 * (n / 100) ** 0.25), n - 1)
    covariances = np.array([deviation[lag:] @ deviation[: n - lag] for lag in range(lags + 1)]) / n
    variance = covariances[0] + 2 * (1 - np.arange(1, lags + 1) / (lags + 1)) @ covariances[1:]
    statistic = (np.cumsum(deviation) ** 2).sum() / n**2
    return 0 if statistic <= 0.463 * variance else 1


def profile(values: Floats, phase: NDArray[np.int64], season: int, *, differenced: bool = False) -> Floats:
    """The level of each phase of the season by least squares, (season,); of the differences if so asked."""
    columns = np.eye(season)[phase]
    if differenced:
        columns, values = np.diff(columns, axis=0), np.diff(values)
    return np.asarray(np.linalg.lstsq(columns, values, rcond=None)[0], dtype=np.float64)


def aicc(log_likelihood: float, parameters: int, n: int) -> float:
    """Akaike's criterion, corrected for short series (Hurvich and Tsai 1989); lower is better."""
    return 2 * (parameters - log_likelihood) + 2 * parameters * (parameters + 1) / max(n - parameters - 1, 1)

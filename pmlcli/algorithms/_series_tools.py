"""What forecasters share: seasons, cuts in time, rolling origins and conformal intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from pmlcli.encoding.series import Series
from pmlcli.eventlog.log import EventLog, offsets_of
from pmlcli.eventlog.split import Split

Floats = NDArray[np.float64]

SEASON = {"H": 24, "D": 7, "W": 52, "M": 12}
"""Buckets of a day, a week and a year."""
BUCKET = {"H": "hour", "D": "day", "W": "week", "M": "month"}
MINIMUM_BUCKETS = {"H": 72, "D": 21, "W": 10, "M": 10}
"""Three days of hours, three weeks of days: two seasons to learn from, and the rest to be measured on."""
MAXIMUM_ORIGINS = 60
LEVELS = (80, 95)


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
    local = pd.DatetimeIndex(starts.view("datetime64[us]")).tz_localize("UTC").tz_convert(series.timezone)
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


def split_at(log: EventLog, moment: int) -> Split:
    """The events before `moment` (microseconds UTC) and those from it on; a case may lie in both."""
    times = log.starts if log.times is None else log.times
    return Split(_rows(log, times < moment), _rows(log, times >= moment))


def _rows(log: EventLog, wanted: NDArray[np.bool_]) -> EventLog:
    lengths = np.bincount(log.case_of_event[wanted], minlength=log.n_cases)
    return log.take_rows(np.flatnonzero(wanted), offsets_of(lengths[lengths > 0]))


@dataclass(frozen=True)
class Backtest:
    """Forecasts from rolling origins beside what came.

    - `origins`: int64 (k,), the number of buckets known at each
    - `errors`: float64 (k, horizon), what came minus the forecast; NaN beyond the end of the series
    - `n`: buckets of the series
    """

    origins: NDArray[np.int64]
    errors: Floats
    n: int

    @property
    def targets(self) -> NDArray[np.int64]:
        """The bucket that each error is about, (k, horizon)."""
        return self.origins[:, None] + np.arange(self.errors.shape[1])


def backtest(
    forecast: Callable[[Series, int], Floats], series: Series, first_origin: int, horizon: int
) -> Backtest:
    """Forecasts from `first_origin` on, each time knowing only the buckets before; at most 60 origins."""
    stride = -(-(len(series) - first_origin) // MAXIMUM_ORIGINS)
    origins = np.arange(first_origin, len(series), stride, dtype=np.int64)
    errors = np.full((len(origins), horizon), np.nan)
    for row, origin in enumerate(origins):
        came = series.values[origin : origin + horizon]
        errors[row, : len(came)] = came - forecast(series.head(int(origin)), horizon)[: len(came)]
    return Backtest(origins, errors, len(series))


def half_widths(errors: Floats, level: int) -> Floats:
    """Half the width of the interval that holds `level` percent of what comes, (horizon,), step by step.

    Split conformal on absolute errors (k, horizon). Each step's mean error, smoothed over its
    neighbours and never falling with the distance, is its scale; one quantile of the scaled errors of
    all steps serves all (so that a week of errors says something about a fortnight). Steps beyond the
    longest measured one grow like a random walk. Few origins widen it twice: the conformal rank
    (k + 1) / k, and Student's t with k - 1 degrees of freedom in place of the normal.
    """
    size = np.abs(errors)
    k = len(size)
    scale = _scales(size)
    scaled = size / np.where(scale > 0, scale, 1.0)
    rank = min(1.0, level / 100 * (k + 1) / k)
    quantile = np.quantile(scaled[np.isfinite(scaled)], rank)
    tail = 0.5 + level / 200
    widening = stdtrit(max(k - 1, 1), tail) / stdtrit(1e9, tail)
    return np.asarray(scale * quantile * widening, dtype=np.float64)


def _scales(size: Floats) -> Floats:
    """The scale of each step's errors, (horizon,); `size` is (k, horizon) and NaN where unknown."""
    is_known = np.isfinite(size)
    sums, counts = np.where(is_known, size, 0.0).sum(axis=0), is_known.sum(axis=0)
    window = np.ones(min(7, len(sums)))
    measured = int(np.flatnonzero(counts)[-1]) + 1
    means = np.convolve(sums, window, "same") / np.maximum(np.convolve(counts, window, "same"), 1)
    scale = np.maximum.accumulate(means[:measured])
    beyond = np.sqrt(np.arange(measured + 1, len(sums) + 1) / measured) * scale[-1]
    return np.concatenate((scale, beyond))


def coverage(test: Backtest, levels: Sequence[int] = LEVELS) -> dict[str, float] | None:
    """Share of the later errors that intervals made from the earlier ones hold, by level; None when few.

    Earlier are errors about buckets before the middle origin, later those of forecasts from it on.
    """
    middle = test.origins[len(test.origins) // 2]
    early = np.where(test.targets < middle, test.errors, np.nan)[test.origins < middle]
    late = test.errors[test.origins >= middle]
    if min(len(early), len(late)) < 5:
        return None
    is_known = np.isfinite(late)
    held = {level: np.abs(late) <= half_widths(early, level) for level in levels}
    return {str(level): float(inside[is_known].mean()) for level, inside in held.items()}


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

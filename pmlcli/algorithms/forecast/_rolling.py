"""Forecasts from one bucket after the other, and what came: how a forecaster does on newer buckets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from pmlcli.algorithms._interface.task import BesideTruth
from pmlcli.algorithms.forecast._intervals import LEVELS, Intervals
from pmlcli.algorithms.forecast._series import BUCKET, MINIMUM_BUCKETS, backtest, phases, season_of
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.series.encoding import Series, local_times
from pmlcli.encoding.series.kpi import find_kpi
from pmlcli.errors import LogError
from pmlcli.evaluation.quality import Quality, mean_of
from pmlcli.eventlog.log import TIMESTAMP

ORIGIN = "origin"
"""The column that says which bucket was the first to be forecast."""


def rolled(
    ahead: Callable[[Series, int], Floats], data: Series, trained_until: int, horizon: int, known: Intervals
) -> pd.DataFrame:
    """Forecasts of so many buckets from each origin after training (microseconds UTC), with intervals as they
    were known by then; a row an origin and step. LogError where the log has no bucket after training.
    """
    first = int(np.searchsorted(data.starts, trained_until, side="right"))
    first = first or MINIMUM_BUCKETS[data.frequency]
    if first >= len(data):
        raise LogError(
            f"no whole {BUCKET[data.frequency]} of the log lies after the training log's end",
            code="log.truth",
            hint="give a newer log",
        )
    test = backtest(ahead, data, first, horizon)
    starts = np.concatenate((data.starts, data.next_starts(horizon)))
    season, highest = len(known.factors), 1.0 if find_kpi(data.kpi).is_share else np.inf
    phase = phases(data, season, horizon)
    found: dict[str, list[Floats]] = {f"{side}_{n}": [] for n in LEVELS for side in ("lower", "upper")}
    for origin, values in zip(test.origins.tolist(), test.forecasts, strict=True):
        passed = origin - first
        now = known.updated(test.known_at(origin), phase[:origin], passed) if passed else known
        for level in LEVELS:
            lower, upper = now.bounds(values, phase[origin : origin + horizon], level)
            found[f"lower_{level}"].append(lower)
            found[f"upper_{level}"].append(np.minimum(upper, highest))
    return pd.DataFrame(
        {
            TIMESTAMP: local_times(starts[test.targets.ravel()], data.timezone),
            "kpi": data.kpi,
            "value": test.forecasts.ravel(),
            **{name: np.concatenate(parts) for name, parts in found.items()},
            ORIGIN: local_times(np.repeat(starts[test.origins], horizon), data.timezone),
        }
    )


def beside_series(table: pd.DataFrame, data: Sequence[Series], horizon: int) -> BesideTruth:
    """The forecasts of whole windows beside what came, by blocks of time, as training measures them."""
    parts = [_beside(table[table["kpi"] == one.kpi], one, horizon) for one in data]
    rows = pd.concat([part for part, _units in parts], ignore_index=True)
    if rows.empty:
        raise LogError(
            "the log holds no bucket that was forecast", code="log.truth", hint="give a longer, newer log"
        )
    return BesideTruth(rows, np.concatenate([units for _part, units in parts]), np.empty(0, dtype=np.int64))


def _beside(rows: pd.DataFrame, series: Series, horizon: int) -> tuple[pd.DataFrame, Codes]:
    if rows.empty or not len(series):
        return rows.assign(truth=np.nan), np.empty(0, dtype=np.int64)
    target, origin = (_micros(rows[name]) for name in (TIMESTAMP, ORIGIN))
    place = np.searchsorted(series.starts, target)
    is_known = (place < len(series)) & (series.starts[np.minimum(place, len(series) - 1)] == target)
    origins = np.searchsorted(series.starts, origin)
    first = int(origins.min())
    n_test = len(series) - first
    steps = min(horizon, max(1, n_test // 2))
    is_counted = is_known & (place - origins < steps) & (origins <= max(len(series) - steps, first))
    kept, place = rows[is_counted], place[is_counted]
    came = series.values[place]
    error = kept["value"].to_numpy() - came
    block = min(season_of(series.frequency, len(series)), -(-n_test // 10))
    more = {"truth": came, "error": error, "absolute_error": np.abs(error)}
    more["scaled_error"] = more["absolute_error"] / _usual_change(series)
    held = {
        f"is_in_{n}": (kept[f"lower_{n}"].to_numpy() <= came) & (came <= kept[f"upper_{n}"].to_numpy())
        for n in LEVELS
    }
    return kept.assign(**more, **held), np.asarray((place - first) // block, dtype=np.int64)


def _micros(times: pd.Series) -> Codes:
    return np.asarray(pd.DatetimeIndex(times).tz_convert("UTC").as_unit("us").asi8)


def _usual_change(series: Series) -> float:
    """Mean absolute difference of values one season apart; 1 where there is none."""
    season = season_of(series.frequency, len(series))
    changes = np.abs(series.values[season:] - series.values[:-season])
    return float(changes.mean()) or 1.0 if len(changes) else 1.0


def qualities_of(kpis: Sequence[str]) -> tuple[Quality, ...]:
    """Mean absolute error, of several series in usual seasonal changes of each, how the intervals held."""
    if len(kpis) == 1:
        error = mean_of("absolute_error")
        main = Quality("mae", find_kpi(kpis[0]).unit, False, error, phrase="off by {} on average")
    else:
        error, unit = mean_of("scaled_error"), "mean seasonal changes"
        main = Quality("scaled_error", unit, False, error, phrase="off by {} on average")
    held = [Quality(f"coverage_{n}", "share", None, mean_of(f"is_in_{n}")) for n in LEVELS]
    return (main, *held)

"""Groups of predictions, by last activity, prefix length, month, resource or a column; each is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.task import BesideTruth
from pmlcli.encoding.attributes import as_text
from pmlcli.errors import ValidationError, nearest
from pmlcli.evaluation.assessment import Cell, Figure, Section
from pmlcli.evaluation.bootstrap import MINIMUM_UNITS, bounds, resampled
from pmlcli.eventlog.log import ACTIVITY, RESOURCE, TIMESTAMP, EventLog, no_times
from pmlcli.lifecycle.evaluation_figures import Judged, finite, numbered

PREFIX_LENGTH, MONTH, KPI = "prefix-length", "month", "kpi"
KINDS = (ACTIVITY, PREFIX_LENGTH, MONTH, RESOURCE)
NOTHING = "(none)"
GROUP_RESAMPLES = 200
MOST_GROUPS = 200


def check(by: Sequence[str], log: EventLog, is_about_cases: bool) -> None:  # noqa: FBT001
    """Raises ValidationError for a grouping that the log, or a table without cases, does not have."""
    for name in by:
        if not is_about_cases and name == KPI:
            continue
        if not is_about_cases and name != MONTH:
            raise ValidationError(
                f"forecasts cannot be grouped by '{name}'",
                hint="group them by month or kpi",
                context={"by": name},
            )
        if name == MONTH and log.times is None:
            raise no_times("which give the months")
        if name not in (*KINDS, *log.frame.columns) or (name == RESOURCE and log.resource_codes is None):
            columns = [str(column) for column in log.frame.columns]
            near = nearest(name, (*KINDS, *columns))
            raise ValidationError(
                f"the log has no column '{name}' to group predictions by",
                hint=f"did you mean '{near}'?" if near else f"there is: {', '.join((*KINDS, *columns))}",
                context={"by": name},
            )
    if len(set(by)) < len(by):
        raise ValidationError("--by names the same column twice", hint="name each once")


def values_of(name: str, log: EventLog, rows: BesideTruth) -> NDArray[np.object_]:
    """The group of each row, as text, (rows,)."""
    if name == MONTH:
        zone = log.schema.timezone
        if len(rows.events):
            assert log.times is not None
            times = pd.DatetimeIndex(log.times[rows.events].astype("datetime64[us]"), tz="UTC").tz_convert(
                zone
            )
        else:
            times = pd.DatetimeIndex(rows.table[TIMESTAMP])
        return np.asarray(times.strftime("%Y-%m"), dtype=object)
    if not len(rows.events):
        return rows.table[name].to_numpy(dtype=object)
    if name == PREFIX_LENGTH:
        return np.asarray((log_lengths(log)[rows.events]).astype(str), dtype=object)
    found = as_text(log.frame[name].iloc[rows.events]).fillna(NOTHING)
    return found.to_numpy(dtype=object)


def log_lengths(log: EventLog) -> NDArray[np.int64]:
    """Events of its case up to each event, (events,)."""
    return np.arange(log.n_events) - np.repeat(log.offsets[:-1], log.lengths) + 1


def sections(
    by: Sequence[str], log: EventLog, judged: Judged, seed: int
) -> tuple[list[Section], list[Figure]]:
    """A section for each grouping, and the figures of all groups."""
    found_sections, figures = [], []
    for name in by:
        values = values_of(name, log, judged.rows)
        found = _of_groups(name, values, judged, seed)
        unit = {"value": judged.main.unit}
        rows = [_row(name, one) for one in found]
        found_sections.append(Section(f"By {name}, the worst first", _left_out(values, found), rows, unit))
        figures += found
    return found_sections, figures


def _of_groups(name: str, values: NDArray[np.object_], judged: Judged, seed: int) -> list[Figure]:
    """The task's own metric of each of the largest groups, the worst first; those too small to tell last."""
    codes, names = pd.factorize(values)
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    kept = np.argsort(-sizes, kind="stable")[:MOST_GROUPS]
    quality = judged.main
    found = []
    for code in kept:
        rows = np.flatnonzero(codes == code)
        units = numbered(judged.rows.units[rows])
        n_units = int(units.max()) + 1
        metric = quality.over(judged.rows.table.iloc[rows], units, n_units)
        drawn = resampled([metric], n_units, seed, GROUP_RESAMPLES) if n_units >= MINIMUM_UNITS else None
        lower, upper = (None, None) if drawn is None else bounds(drawn[:, 0])
        value = finite(metric(np.arange(n_units)))
        group = {name: str(names[code])}
        figure = Figure(quality.name, value, quality.unit, n_units, lower, upper, group=group)
        found.append(replace(figure, higher_is_better=quality.higher_is_better))
    sign = 1 if quality.higher_is_better else -1
    return sorted(found, key=lambda one: (one.value is None or one.lower is None, sign * (one.value or 0.0)))


def _row(name: str, one: Figure) -> dict[str, Cell]:
    return {name: one.group[name], "value": one.value, "lower": one.lower, "upper": one.upper, "n": one.n}


def _left_out(values: NDArray[np.object_], found: Sequence[Figure]) -> list[str]:
    different = len(pd.unique(values))
    return [f"the largest {len(found)} of {different:,} groups"] if different > len(found) else []

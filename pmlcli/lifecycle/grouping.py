"""Groups of predictions: by what was done last, how far the case was, when, by whom, or a column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.task import BesideTruth
from pmlcli.encoding.attributes import as_text
from pmlcli.errors import ValidationError, nearest
from pmlcli.eventlog.log import ACTIVITY, RESOURCE, TIMESTAMP, EventLog, no_times

PREFIX_LENGTH, MONTH, KPI = "prefix-length", "month", "kpi"
KINDS = (ACTIVITY, PREFIX_LENGTH, MONTH, RESOURCE)
NOTHING = "(none)"


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
                f"the log has no column '{name}' to tell predictions apart by",
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

"""Which features of the calendar a log has seen enough of to learn from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pmlcli.eventlog.log import EventLog

DAYS_FOR_HOURS = 7
WEEKS_FOR_WEEKDAYS = 3
MONTHS = 12
"""Hours of the day need events on so many days, weekdays in so many weeks, and months all of a year.

What was seen of a part of the cycle alone stands for the passing of time: a model that saw one month would
draw a line from it to all others.
"""

HOUR, WEEKDAY, MONTH = "hour", "weekday", "month"


def covered(log: EventLog, timezone: str) -> tuple[str, ...]:
    """Those of hour, weekday and month that a log covers; none without times."""
    if log.times is None or not log.n_events:
        return ()
    days = np.unique(_local(log, timezone).normalize().tz_localize(None).to_numpy("datetime64[D]"))
    # 1 January 1970 was a Thursday.
    weeks = np.unique((days.astype(np.int64) + 3) // 7)
    months = np.unique(days.astype("datetime64[M]").astype(np.int64) % MONTHS)
    enough = {
        HOUR: len(days) >= DAYS_FOR_HOURS,
        WEEKDAY: len(weeks) >= WEEKS_FOR_WEEKDAYS,
        MONTH: len(months) == MONTHS,
    }
    return tuple(name for name, is_covered in enough.items() if is_covered)


def _local(log: EventLog, timezone: str) -> pd.DatetimeIndex:
    assert log.times is not None
    return pd.DatetimeIndex(log.times.astype("datetime64[us]"), tz="UTC").tz_convert(timezone)

"""What goes on in the log around an event: open cases, arrivals, queues and work load, never looking ahead.

Every count at an event's moment is made of earlier events alone: cutting the log off there changes nothing.
So a case counts as open from each event of its own until its next, or until it has been silent for so long
that it has likely ended, which after an event that ends cases is at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.running import RunningRule
from pmlcli.eventlog.times.local_time import DAY

WEEK = 7 * DAY
INTER_CASE_FEATURES = (
    "open cases", "arrivals in a day", "arrivals in 7 days", "events in a day", "open cases at this activity",
    "events of this resource in a day", "events of this resource in 7 days",
)  # fmt: skip

Micros = NDArray[np.int64]


def inter_case_features(log: EventLog, rule: RunningRule) -> NDArray[np.float32]:
    """log1p of the counts named in `INTER_CASE_FEATURES` at each event, (events, 7); zeros without times."""
    found = np.zeros((log.n_events, len(INTER_CASE_FEATURES)))
    if log.times is None:
        return found.astype(np.float32)
    now, activity = log.times, log.activity_codes.astype(np.int64)
    # Not `log.starts`: until its first event is in the log nobody knows that a case has begun.
    heard_of = now[log.offsets[:-1]]
    ends = _open_until(log, rule)
    nobody = np.zeros(log.n_events, dtype=np.int64)
    resource = nobody if log.resource_codes is None else log.resource_codes.astype(np.int64) + 1
    case = np.zeros(log.n_cases, dtype=np.int64)
    found[:, 0] = _before(now, now, nobody, nobody) - _before(ends, now, nobody, nobody)
    found[:, 1] = _lately(heard_of, now, case, nobody, DAY)
    found[:, 2] = _lately(heard_of, now, case, nobody, WEEK)
    found[:, 3] = _lately(now, now, nobody, nobody, DAY)
    found[:, 4] = _before(now, now, activity, activity) - _before(ends, now, activity, activity)
    if log.resource_codes is not None:
        found[:, 5] = _lately(now, now, resource, resource, DAY)
        found[:, 6] = _lately(now, now, resource, resource, WEEK)
    return np.log1p(found).astype(np.float32)


def _open_until(log: EventLog, rule: RunningRule) -> Micros:
    """Until when a case is open by each event of its own: the next one, or when it has likely ended."""
    assert log.times is not None
    until = log.times + rule.patience(log)
    following = np.append(log.times[1:], np.iinfo(np.int64).max)
    following[log.offsets[1:] - 1] = np.iinfo(np.int64).max
    return np.asarray(np.minimum(until, np.maximum(following, log.times)))


def _lately(
    times: Micros, now: Micros, kind: NDArray[np.int64], wanted: NDArray[np.int64], span: int
) -> NDArray[np.int64]:
    """How many of `times` lie in the `span` before each moment."""
    return _before(times, now, kind, wanted) - _before(times, now - span, kind, wanted)


def _before(
    times: Micros, moments: Micros, kind: NDArray[np.int64], wanted: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many of `times` of the wanted kind are earlier than each moment.

    Earlier, not as early: of events at one moment nobody knows which came first.
    """
    ordered, size = np.sort(times), len(times) + 1
    held = np.sort(kind * size + np.searchsorted(ordered, times, side="right"))
    asked = wanted * size + np.searchsorted(ordered, moments, side="left")
    return np.asarray(
        np.searchsorted(held, asked, side="right") - np.searchsorted(held, wanted * size, side="left")
    )

"""Logs that were chosen by when their cases ended, or last went on: nothing ends in the first half of them.

An event of such a log from before the first case ended says nothing of how often cases end there: those that
ended there are not in the log.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.far_events import near_end, near_moments
from pmlcli.eventlog.log import EventLog

STRAYS = 0.01
"""So many cases, or events, may be earlier than all others."""
LATE = 0.6
"""The last events of all others lie in this last share of the log's time. Of all cases of a process some end
soon, and did so in the first days of the log."""
CASES_NEEDED = 30
STANDS_AGAIN = 0.5
"""Where cases that are running were kept, at least so many of those that were running before the first ended
have a counterpart at the log's end, at the same activity."""

Ints = NDArray[np.int64]


class LateEnds(NamedTuple):
    """When a log begins, from when on its cases end, and when it ends, microseconds UTC; whether it holds
    only cases that had ended, and none that was running then.
    """

    begin: int
    since: int
    until: int
    only_ended: bool


def late_ends(log: EventLog) -> LateEnds | None:
    """From when on the cases of a log end, where nothing ends for so long that it was chosen so; else None.

    Far events do not count, and nothing can be told of fewer than `CASES_NEEDED` cases.
    """
    log = near_moments(log)
    until = near_end(log)
    if log.times is None or until is None or log.n_cases < CASES_NEEDED:
        return None
    begin, since = _early(log.times), _early(log.ends)
    if until - since > LATE * (until - begin):
        return None
    return LateEnds(begin, since, until, _only_ended(log, log.times < since))


def _early(moments: Ints) -> int:
    """The first of some moments, but for strays."""
    place = int(STRAYS * len(moments))
    return int(np.partition(moments, place)[place])


def _only_ended(log: EventLog, is_before: NDArray[np.bool_]) -> bool:
    """Whether hardly a case stands at the log's end where cases stood when none had ended yet."""
    lengths = np.bincount(log.case_of_event[is_before], minlength=log.n_cases)
    then = np.flatnonzero(lengths)
    if not len(then):
        return False
    count = len(log.activities) + 1  # a missing activity is -1
    stood, stands = (
        np.bincount(log.activity_codes[rows] + 1, minlength=count)
        for rows in (log.offsets[then] + lengths[then] - 1, log.offsets[1:] - 1)
    )
    return bool(np.minimum(stood, stands).sum() < STANDS_AGAIN * len(then))

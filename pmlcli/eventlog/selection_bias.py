"""Whether a log holds only cases that had ended when it was taken: then its last cases are the short ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.far_events import near_events
from pmlcli.eventlog.log import EventLog

FEWEST_EXPECTED = 10.0
"""Below so many cases that should be open nothing can be told."""
EXPECTED_SHARE = 0.02
"""Nor where they are so small a share of the cases."""
FOUND_SHARE = 1 / 3
"""Of the cases that should be open at most this share is."""
ARRIVALS_SHARE = 0.7
"""And of the arrivals of earlier times at most this share came in the last stretch, of a median duration."""

MOST_STOOD_FOR = 10.0
"""A case stands for so many at most: beyond, a few decide."""


def chosen_by_end(log: EventLog, is_running: NDArray[np.bool_]) -> str | None:
    """A sentence where cases that were open at the log's end seem to have been left out; else None.

    By how long earlier cases took, so many that began late should be open at the end: in such a log hardly
    any is, and the later it is the fewer cases begin, as only short ones can have ended. A log chosen by case
    start goes on after its last case began, and one of all cases has open ones.
    """
    if log.times is None or log.n_cases == 0:
        return None
    end, starts = int(near_events(log).ends.max()), log.starts
    took = np.sort(_settled_durations(log, end))
    if not len(took):
        return None
    so_far = np.maximum(end - starts, 0)
    expected = float((1 - np.searchsorted(took, so_far, side="right") / len(took)).sum())
    is_few = is_running.sum() <= FOUND_SHARE * expected
    if expected < max(FEWEST_EXPECTED, EXPECTED_SHARE * log.n_cases) or not is_few:
        return None
    if not _tapers(starts, end, int(np.median(took))):
        return None
    return (
        "the log seems to hold only cases that had ended: by how long earlier ones took, about "
        f"{expected:,.0f} should be open at its end, and {int(is_running.sum()):,} are; its last cases are "
        "the short ones, so running cases take longer than any figure here says"
    )


def stand_for(took: NDArray[np.int64], so_far: NDArray[np.int64]) -> NDArray[np.float64]:
    """How many cases each that has ended stands for, (ended,): those that took long for more, because more of
    their kind still run. Inverse of the share that was not cut off before, by Kaplan and Meier, at most
    `MOST_STOOD_FOR`.

    `took`: how long each ended case took, (ended,); `so_far`: how long each other has run, (running,).
    """
    cut_off = np.sort(so_far)
    longer = len(took) - np.searchsorted(np.sort(took), cut_off) + np.arange(len(cut_off), 0, -1)
    left = np.concatenate(([1.0], np.cumprod(1 - 1 / longer)))
    return np.asarray(1 / np.maximum(left[np.searchsorted(cut_off, took)], 1 / MOST_STOOD_FOR))


def _settled_durations(log: EventLog, end: int) -> NDArray[np.int64]:
    """How long the cases of the first half, by start, took."""
    starts = log.starts
    is_early = starts <= np.median(starts)
    return np.asarray((log.ends - starts)[is_early & (log.ends <= end)])


def _tapers(starts: NDArray[np.int64], end: int, stretch: int) -> bool:
    """Whether fewer cases begin in the last stretch of the log than did in such a stretch of its middle."""
    first, last = np.quantile(starts, [0.25, 0.75])
    if stretch <= 0 or last <= first:
        return False
    usual = 0.5 * len(starts) * stretch / (last - first)
    return bool((starts > end - stretch).sum() < ARRIVALS_SHARE * usual)

"""Splits of a log by time and whole case: what is trained on never starts after what is tested on."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.far_events import near_cases, near_end
from pmlcli.eventlog.log import EventLog, no_times

LAST_SHARE = 0.2
"""The last cut's test part, of the cases by start (or of the buckets of time)."""
STEP = 0.15
EARLIEST = 0.5
"""Each cut before it lies so much earlier, no training part smaller than half."""
FEWEST_CASES = 10
"""A cut that would be tested on fewer cases is not made."""


class Split(NamedTuple):
    """A log cut in two by the start of its cases.

    `since`, `until` (microseconds UTC): of the test cases only what happened from then on, and before that,
    is measured; None for all.
    """

    train: EventLog
    test: EventLog
    since: int | None = None
    until: int | None = None

    @property
    def period(self) -> tuple[int, int] | None:
        """The first and the last moment that is measured: of the starts of the test cases, or of what
        happened since; None without times.
        """
        if self.test.times is None or not self.test.n_cases:
            return None
        if self.since is None:
            return int(self.test.starts.min()), int(self.test.starts.max())
        last = int(self.test.times.max())
        return self.since, last if self.until is None else min(last, self.until)


def training_shares(n_cuts: int) -> tuple[float, ...]:
    """Where the training part of each cut ends, ascending: 0.5, 0.65 and 0.8 for three.

    The last is at 0.8 whatever their number; two stand as the last two of three, more lie closer.
    """
    last = 1 - LAST_SHARE
    step = min(STEP, (last - EARLIEST) / max(n_cuts - 1, 1))
    return tuple(last - step * before for before in reversed(range(n_cuts)))


def most_cuts(n_cases: int, wanted: int) -> int:
    """So many of the wanted cuts can be made: each test part has `FEWEST_CASES`, or there is one alone."""
    shares = {n: np.diff(training_shares(n)) for n in range(2, wanted + 1)}
    possible = [n for n, steps in shares.items() if round(n_cases * steps.min()) >= FEWEST_CASES]
    return max(possible, default=1)


def rolling_splits(log: EventLog, wanted: int) -> tuple[Split, ...]:
    """Cuts by the start of whole cases, in order of time: each tests the block of cases that begins after
    its training part, and trains on all before. The last is `split_by_start`. Of a small log there are fewer.
    """
    last_split, log = split_by_start(log), near_cases(log)
    by_start, ends = np.argsort(log.starts, kind="stable"), _block_ends(log, wanted)
    earlier = [
        Split(log.take_cases(np.sort(by_start[:first])), _watched(log, np.sort(by_start[first:last])))
        for first, last in zip(ends[:-2], ends[1:-1], strict=True)
    ]
    return (*earlier, last_split)


def rolling_strict_splits(log: EventLog, wanted: int) -> tuple[Split, ...]:
    """Cuts as `split_strictly` makes one, each tested on what happened until the next began.

    The last is `split_strictly`; earlier ones before which no case had ended are left out.
    """
    last_split = split_strictly(log)
    log = near_cases(log)
    starts, ends = np.sort(log.starts), _block_ends(log, wanted)
    moments = [int(starts[first]) for first in ends[:-1]]
    earlier = [
        _between(log, since, until)
        for since, until in zip(moments[:-1], moments[1:], strict=True)
        if since < until and (log.ends < since).any()
    ]
    return (*earlier, last_split)


def _between(log: EventLog, since: int, until: int) -> Split:
    has_ended = log.ends < since
    is_tested = ~has_ended & (log.starts < until)
    return Split(
        log.take_cases(np.flatnonzero(has_ended)), _watched(log, np.flatnonzero(is_tested)), since, until
    )


def _watched(log: EventLog, cases: NDArray[np.int64]) -> EventLog:
    """These cases, watched until the log's end: which of them are running is decided then."""
    return replace(log.take_cases(cases), until=near_end(log))


def _block_ends(log: EventLog, wanted: int) -> list[int]:
    """Positions among the cases by start where each training part ends, and the number of cases."""
    shares = training_shares(most_cuts(log.n_cases, wanted))
    ends = [log.n_cases - _test_cases(log, 1 - share) for share in shares]
    return [*ends, log.n_cases]


def split_by_start(log: EventLog, test_share: float = LAST_SHARE) -> Split:
    """The last `test_share` of the cases by when they began, and those before them.

    Ties keep the log's order; both parts keep at least one case when the log has two. Logs without
    times are cut by the order in which cases appear. Cases far from all others (`far_events`) are in neither.
    """
    log = near_cases(log)
    by_start = np.argsort(log.starts, kind="stable")
    first_test = log.n_cases - _test_cases(log, test_share)
    return Split(
        log.take_cases(np.sort(by_start[:first_test])), log.take_cases(np.sort(by_start[first_test:]))
    )


def split_strictly(log: EventLog, test_share: float = LAST_SHARE) -> Split:
    """Training and test part that share no moment: the test period begins with the first of the last
    `test_share` of the cases by start.

    Trained on are the cases that ended before it; cases that were running then are tested, from then on
    (Weytjens and De Weerdt (2022), Creating unbiased public benchmark datasets with data leakage prevention
    for predictive process monitoring). LogError without times, or when no case had ended.
    Cases far from all others (`far_events`) are in neither part.
    """
    if log.times is None:
        raise no_times("which a strict split needs", "take the temporal split")
    log = near_cases(log)
    since = int(np.sort(log.starts)[log.n_cases - _test_cases(log, test_share)])
    has_ended = log.ends < since
    if not has_ended.any():
        raise LogError(
            "no case had ended before the last fifth of the cases began",
            code="log.split",
            hint="a strict split needs a log over a longer time; use the temporal split",
        )
    return Split(log.take_cases(np.flatnonzero(has_ended)), log.take_cases(np.flatnonzero(~has_ended)), since)


def _test_cases(log: EventLog, test_share: float) -> int:
    return min(max(round(log.n_cases * test_share), 1), log.n_cases - 1)


def measured_prefixes(split: Split) -> NDArray[np.bool_]:
    """Which prefixes of the test part count, by the event that ends them, (test events,)."""
    times = split.test.times
    if split.since is None or times is None:
        return np.ones(split.test.n_events, dtype=np.bool_)
    is_before = True if split.until is None else times < split.until
    return np.asarray((times >= split.since) & is_before)


def seen_share(split: Split) -> float:
    """Share of the test part's prefixes whose activities some training case began with, in that order.

    Abb et al. (2023), A discussion on generalization in next-activity prediction.
    """
    # Both parts of a split number their activities alike.
    test, train = (part.prefix_keys(part.activity_codes) for part in (split.test, split.train))
    seen = np.isin(test, train)
    return float(seen[measured_prefixes(split)].mean())

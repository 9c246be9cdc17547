"""Splits of a log by time and whole case: what is trained on never starts after what is tested on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.far_events import near_cases
from pmlcli.eventlog.log import EventLog, no_times


class Split(NamedTuple):
    """A log cut in two by the start of its cases.

    `since` (microseconds UTC): of the test cases only what happened from then on is measured; None for all.
    """

    train: EventLog
    test: EventLog
    since: int | None = None


def split_by_start(log: EventLog, test_share: float = 0.2) -> Split:
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


def split_strictly(log: EventLog, test_share: float = 0.2) -> Split:
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
            hint="a strict split needs a log over a longer time; take the temporal split",
        )
    return Split(log.take_cases(np.flatnonzero(has_ended)), log.take_cases(np.flatnonzero(~has_ended)), since)


def _test_cases(log: EventLog, test_share: float) -> int:
    return min(max(round(log.n_cases * test_share), 1), log.n_cases - 1)


def measured_prefixes(split: Split) -> NDArray[np.bool_]:
    """Which prefixes of the test part count, by the event that ends them, (test events,)."""
    if split.since is None or split.test.times is None:
        return np.ones(split.test.n_events, dtype=np.bool_)
    return split.test.times >= split.since


def seen_share(split: Split) -> float:
    """Share of the test part's prefixes whose activities some training case began with, in that order.

    Abb et al. (2023), A discussion on generalization in next-activity prediction.
    """
    # Both parts of a split number their activities alike.
    test, train = (part.prefix_keys(part.activity_codes) for part in (split.test, split.train))
    seen = np.isin(test, train)
    return float(seen[measured_prefixes(split)].mean())

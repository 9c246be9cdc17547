"""Splits of a log by time and whole case: what is trained on never starts after what is tested on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pmlcli.eventlog.log import EventLog


class Split(NamedTuple):
    """A log cut in two by the start of its cases."""

    train: EventLog
    test: EventLog


def split_by_start(log: EventLog, test_share: float = 0.2) -> Split:
    """The last `test_share` of the cases by their first event, and those before them.

    Ties keep the log's order; both parts keep at least one case when the log has two. Logs without
    times are cut by the order in which cases appear.
    """
    by_start = np.argsort(log.starts, kind="stable")
    n_test = min(max(round(log.n_cases * test_share), 1), log.n_cases - 1)
    first_test = log.n_cases - n_test
    return Split(
        log.take_cases(np.sort(by_start[:first_test])), log.take_cases(np.sort(by_start[first_test:]))
    )

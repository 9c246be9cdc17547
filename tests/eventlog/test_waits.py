"""Hand-overs and work, against a log that can be counted by hand."""

from __future__ import annotations

import pytest

from pmlcli.eventlog import read_log
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.waits import hand_overs, pairs, work
from tests.logs import trace_log


def log(*, with_starts: bool) -> EventLog:
    """Two cases of three events: an hour of work each, after waits of one, two, and three hours."""
    rows = []
    for case, begin in (("a", 0), ("b", 2)):
        for activity, start in (("x", begin), ("y", begin + 2), ("z", begin + 5 + (case == "b"))):
            row = {"case_id": case, "activity": activity, "timestamp": f"2024-01-01T{start + 1:02}:00:00Z"}
            rows.append(row | ({"start_timestamp": f"2024-01-01T{start:02}:00:00Z"} if with_starts else {}))
    return read_log(rows)


@pytest.mark.parametrize(("with_starts", "hours"), [(True, {"x": 1, "y": 2.5}), (False, {"x": 2, "y": 3.5})])
def test_a_wait_holds_no_work_where_the_log_has_starts(with_starts: bool, hours: dict[str, float]) -> None:
    found = hand_overs(log(with_starts=with_starts))
    assert [(one.source, one.target, one.count) for one in found] == [("y", "z", 2), ("x", "y", 2)]
    assert {one.source: (one.median_seconds or 0) / 3600 for one in found} == hours
    assert found[0].total_seconds == 2 * hours["y"] * 3600


def test_work_is_from_start_to_end() -> None:
    assert [(one.activity, one.count, one.median_seconds) for one in work(log(with_starts=True))] == [
        ("x", 2, 3600.0),
        ("y", 2, 3600.0),
        ("z", 2, 3600.0),
    ]
    assert work(log(with_starts=False)) == ()


def test_a_log_without_times_has_hand_overs_by_how_often() -> None:
    found = hand_overs(trace_log([["a", "b"], ["a", "b"], ["a", "c"]]))
    assert [(one.source, one.target, one.count, one.median_seconds) for one in found] == [
        ("a", "b", 2, None),
        ("a", "c", 1, None),
    ]
    assert len(pairs(trace_log([["a"], ["b"]])).first) == 0
    assert hand_overs(trace_log([["a"], ["b"]])) == ()

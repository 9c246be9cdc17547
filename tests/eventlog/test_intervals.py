"""Starts and ends: rows that lack one, and two rows that are one activity."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pmlcli.errors import LogError
from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.profile import profile

DAY = "2024-01-0"
START_ONLY = "events with a start and no end, placed at their start, without a duration"
GUESS = "starts of an activity that was open: which completion is theirs is a guess"


def row(activity: str, start: str | None, end: str | None) -> dict[str, Any]:
    given = {"start_timestamp": start and DAY + start, "timestamp": end and DAY + end}
    return {"case_id": "1", "activity": activity, **given}


def test_a_row_may_have_both_times_or_one_of_them() -> None:
    log = read_log([row("both", "1", "2"), row("start", "3", None), row("end", None, "4")])
    assert log.frame["timestamp"].dt.day.tolist() == [2, 3, 4]
    assert log.frame["start_timestamp"].dt.day.tolist()[0] == 1
    assert log.frame["start_timestamp"].isna().tolist() == [False, True, True]
    assert (START_ONLY, 1) in log.ledger.notes


def test_a_row_with_neither_is_refused() -> None:
    rows = [row("both", "1", "2"), row("none", None, None)]
    with pytest.raises(LogError, match=r"1 of 2 rows cannot be used: no timestamp"):
        read_log(rows)
    assert read_log(rows, on_bad_row="drop").n_events == 1


def test_a_log_of_starts_alone_is_ordered_by_them() -> None:
    log = read_log([row("b", "2", None), row("a", "1", None)])
    assert log.frame["activity"].tolist() == ["a", "b"]
    assert log.times is not None


def two_rows(
    trace: str, instances: str = "", words: tuple[str, str] = ("start", "complete")
) -> list[dict[str, Any]]:
    """One event a letter pair: `as` starts a, `ac` completes it; an hour apart."""
    rows = []
    ids = instances.split()
    for hour, text in enumerate(trace.split()):
        rows.append({"case_id": "1", "activity": text[0], "timestamp": f"2024-01-01T{hour:02}:00Z"})
        rows[-1]["mode"] = words[text[1] == "c"]
        if ids:
            rows[-1]["number"] = ids[hour]
    return rows


def spans(log: EventLog) -> list[tuple[int, int]]:
    return list(zip(log.frame["start_timestamp"].dt.hour, log.frame["timestamp"].dt.hour, strict=True))


@pytest.mark.parametrize(
    "words", [("start", "complete"), ("Start", "COMPLETE"), ("started", "finished"), ("begin", "end")]
)
def test_transitions_of_any_column_and_word_are_paired(words: tuple[str, str]) -> None:
    log = read_log(two_rows("as ac bs bc", words=words), pair_lifecycle=True)
    assert spans(log) == [(0, 1), (2, 3)]


def test_overlaps_are_said_to_be_a_guess() -> None:
    log = read_log(two_rows("as as ac ac bs bc"), pair_lifecycle=True)
    assert spans(log) == [(0, 2), (1, 3), (4, 5)]
    assert (GUESS, 1) in log.ledger.notes
    apart = read_log(two_rows("as ac as ac bs as bc ac"), pair_lifecycle=True)
    assert GUESS not in dict(apart.ledger.notes)


AT_ONE_INSTANT = {
    "ac as": ("0 0", [(0, 0)]),
    "ac as as ac": ("0 0 1 2", [(0, 0), (1, 2)]),
    "as ac ac as": ("0 1 2 2", [(0, 1), (2, 2)]),
    "ac ac as as": ("1 1 1 1", [(1, 1), (1, 1)]),
    "ac bc as bs": ("3 3 3 3", [(3, 3), (3, 3)]),
    # the completion of what was begun before the log: none of these can be its start
    "ac as ac": ("0 1 2", [(None, 0), (1, 2)]),
    # one of two completions has no start, and the later one always had it
    "ac as ac ": ("1 1 2", [(None, 1), (1, 2)]),
    # one thing ends and the next begins
    "as ac as ac": ("0 1 1 2", [(0, 1), (1, 2)]),
}


@pytest.mark.parametrize("instances", [False, True])
@pytest.mark.parametrize("trace", AT_ONE_INSTANT)
def test_a_completion_may_stand_before_the_start_of_its_instant(trace: str, instances: bool) -> None:
    hours, expected = AT_ONE_INSTANT[trace]
    rows = [
        row
        | {"timestamp": f"2024-01-01T{int(hour):02}:00Z"}
        | ({"instance": row["activity"]} if instances else {})
        for row, hour in zip(two_rows(trace), hours.split(), strict=True)
    ]
    log = read_log(rows, pair_lifecycle=True)
    starts = [None if math.isnan(start) else int(start) for start in log.frame["start_timestamp"].dt.hour]
    assert list(zip(starts, log.frame["timestamp"].dt.hour, strict=True)) == expected
    assert (GUESS in dict(log.ledger.notes)) == (trace == "ac ac as as")
    alone = sum(start is None for start in starts)
    assert sum(count for note, count in log.ledger.notes if "without the other" in note) == alone


@pytest.mark.parametrize("name", ["number", "activity_instance_id", "concept:instance"])
def test_an_instance_settles_overlaps_by_name_or_by_content(name: str) -> None:
    rows = [
        {name if k == "number" else k: v for k, v in r.items()} for r in two_rows("as as ac ac", "7 8 8 7")
    ]
    log = read_log(rows, pair_lifecycle=True)
    assert spans(log) == [(1, 2), (0, 3)]
    assert GUESS not in dict(log.ledger.notes)
    assert ("'number' taken as instance, by what it holds" in dict(log.ledger.notes)) == (name == "number")


def test_an_instance_may_be_named() -> None:
    rows = two_rows("as as ac ac", "7 8 8 7")
    log = read_log(rows, pair_lifecycle=True, columns={"instance": "number"})
    assert spans(log) == [(1, 2), (0, 3)]
    assert log.schema.columns["instance"] == "number"
    assert "number" in log.frame.columns


@pytest.mark.parametrize("numbers", ["1 2 3 4", "5 5 5 5", "7 7 8 8"])
def test_other_columns_are_no_instances(numbers: str) -> None:
    log = read_log(two_rows("as as ac ac", numbers), pair_lifecycle=True)
    assert spans(log) == [(0, 2), (1, 3)]
    assert (GUESS, 1) in log.ledger.notes


def test_activities_that_stand_twice_are_a_finding() -> None:
    rows = two_rows("as ac bs bc as ac")
    found = {finding.code: finding for finding in profile(read_log(rows)).findings}
    assert found["events.start-and-completion"].count == 3
    assert "--pair-lifecycle" in found["events.start-and-completion"].fix
    for changes in ({"pair_lifecycle": True}, {"lifecycle": ("complete",)}):
        codes = [finding.code for finding in profile(read_log(rows, **changes)).findings]
        assert "events.start-and-completion" not in codes


def test_starts_alone_are_ordered_by_what_is_finer_than_a_microsecond() -> None:
    rows = [
        row("b", "1T10:00:00.000000900", None),
        row("a", "1T10:00:00.000000100", None),
        row("c", None, "2"),
    ]
    assert read_log(rows).frame["activity"].tolist() == ["a", "b", "c"]

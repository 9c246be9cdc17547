"""Events and cases left out on request: each is counted, and the ledger adds up."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmlcli.errors import LogError, ValidationError
from pmlcli.eventlog import EventLog, Ledger, Refusal, read_log
from pmlcli.eventlog.filters import up_to
from pmlcli.eventlog.selection import IS_RUNNING, Selection

EVENTS = [
    ("1", "a", "01", "ann", 5.0, "start"),
    ("1", "b", "02", "bob", 7.5, "complete"),
    ("1", "z", "03", None, None, "complete"),
    ("2", "a", "04", "bob", 5.0, "COMPLETE"),
    ("2", "z", "05", "ann", 1.0, "complete"),
    ("3", "b", "06", "ann", 1.0, "complete"),
    ("4", "a", "28", "ann", 1.0, "start"),
    ("5", "a", "04", "ann", 1.0, "start"),
    ("5", "z", "05", "ann", 1.0, "complete"),
]
NAMES = ("case_id", "activity", "timestamp", "resource", "amount", "lifecycle")


def log(**changes: object) -> EventLog:
    events = [
        dict(zip(NAMES, (c, a, f"2024-01-{day}T00:00:00Z", *rest), strict=True))
        for c, a, day, *rest in EVENTS
    ]
    return read_log(events, **changes)


def chosen(**choices: object) -> EventLog:
    return log(selection=Selection(**choices))


def cases(found: EventLog) -> list[str]:
    return sorted(found.case_ids)


@pytest.mark.parametrize(
    ("choices", "kept"),
    [
        ({"since": "2024-01-04"}, ["2", "3", "4", "5"]),
        ({"until": "2024-01-04"}, ["1"]),
        ({"since": "2024-01-02", "until": "2024-01-06T00:00:00+01:00"}, ["2", "5"]),
        ({"start_activity": ("b",)}, ["3"]),
        ({"end_activity": ("z",)}, ["1", "2", "5"]),
        ({"end_activity": ("z", "b")}, ["1", "2", "3", "5"]),
        ({"min_events": 3}, ["1"]),
        ({"variants_top": 1}, ["2", "5"]),
        ({"variants_top": 2}, ["1", "2", "5"]),
        ({"running": "only", "end_activity": ("z",)}, ["3", "4"]),
        ({"running": "drop", "idle": "10d"}, ["1", "2", "3", "5"]),
        ({"running": "only", "end_activity": ("z",), "idle": "3w"}, ["4"]),
    ],
)
def test_cases(choices: dict[str, object], kept: list[str]) -> None:
    found = chosen(**choices)
    assert cases(found) == kept
    ledger = found.ledger
    assert ledger.rows_read == len(EVENTS) == ledger.events_used + ledger.rows_filtered
    assert ledger.events_used == found.n_events == len(found.frame)
    assert Ledger.from_dict(ledger.to_dict()) == ledger


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ((("resource", "ann"),), 6),
        ((("resource", "ann"), ("resource", "bob")), 8),
        ((("resource", "ann"), ("amount", "1")), 5),
        ((("resource", ""),), 1),
        ((("timestamp", "2024-01-04"),), 2),
    ],
)
def test_events(where: tuple[tuple[str, str], ...], kept: int) -> None:
    assert chosen(where=where).n_events == kept


def test_a_reason_names_what_was_chosen_and_the_first_rows() -> None:
    found = chosen(where=(("resource", "ann"),), min_events=2)
    assert found.ledger.filtered == (
        Refusal("resource is not 'ann'", 3, (2, 3, 4)),
        Refusal("case has fewer than 2 events", 4, (1, 5, 6, 7)),
    )


def test_lifecycles_and_vocabulary() -> None:
    found = log(lifecycle=("complete",))
    assert cases(found) == ["1", "2", "3", "5"]
    assert found.ledger.filtered == (Refusal("lifecycle is not 'complete'", 3, (1, 7, 8)),)
    assert found.schema.to_dict()["lifecycle"] == ["complete"]
    without_a = chosen(where=(("activity", "z"),))
    assert without_a.activities == ("z",)
    assert without_a.resources == ("ann",)
    assert without_a.activity_codes.tolist() == [0, 0, 0]
    with pytest.raises(LogError, match="no lifecycle transition 'compleet'") as caught:
        log(lifecycle=("compleet",))
    assert caught.value.hint is not None
    assert "complete" in caught.value.hint.lower()


def test_running_cases_are_marked() -> None:
    found = chosen(running="mark", end_activity=("z",))
    assert found.frame.groupby("case_id")[IS_RUNNING].first().tolist() == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert found.n_cases == 5
    assert ("running cases, marked", 2) in found.ledger.notes
    assert found.frame[IS_RUNNING].dtype == "boolean"


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"where": (("amuont", "1"),)}, "column 'amuont' not found"),
        ({"where": (("resource", "anne"),)}, "no event has resource 'anne'"),
        ({"start_activity": ("A1",)}, "no activity 'A1'"),
        ({"min_events": 9}, "no event is left"),
        ({"since": "2030-01-01"}, r"case begins before 2030-01-01 \(9\)"),
    ],
)
def test_what_cannot_be_chosen(choices: dict[str, object], message: str) -> None:
    with pytest.raises(LogError, match=message):
        chosen(**choices)


@pytest.mark.parametrize(
    "choices",
    [
        {"running": "keep"},
        {"idle": "3d"},
        {"idle": "3 moons", "running": "mark"},
        {"min_events": 0},
        {"since": "soon"},
        {"until": "03/04/2024"},
        {"where": (("amount", "much"),)},
    ],
)
def test_what_makes_no_sense(choices: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        chosen(**choices)


def pairing(traces: str, instances: str | None = None) -> EventLog:
    """One event a letter pair such as `as` (a starts) or `ac` (a completes), an hour apart."""
    events = []
    for hour, text in enumerate(traces.split()):
        kind = {"s": "start", "c": "Complete", "q": "schedule"}[text[1]]
        event = {"case_id": "1", "activity": text[0], "timestamp": f"2024-01-01T{hour:02}:00:00Z"}
        events.append(event | {"lifecycle": kind, "resource": "ann" if kind == "start" else None})
        if instances is not None:
            events[-1]["concept:instance"] = instances.split()[hour]
    return read_log(events, pair_lifecycle=True)


def shown(found: EventLog) -> list[tuple[str, int | None, int]]:
    return [
        (a, None if s != s else s.hour, e.hour)
        for a, s, e in zip(
            found.frame["activity"], found.frame["start_timestamp"], found.frame["timestamp"], strict=True
        )
    ]


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ("as ac", [("a", 0, 1)]),
        ("as bs bc ac", [("b", 1, 2), ("a", 0, 3)]),
        ("as as ac ac", [("a", 0, 2), ("a", 1, 3)]),
        ("ac as ac", [("a", None, 0), ("a", 1, 2)]),
        ("ac ac as as ac", [("a", None, 0), ("a", None, 1), ("a", None, 3), ("a", 2, 4)]),
        ("as bc", [("a", None, 0), ("b", None, 1)]),
        ("aq as ac", [("a", None, 0), ("a", 1, 2)]),
    ],
)
def test_pairs(trace: str, expected: list[tuple[str, int | None, int]]) -> None:
    found = pairing(trace)
    assert shown(found) == expected
    assert found.ledger.rows_read == len(trace.split())
    assert found.schema.to_dict()["pair_lifecycle"] is True


def test_instances_tell_which_start_belongs() -> None:
    assert shown(pairing("as as ac ac", "i j j i")) == [("a", 1, 2), ("a", 0, 3)]


def test_a_completion_takes_what_only_its_start_says() -> None:
    found = pairing("as ac")
    assert found.frame["resource"].tolist() == ["ann"]
    assert found.resource_codes is not None
    assert found.resource_codes.tolist() == [0]
    assert found.ledger.filtered[0].lines == (1,)


def test_what_cannot_be_paired() -> None:
    with pytest.raises(LogError, match="without a column for 'lifecycle'"):
        read_log([{"case_id": "1", "activity": "a", "timestamp": "2024-01-01"}], pair_lifecycle=True)
    events = [{"case_id": "1", "activity": "a", "lifecycle": "start"}]
    with pytest.raises(LogError, match="without a column for 'timestamp'"):
        read_log(events, pair_lifecycle=True)


def paired_by_queue(kinds: list[tuple[int, bool]]) -> list[tuple[int, int]]:
    waiting: dict[int, list[int]] = {}
    pairs = []
    for row, (activity, is_start) in enumerate(kinds):
        queue = waiting.setdefault(activity, [])
        if is_start:
            queue.append(row)
        elif queue:
            pairs.append((queue.pop(0), row))
    return pairs


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.booleans()), min_size=1, max_size=20))
def test_pairing_is_a_queue_for_each_activity(kinds: list[tuple[int, bool]]) -> None:
    found = pairing(" ".join("ab"[activity] + ("s" if is_start else "c") for activity, is_start in kinds))
    pairs = [(s, e) for _, s, e in shown(found) if s is not None]
    assert sorted(pairs) == sorted(paired_by_queue(kinds))
    assert found.n_events == len(kinds) - len(pairs)


def test_a_moment_before_the_log_begins_is_told_with_its_beginning() -> None:
    with pytest.raises(
        LogError, match="as_of 2023-12-31: the log begins later, at 2024-01-01T00:00:00"
    ) as error:
        up_to(log(), "2023-12-31")
    assert error.value.exit_code == 3

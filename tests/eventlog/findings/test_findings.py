"""Each finding on a log that has it and on logs that have not; the sample log has none."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.filters import up_to
from pmlcli.eventlog.findings import (
    FINDERS,
    SEVERITIES,
    DataFinding,
    columns,
    damaged,
    events,
    find_all,
    names,
    times,
)
from pmlcli.eventlog.findings import evidence_of as evidence
from pmlcli.eventlog.selection import Selection
from tests.logs import purchase_events

ROOT = Path(__file__).parents[3]
NOW = int(pd.Timestamp("2024-07-01", tz="UTC").timestamp()) * 1_000_000
Events = list[dict[str, Any]]
HALF_YEAR = pd.date_range("2024-01-01", "2024-06-30", freq="7h", tz="UTC")


def clean() -> Events:
    """A log of which no finder has anything to say: half a year, four events a case, one hour apart."""
    return [
        {
            "case_id": f"c{i:03d}",
            "activity": activity,
            "timestamp": start + pd.Timedelta(hours=k, minutes=7 * i % 59 + 1),
            "resource": f"r{(i + k) % 5}",
            "cost": float(i * 31 % 97),
            "case:product": f"p{i * 7 % 11}",
        }
        for i, start in enumerate(HALF_YEAR)
        for k, activity in enumerate(("Register request", "Check ticket", "Decide outcome", "Send answer"))
    ]


def log_of(rows: Events, **options: Any) -> EventLog:
    return read_log(rows, **options)


def changed(change: Callable[[int, dict[str, Any]], dict[str, Any]]) -> EventLog:
    """The clean log with `change(number, event)` laid over each event."""
    return log_of([event | change(i, event) for i, event in enumerate(clean())])


def one(finder: Callable[[Any], DataFinding | None], log: EventLog, now: int = NOW) -> DataFinding:
    """The finding, which must be there, and be what `find_all` says too."""
    finding = finder(evidence(log, now=now))
    assert finding is not None
    assert finding in find_all(evidence(log, now=now))
    assert finding.severity in SEVERITIES
    assert finding.message and finding.fix
    assert 0 < len(finding.examples) <= 3
    assert finding.count >= 1
    return finding


def none(finder: Callable[[Any], DataFinding | None], log: EventLog, now: int = NOW) -> None:
    assert finder(evidence(log, now=now)) is None


CLEAN = log_of(clean())


def test_nothing_is_found_in_a_clean_log() -> None:
    assert find_all(evidence(CLEAN, now=NOW)) == ()


@pytest.mark.parametrize("name", ["purchase-to-pay.csv", "purchase-to-pay.xes.gz"])
def test_nothing_is_found_in_the_sample_log(name: str) -> None:
    assert find_all(evidence(read_log(ROOT / "sample_logs" / name))) == ()


def test_a_simulated_log_of_forty_cases_is_clean() -> None:
    assert find_all(evidence(log_of(purchase_events()))) == ()


# --- times ---


def test_dates_alone() -> None:
    log = changed(lambda i, e: {"timestamp": e["timestamp"].normalize()})
    found = one(times.midnight, log)
    assert (found.code, found.count, found.severity) == ("times.midnight", log.n_events, "warning")
    assert found.examples[0].line == 1
    assert "Register request" in found.examples[0].text


def test_dates_that_another_zone_shows_an_hour_or_two_before_midnight() -> None:
    log = changed(
        lambda i, e: {"timestamp": e["timestamp"].tz_localize(None).normalize().tz_localize("Europe/Rome")}
    )
    assert {str(t)[11:19] for t in log.frame["timestamp"]} == {"22:00:00", "23:00:00"}
    found = one(times.midnight, log)
    assert found.count == log.n_events
    assert found.message.startswith("all events at a full hour that is midnight in another zone: ")


def test_one_activity_without_a_time_of_day() -> None:
    def only_answers(i: int, event: dict[str, Any]) -> dict[str, Any]:
        # The day after: at midnight of the same day it would come before its own case.
        day = event["timestamp"].normalize() + pd.Timedelta(days=1)
        return {"timestamp": day} if event["activity"] == "Send answer" else {}

    found = one(times.midnight, changed(only_answers))
    assert found.count == len(HALF_YEAR)
    assert found.examples[0].line == 4


def test_a_few_events_at_midnight_are_chance() -> None:
    log = changed(lambda i, e: {"timestamp": e["timestamp"].normalize()} if i < 9 else {})
    none(times.midnight, log)


def test_the_year_1970() -> None:
    log = changed(lambda i, e: {"timestamp": pd.Timestamp(0, tz="UTC")} if i == 6 else {})
    found = one(times.past, log)
    assert (found.count, found.severity, found.examples[0].line) == (1, "serious", 7)
    assert "1970-01-01T00:00:00+00:00" in found.examples[0].text


def test_a_log_wholly_before_1990_may_be_simulated() -> None:
    found = one(times.past, changed(lambda i, e: {"timestamp": e["timestamp"] - pd.DateOffset(years=50)}))
    assert (found.severity, "all events" in found.message) == ("warning", True)


def test_the_future() -> None:
    log = changed(lambda i, e: {"timestamp": pd.Timestamp("2185-05-01 10:00", tz="UTC")} if i == 3 else {})
    found = one(times.future, log)
    assert (found.count, found.severity, found.examples[0].line) == (1, "serious", 4)
    none(times.future, log, now=NOW * 5)
    none(times.incomplete_end, log)


def swapped(stamp: pd.Timestamp) -> pd.Timestamp:
    return stamp.replace(day=stamp.month, month=stamp.day) if stamp.day <= 12 else stamp


def test_days_and_months_swapped_where_both_are_possible() -> None:
    first_two = clean()[: 4 * 180]  # January and February
    rows = [e | {"timestamp": swapped(e["timestamp"])} for e in first_two]
    found = one(times.day_month, log_of(rows), now=NOW * 2)
    moved = sum(3 <= e["timestamp"].day <= 12 for e in first_two)
    assert (found.code, found.severity) == ("times.day-month", "serious")
    # Those that land in the month next to the log's are not counted.
    assert moved * 0.7 < found.count <= moved


def test_all_days_up_to_12_and_a_log_that_is_shorter_swapped() -> None:
    days = [e for e in clean() if e["timestamp"].month == 3 and e["timestamp"].day <= 12]
    found = one(
        times.day_month, log_of([e | {"timestamp": swapped(e["timestamp"])} for e in days]), now=NOW * 2
    )
    assert (found.severity, found.count) == ("warning", len(days))
    none(times.day_month, log_of(days))


def test_a_log_that_begins_thinly_is_not_swapped() -> None:
    early = [
        pd.Timestamp(f"2023-{m:02d}-{d:02d} 10:00", tz="UTC") for m in (8, 9, 10) for d in (1, 5, 8, 15, 25)
    ]
    pilot = [{"case_id": f"x{i}", "activity": "Check ticket", "timestamp": t} for i, t in enumerate(early)]
    none(times.day_month, log_of([*clean(), *pilot]))


def test_mixed_zones() -> None:
    def text(i: int, event: dict[str, Any], tail: tuple[str, str]) -> dict[str, Any]:
        return {"timestamp": event["timestamp"].strftime("%Y-%m-%dT%H:%M:%S") + tail[i % 2]}

    beside_none = one(times.mixed_zones, changed(lambda i, e: text(i, e, ("+01:00", ""))))
    assert (beside_none.severity, beside_none.count) == ("serious", CLEAN.n_events // 2)
    several = one(times.mixed_zones, changed(lambda i, e: text(i, e, ("-05:00", "+02:00"))))
    assert (several.severity, several.count) == ("note", CLEAN.n_events)
    assert "from -05:00 to +02:00" in several.examples[0].text
    none(times.mixed_zones, changed(lambda i, e: text(i, e, ("+01:00", "+02:00"))))
    none(times.mixed_zones, changed(lambda i, e: text(i, e, ("", ""))))


def test_a_last_week_of_one_day() -> None:
    until = pd.Timestamp("2024-05-14", tz="UTC")  # a Tuesday
    found = one(times.incomplete_end, log_of([e for e in clean() if e["timestamp"] < until]))
    assert found.code == "times.incomplete-end"
    assert "week of 2024-05-13" in found.examples[0].text
    none(times.incomplete_end, log_of([e for e in clean() if e["timestamp"] < until - pd.Timedelta(days=1)]))
    few = [e for e in clean() if e["timestamp"] < until and e["case_id"].endswith("7")]
    none(times.incomplete_end, log_of(few))


# --- events and cases ---


def test_duplicate_events_but_for_a_running_number() -> None:
    rows = clean()
    rows = [*rows, rows[5], rows[9], rows[9]]
    found = one(events.duplicates, log_of([e | {"row": i} for i, e in enumerate(rows)]))
    assert (found.count, found.severity) == (3, "warning")
    assert [e.line for e in found.examples] == [len(rows) - 2, len(rows) - 1, len(rows)]
    twice = one(events.duplicates, log_of(clean() * 2))
    assert (twice.count, twice.severity) == (CLEAN.n_events, "serious")


def test_the_same_activity_at_the_same_time_by_another_is_no_duplicate() -> None:
    rows = clean()
    none(events.duplicates, log_of([*rows, rows[5] | {"resource": "r9"}, rows[9] | {"cost": -1.0}]))
    none(events.duplicates, log_of([{"case_id": "1", "activity": "a"}] * 30))


def test_events_before_the_start_of_their_case() -> None:
    frame = pd.DataFrame(clean())
    start = frame.groupby("case_id")["timestamp"].transform("min")
    none(events.before_case_start, read_log(frame.assign(**{"case:REG_DATE": start})))
    late = start.where(frame["case_id"] != "c001", start + pd.Timedelta(minutes=90))
    found = one(events.before_case_start, read_log(frame.assign(**{"case:REG_DATE": late})))
    assert (found.code, [e.line for e in found.examples]) == ("events.before-case-start", [5, 6])


def test_a_date_that_is_no_start_and_a_start_that_is_missing() -> None:
    frame = pd.DataFrame(clean())
    none(events.before_case_start, read_log(frame.assign(**{"case:due": HALF_YEAR[-1]})))
    rare = frame["timestamp"].where(frame.index == 0)
    none(events.before_case_start, read_log(frame.assign(**{"case:startDate": rare})))


def test_starts_without_a_zone_are_of_the_log_s_zone() -> None:
    frame = pd.DataFrame(clean())
    frame["case:created"] = frame.groupby("case_id")["timestamp"].transform("min").dt.tz_localize(None)
    none(events.before_case_start, read_log(frame))
    assert one(events.before_case_start, read_log(frame, timezone="America/Lima")).count == len(frame)


def test_a_start_after_the_end() -> None:
    log = changed(lambda i, e: {"start_timestamp": e["timestamp"] + pd.Timedelta(minutes=(i == 8) - 0.5)})
    found = one(events.start_after_end, log)
    assert (found.count, found.examples[0].line) == (1, 9)
    none(events.start_after_end, CLEAN)


def test_cases_of_one_event() -> None:
    def cut(many: int) -> EventLog:
        return log_of([e for i, e in enumerate(clean()) if i % 4 == 0 or i >= 4 * many])

    few, many, most = (one(events.single_event_cases, cut(n)) for n in (3, 200, 600))
    assert [f.severity for f in (few, many, most)] == ["note", "warning", "serious"]
    assert (few.count, few.examples[0].line, few.examples[0].case_id) == (3, 1, "c000")
    assert "--case-id" in most.fix


def test_a_case_that_has_just_begun_is_running_not_short() -> None:
    none(events.single_event_cases, log_of(clean()[:-3]))


def test_a_case_attribute_that_changes() -> None:
    found = one(events.varying_case_attributes, changed(lambda i, e: {"case:product": "x"} if i == 5 else {}))
    assert (found.count, found.examples[0].line, found.examples[0].case_id) == (1, 6, "c001")
    assert "case:product" in found.examples[0].text


# --- names ---


def renamed(new: dict[int, str]) -> EventLog:
    return changed(lambda i, e: {"activity": new[i]} if i in new else {})


@pytest.mark.parametrize(
    "name", ["check ticket", "Check  Ticket", "Check_ticket", "CHECK-TICKET", "\uff23heck ticket"]
)
def test_the_same_letters(name: str) -> None:
    found = one(names.near_duplicates, renamed({5: name}))
    assert (found.count, found.severity, found.examples[0].line) == (1, "warning", 6)
    assert repr(name) in found.examples[0].text


@pytest.mark.parametrize("column", ["resource", "channel", "case:product"])
@pytest.mark.parametrize("name", ["front desk", "FRONT-DESK", "Front  desk"])
def test_the_same_letters_in_resources_and_values(column: str, name: str) -> None:
    values = {i: "Front desk" if i % 3 else "Back office" for i in range(len(CLEAN.frame))} | {5: name}
    found = one(names.near_duplicate_values, changed(lambda i, e: {column: values[i]}))
    assert (found.count, found.severity) == (1, "warning")
    assert column in found.examples[0].text and repr(name) in found.examples[0].text


@pytest.mark.parametrize("pair", [("v1.1", "v11"), ("10:30", "1030"), ("a", "A"), ("Level 1", "Level 2")])
def test_values_that_mean_something_else(pair: tuple[str, str]) -> None:
    none(names.near_duplicate_values, changed(lambda i, e: {"channel": pair[i % 2]}))
    none(names.near_duplicate_values, changed(lambda i, e: {"note": f"Note {i}" if i else "note 1"}))


@pytest.mark.parametrize(
    "name", ["Chek ticket", "Check tickets", "Check tciket", "Cheek ticket", "heck ticket"]
)
def test_a_rare_misspelling(name: str) -> None:
    found = one(names.near_duplicates, renamed({5: name, 9: name}))
    assert found.count == 1
    assert f"'{name}' (2 events)" in found.examples[0].text


@pytest.mark.parametrize(
    "others",
    [
        {1: "Level 1 check", 5: "Level 2 check", 9: "Level 12 check"},
        {1: "Release A", 5: "Release B"},
        {1: "+", 5: "-", 9: "*"},
        {1: "a", 5: "A", 9: "b1", 13: "B1"},
        {1: "T02 Check confirmation", 5: "T04 Check confirmation"},
        {1: "Check the ticket", 5: "Send", 9: "Sent"},
    ],
)
def test_names_that_mean_something_else(others: dict[int, str]) -> None:
    none(names.near_duplicates, renamed(others))


def test_two_frequent_names_a_letter_apart_are_two_activities() -> None:
    none(names.near_duplicates, renamed({i: "Checks ticket" for i in range(1, 2000, 8)}))


def test_an_activity_column_that_is_none() -> None:
    found = one(names.too_many, changed(lambda i, e: {"activity": f"note {i}"}))
    assert (found.severity, found.count) == ("serious", CLEAN.n_events)


# --- columns ---


def test_identifiers() -> None:
    log = changed(
        lambda i, e: {
            "document": f"D{i * 7919 % 100_003}",
            "number": 500_000 + i,
            "case:order": f"O{e['case_id']}",
            "ticket": f"T{e['case_id']}",
            "amount": i * 97 % 10_007 * 1_000,
            "weight": i / 7,
        }
    )
    found = one(columns.identifiers, log)
    assert found.count == 4
    assert all(f"'{name}'" in found.message for name in ("document", "number", "case:order", "ticket"))
    assert found.examples[0].line == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("contact", "ann.b@example.org"),
        ("remark", "please write to x@y.example soon"),
        ("case:account", "DE89 3704 0044 0532 0130 00"),
        ("case:date_of_birth", "1/2/90"),
        ("phone", "none"),
        ("customerEmail", "none"),
    ],
)
def test_personal_data(name: str, value: str) -> None:
    found = one(columns.personal_data, changed(lambda i, e: {name: value if i == 3 else None}))
    assert (found.count, found.severity, found.examples[0].line) == (1, "warning", 4)
    assert name in found.message


def test_what_only_looks_personal() -> None:
    log = changed(
        lambda i, e: {"code": "DE89370400440532013001", "mailing": "a@b", "mobility": "x", "at": "@"}
    )
    none(columns.personal_data, log)


def test_resources_with_addresses() -> None:
    found = one(columns.personal_data, changed(lambda i, e: {"resource": f"r{i % 5}@example.org"}))
    assert "'resource'" in found.message


def test_constant_columns() -> None:
    found = one(
        columns.constant,
        changed(lambda i, e: {"system": "ERP", "empty": None, "flag": "x" if i % 2 else None}),
    )
    assert (found.count, found.severity) == (2, "note")
    assert {"system", "empty"} == set(re.findall(r"'(system|empty|flag)'", found.message))


def test_twin_columns() -> None:
    found = one(
        columns.twins,
        changed(
            lambda i, e: {
                "step": e["activity"].upper(),
                "case:line": e["case:product"].replace("p", "line "),
                "other": f"x{i % 4 // 2}",
            }
        ),
    )
    assert (found.count, found.severity) == (2, "note")
    assert {e.text for e in found.examples} == {
        "'step' says the same as 'activity'",
        "'case:line' says the same as 'case:product'",
    }


def test_a_handful_of_events_cannot_show_twins() -> None:
    none(columns.twins, log_of([{"case_id": "1", "activity": c, "resource": c, "x": c} for c in "abcab"]))
    none(columns.twins, changed(lambda i, e: {"a": f"a{i}", "b": f"b{i}"}))


def test_a_role_that_was_guessed() -> None:
    names = {"case_id": "q1", "activity": "q2", "timestamp": "timestamp"}
    rows = [{new: event[old] for old, new in names.items()} for event in clean()]
    found = one(columns.guessed, log_of(rows, guess_columns=True))
    assert (found.count, found.severity) == (2, "warning")
    assert "--columns case_id=q1" in found.examples[0].text
    none(columns.guessed, CLEAN)


# --- starts and completions ---


def test_activities_that_stand_twice() -> None:
    kinds = ("start", "complete")
    rows = [
        {**event, "activity": f"step {i % 4 // 2}", "mode": kinds[i % 2]} for i, event in enumerate(clean())
    ]
    found = one(events.starts_and_completions, log_of(rows))
    assert (found.count, found.severity) == (len(rows) // 2, "warning")
    none(events.starts_and_completions, log_of(rows, pair_lifecycle=True))
    none(events.starts_and_completions, changed(lambda i, e: {"lifecycle": "complete"}))


def test_case_ids_that_a_spreadsheet_rounded() -> None:
    log = changed(lambda i, e: {"case_id": f"{9 * 10**17 + i * 10**13:.5E}"})
    found = one(damaged.identifiers, log)
    assert (found.code, found.severity) == ("columns.damaged-identifier", "serious")
    none(damaged.identifiers, CLEAN)  # more in test_damaged


# --- few events far away, and equal times ---


@pytest.mark.parametrize("shift", [-500, 100])
@pytest.mark.parametrize("cases", [1, 2])
def test_a_few_events_far_from_all_others(shift: int, cases: int) -> None:
    far = {0, 1, 2, 3, *(range(4, 8) if cases == 2 else ())}
    later = NOW + 365 * 86_400_000_000

    def moved(i: int, event: dict[str, Any]) -> dict[str, Any]:
        at = event["timestamp"] + pd.Timedelta(days=shift + (200 if shift > 0 else 0))
        return {"timestamp": at} if i in far else {}

    found = one(times.far_events, changed(moved), now=later)
    assert (found.count, found.severity) == (len(far), "warning")
    assert {example.case_id for example in found.examples} <= {"c000", "c001"}


def test_gaps_that_are_no_edge_or_no_wider_than_others() -> None:
    half = len(HALF_YEAR) * 2
    apart = changed(lambda i, e: {"timestamp": e["timestamp"] - pd.Timedelta(days=400)} if i < half else {})
    none(times.far_events, apart)
    rows = [
        {"case_id": str(i), "activity": "a", "timestamp": pd.Timestamp("2020-01-01", tz="UTC")}
        for i in range(60)
    ]
    for i, event in enumerate(rows):
        event["timestamp"] += pd.Timedelta(days=i * i % 97 * 10)
    none(times.far_events, log_of(rows))
    none(times.far_events, log_of(clean()[:8]))


def test_cases_that_were_chosen_by_when_they_ended() -> None:
    moment = pd.Timestamp("2023-01-01", tz="UTC")
    waits = [(case, step, 400 * (step == 0) + case % 30) for case in range(60) for step in (0, 1)]
    rows = [
        {"case_id": f"c{case}", "activity": "ab"[step], "timestamp": moment - pd.Timedelta(days=days)}
        for case, step, days in waits
    ]
    found = one(times.late_end, log_of(rows))
    assert (found.code, found.count, found.severity) == ("cases.late-ends", 60, "warning")
    assert "60 of 60 cases" in found.message and "only cases that had ended" in found.message
    none(times.late_end, CLEAN)


def test_a_column_that_may_order_equal_times() -> None:
    def tied(i: int, event: dict[str, Any]) -> dict[str, Any]:
        same = event["timestamp"].normalize() + pd.Timedelta(hours=9)
        return {"timestamp": same, "event_nr": (4 - i % 4 if i % 8 < 4 else i % 4) if i else 9}

    log = changed(lambda i, e: tied(i, e) | ({"timestamp": e["timestamp"]} if i % 4 > 1 else {}))
    found = one(events.equal_times, log)
    assert "--order time+event_nr" in found.fix
    none(events.equal_times, CLEAN)


# --- all of them ---


def test_every_finder_is_tested_and_every_code_is_in_the_docs() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    page = (ROOT / "docs" / "log-profile.md").read_text(encoding="utf-8")
    for finder in FINDERS:
        name = f"{finder.__module__.rpartition('.')[2]}.{finder.__name__}"
        assert re.search(rf"\bone\(\s*{re.escape(name)},", here), name
    sources = Path(find_all.__code__.co_filename).parent.glob("*.py")
    codes = {
        c
        for file in sources
        for c in re.findall(
            r'"((?:times|events|cases|columns|activities|values)\.[a-z-]+)"', file.read_text()
        )
    }
    assert len(codes) == len(FINDERS)
    assert {code for code in codes if f"`{code}`" not in page} == set()


def test_the_worst_comes_first() -> None:
    log = changed(
        lambda i, e: {"system": "ERP", "timestamp": pd.Timestamp(0, tz="UTC") if i == 6 else e["timestamp"]}
    )
    severities = [finding.severity for finding in find_all(evidence(log, now=NOW))]
    assert severities == sorted(severities, key=SEVERITIES.index)
    assert len(severities) == 2


TEXT = st.text(max_size=6)


# both of hypothesis's clocks go by the wall, and no test here asserts a time of the wall: a case takes 1 to
# 64 ms of it (at most 17 for its data) on a free machine, and many times that where others work
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "case_id": st.sampled_from(["1", "2", "3"]),
                "activity": TEXT.filter(str.strip),
                "timestamp": st.datetimes(pd.Timestamp(1901, 1, 1), pd.Timestamp(2999, 1, 1)),
            },
            optional={
                "resource": TEXT,
                "text": TEXT,
                "case:created": st.datetimes(pd.Timestamp(1901, 1, 1), pd.Timestamp(2999, 1, 1)),
                "n": st.integers(-(2**62), 2**62),
                "x": st.floats(),
                "b": st.booleans(),
            },
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["UTC", "Europe/Rome", "Asia/Kolkata"]),
)
def test_any_log_gets_findings_without_a_fault(rows: Events, zone: str) -> None:
    for finding in find_all(evidence(read_log(rows, timezone=zone))):
        assert finding.to_dict()["code"] == finding.code
        assert 0 < len(finding.examples) <= 3


# --- edges that a filter made ---


@pytest.mark.parametrize(
    "choice",
    [
        {"until": "2024-05-10T00:00:00"},
        {"since": "2024-02-05T00:00:00", "until": "2024-05-10T00:00:00"},
        {"where": (("case:month", "5"),)},
        {"running": "drop", "end_activity": ("Send answer",), "until": "2024-05-10T00:00:00"},
    ],
)
def test_an_end_that_a_filter_made_is_not_the_logs(choice: dict[str, Any]) -> None:
    rows = [
        event | {"timestamp": event["timestamp"] + pd.Timedelta(days=9 * k), "case:month": start.month % 6}
        for i, start in enumerate(HALF_YEAR)
        for k, event in enumerate(clean()[4 * i : 4 * i + 4])
    ]
    log = log_of(rows, selection=Selection(**choice))
    assert log.is_cut
    none(times.incomplete_end, log)
    # the same events as a log of their own have that end
    none_is_known = log_of(log.frame.to_dict("records"))
    assert not none_is_known.is_cut
    one(times.incomplete_end, none_is_known)


def test_an_end_that_as_of_made_is_not_the_logs() -> None:
    log = log_of(clean())
    known, _at = up_to(log, "2024-05-14T00:00:00")
    assert known.is_cut and known.n_events < log.n_events
    none(times.incomplete_end, known)
    one(times.incomplete_end, log_of(known.frame.to_dict("records")))
    whole, _at = up_to(log, "2030-01-01T00:00:00")
    assert not whole.is_cut


@pytest.mark.parametrize(
    "choice",
    [
        {"since": "2024-02-01T00:00:00"},
        {"where": (("resource", "r1"), ("resource", "r2"))},
        {"min_events": 1},
    ],
)
def test_an_end_that_is_the_logs_own_stays_one_beside_a_filter(choice: dict[str, Any]) -> None:
    until = pd.Timestamp("2024-05-14", tz="UTC")
    log = log_of([e for e in clean() if e["timestamp"] < until], selection=Selection(**choice))
    assert not log.is_cut
    one(times.incomplete_end, log)

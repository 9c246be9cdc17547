"""The profile of a log against counts made the slow way."""

import json
from collections import Counter

import numpy as np
import pytest

from pmlcli.eventlog import read_log
from pmlcli.eventlog.profile import (
    MOST_ACTIVITIES,
    MOST_BUCKETS,
    TOP,
    Arrivals,
    Attribute,
    profile,
    variant_codes,
)
from tests.logs import purchase_events

EVENTS = purchase_events(50, seed=3)
LOG = read_log(EVENTS)
TRACES = [tuple(e["activity"] for e in EVENTS if e["case_id"] == case) for case in LOG.case_ids]


def test_variants_are_distinct_sequences() -> None:
    codes = variant_codes(LOG)
    assert len(set(zip(codes.tolist(), TRACES, strict=True))) == len(set(TRACES)) == codes.max() + 1
    found = profile(LOG)
    assert found.variants == len(set(TRACES))
    expected = Counter(TRACES).most_common(TOP)
    assert [v.count for v in found.top_variants] == [count for _, count in expected]
    assert found.top_variants[0].name == " > ".join(expected[0][0])


def test_counts_and_shares() -> None:
    found = profile(LOG)
    counted = Counter(e["activity"] for e in EVENTS)
    assert {a.name: a.count for a in found.activities} == counted
    assert [a.count for a in found.activities] == sorted(counted.values(), reverse=True)
    assert sum(a.share for a in found.activities) == pytest.approx(1)
    assert (found.cases, found.events) == (50, len(EVENTS))
    assert found.resources == len({e["resource"] for e in EVENTS})
    assert found.ledger["events_used"] == len(EVENTS)


def test_times_are_in_the_log_s_zone() -> None:
    found = profile(read_log(EVENTS, timezone="Asia/Kolkata"))
    assert found.first_event is not None
    assert found.first_event.endswith("+05:30")
    spans = (LOG.ends - LOG.starts) / 1e6
    assert found.throughput_median_seconds == np.median(spans)
    days = (LOG.starts.max() - LOG.starts.min()) / 86_400e6
    assert found.arrivals_per_day == pytest.approx(50 / days)


def test_a_log_without_times_and_resources() -> None:
    bare = read_log([{"case_id": e["case_id"], "activity": e["activity"]} for e in EVENTS])
    found = profile(bare).to_dict()
    times = (
        "first_event",
        "last_event",
        "throughput_median_seconds",
        "throughput_p90_seconds",
        "arrivals_per_day",
    )
    assert [found[name] for name in times] == [None] * 5
    assert (found["resources"], found["top_resources"], found["running_cases"]) == (None, [], 0)
    assert found["variants"] == len(set(TRACES))


def test_one_event() -> None:
    found = profile(read_log([{"case_id": "1", "activity": "a", "timestamp": "2024-01-01T00:00:00Z"}]))
    assert (found.cases, found.variants, found.events_per_case_max) == (1, 1, 1)
    assert found.arrivals_per_day == 1.0


def test_arrivals_are_counted_in_whole_days_of_the_log_s_zone() -> None:
    rows = [
        {"case_id": str(i), "activity": "a", "timestamp": stamp}
        for i, stamp in enumerate(("2024-03-01T23:30Z", "2024-03-02T00:30Z", "2024-03-04T12:00Z"))
    ]
    arrivals = profile(read_log(rows)).arrivals
    assert arrivals == Arrivals("2024-03-01", 1, (1, 1, 0, 1))
    arrivals = profile(read_log(rows, timezone="Europe/Berlin")).arrivals
    assert arrivals == Arrivals("2024-03-02", 1, (2, 0, 1))


def test_arrivals_of_centuries_fit_in_sixty_buckets() -> None:
    stamps = ("1901-01-01T00:00Z", "2024-03-02T00:30Z", "2260-03-04T12:00Z")
    rows = [{"case_id": str(i), "activity": "a", "timestamp": stamp} for i, stamp in enumerate(stamps)]
    arrivals = profile(read_log(rows)).arrivals
    assert arrivals is not None
    assert len(arrivals.counts) <= MOST_BUCKETS
    assert sum(arrivals.counts) == 3


def test_attributes_have_a_type_and_a_missing_share() -> None:
    rows = [
        {
            "case_id": str(i // 4),
            "activity": "a",
            "note": "x" if i % 4 == 1 else None,
            "amount": i / 2,
            "pieces": i,
            "urgent": i % 2 == 0,
            "case:vendor": "v" if i >= 10 else None,
        }
        for i in range(20)
    ]
    found = {attribute.name: attribute for attribute in profile(read_log(rows)).attributes}
    assert found["note"] == Attribute("note", "text", "events", 1, 0.75)
    assert [found[name].type for name in ("amount", "pieces", "urgent")] == ["number", "integer", "boolean"]
    # Of a case attribute the first value counts, and cases are counted: two of five begin without one.
    assert found["case:vendor"] == Attribute("case:vendor", "text", "cases", 1, pytest.approx(0.6))


def test_long_cases_and_many_activities_are_cut() -> None:
    rows = [{"case_id": "1", "activity": f"a{i}"} for i in range(MOST_ACTIVITIES + 5)]
    found = profile(read_log(rows))
    assert (found.distinct_activities, len(found.activities)) == (MOST_ACTIVITIES + 5, MOST_ACTIVITIES)
    assert found.top_variants[0].name.endswith("a99 > (905 more)")


def test_findings_are_part_of_it_and_plain_in_json() -> None:
    found = profile(read_log([{"case_id": "1", "activity": "a", "timestamp": "2185-01-01T00:00Z"}]))
    assert [finding.code for finding in found.findings] == ["times.future"]
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["findings"][0]["examples"][0] == {
        "text": "activity 'a' at 2185-01-01T00:00:00+00:00",
        "line": 1,
        "case_id": "1",
    }
    assert plain["line_unit"] == "row"
    assert profile(LOG, now=0).findings[0].code == "times.future"

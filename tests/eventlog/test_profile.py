"""The profile of a log against counts made the slow way."""

from collections import Counter

import numpy as np
import pytest

from pmlcli.eventlog import read_log
from pmlcli.eventlog.profile import TOP, profile, variant_codes
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

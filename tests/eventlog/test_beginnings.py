"""One process in three writings (intervals, starts and completions, these paired) has one set of figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.algorithms.anomaly.duration import durations
from pmlcli.encoding.events.prefixes import PrefixEncoding
from pmlcli.encoding.events.resources import WorkEncoding
from pmlcli.encoding.events.sequences import SequenceEncoding
from pmlcli.encoding.events.table import table_columns, tabulate
from pmlcli.encoding.outcome.encoding import OutcomeEncoding, OutcomeSource
from pmlcli.encoding.profile.time import TimeGroup
from pmlcli.encoding.series.encoding import SeriesEncoding
from pmlcli.encoding.series.kpi import find_kpi
from pmlcli.eventlog import ReadOptions, read_log
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.profile import profile
from pmlcli.eventlog.selection import Selection
from pmlcli.eventlog.split import split_by_start, split_strictly
from pmlcli.lifecycle.reference import reference

START = pd.Timestamp("2024-01-01 08:00", tz="UTC")
HOURS = {"Repair": 200, "Invoice": 2}
KPIS = ("arrivals", "open-cases", "completions", "cycle-time", "cycle-time-p90", "cycle-time-by-arrival",
        "sla-breach-rate:5d")  # fmt: skip
WRITINGS = ("intervals", "starts and completions", "paired")


def intervals(cases: int = 60) -> list[dict[str, Any]]:
    """Cases of a long repair and an invoice; in every fifth a note is written while the repair goes on."""
    events: list[dict[str, Any]] = []
    for case in range(cases):
        now = START + pd.Timedelta(hours=12 * case)
        for activity, hours in HOURS.items():
            end = now + pd.Timedelta(hours=hours + case % 7)
            events.append(dict(case_id=f"C{case}", activity=activity, start_timestamp=now, timestamp=end))
            if activity == "Repair" and case % 5 == 0:
                note = now + pd.Timedelta(hours=50)
                events.append(dict(case_id=f"C{case}", activity="Note", start_timestamp=note, timestamp=note))
            now = end + pd.Timedelta(hours=1)
    return events


def written(how: str, selection: Selection | None = None) -> EventLog:
    events = intervals()
    chosen = selection or Selection()
    if how == "intervals":
        return read_log(events, selection=chosen)
    halves = [
        {"case_id": e["case_id"], "activity": e["activity"], "lifecycle": kind, "timestamp": e[role]}
        for e in events
        for kind, role in (("start", "start_timestamp"), ("complete", "timestamp"))
    ]
    return read_log(halves, ReadOptions(pair_lifecycle=how == "paired"), selection=chosen)


@pytest.mark.parametrize("how", WRITINGS)
def test_a_case_begins_at_its_earliest_start(how: str) -> None:
    log = written(how)
    begun = START.value // 1000 + np.arange(60) * 12 * 3_600_000_000
    assert (log.starts == begun).all()
    # The note completes before the repair that began earlier: until then nobody knows when the case began.
    assert (log.began[log.offsets[1:] - 1] == log.starts).all()
    assert (log.began >= np.repeat(log.starts, log.lengths)).all()


def figures(log: EventLog) -> dict[str, Any]:
    """Public figures about how long cases take and when they begin."""
    found = profile(log)
    series = SeriesEncoding(KPIS).fit(log).transform(log)
    split, strict = split_by_start(log), split_strictly(log)
    slow = OutcomeEncoding(OutcomeSource("slower_than", "203h")).fit(log).transform(log)
    data, last = SequenceEncoding().fit(log).transform(log), log.offsets[1:] - 1
    table = PrefixEncoding().fit(log).transform(log)
    names = [column.name for column in table_columns(table, "rank")]
    since_start = tabulate(table, last, "rank")[:, names.index("since start:time")]
    return {
        "first": found.first_event,
        "median": found.throughput_median_seconds,
        "p90": found.throughput_p90_seconds,
        "arrivals": found.arrivals,
        "per day": found.arrivals_per_day,
        "throughput": reference(log)["throughput_seconds"],
        "series": [(one.kpi, one.starts.tolist(), one.values.tolist()) for one in series],
        "train": sorted(split.train.case_ids),
        "strict": sorted(strict.train.case_ids),
        "slow": slow.target.tolist(),
        "elapsed": data.times[last, 1].tolist(),
        "row": since_start.tolist(),
        "since": written_since(log),
    }


def january(day: int) -> str:
    return f"2024-01-{day:02}T00:00:00Z"


def written_since(log: EventLog) -> int:
    how = "intervals" if "start_timestamp" in log.frame else "starts and completions"
    return written(how, Selection(since="2024-01-15T08:00:00Z")).n_cases


def test_three_writings_have_the_same_figures() -> None:
    first, *others = (figures(written(how)) for how in WRITINGS)
    assert first["median"] > 200 * 3600
    assert first["since"] == 32
    assert 0 < sum(first["slow"]) < 60
    for other in others:
        for name, figure in first.items():
            assert other[name] == figure, name


def test_breaches_are_counted_from_the_beginning() -> None:
    for how in WRITINGS:
        log = written(how)
        edges = np.array([log.starts.min(), log.ends.max() + 1])
        assert find_kpi("sla-breach-rate:5d").measure(log, edges).tolist() == [1.0]


@pytest.mark.parametrize("how", ["intervals", "paired"])
def test_detectors_count_from_the_beginning(how: str) -> None:
    log = written(how)
    work = WorkEncoding(times="always").fit(log).transform(log)
    until = durations(work)[1].seconds[log.offsets[1:] - 1]
    assert until == pytest.approx((log.ends - log.starts) / 1e6)
    assert TimeGroup.fit(log).columns[0].kind == "duration"


def test_row_order_may_go_back_in_time() -> None:
    events = [
        dict(case_id="a", activity="x", timestamp="2024-01-03T00:00:00Z"),
        dict(case_id="a", activity="y", timestamp="2024-01-01T00:00:00Z"),
        dict(case_id="a", activity="z", timestamp="2024-01-02T00:00:00Z"),
    ]
    log = read_log(events, ReadOptions(order="row"))
    assert log.times is not None
    assert log.starts.tolist() == [log.times[1]]
    assert log.ends.tolist() == [log.times[0]]
    assert log.began.tolist() == log.times[[0, 1, 1]].tolist()


def test_an_event_without_a_start_begins_at_its_time() -> None:
    rows = [("a", None, 2), ("a", 1, 3), ("b", 9, 3)]
    events = [
        dict(case_id=case, activity="x", start_timestamp=start and january(start), timestamp=january(day))
        for case, start, day in rows
    ]
    log = read_log(events)
    assert log.times is not None
    day = 86_400_000_000
    assert (log.starts - log.times[log.offsets[:-1]]).tolist() == [-day, 0]
    assert (log.began - log.times).tolist() == [0, -2 * day, 0]

"""KPI series, computed by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.encoding.series.encoding import (
    Series,
    SeriesEncoding,
    bucket_edges,
    first_completion,
    observed_window,
)
from pmlcli.encoding.series.kpi import _censored_quantiles
from pmlcli.errors import LogError, ValidationError
from pmlcli.eventlog.log import EventLog
from tests.logs import log_of, trace_log

HOUR = 3_600_000_000


def us(text: str, zone: str = "UTC") -> int:
    return int(pd.Timestamp(text, tz=zone).timestamp()) * 1_000_000


def log(*cases: list[tuple[str, str]], zone: str = "UTC") -> EventLog:
    """Cases as lists of (activity, local time)."""
    events: list[dict[str, Any]] = [
        {"case_id": f"c{i}", "activity": a, "timestamp": pd.Timestamp(t, tz=zone).tz_convert("UTC")}
        for i, case in enumerate(cases)
        for a, t in case
    ]
    made = log_of(events)
    return replace(made, schema=replace(made.schema, timezone=zone))


def series(kpi: str, made: EventLog, frequency: str = "D") -> Series:
    return SeriesEncoding((kpi,), frequency).fit(made).transform(made)[0]


# Days 2 to 6 of May 2024 are covered; the 1st and the 7th only in part. A pause inside a case never
# exceeds two days, so nothing but the last case can be running at the end.
FIVE_DAYS = log(
    [("a", "2024-05-01 12:00"), ("b", "2024-05-02 12:00")],
    [("a", "2024-05-02 06:00"), ("b", "2024-05-02 10:00")],
    [("a", "2024-05-02 08:00"), ("b", "2024-05-04 08:00")],
    [("a", "2024-05-04 09:00"), ("x", "2024-05-04 10:00"), ("b", "2024-05-04 11:00")],
    [("a", "2024-05-05 00:00"), ("b", "2024-05-05 23:00")],
    [("a", "2024-05-06 23:00"), ("x", "2024-05-07 09:00")],
)


@pytest.mark.parametrize(
    ("kpi", "expected", "unit"),
    [
        ("arrivals", [2, 0, 1, 1, 1], "cases"),
        ("completions", [2, 0, 2, 1, 0], "cases"),
        ("open-cases", [1, 1, 0, 0, 1], "cases"),
        ("events", [4, 0, 4, 2, 1], "events"),
        ("activity:x", [0, 0, 1, 0, 0], "events"),
        # medians of 24 h and 4 h, of 48 h and 2 h, of 23 h; days without completions repeat the last
        ("cycle-time", [14 * 3600, 14 * 3600, 25 * 3600, 23 * 3600, 23 * 3600], "seconds"),
    ],
)
def test_every_kpi(kpi: str, expected: list[float], unit: str) -> None:
    found = series(kpi, FIVE_DAYS)
    assert found.values.tolist() == expected
    assert found.unit == unit
    assert found.starts[0] == us("2024-05-02")
    assert np.diff(found.starts).tolist() == [24 * HOUR] * 4


# The same days; the second case begins twice.
REWORKED = log(
    [("a", "2024-05-01 12:00"), ("b", "2024-05-02 12:00")],
    [("a", "2024-05-02 06:00"), ("a", "2024-05-02 07:00"), ("b", "2024-05-02 10:00")],
    [("a", "2024-05-02 08:00"), ("b", "2024-05-04 08:00")],
    [("a", "2024-05-04 09:00"), ("x", "2024-05-04 10:00"), ("b", "2024-05-04 11:00")],
    [("a", "2024-05-05 00:00"), ("b", "2024-05-05 23:00")],
    [("a", "2024-05-06 23:00"), ("x", "2024-05-07 09:00")],
)
H = 3600


@pytest.mark.parametrize(
    ("kpi", "expected", "unit"),
    [
        ("rework-rate", [0.5, 0.5, 0, 0, 0], "share"),
        ("sla-breach-rate:1d", [0, 0, 0.5, 0, 0], "share"),
        ("sla-breach-rate:3h", [1, 1, 0.5, 1, 1], "share"),
        # 24, 1 and 3 hours on the 2nd; 48, 1 and 1 on the 4th; 23 on the 5th
        ("waiting-time", [28 / 3 * H, 28 / 3 * H, 50 / 3 * H, 23 * H, 23 * H], "seconds"),
        # nine tenths of the way from 4 to 24 hours, and from 2 to 48
        ("cycle-time-p90", [22 * H, 22 * H, 43.4 * H, 23 * H, 23 * H], "seconds"),
        ("directly-follows:a->b", [2, 0, 1, 1, 0], "events"),
        ("directly-follows:a->a", [1, 0, 0, 0, 0], "events"),
    ],
)
def test_kpis_of_flow_and_quality(kpi: str, expected: list[float], unit: str) -> None:
    found = series(kpi, REWORKED)
    assert found.values.tolist() == pytest.approx(expected)
    assert found.unit == unit
    assert found.about


def test_load_of_a_resource() -> None:
    rows = [
        ("Ann", "01 12:00"),
        ("Ann", "02 09:00"),
        ("Bo", "02 10:00"),
        ("Ann", "03 09:00"),
        ("Bo", "04 09:00"),
    ]
    made = log_of(
        [
            {"case_id": f"{i}", "activity": "a", "timestamp": f"2024-05-{t}", "resource": who}
            for i, (who, t) in enumerate(rows)
        ]
    )
    assert series("resource-load:Ann", made).values.tolist() == [1, 1]
    assert SeriesEncoding(("resource-load:Ann",)).required_columns() == ("timestamp", "resource")
    with pytest.raises(ValidationError, match="unknown resource 'Anne' in KPI") as caught:
        series("resource-load:Anne", made)
    assert caught.value.hint == "did you mean 'Ann'?"
    with pytest.raises(LogError, match="no resource column"):
        series("resource-load:Ann", FIVE_DAYS)


def test_all_common_pairs_together() -> None:
    encoding = SeriesEncoding(("arrivals", "directly-follows")).fit(FIVE_DAYS)
    found = encoding.transform(FIVE_DAYS)
    names = ["directly-follows:a->b", "directly-follows:a->x", "directly-follows:x->b"]
    assert [s.kpi for s in found] == ["arrivals", *names]
    again = SeriesEncoding.from_state(encoding.state())
    assert [s.kpi for s in again.transform(FIVE_DAYS)] == [s.kpi for s in found]


@pytest.mark.parametrize(
    "kpi", ["sla-breach-rate", "sla-breach-rate:soon", "sla-breach-rate:0d", "directly-follows:a"]
)
def test_kpis_that_lack_something(kpi: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SeriesEncoding((kpi,))
    assert "write" in str(caught.value.hint)


def test_a_running_case_is_open_and_not_completed() -> None:
    traces = [[("a", f"2024-05-{d:02d} 08:00"), ("b", f"2024-05-{d:02d} 18:00")] for d in range(1, 10)]
    made = log(*traces, [("a", "2024-05-08 09:00")], [("a", "2024-05-09 11:00"), ("b", "2024-05-10 01:00")])
    # The case of the 8th stopped in the middle long ago; those of the 9th ended as cases end.
    assert series("completions", made).values.tolist() == [1, 1, 1, 1, 1, 1, 2, 1]
    late = log(*traces, [("a", "2024-05-09 17:00")], [("a", "2024-05-09 11:00"), ("b", "2024-05-10 01:00")])
    assert series("completions", late).values.tolist() == [1] * 8
    assert series("open-cases", late).values.tolist() == [0] * 7 + [2]
    assert series("cycle-time", late).values.tolist() == [36_000.0] * 8


def test_a_first_bucket_is_kept_when_the_log_begins_with_it() -> None:
    made = log([("a", "2024-05-01 00:00")], [("a", "2024-05-02 10:00")], [("a", "2024-05-03 10:00")])
    assert series("arrivals", made).values.tolist() == [1, 1]


def test_a_log_within_one_bucket_gives_an_empty_series() -> None:
    made = log([("a", "2024-05-01 01:00"), ("b", "2024-05-01 02:00")])
    for kpi in ("arrivals", "open-cases", "cycle-time", "completions"):
        assert len(series(kpi, made)) == 0


def test_days_of_the_zone_where_clocks_change() -> None:
    zone = "Europe/Amsterdam"
    times = (
        "03-29 09:00",
        "03-30 00:30",
        "03-30 23:30",
        "03-31 00:30",
        "03-31 23:30",
        "04-01 00:30",
        "04-02 09:00",
    )
    made = log(*[[("a", f"2024-{t}")] for t in times], zone=zone)
    found = series("arrivals", made)
    assert found.values.tolist() == [2, 2, 1]
    assert np.diff(found.starts).tolist() == [24 * HOUR, 23 * HOUR]
    assert [int(s) for s in found.next_starts(2)] == [us("2024-04-02", zone), us("2024-04-03", zone)]
    autumn = bucket_edges(us("2024-10-26 12:00", zone), 2, "D", zone)
    assert np.diff(autumn).tolist() == [24 * HOUR, 25 * HOUR]


def test_a_midnight_that_does_not_exist() -> None:
    edges = bucket_edges(us("2018-11-03 12:00", "America/Sao_Paulo"), 2, "D", "America/Sao_Paulo")
    assert int(edges[1]) == us("2018-11-04 01:00", "America/Sao_Paulo")
    assert np.diff(edges).tolist() == [24 * HOUR, 23 * HOUR]


def test_the_zone_of_training_stays() -> None:
    encoding = SeriesEncoding(("arrivals",)).fit(log([("a", "2024-05-01 10:00")], zone="Asia/Tokyo"))
    assert encoding.transform(FIVE_DAYS)[0].timezone == "Asia/Tokyo"
    again = SeriesEncoding.from_state(encoding.state())
    assert again.state() == encoding.state()
    assert (again.transform(FIVE_DAYS)[0].values == encoding.transform(FIVE_DAYS)[0].values).all()


@pytest.mark.parametrize(
    ("frequency", "starts"),
    [
        ("H", ["2024-05-01 12:00", "2024-05-01 13:00"]),
        ("W", ["2024-05-06", "2024-05-13"]),
        ("M", ["2024-06-01", "2024-07-01"]),
    ],
)
def test_frequencies(frequency: str, starts: list[str]) -> None:
    days = pd.date_range("2024-05-01 12:00", "2024-09-20", freq="D")
    found = series("arrivals", log(*[[("a", str(day))] for day in days]), frequency)
    assert found.starts[:2].tolist() == [us(start) for start in starts]
    assert found.values[:2].tolist() == {"H": [1, 0], "W": [7, 7], "M": [30, 31]}[frequency]
    first = bucket_edges(int(found.starts[-1]), 1, frequency, "UTC")[1]
    assert found.next_starts(1).tolist() == [int(first)]


def test_hours_of_a_zone_with_half_an_hour() -> None:
    edges = bucket_edges(us("2024-05-01 10:40", "Asia/Kolkata"), 1, "H", "Asia/Kolkata")
    assert edges.tolist() == [us("2024-05-01 10:00", "Asia/Kolkata"), us("2024-05-01 11:00", "Asia/Kolkata")]


def test_left_overs_of_a_log_chosen_by_case_start_are_not_the_process() -> None:
    days = pd.date_range("2024-05-01 12:00", periods=40, freq="D")
    cases = [[("a", str(day)), ("b", str(day + pd.Timedelta(days=2)))] for day in days]
    ends_well = log(*cases)
    assert observed_window(ends_well)[1] == us("2024-06-11 12:00")
    leftover = log(*cases, [("a", "2024-05-20 13:00"), ("b", "2024-07-30 12:00")])
    assert observed_window(leftover)[1] == us("2024-06-09 12:00")
    assert series("arrivals", leftover).values[-1] == 1


def test_zeros_between_cases_are_values() -> None:
    made = log([("a", "2024-05-01 12:00")], [("a", "2024-05-05 12:00")])
    assert series("arrivals", made).values.tolist() == [0, 0, 0]


def test_without_times_there_is_no_series() -> None:
    with pytest.raises(LogError, match="no timestamps, which a KPI series needs"):
        SeriesEncoding().fit(trace_log([["a", "b"]]))
    with pytest.raises(LogError, match="no timestamps, which a KPI series needs"):
        SeriesEncoding().transform(trace_log([["a", "b"]]))


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(ValidationError, match="unknown KPI 'arivals'") as caught:
        SeriesEncoding(("arivals",))
    assert caught.value.hint == "did you mean 'arrivals'?"
    with pytest.raises(ValidationError, match="unknown frequency 'Q'"):
        SeriesEncoding(("arrivals",), "Q")
    with pytest.raises(ValidationError, match="unknown activity 'Approv'") as caught:
        SeriesEncoding(("activity:Approv",)).fit(log([("Approve", "2024-05-01 10:00")]))
    assert caught.value.hint == "did you mean 'Approve'?"


def test_an_activity_that_a_newer_log_never_saw_counts_zero() -> None:
    encoding = SeriesEncoding(("activity:x",)).fit(FIVE_DAYS)
    newer = log([("a", "2024-05-01 12:00")], [("a", "2024-05-03 12:00")])
    assert encoding.transform(newer)[0].values.tolist() == [0]


def test_cycle_time_by_arrival_knows_running_cases_to_be_longer() -> None:
    # Three in four cases take 24 hours or less, by the log's end at 9 on 7 May: the 5th is the last that old.
    found = series("cycle-time-by-arrival", FIVE_DAYS)
    # 2 May: cases of 4 and 48 hours, the median by Kaplan and Meier is the first that half are within.
    assert (found.values / 3600).tolist() == [4, 4, 2, 23]
    assert found.starts[-1] == us("2024-05-05")
    late = series("cycle-time-by-arrival-p90", FIVE_DAYS)
    assert (late.values / 3600).tolist() == [48, 48, 2]


def test_quantiles_of_values_that_are_cut_off() -> None:
    edges, times = np.array([0, 10, 20]), np.array([1, 1, 1, 1, 1, 12, 12, 12, 25])
    values = np.array([1.0, 3, 3, 5, 9, 2, 4, 8, 7])
    is_whole = np.array([True, True, False, True, False, True, False, False, True])
    # Of five, 0.8 stay after 1 and 0.6 after 3; of the two still watched one ends at 5: 0.3 stay.
    assert _censored_quantiles(times, values, is_whole, edges, 0.5)[0] == 5
    assert np.isnan(_censored_quantiles(times, values, is_whole, edges, 0.5)[1])
    assert _censored_quantiles(times, values, is_whole, edges, 0.4)[0] == 3


def test_a_log_whose_cases_end_in_its_second_half() -> None:
    assert first_completion(FIVE_DAYS) is None
    late = log(
        [("a", "2024-05-01 12:00"), ("b", "2024-05-20 12:00")],
        [("a", "2024-05-18 12:00"), ("b", "2024-05-21 12:00")],
    )
    assert first_completion(late) == us("2024-05-20 12:00")

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmlcli.errors import LogError
from pmlcli.eventlog import read_log
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import TextColumn, Vocabulary
from pmlcli.eventlog.times.parse import Times, parse_times


def parsed(*texts: str, **options: object) -> Times:
    vocabulary = Vocabulary()
    codes = vocabulary.codes(texts)
    return parse_times(TextColumn.of(codes, list(vocabulary)), ReadOptions(**options), "log: column 't'")


def iso(times: Times) -> list[str]:
    return [str(t) for t in times.micros.view("datetime64[us]").astype("datetime64[ms]")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-05T10:11:12Z", "2024-01-05T10:11:12.000"),
        ("2024-01-05 10:11:12.5+02:00", "2024-01-05T08:11:12.500"),
        ("2024-01-05T10:11:12.123456789-0530", "2024-01-05T15:41:12.123"),
        ("2024-01-05 10:11 +02", "2024-01-05T08:11:00.000"),
        ("2024-01-05 10:11:12 UTC", "2024-01-05T10:11:12.000"),
        ("2024/01/05 10:11", "2024-01-05T10:11:00.000"),
        ("2024-02-29", "2024-02-29T00:00:00.000"),
        ("31.12.2023 23:59:59", "2023-12-31T23:59:59.000"),
        ("12/31/2023 11:59 PM", "2023-12-31T23:59:00.000"),
        ("13/1/2024 9:05", "2024-01-13T09:05:00.000"),
        ("05-Jan-2024 10:00:00", "2024-01-05T10:00:00.000"),
        ("Jan 5, 2024 12:30 am", "2024-01-05T00:30:00.000"),
        ("20240105", "2024-01-05T00:00:00.000"),
        ("20240105101112", "2024-01-05T10:11:12.000"),
        ("1704449472", "2024-01-05T10:11:12.000"),
        ("1704449472123", "2024-01-05T10:11:12.123"),
        ("1704449472123456", "2024-01-05T10:11:12.123"),
        ("1704449472123456789", "2024-01-05T10:11:12.123"),
        ("45296.5", "2024-01-05T12:00:00.000"),
        ("45296,5", "2024-01-05T12:00:00.000"),
        ("13.1.24 09:05", "2024-01-13T09:05:00.000"),
        ("12/31/98", "1998-12-31T00:00:00.000"),
        ("99-12-31 23:59", "1999-12-31T23:59:00.000"),
    ],
)
def test_known_writings(text: str, expected: str) -> None:
    times = parsed(text)
    assert iso(times) == [expected]
    assert not any(flags.any() for flags in times.refused.values())


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2023-02-30",
        "2023-02-29T00:00",
        "2024-13-01",
        "2024-01-05T24:00",
        "2024-01-05T10:61",
        "x" * 100,
        "2024-01-05T10:00:00+25:00",
        "12345-01-01",
        "13:00 PM",
        "05-Foo-2024",
        "5",
        "2024-01-05T10",
        "é",
    ],
)
def test_no_time_is_refused(text: str) -> None:
    assert parsed(text, "2024-01-25T10:00:00Z").refused["not a time"].tolist() == [True, False]


def test_out_of_range_is_refused() -> None:
    times = parsed(
        "0001-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "1900-01-01T00:00:00Z", "3000-01-01T00:00:00Z"
    )
    assert times.refused["out of range (1900 to 2999)"].tolist() == [True, True, False, True]
    assert ("times before 1990", 1) in times.notes


def test_day_and_month() -> None:
    with pytest.raises(LogError, match="cannot be distinguished") as caught:
        parsed("03/04/2024", "05/06/2024")
    assert caught.value.hint is not None
    assert "--day-first or --month-first" in caught.value.hint
    assert iso(parsed("03/04/2024", day_first=True)) == ["2024-04-03T00:00:00.000"]
    assert iso(parsed("03/04/2024", day_first=False)) == ["2024-03-04T00:00:00.000"]
    assert iso(parsed("03/04/2024", "13/04/2024"))[0] == "2024-04-03T00:00:00.000"
    with pytest.raises(LogError, match="some say day first and some month first"):
        parsed("13/04/2024", "04/13/2024")


def test_daylight_saving_gaps_and_overlaps_are_named() -> None:
    times = parsed(
        "2024-03-31 02:30:00", "2024-10-27 02:30:00", "2024-07-01 12:00:00", timezone="Europe/Berlin"
    )
    assert iso(times) == ["2024-03-31T01:00:00.000", "2024-10-27T00:30:00.000", "2024-07-01T10:00:00.000"]
    kinds = dict(times.notes)
    assert kinds["times without a zone, read as Europe/Berlin"] == 3
    assert sum(count for kind, count in kinds.items() if "daylight saving" in kind) == 2


def test_mixed_zones_are_counted_in_rows() -> None:
    times = parsed("2024-01-01T00:00:00", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00")
    assert dict(times.notes) == {
        "times without a zone, read as UTC": 2,
        "times with a zone beside times without": 1,
    }


def test_future_and_finer() -> None:
    times = parsed("2185-05-04T16:13:00.000000001Z")
    assert dict(times.notes) == {"times finer than a microsecond, cut": 1, "times in the future": 1}


@pytest.mark.parametrize(
    ("texts", "message", "hint"),
    [
        (
            ("01.02.03", "04.05.06"),
            "'01.02.03' and '04.05.06' can be read in several ways",
            "--day-first, --mon",
        ),
        (("13/02/25", "13/12/13"), "several ways", "--day-first, --timestamp-format '%y/%m/%d'"),
        (("31.12.99", "12.31.99"), "do not all fit one order", "--day-first, --month-first"),
        (("5", "17.5"), "numbers such as 5 and 17.5 are no time", "--timestamp-format seconds or milli"),
        (("99999999999999999999", "1"), "are no time", "days"),
    ],
)
def test_doubt_shows_two_examples_and_the_option(texts: tuple[str, str], message: str, hint: str) -> None:
    with pytest.raises(LogError, match=message) as caught:
        parsed(*texts)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("on_bad_row", ["error", "drop"])
@pytest.mark.parametrize(
    "times", ["2024-05-01 10:00|2024-31-01 10:00", "2024-05-01|2024-31-01", "20243101|20240501"]
)
def test_days_before_months_are_never_read_as_months(tmp_path: Path, times: str, on_bad_row: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text("case_id,activity,timestamp\n" + "".join(f"1,a,{time}\n" for time in times.split("|")))
    with pytest.raises(LogError, match="the day stands before the month in times such as") as caught:
        read_log(path, on_bad_row=on_bad_row)
    first, second = sorted(times.split("|"), key=lambda time: "31" not in time)
    lines = {time: line for line, time in enumerate(times.split("|"), 2)}
    assert f"'{first}' (line {lines[first]}) and '{second}' (line {lines[second]})" in caught.value.message
    layout = "%Y-%d-%m %H:%M" if " " in times else "%Y-%d-%m" if "-" in times else "%Y%d%m"
    log = read_log(path, timestamp_format=layout)
    assert sorted(time.strftime("%m-%d") for time in log.frame["timestamp"]) == ["01-05", "01-31"]


@pytest.mark.parametrize(
    "times",
    [
        "01/02/2024|02/03/2024|01/02/2024",
        " 01/02/2024 |02/03/2024|01/02/2024",
        "01.02.03|04.05.06|01.02.03",
        "2024-13-02T10:00:00|2024-14-02T10:00:00|2024-01-02T10:00:00",
    ],
)
def test_doubt_names_the_lines_of_its_examples(tmp_path: Path, times: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text("case_id,activity,timestamp\n" + "".join(f"1,a,{time}\n" for time in times.split("|")))
    first, second = (time.strip() for time in times.split("|")[:2])
    with pytest.raises(LogError) as caught:
        read_log(path)
    assert f"'{first}' (line 2) and '{second}' (line 3)" in caught.value.message
    assert caught.value.context["examples"] == [first, second]


def test_one_mistyped_month_among_real_dates_is_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("case_id,activity,timestamp\n1,a,2024-13-02\n1,b,2024-02-13\n")
    log = read_log(path, on_bad_row="drop")
    assert (log.ledger.rows_read, log.ledger.events_used) == (2, 1)


def test_options_settle_the_doubt() -> None:
    assert iso(parsed("01.02.03", day_first=True)) == ["2003-02-01T00:00:00.000"]
    assert iso(parsed("01.02.03", day_first=False)) == ["2003-01-02T00:00:00.000"]
    assert iso(parsed("01.02.03", timestamp_format="%y.%m.%d")) == ["2001-02-03T00:00:00.000"]
    assert iso(parsed("5", "17.5", timestamp_format="seconds")) == [
        "1970-01-01T00:00:05.000",
        "1970-01-01T00:00:17.500",
    ]
    assert iso(parsed("20000.25", timestamp_format="days")) == ["1954-10-03T06:00:00.000"]
    assert parsed("x", "5", timestamp_format="seconds").refused["not a time"].all()
    short = parsed("13.1.24", "13.1.2024")
    assert iso(short) == ["2024-01-13T00:00:00.000"] * 2
    assert ("times with years of two digits, read as 1969 to 2068", 1) in short.notes


def test_numbers_that_are_lost_among_times_are_refused() -> None:
    times = parsed("1704449472", "1704449473", "12")
    assert times.refused["out of range (1900 to 2999)"].sum() == 0
    assert ("times before 1990", 1) in times.notes
    assert parsed("1704449472", "1704449471", "1704449473000").refused["out of range (1900 to 2999)"].any()


def test_own_format() -> None:
    assert iso(parsed("24|05|01", timestamp_format="%y|%d|%m")) == ["2024-01-05T00:00:00.000"]
    assert parsed("x", timestamp_format="%Y").refused["not a time"].all()


@pytest.mark.parametrize(
    ("layout", "date"),
    [("%Y-%m-%dT%H:%M:%S.%f%z", "{}-01-05T10:11:12{}Z"), ("%d.%m.%Y %S,%f", "05.01.{} 12{}")],
)
def test_own_format_reads_fractions_of_any_year_as_they_are_found(layout: str, date: str) -> None:
    dot = layout[layout.index("%f") - 1]
    texts = [
        date.format(year, dot + digits) for year in ("2999", "1900", "2024") for digits in ("1234567", "5")
    ]
    times = parsed(*texts, date.format("2024", dot + "123456000"), "x", timestamp_format=layout)
    assert times.refused["not a time"].tolist() == [False] * 7 + [True]
    assert ("times finer than a microsecond, cut", 3) in times.notes
    fractions = (times.micros % 1_000_000).tolist()
    assert fractions == [123_456, 500_000] * 3 + [123_456, 0]
    years = times.micros[:-1].view("datetime64[us]").astype("datetime64[Y]").astype(int) + 1970
    assert years.tolist() == [2999, 2999, 1900, 1900, 2024, 2024, 2024]
    for year in ("1600", "3000"):
        late = parsed(date.format(year, dot + "123456789"), timestamp_format=layout)
        assert late.refused["out of range (1900 to 2999)"].all()


def test_typed_columns() -> None:
    naive = pd.Series(pd.to_datetime(["2024-01-01 00:00", None]))
    times = parse_times(naive, ReadOptions(timezone="Asia/Tokyo"), "x")
    assert iso(times)[0] == "2023-12-31T15:00:00.000"
    assert times.missing.tolist() == [False, True]
    epoch = parse_times(pd.Series([1704449472, None], dtype="Int64"), ReadOptions(), "x")
    assert iso(epoch)[0] == "2024-01-05T10:11:12.000"


@given(st.datetimes(datetime(1900, 1, 2), datetime(2999, 12, 30)), st.integers(-14 * 60, 14 * 60))
def test_every_iso_time_is_what_python_reads(moment: datetime, offset: int) -> None:
    text = f"{moment.isoformat()}{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    expected = datetime.fromisoformat(text).astimezone(timezone.utc)  # noqa: UP017
    (micros,) = parsed(text).micros
    assert np.datetime64(expected.replace(tzinfo=None), "us").astype(np.int64) == micros

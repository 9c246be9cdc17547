"""Events are ordered by their times as they stand, and only then are these cut to microseconds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pmlcli.eventlog import EventLog, read_log

FINE = ("2024-01-05T10:00:00.088249900", "2024-01-05T10:00:00.088249100", "2024-01-05T10:00:01")
NAMES = ("Second", "First", "Third")


def rows(times: tuple[object, ...] = FINE, cases: int = 3) -> list[dict[str, object]]:
    return [
        {"case_id": str(case), "activity": name, "timestamp": time}
        for case in range(cases)
        for name, time in zip(NAMES, times, strict=True)
    ]


def check(log: EventLog) -> None:
    assert [log.activities[code] for code in log.activity_codes[:3]] == ["First", "Second", "Third"]
    notes = dict(log.ledger.notes)
    assert notes["events moved by their time"] == 2 * log.n_cases
    assert "events at the time of the one before, in source order" not in notes


def nanos(texts: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(pd.Timestamp(text, tz="UTC").value for text in texts)


CSV = {
    "iso": FINE,
    "zone": tuple(f"{text}+02:00" if "." in text else f"{text}.0+02:00" for text in FINE),
    "picoseconds": (
        "2024-01-05 10:00:00.000000000002",
        "2024-01-05 10:00:00.000000000001",
        "2024-01-05 11:00",
    ),
    "day first": ("31.12.2023 10:00:00,0882499", "31.12.2023 10:00:00,0882491", "31.12.2023 10:00:01,0"),
    "epoch nanoseconds": nanos(FINE),
    "epoch seconds": ("1704448800.0882499", "1704448800.0882491", "1704448801.0"),
    "epoch milliseconds": ("1704448800088.2499", "1704448800088.2491", "1704448801000.0"),
    "spreadsheet days": ("45296.416667", "45296.416666", "45296.5"),
    "dots as commas": ("1704448800,0882499", "1704448800,0882491", "1704448801,0"),
}


@pytest.mark.parametrize("kind", CSV)
@pytest.mark.parametrize("cases", [1, 3, 40])
def test_csv(tmp_path: Path, kind: str, cases: int) -> None:
    path = tmp_path / "x.csv"
    pd.DataFrame(rows(CSV[kind], cases)).to_csv(path, index=False, sep=";")
    check(read_log(path))


def test_a_format(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    times = ("2024|01|05 10:00:00.0882499", "2024|01|05 10:00:00.0882491", "2024|01|05 10:00:01.0")
    pd.DataFrame(rows(times)).to_csv(path, index=False)
    check(read_log(path, timestamp_format="%Y|%m|%d %H:%M:%S.%f"))


def test_date_and_time_in_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    frame = pd.DataFrame(rows())
    frame[["date", "time"]] = frame.pop("timestamp").str.split("T", expand=True)
    frame.to_csv(path, index=False)
    check(read_log(path))


@pytest.mark.parametrize("is_zoned", [True, False])
def test_parquet_and_frames(tmp_path: Path, is_zoned: bool) -> None:
    frame = pd.DataFrame(rows())
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], format="ISO8601", utc=is_zoned)
    check(read_log(frame))
    check(read_log(frame.astype({"timestamp": object})))
    check(read_log(frame.to_dict("records")))
    path = tmp_path / "x.parquet"
    pytest.importorskip("pyarrow")
    frame.to_parquet(path)
    check(read_log(path))


def test_numbers_of_a_frame() -> None:
    check(read_log(rows(nanos(FINE))))
    first, second, third = nanos(FINE)
    check(read_log(rows((second + 2, second + 1, third))))
    assert first > second
    check(read_log(rows((1704448800.25, 1704448800.125, 1704448801.0))))


def test_xes(tmp_path: Path) -> None:
    events = "".join(
        f'<event><string key="concept:name" value="{name}"/><date key="time:timestamp" '
        f'value="{time}Z"/></event>'
        for name, time in zip(NAMES, FINE, strict=True)
    )
    path = tmp_path / "x.xes"
    path.write_text(f'<log><trace><string key="concept:name" value="1"/>{events}</trace></log>')
    check(read_log(path))


def test_what_is_equal_stays_in_source_order(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    pd.DataFrame(rows((FINE[0],) * 3)).to_csv(path, index=False)
    log = read_log(path)
    assert [log.activities[code] for code in log.activity_codes[:3]] == list(NAMES)
    assert dict(log.ledger.notes)["events at the time of the one before, in source order"] == 6


def test_a_column_that_orders_is_compared_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    frame = pd.DataFrame(rows())
    frame["place"] = ["90071992547409930002", "90071992547409930001", "90071992547409930003"] * 3
    frame.to_csv(path, index=False)
    log = read_log(path, order="place")
    assert [log.activities[code] for code in log.activity_codes[:3]] == ["First", "Second", "Third"]

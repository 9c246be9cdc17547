"""Predictions as CSV, JSON lines, Parquet and a table to read."""

import json as stdlib_json

import numpy as np
import pandas as pd
import pytest

from pmlcli.render import frame

TIMES = pd.to_datetime(["2024-01-02T03:04:05Z", None, "2024-07-02T03:04:05.5Z"], utc=True, format="ISO8601")
TABLE = pd.DataFrame(
    {
        "case_id": ["007", "=1+1", "a,b"],
        "score": [0.1 + 0.2, np.nan, -1.0],
        "is_anomaly": [True, False, True],
        "rank": [1, 2, 3],
        "expected_end": TIMES,
    }
)


def test_csv_is_complete_and_harmless() -> None:
    assert frame.csv(TABLE).splitlines() == [
        "case_id,score,is_anomaly,rank,expected_end",
        "007,0.30000000000000004,true,1,2024-01-02T03:04:05.000+00:00",
        "'=1+1,,false,2,",
        '"a,b",-1.0,true,3,2024-07-02T03:04:05.500+00:00',
    ]


def test_raw_csv_leaves_formulas() -> None:
    assert "\n=1+1," in frame.csv(TABLE, raw=True)


def test_csv_floats_read_back_as_the_same_bits() -> None:
    values = np.random.default_rng(0).standard_normal(1000) ** 9
    written = frame.csv(pd.DataFrame({"score": values}))
    assert [float(line) for line in written.splitlines()[1:]] == values.tolist()


def test_json_lines_hold_plain_values() -> None:
    lines = [stdlib_json.loads(line) for line in frame.json_lines(TABLE).splitlines()]
    assert lines[0]["score"] == 0.1 + 0.2
    assert lines[1] == {
        "case_id": "=1+1",
        "score": None,
        "is_anomaly": False,
        "rank": 2,
        "expected_end": None,
    }


def test_times_keep_their_zone() -> None:
    local = pd.DataFrame({"timestamp": TIMES.tz_convert("Europe/Berlin")})
    assert frame.records(local)[0] == {"timestamp": "2024-01-02T04:04:05.000+01:00"}
    assert frame.records(local)[2] == {"timestamp": "2024-07-02T05:04:05.500+02:00"}
    west = pd.DataFrame({"timestamp": TIMES[:1].tz_convert("America/St_Johns")})
    assert frame.records(west) == [{"timestamp": "2024-01-01T23:34:05-03:30"}]


def test_an_empty_table_has_its_header() -> None:
    assert frame.csv(TABLE.iloc[:0]) == "case_id,score,is_anomaly,rank,expected_end\n"
    assert frame.json_lines(TABLE.iloc[:0]) == ""


def test_parquet_reads_back(tmp_path: object) -> None:
    pytest.importorskip("pyarrow")
    import io

    assert pd.read_parquet(io.BytesIO(frame.to_bytes(TABLE, "parquet"))).equals(TABLE)


def test_a_table_to_read_has_units_and_a_limit() -> None:
    table = frame.table(pd.DataFrame({"case_id": ["a", "b"], "remaining_seconds": [7200.0, np.nan]}), limit=1)
    assert table.rows == [("a", "2 h")]
    assert table.right == {1}

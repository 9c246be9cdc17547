import io
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlcli.errors import OutputError, ValidationError
from pmlcli.eventlog import EventLog, read_log, write_log

# a letter first: CSV has no types, so text that looks like a number is one there
TEXT = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), include_characters="\n\r\t"),
    max_size=8,
)
NAMES = TEXT.map(lambda text: f"t{text}")
EVENTS = st.fixed_dictionaries(
    {
        "case_id": NAMES,
        "activity": NAMES,
        "timestamp": st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)).map(
            lambda t: t.replace(tzinfo=UTC)
        ),
    },
    optional={
        "resource": NAMES,
        "note": NAMES,
        "whole": st.integers(-(2**63), 2**63 - 1),
        "share": st.floats(allow_nan=False, allow_infinity=False),
        "urgent": st.booleans(),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=12))
def test_csv_xes_and_parquet_of_one_log_read_equal(tmp_path: Path, events: list[dict[str, object]]) -> None:
    log = read_log(events)
    for ending in ("csv", "csv.gz", "xes", "xes.gz", "parquet"):
        path = tmp_path / f"log.{ending}"
        write_log(log, path, escape_formulas=False)
        again = read_log(path)
        assert_same(again, log)
        assert again.ledger.rows_read == again.ledger.events_used == len(events)


def assert_same(a: EventLog, b: EventLog) -> None:
    pd.testing.assert_frame_equal(a.frame[sorted(a.frame.columns)], b.frame[sorted(b.frame.columns)])
    assert a.offsets.tolist() == b.offsets.tolist()
    assert a.activities == b.activities
    assert a.activity_codes.tolist() == b.activity_codes.tolist()
    assert a.resources == b.resources
    assert a.times is not None
    assert b.times is not None
    assert a.times.tolist() == b.times.tolist()


@pytest.fixture
def log() -> EventLog:
    return read_log(
        [
            {
                "case_id": "1",
                "activity": "=run()",
                "timestamp": "2024-01-01T00:00:00Z",
                "case:kind": "x",
                "n": "-5",
            },
            {
                "case_id": "1",
                "activity": "b",
                "timestamp": "2024-01-02T00:00:00Z",
                "case:kind": "x",
                "n": "+5 a",
            },
        ]
    )


def test_formulas_are_escaped_in_csv(log: EventLog) -> None:
    buffer = io.BytesIO()
    write_log(log, buffer, "csv")
    lines = buffer.getvalue().decode().splitlines()
    assert lines == [
        "case_id,activity,timestamp,case:kind,n",
        "1,'=run(),2024-01-01T00:00:00+00:00,x,-5",
        "1,b,2024-01-02T00:00:00+00:00,x,'+5 a",
    ]


def test_xes_has_case_attributes_in_traces(log: EventLog) -> None:
    buffer = io.BytesIO()
    write_log(log, buffer, "xes")
    text = buffer.getvalue().decode()
    assert text.count('<string key="kind" value="x"/>') == 1
    assert text.count("<event>") == 2
    assert '<string key="concept:name" value="=run()"/>' in text


def test_same_log_same_bytes(log: EventLog, tmp_path: Path) -> None:
    for name in ("a.xes.gz", "b.xes.gz"):
        write_log(log, tmp_path / name)
    assert (tmp_path / "a.xes.gz").read_bytes() == (tmp_path / "b.xes.gz").read_bytes()


def test_what_cannot_be_written(log: EventLog, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="unknown format 'xls'"):
        write_log(log, tmp_path / "x.xls")
    with pytest.raises(ValidationError, match="say in which format"):
        write_log(log, io.BytesIO())
    with pytest.raises(OutputError, match="cannot write"):
        write_log(log, tmp_path / "absent" / "x.csv")
    control = read_log([{"case_id": "1", "activity": "a\x01"}])
    with pytest.raises(OutputError, match=r"XES cannot hold the character U\+0001"):
        write_log(control, tmp_path / "x.xes")
    assert list(tmp_path.iterdir()) == []


def test_xes_opens_in_pm4py(log: EventLog, tmp_path: Path) -> None:
    pytest.importorskip("pm4py")
    import warnings

    from pm4py.objects.log.importer.xes import importer

    write_log(log, tmp_path / "x.xes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (trace,) = importer.apply(str(tmp_path / "x.xes"), parameters={"show_progress_bar": False})
    assert trace.attributes["concept:name"] == "1"
    assert [event["concept:name"] for event in trace] == ["=run()", "b"]

import gzip
import io
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlcli.errors import OutputError, ValidationError
from pmlcli.eventlog import EventLog, read_log, write_log
from pmlcli.eventlog.losses import losses
from tests.eventlog.xes.rules import violations

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


ODD_TEXT = st.sampled_from(["007", "5", "NA", "null", "true", "1,5", "2024-01-01 00:00", "=1"])
# Text of blanks alone is a missing value, and XES holds no column of these alone.
ANY_TEXT = st.one_of(ODD_TEXT, TEXT.filter(str.strip))
ANY_EVENTS = st.fixed_dictionaries(
    {
        "case_id": ANY_TEXT.filter(str.strip),
        "activity": ANY_TEXT.filter(str.strip),
        "timestamp": st.datetimes(datetime(1901, 1, 1), datetime(2999, 1, 1)).map(
            lambda t: t.replace(tzinfo=timezone(timedelta(hours=-7)))
        ),
    },
    optional={
        "start_timestamp": st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)),
        "lifecycle": ANY_TEXT,
        "case:note": ANY_TEXT,
        "case:size": st.integers(-5, 5),
        "a b & <c>": ANY_TEXT,
        "list.item": st.floats(allow_nan=False),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    events=st.lists(ANY_EVENTS, min_size=1, max_size=8),
    zone=st.sampled_from(["UTC", "Europe/Berlin"]),
    order=st.sampled_from(["time", "row"]),
    has_times=st.booleans(),
)
def test_xes_and_parquet_keep_any_text_zone_and_order(
    tmp_path: Path, events: list[dict[str, object]], zone: str, order: str, has_times: bool
) -> None:
    if not has_times:
        events = [{k: v for k, v in event.items() if "timestamp" not in k} for event in events]
    log = read_log(events, timezone=zone, order=order)
    read = log
    for ending in ("xes", "parquet", "xes.gz"):
        path = tmp_path / f"log.{ending}"
        write_log(read, path)
        assert losses(read, "xes") == losses(log, "xes")
        read = read_log(path, order=order)
        assert_same(read, log)
        if ending.startswith("xes"):
            text = path.read_bytes() if ending == "xes" else gzip.decompress(path.read_bytes())
            assert violations(text) == []


def test_what_csv_cannot_keep_is_said(log: EventLog) -> None:
    assert losses(log, "xes") == losses(log, "parquet") == []
    assert losses(log, "csv", escape_formulas=False) == []
    assert losses(log, "csv") == [
        "2 texts get a leading ' so that no spreadsheet runs them; --raw-csv leaves them"
    ]
    digits = read_log([{"case_id": "007", "activity": "1", "code": "12", "name": "0012"}])
    assert losses(digits, "csv") == [
        "CSV has no types: the text of 'code' looks like numbers or times, and is read as such"
    ]
    empty = read_log([{"case_id": "1", "activity": "a", "note": None}])
    assert losses(empty, "xes") == ["XES keeps no column without values: 'note'"]
    assert losses(empty, "csv") == []


def test_an_order_that_is_not_by_time_is_said() -> None:
    later_first = [("1", "2024-01-02"), ("2", "2024-01-01"), ("2", "2024-01-01"), ("1", "2024-01-01")]
    events = [{"case_id": c, "activity": "a", "timestamp": t} for c, t in later_first]
    assert "--order row" in losses(read_log(events, order="row"), "parquet")[0]
    assert losses(read_log(events), "parquet") == []
    assert losses(read_log(events[:3], order="row"), "parquet") == []


SCHEMA_EXAMPLE = (
    '<log xes.version="2.0" xes.features=""><extension name="Time" prefix="time" uri="x"/>'
    '<global scope="event"><string key="a" value=""/></global><classifier name="A" keys="a b"/>'
    '<id key="i" value="1"/><trace><int key="a" value="1">'
    '<date key="d" value="2024-02-29T23:59:59.5+01:00"/></int>'
    '<list key="l"><values key="v"><float key="f" value="-1e9"/></values></list>'
    '<event/></trace><event><boolean key="b" value="0"/></event></log>'
)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<log ", '<log xmlns="http://www.xes-standard.org/" '),
        ('"2.0"', '"2-0"'),
        (' xes.version="2.0"', ""),
        ("xes.features", "openxes.version"),
        ('prefix="time"', 'prefix="a:b"'),
        (' uri="x"', ""),
        ('scope="event"', 'scope="1"'),
        (' keys="a b"', ""),
        ('<string key="a" value=""/>', '<string key="a"/>'),
        ('<id key="i"', "<id"),
        ('<int key="a" value="1"', '<int key="a" value="9223372036854775808"'),
        ("02-29T23", "02-30T23"),
        ("02-29T23", "02-29T25"),
        ('"2024-02-29T23:59:59.5+01:00"', '"2024-02-29"'),
        ("+01:00", "+15:00"),
        ("-1e9", "1,5"),
        ('value="0"', 'value="no"'),
        ("<event/>", "<events/>"),
        ("<event/>", "text"),
        ("<event/></trace>", '</trace><int key="late" value="1"/>'),
        ("<event/>", '<event/><int key="late" value="1"/>'),
        (' key="v"', ""),
        ('<list key="l">', '<list key="l"><values key="w"/>'),
        ('keys="a b"/>', 'keys="a b"><id key="i" value=""/></classifier>'),
    ],
)
def test_the_rules_of_the_schema_are_rules(right: str, wrong: str) -> None:
    assert violations(SCHEMA_EXAMPLE.encode()) == []
    assert right in SCHEMA_EXAMPLE
    assert violations(SCHEMA_EXAMPLE.replace(right, wrong, 1).encode())


def assert_same(a: EventLog, b: EventLog) -> None:
    pd.testing.assert_frame_equal(a.frame[sorted(a.frame.columns)], b.frame[sorted(b.frame.columns)])
    assert a.offsets.tolist() == b.offsets.tolist()
    assert a.activities == b.activities
    assert a.activity_codes.tolist() == b.activity_codes.tolist()
    assert a.resources == b.resources
    assert (a.times is None) == (b.times is None)
    if a.times is not None and b.times is not None:
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

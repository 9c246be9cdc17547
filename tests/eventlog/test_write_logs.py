import gzip
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import OutputError, ValidationError
from pmlcli.eventlog import EventLog, read_log, write_log
from pmlcli.eventlog.losses import losses
from pmlcli.eventlog.normal_form import plain
from pmlcli.lifecycle.model import Model
from pmlcli.spreadsheet import formula_safe, unescaped
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
        for escape in (True, False):
            write_log(log, path, escape_formulas=escape)
            again = read_log(path)
            lost = "" if escape else " ".join(losses(log, "csv", escape_formulas=False))
            if "before a formula" in lost:
                continue
            assert_same(again, log)
            assert again.ledger.rows_read == again.ledger.events_used == len(events)


ODD_TEXT = st.sampled_from(["007", "5", "NA", "null", "true", "1,5", "2024-01-01 00:00", "=1"])
BLANKS = st.text(" \t\u00a0\u2003", min_size=1, max_size=3)
ANY_TEXT = st.one_of(ODD_TEXT, TEXT, BLANKS)
A_NAME = st.one_of(ODD_TEXT, TEXT.filter(str.strip))
ANY_EVENTS = st.fixed_dictionaries(
    {
        "case_id": A_NAME,
        "activity": A_NAME,
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
    for name in ("lifecycle", "case:note", "a b & <c>"):
        # Text of blanks alone is a missing value, in every column and row.
        kept = log.frame[name].dropna().tolist() if name in log.frame else []
        texts = (plain(str(event.get(name, ""))) for event in events)
        assert sorted(kept) == sorted(filter(None, texts))
    read = log
    # XES has no column without values.
    log = replace(log, frame=log.frame.dropna(axis="columns", how="all"))
    for ending in ("xes", "parquet", "xes.gz"):
        path = tmp_path / f"log.{ending}"
        write_log(read, path)
        assert [lost for lost in losses(read, "xes") if "without values" not in lost] == losses(log, "xes")
        read = read_log(path, order=order)
        assert_same(read, log)
        if ending.startswith("xes"):
            text = path.read_bytes() if ending == "xes" else gzip.decompress(path.read_bytes())
            assert violations(text) == []


def test_what_csv_cannot_keep_is_said(log: EventLog) -> None:
    assert losses(log, "xes") == losses(log, "parquet") == []
    assert losses(log, "csv", escape_formulas=False) == []
    assert losses(log, "csv") == [
        "2 texts get a leading ' so that no spreadsheet runs them; pmlcli reads them without it, and "
        "--raw-csv leaves them for other programs"
    ]
    marked = read_log([{"case_id": "1", "activity": "'=a", "note": "'5"}])
    assert losses(marked, "csv", escape_formulas=False) == [
        "1 texts have a ' before a formula, which is taken away when the CSV is read"
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


FILLED = ("case_id", "activity", "resource", "x")
FORMULAS = st.text("'\"=+-@,;|\t1a \uff1d", min_size=1, max_size=8).filter(str.strip).map(str.strip)


@settings(max_examples=300, deadline=None)
@given(st.text("'\"=+-@,;|\t\r\n1a.e \uff1d", max_size=8))
def test_what_keeps_a_spreadsheet_from_running_text_can_be_undone(text: str) -> None:
    assert unescaped(formula_safe(text)) == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(FILLED, FORMULAS)), min_size=1), FORMULAS)
def test_formulas_come_back_from_csv_in_every_column_and_name(
    tmp_path: Path, events: list[dict[str, str]], name: str
) -> None:
    # a letter first: CSV has no types
    log = read_log([{k: v for k, v in e.items() if k != "x"} | {name: f"a{e['x']}"} for e in events])
    write_log(log, tmp_path / "log.csv")
    assert_same(read_log(tmp_path / "log.csv"), log)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "xes", "parquet"])
def test_a_model_knows_a_formula_in_every_format(ending: str, tmp_path: Path) -> None:
    events = [
        {
            "case_id": f"={case}",
            "activity": name,
            "resource": "@me",
            "timestamp": f"2024-01-{case:02}T0{i}:00Z",
        }
        for case in range(1, 21)
        for i, name in enumerate(("=1+1", "-2 a", "'=1+1", "plain"))
    ]
    model = Model("next-activity/ngram")
    model.train(events)
    write_log(read_log(events), tmp_path / f"log.{ending}")
    request = PredictRequest(cases="all", every_prefix=True)
    found = model.predict(tmp_path / f"log.{ending}", request=request)
    assert found.metadata["warnings"] == []
    pd.testing.assert_frame_equal(found.predictions, model.predict(events, request=request).predictions)


def test_a_csv_of_others_is_read_without_the_mark_and_it_is_noted(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("case_id,activity,'=x\n'=1,'@run,'-5\n'=1,'5,''=b\n")
    log = read_log(tmp_path / "log.csv")
    found = log.frame.to_dict("list")
    assert found == {"case_id": ["=1"] * 2, "activity": ["@run", "'5"], "=x": ["'-5", "'=b"]}
    assert ("values of 'case_id' read without the ' before a formula", 2) in log.ledger.notes
    (tmp_path / "log.csv").write_text("case_id,activity,'=x,=x\n1,a,2,3\n")
    assert list(read_log(tmp_path / "log.csv").frame)[2:] == ["'=x", "=x"]


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

"""One object-centric log in every form of OCEL reads as the same flat log."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlcli.errors import LogError
from pmlcli.eventlog import EventLog, Refusal, read_log

OBJECTS = {
    "o1": ("order", {"price": 5}),
    "o2": ("order", {"price": 7}),
    "i1": ("item", {}),
    "i2": ("item", {}),
    "o3": ("order", {}),
}
EVENTS = [
    ("e1", "place", "2024-01-01T00:00:00Z", {"who": "ann"}, ["o1", "i1", "i2"]),
    ("e2", "pick", "2024-01-02T00:00:00Z", {}, ["i1"]),
    ("e3", "send", "2024-01-03T00:00:00Z", {}, ["o1", "o2", "i1"]),
]


def json_1() -> str:
    return json.dumps(
        {
            "ocel:global-log": {"ocel:version": "1.0"},
            "ocel:objects": {k: {"ocel:type": t, "ocel:ovmap": a} for k, (t, a) in OBJECTS.items()},
            "ocel:events": {
                e: {"ocel:activity": a, "ocel:timestamp": t, "ocel:vmap": v, "ocel:omap": o}
                for e, a, t, v, o in EVENTS
            },
        }
    )


def json_2() -> str:
    zero = "1970-01-01T00:00:00Z"
    later = {"name": "price", "time": "2024-02-01T00:00:00Z", "value": "99"}
    types = [{"name": "order", "attributes": [{"name": "price", "type": "integer"}]}]
    objects = []
    for key, (kind, values) in OBJECTS.items():
        given = [{"name": n, "time": zero, "value": str(v)} for n, v in values.items()]
        objects.append({"id": key, "type": kind, "attributes": [later, *given] if key == "o1" else given})
    events = [
        {
            "id": e,
            "type": a,
            "time": t,
            "attributes": [{"name": n, "value": v} for n, v in values.items()],
            "relationships": [{"objectId": o, "qualifier": "x"} for o in objects_of],
        }
        for e, a, t, values, objects_of in EVENTS
    ]
    return json.dumps({"objectTypes": types, "eventTypes": [], "objects": objects, "events": events})


def xml_1() -> str:
    def keyed(tag: str, key: str, value: object) -> str:
        return f'<{tag} key="{key}" value="{value}"/>'

    objects = "".join(
        f"<object>{keyed('string', 'id', k)}{keyed('string', 'type', t)}"
        f'<list key="ovmap">{"".join(keyed("int", n, v) for n, v in a.items())}</list></object>'
        for k, (t, a) in OBJECTS.items()
    )
    events = "".join(
        f"<event>{keyed('string', 'id', e)}{keyed('string', 'activity', a)}{keyed('date', 'timestamp', t)}"
        f'<list key="omap">{"".join(keyed("string", "object-id", o) for o in objects_of)}</list>'
        f'<list key="vmap">{"".join(keyed("string", n, v) for n, v in values.items())}</list></event>'
        for e, a, t, values, objects_of in EVENTS
    )
    head = '<?xml version="1.0"?>\n<log><global scope="event"/>'
    return f"{head}<events>{events}</events><objects>{objects}</objects></log>"


def xml_2() -> str:
    def attribute(name: str, value: object) -> str:
        return f'<attribute name="{name}" time="1970-01-01T00:00:00Z">{value}</attribute>'

    def related(object_id: str) -> str:
        return f'<relationship object-id="{object_id}" qualifier="q"/>'

    objects = "".join(
        f'<object id="{k}" type="{t}"><attributes>'
        f"{''.join(attribute(n, v) for n, v in a.items())}</attributes></object>"
        for k, (t, a) in OBJECTS.items()
    )
    events = "".join(
        f'<event id="{e}" type="{a}" time="{t}"><attributes>'
        f"{''.join(attribute(n, v) for n, v in values.items())}</attributes><objects>"
        f"{''.join(map(related, objects_of))}</objects></event>\n"
        for e, a, t, values, objects_of in EVENTS
    )
    price = '<attributes><attribute name="price" type="integer"/></attributes>'
    kinds = f'<object-types><object-type name="order">{price}</object-type></object-types>'
    return f"<log>{kinds}<objects>{objects}</objects><events>{events}</events></log>"


def sqlite_2(path: Path) -> bytes:
    with sqlite3.connect(path) as database:
        database.executescript(
            "CREATE TABLE object_map_type (ocel_type TEXT, ocel_type_map TEXT);"
            "CREATE TABLE event_map_type (ocel_type TEXT, ocel_type_map TEXT);"
            "CREATE TABLE object (ocel_id TEXT, ocel_type TEXT);"
            "CREATE TABLE event (ocel_id TEXT, ocel_type TEXT);"
            "CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT);"
            "CREATE TABLE object_order (ocel_id TEXT, price INTEGER, ocel_time TEXT);"
            "CREATE TABLE object_item (ocel_id TEXT, ocel_time TEXT);"
            "INSERT INTO object_map_type VALUES ('order', 'order'), ('item', 'item');"
        )
        for key, (kind, values) in OBJECTS.items():
            database.execute("INSERT INTO object VALUES (?, ?)", (key, kind))
            if values:
                database.execute(
                    "INSERT INTO object_order VALUES (?, ?, '1970-01-01')", (key, values["price"])
                )
        for activity in dict.fromkeys(activity for _, activity, *_ in EVENTS):
            database.execute("INSERT INTO event_map_type VALUES (?, ?)", (activity, activity))
            database.execute(f"CREATE TABLE event_{activity} (ocel_id TEXT, ocel_time TEXT, who TEXT)")
        for event, activity, time, values, objects in EVENTS:
            database.execute("INSERT INTO event VALUES (?, ?)", (event, activity))
            database.execute(
                f"INSERT INTO event_{activity} VALUES (?, ?, ?)", (event, time, values.get("who"))
            )
            database.executemany("INSERT INTO event_object VALUES (?, ?, 'q')", [(event, o) for o in objects])
    database.close()
    return path.read_bytes()


FORMS = ("json_1", "json_2", "xml_1", "xml_2", "sqlite_2")


@pytest.fixture
def written(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    form = str(request.param)
    path = tmp_path / form
    data = sqlite_2(tmp_path / "db") if form == "sqlite_2" else globals()[form]().encode()
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("written", FORMS, indirect=True)
def test_orders_become_cases(written: Path) -> None:
    log = read_log(written, object_type="order")
    check(log)
    written.write_bytes(gzip.compress(written.read_bytes()))
    check(read_log(written, object_type="order"))


def check(log: EventLog) -> None:
    frame = log.frame
    assert list(zip(frame["case_id"], frame["activity"], strict=True)) == [
        ("o1", "place"),
        ("o1", "send"),
        ("o2", "send"),
    ]
    assert frame["case:price"].tolist() == [5, 5, 7]
    assert frame["ocel:type:item"].tolist() == ["i1; i2", "i1", "i1"]
    assert frame["who"].tolist()[0] == "ann"
    assert frame["ocel:eid"].tolist() == ["e1", "e3", "e3"]
    assert log.ledger.filtered == (Refusal("event without an object of type 'order'", 1, (2,)),)
    assert log.ledger.rows_read == 4
    notes = dict(log.ledger.notes)
    assert notes["rows that repeat an event for another object of it"] == 1
    assert notes["events of an object-centric log, flattened on 'order'"] == 3
    assert notes["objects without events"] == 1
    assert log.schema.to_dict()["object_type"] == "order"


def test_a_table_without_its_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log"
    sqlite_2(path)
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE object_map_type RENAME COLUMN ocel_type TO kind")
    database.close()
    with pytest.raises(LogError, match="no column 'ocel_type'"):
        read_log(path)


def test_a_database_for_which_no_memory_is_enough() -> None:
    with pytest.raises(LogError, match="not an object-centric log that can be read: a value without end"):
        read_log(Path(__file__).parent / "damaged.sqlite.gz")


@pytest.mark.parametrize("written", FORMS, indirect=True)
def test_the_type_must_be_said(written: Path) -> None:
    with pytest.raises(LogError, match=r"there are: 'item' \(2\), 'order' \(3\)"):
        read_log(written)
    with pytest.raises(LogError, match="no objects of type 'ordr'") as caught:
        read_log(written, object_type="ordr")
    assert caught.value.hint == "say which become the cases: --object-type 'order'"


def test_a_later_value_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json_2())
    notes = dict(read_log(path, object_type="order").ledger.notes)
    assert notes["values of objects that change later, taken as they were first"] == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", "[1, 2]", "looks like JSON, but not like an object-centric log"),
        ("x.json", '{"a": 1}', "looks like JSON"),
        ("x.json", '{"events": [{"type": "a"}]}', "not laid out as OCEL is"),
        ("x.json", '{"events": 3}', "not laid out as OCEL is"),
        ("x.json", '{"events": [', "damaged JSON"),
        ("x.json", "[" * 100_000, "damaged JSON: nested too deep"),
        ("x.json", '{"events": [], "objects": []}', "without objects"),
        ("x.xml", "<log><events><event id='1'></events></log>", "mismatched tag"),
        ("x.xml", "<!DOCTYPE log><log><events/></log>", "a DTD is not allowed"),
        ("x.xml", f"<log><events>{'<a>' * 70}", "nested deeper than 64"),
        ("x.sqlite", b"SQLite format 3\0" + b"x" * 500, "not an object-centric log that can be read"),
    ],
)
def test_refused(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(LogError, match=message):
        read_log(path)


def test_a_database_runs_nothing_of_its_own(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "db") as database:
        database.executescript(
            "CREATE TABLE object_map_type (ocel_type TEXT, ocel_type_map TEXT);"
            "CREATE VIEW object AS WITH RECURSIVE n(ocel_id) AS (SELECT 1 UNION ALL SELECT 2 FROM n)"
            " SELECT ocel_id, 'order' AS ocel_type FROM n;"
        )
    database.close()
    with pytest.raises(LogError, match="no table 'object'"):
        read_log(tmp_path / "db")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_gives_a_log_or_a_log_error(tmp_path: Path, data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(FORMS))
    database = tmp_path / "db"
    database.unlink(missing_ok=True)
    content = bytearray(sqlite_2(database) if form == "sqlite_2" else globals()[form]().encode())
    at = data.draw(st.integers(100 if form == "sqlite_2" else 0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "x"
    path.write_bytes(content)
    try:
        log = read_log(path, object_type="order", on_bad_row="drop")
    except LogError:
        return
    assert log.ledger.events_used == log.n_events


OCEL_CSV = """ocel:eid,ocel:timestamp,ocel:activity,ocel:type:order,ocel:type:item,weight
e1,2024-01-01 00:00:00,place,['o1'],"['i1', 'i2']",1.5
e2,2024-01-02 00:00:00,pick,,['i1'],
e3,2024-01-03 00:00:00,send,"[""o1"", 'o\\'2']",['i1'],2.5
"""


def test_ocel_in_csv(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(OCEL_CSV)
    with pytest.raises(LogError, match="several types of objects"):
        read_log(path)
    log = read_log(path, object_type="order")
    assert list(zip(log.frame["case_id"], log.frame["activity"], strict=True)) == [
        ("o1", "place"), ("o1", "send"), ("o'2", "send"),
    ]  # fmt: skip
    assert (log.source.format, log.line_unit) == ("ocel-csv", "line")
    assert log.lines is not None and log.lines.tolist() == [2, 4, 4]
    assert log.frame["weight"].tolist() == [1.5, 2.5, 2.5]
    assert log.frame["ocel:type:item"].tolist() == ["i1; i2", "i1", "i1"]
    assert log.ledger.filtered == (Refusal("event without an object of type 'order'", 1, (3,)),)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("['o1']", "o1", "line 2: 'o1' is no list of objects"),
        ("['o1']", "[o1]", "line 2: '\\[o1\\]' is no list of objects"),
        ("e2,", "e2,,", "1 of 4 rows cannot be used: too many cells"),
        ("pick,,['i1']", "pick,,['o1']", "line 3: object 'o1' is of the types 'order' and 'item'"),
    ],
)
def test_ocel_csv_that_cannot_be_used(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(OCEL_CSV.replace(old, new, 1))
    with pytest.raises(LogError, match=message):
        read_log(path, object_type="order")

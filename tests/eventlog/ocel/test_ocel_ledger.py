"""Every event of an object-centric file is used, filtered or refused, by a count of its own."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlcli.errors import LogError
from pmlcli.eventlog import EventLog, read_log

FORMS = ("json", "xml", "sqlite", "csv")
OBJECTS = {"o1": "order", "o2": "order", "i1": "item"}


@dataclass(frozen=True)
class Event:
    """An event as it is to stand in a file; `rows` is how often it stands in its type's table of SQLite."""

    id: str
    activity: str
    objects: tuple[str, ...]
    rows: int = 1


EVENTS = st.lists(
    st.builds(
        Event,
        st.sampled_from(["e1", "e2", "e3", "e4", "e5"]),
        st.sampled_from(["Pay", "Ship"]),
        st.lists(st.sampled_from([*OBJECTS, "nothing"]), max_size=3, unique=True).map(tuple),
        st.sampled_from([1, 1, 1, 2, 0]),
    ),
    min_size=1,
    max_size=6,
)


def written(form: str, events: list[Event], path: Path) -> int:
    """The file; returns how many events stand in it, or rows that should be of one."""
    return {"json": _json, "xml": _xml, "sqlite": _sqlite, "csv": _csv}[form](events, path)


def _time(place: int) -> str:
    return f"2024-01-01T00:00:{place:02}Z"


def _json(events: list[Event], path: Path) -> int:
    found = [
        {
            "id": e.id,
            "type": e.activity,
            "time": _time(i),
            "relationships": [{"objectId": o} for o in e.objects],
        }
        for i, e in enumerate(events)
    ]
    path.write_text(
        json.dumps({"objects": [{"id": k, "type": t} for k, t in OBJECTS.items()], "events": found})
    )
    return len(events)


def _xml(events: list[Event], path: Path) -> int:
    objects = "".join(f"<object id={quoteattr(k)} type={quoteattr(t)}/>" for k, t in OBJECTS.items())
    texts = [
        f'<event id="{e.id}" type="{e.activity}" time="{_time(i)}"><objects>'
        + "".join(f'<relationship object-id="{o}"/>' for o in e.objects)
        + "</objects></event>"
        for i, e in enumerate(events)
    ]
    path.write_text(f"<log><objects>{objects}</objects><events>{''.join(texts[1:])}</events>{texts[0]}</log>")
    return len(events)


def _sqlite(events: list[Event], path: Path) -> int:
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.executescript(
        "CREATE TABLE object_map_type (ocel_type, ocel_type_map); CREATE TABLE event_map_type (ocel_type, "
        "ocel_type_map); CREATE TABLE object (ocel_id, ocel_type); CREATE TABLE event (ocel_id, ocel_type);"
        "CREATE TABLE event_object (ocel_event_id, ocel_object_id);"
        "CREATE TABLE event_Pay (ocel_id, ocel_time);"
        "CREATE TABLE event_Ship (ocel_id, ocel_time); INSERT INTO event_map_type VALUES ('Pay', 'Pay'),"
        "('Ship', 'Ship');"
    )
    database.executemany("INSERT INTO object VALUES (?, ?)", OBJECTS.items())
    orphans = 0
    first: dict[str, Event] = {}
    for i, e in enumerate(events):
        database.execute("INSERT INTO event VALUES (?, ?)", (e.id, e.activity))
        orphans += e.rows * (first.setdefault(e.id, e).activity != e.activity)
        for _ in range(e.rows):
            database.execute(f"INSERT INTO event_{e.activity} VALUES (?, ?)", (e.id, _time(i)))
        database.executemany("INSERT INTO event_object VALUES (?, ?)", [(e.id, o) for o in e.objects])
    database.execute("INSERT INTO event_Pay VALUES ('nobody', '2024-01-01')")
    database.commit()
    database.close()
    return len(events) + orphans + 1


def _csv(events: list[Event], path: Path) -> int:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["ocel:eid", "ocel:timestamp", "ocel:activity", "ocel:type:order", "ocel:type:item"])
    for i, e in enumerate(events):
        ids = {t: [o for o in e.objects if OBJECTS.get(o) == t] for t in ("order", "item")}
        writer.writerow([e.id, _time(i), e.activity, *(str(of) if of else "" for of in ids.values())])
    path.write_text(text.getvalue())
    return len(events)


def in_file(log: EventLog) -> int:
    """Events of the file by the ledger: the rows that were read, less those that repeat an event."""
    notes = dict(log.ledger.notes)
    repeats = notes.get("rows that repeat an event for another object of it", 0)
    assert notes["events of an object-centric log, flattened on 'order'"] == log.ledger.rows_read - repeats
    return log.ledger.rows_read - repeats


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, form=st.sampled_from(FORMS))
def test_the_ledger_counts_what_stands_in_the_file(tmp_path: Path, events: list[Event], form: str) -> None:
    path = tmp_path / "log"
    there = written(form, events, path)
    try:
        log = read_log(path, object_type="order", on_bad_row="drop", format=f"ocel-{form}")
    except LogError as error:
        assert error.code in ("log.no-events", "log.object-type"), error
        return
    assert in_file(log) == there
    known = {(e.id, e.activity) for e in events}
    pairs = zip(log.frame["ocel:eid"], log.frame["activity"], strict=True)
    assert set(pairs) <= known


def _refused(path: Path, form: str) -> str:
    with pytest.raises(LogError) as caught:
        read_log(path, object_type="order", format=f"ocel-{form}")
    return caught.value.message


@pytest.mark.parametrize("form", FORMS)
def test_an_event_id_given_twice_is_refused(tmp_path: Path, form: str) -> None:
    path = tmp_path / "log"
    twice = [Event("e0", "Pay", ("o1",)), Event("e1", "Pay", ("o1",)), Event("e1", "Pay", ("o2",), rows=0)]
    written(form, twice, path)
    assert "event id given before (1; first: " in _refused(path, form)


def test_rows_of_no_event_and_of_an_event_twice_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log"
    written("sqlite", [Event("e1", "Pay", ("o1",), rows=2), Event("e2", "Ship", ("o1",))], path)
    said = _refused(path, "sqlite")
    assert "row of no event in 'event_Pay' (1; first: event 3)" in said
    assert "several rows for one event in its type's table (1; first: event 1)" in said


@pytest.mark.parametrize("form", ["json", "xml", "sqlite"])
def test_relations_to_nothing_are_counted(tmp_path: Path, form: str) -> None:
    path = tmp_path / "log"
    written(form, [Event("e0", "Pay", ("o1",)), Event("e1", "Pay", ("o1", "nothing"))], path)
    if form == "sqlite":
        with sqlite3.connect(path) as database:
            database.execute("INSERT INTO event_object VALUES ('nobody', 'o1')")
        database.close()
    notes = dict(read_log(path, object_type="order", on_bad_row="drop").ledger.notes)
    assert notes["relations to an object that the log does not have"] == 1
    assert notes.get("relations of an event that the log does not have", 0) == (form == "sqlite")


@pytest.mark.parametrize(
    "text",
    [
        '{"events": [], "objects": [{"id": "o1", "type": "order"}], "events": []}',
        '{"ocel:events": {"e": {}, "e": {}}, "ocel:objects": {}}',
        '{"events": [{"id": "e", "id": "f", "type": "a", "time": "2024-01-01"}], "objects": []}',
        '{"events": [], "objects": [{"id": "o", "type": "order", "type": "item"}]}',
    ],
)
def test_a_key_given_twice_anywhere_in_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log"
    path.write_text(text)
    with pytest.raises(LogError, match="the key '[a-z:]+' is given twice"):
        read_log(path)


def test_both_versions_in_one_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text('{"events": [], "ocel:events": {}}')
    with pytest.raises(LogError, match=r"events of OCEL 1.0 and of OCEL 2.0 in one file"):
        read_log(path)


@pytest.mark.parametrize("form", ["json", "xml"])
def test_an_attribute_given_two_values_refuses_its_event(tmp_path: Path, form: str) -> None:
    path = tmp_path / "log"
    if form == "json":
        values = [{"name": "n", "value": 1}, {"name": "n", "value": 2}]
        event = {"id": "e", "type": "a", "time": _time(0), "attributes": values}
        path.write_text(json.dumps({"objects": [{"id": "o", "type": "order"}], "events": [event]}))
    else:
        values = '<attributes><attribute name="n">1</attribute><attribute name="n">2</attribute></attributes>'
        path.write_text(
            f'<log><objects><object id="o" type="order"/></objects><events><event id="e" type="a">{values}'
            "</event></events></log>"
        )
    assert "'n' given twice (1; first: event 1)" in _refused(path, form)


def test_an_object_of_two_types_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log"
    objects = [{"id": "o", "type": "order"}, {"id": "o", "type": "item"}]
    path.write_text(json.dumps({"objects": objects, "events": []}))
    with pytest.raises(LogError, match="object 'o' is of the types 'order' and 'item'"):
        read_log(path)


def test_attributes_named_like_other_columns_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"
    values = [{"name": "concept:name", "value": "own"}, {"name": "case:price", "value": 3}]
    order = {"id": "o", "type": "order", "attributes": [{"name": "price", "time": "", "value": 5}]}
    event = {
        "id": "e",
        "type": "a",
        "time": _time(0),
        "attributes": values,
        "relationships": [{"objectId": "o"}],
    }
    path.write_text(json.dumps({"objects": [order], "events": [event]}))
    frame = read_log(path).frame
    assert frame[["activity", "concept:name.event", "case:price", "case:price.event"]].iloc[0].tolist() == [
        "a",
        "own",
        5,
        3,
    ]


def test_zero_and_false_are_values(tmp_path: Path) -> None:
    path = tmp_path / "log"
    kinds = (
        '<attributes><attribute name="n" type="integer"/><attribute name="b" type="boolean"/></attributes>'
    )
    values = '<attributes><attribute name="n">0</attribute><attribute name="b">false</attribute></attributes>'
    path.write_text(
        f'<log><event-types><event-type name="a">{kinds}</event-type></event-types>'
        '<objects><object id="o" type="order"/></objects>'
        f'<events><event id="e" type="a" time="{_time(0)}">{values}<objects>'
        '<relationship object-id="o"/></objects></event></events></log>'
    )
    frame = read_log(path).frame
    assert (frame["n"].iloc[0], frame["b"].iloc[0]) == (0, False)

"""OCEL 2.0 in SQLite: read from memory, by an allow-list of actions, in a bounded number of steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from pmlcli.errors import LogError
from pmlcli.eventlog.ocel.flatten import ObjectEvent, ObjectLog, flatten, whole
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import RawTable
from pmlcli.eventlog.source import ByteSource

MAGIC = b"SQLite format 3\0"
MAX_STEPS = 5_000
"""Looks at the clock of the database engine, each after `STEP` of its instructions."""
STEP = 1_000_000

_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_PRAGMA, sqlite3.SQLITE_TRANSACTION}
_OWN = {"ocel_id", "ocel_time", "ocel_type", "ocel_changed_field"}

Row = dict[str, Any]


def read_ocel_sqlite(source: ByteSource, options: ReadOptions) -> RawTable:
    """The raw table of an object-centric log in an SQLite file, flattened on `options.object_type`.

    The file is copied into memory and never written. Raises LogError for what is damaged or not laid
    out as OCEL 2.0 is.
    """
    data = whole(source)
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(data)
        _confine(connection)
        log = _Tables(connection).log()
    except (sqlite3.Error, UnicodeDecodeError, OverflowError, KeyError, MemoryError) as error:
        what = f"no column {error}" if isinstance(error, KeyError) else str(error) or "a value without end"
        raise LogError(
            f"{source.name}: not an object-centric log that can be read: {what}",
            hint="is it OCEL 2.0, and whole?",
            code="log.ocel",
        ) from error
    finally:
        connection.close()
    return flatten(log, source, "ocel-sqlite", options)


def _confine(connection: sqlite3.Connection) -> None:
    """Nothing but reading, nothing that the file's own schema would run, and no query without an end."""
    left = MAX_STEPS

    def tick() -> int:
        nonlocal left
        left -= 1
        return int(left < 0)

    def allow(action: int, *_: object) -> int:
        return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY

    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.set_authorizer(allow)
    connection.set_progress_handler(tick, STEP)


class _Tables:
    """The tables of one database; views are not looked at."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        found = self._query("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        self._names = {str(row["name"]) for row in found if "VIRTUAL" not in str(row["sql"]).upper()}

    def log(self) -> ObjectLog:
        """The log that the tables hold."""
        log = ObjectLog()
        kinds = {str(row["ocel_type"]): str(row["ocel_type_map"]) for row in self._rows("object_map_type")}
        for row in self._rows("object"):
            log.add_object(str(row["ocel_id"]), str(row["ocel_type"]))
        for name in kinds.values():
            self._add_object_values(log, f"object_{name}")
        events = {
            str(row["ocel_id"]): ObjectEvent(str(row["ocel_id"]), row["ocel_type"], None)
            for row in self._rows("event")
        }
        for row in self._rows("event_map_type"):
            for values in self._rows(f"event_{row['ocel_type_map']}"):
                event = events.get(str(values["ocel_id"]))
                if event is not None:
                    event.time = values.get("ocel_time")
                    event.attributes |= {k: v for k, v in values.items() if k not in _OWN and v is not None}
        for row in self._rows("event_object"):
            event = events.get(str(row["ocel_event_id"]))
            if event is not None:
                event.objects.append(str(row["ocel_object_id"]))
        log.events = list(events.values())
        return log

    def _add_object_values(self, log: ObjectLog, table: str) -> None:
        rows = sorted(self._rows(table), key=lambda row: str(row.get("ocel_time") or ""))
        for row in rows:
            for name, value in row.items():
                if name not in _OWN:
                    log.add_value(str(row["ocel_id"]), name, value)

    def _rows(self, table: str) -> Iterator[Row]:
        if table not in self._names:
            raise sqlite3.DatabaseError(f"no table '{table}'")
        quoted = table.replace('"', '""')
        return self._query(f'SELECT * FROM "{quoted}"')

    def _query(self, text: str) -> Iterator[Row]:
        cursor = self._connection.execute(text)
        names = [str(column[0]) for column in cursor.description]
        required = {"ocel_id", "ocel_type", "ocel_event_id", "ocel_object_id", "ocel_type_map", "name"}
        if not required & set(names):
            raise sqlite3.DatabaseError(f"no column of OCEL 2.0 in: {text}")
        return (dict(zip(names, row, strict=True)) for row in cursor)

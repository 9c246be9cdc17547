"""OCEL 2.0 in SQLite: read from memory, by an allow-list of actions, within bounds of time and memory."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pmlcli.errors import LogError
from pmlcli.eventlog.bounds import CELL, MAX_TEXT, Budget
from pmlcli.eventlog.ocel.flatten import ObjectEvent, ObjectLog, flatten, whole
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import RawTable, shown
from pmlcli.eventlog.source import ByteSource

MAGIC = b"SQLite format 3\0"
STEP = 1_000_000
"""Instructions of the database engine between two looks at the clock."""
SECONDS = 60
"""Seconds that any file may take, and one more for each MiB."""
MAX_ROW = 16 << 20
"""Bytes of a row, as of a line of CSV."""

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MAX_ROW,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: MAX_TEXT,
    sqlite3.SQLITE_LIMIT_COLUMN: 2_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 8,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_TRANSACTION}
_PRAGMAS = {"trusted_schema", "cell_size_check", "table_xinfo"}
_OWN = {"ocel_id", "ocel_time", "ocel_type", "ocel_changed_field"}
_JOURNAL_MAGIC = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
_VERSIONS = slice(18, 20)
"""Where a file's header says whether it is written with a log of its changes (2) or not (1)."""

Row = dict[str, Any]


def read_ocel_sqlite(source: ByteSource, options: ReadOptions) -> RawTable:
    """The raw table of an object-centric log in an SQLite file, flattened on `options.object_type`.

    The file is copied into memory and never written. Raises LogError for what is damaged, not laid
    out as OCEL 2.0 is, or has changes that stand in another file.
    """
    _refuse_pending_changes(source)
    data = bytearray(whole(source))
    if data[_VERSIONS] == b"\2\2":
        data[_VERSIONS] = b"\1\1"  # all changes are in the file, and memory has no place for a log of them
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(data)  # runs no statement
        _confine(connection, SECONDS + len(data) / (1 << 20))
        log = _Tables(connection, source.name, Budget(source, options)).log()
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


def _refuse_pending_changes(source: ByteSource) -> None:
    """LogError where changes of the database stand in a file beside it, which is not read."""
    for ending, is_pending in (("-wal", bool), ("-journal", lambda head: head == _JOURNAL_MAGIC)):
        try:
            with Path(source.path + ending).open("rb") as beside:
                found = is_pending(beside.read(len(_JOURNAL_MAGIC)))
        except OSError:
            continue
        if found:
            raise LogError(
                f"{source.name}: changes of this database are in {source.name}{ending}, not in the file",
                hint=f"sqlite3 '{source.name}' 'PRAGMA wal_checkpoint(TRUNCATE)' brings them in; a program "
                "that has it open must close it first",
                code="log.ocel",
            )


def _confine(connection: sqlite3.Connection, seconds: float) -> None:
    """Nothing but reading, nothing that the file's own schema would run, and no query without an end."""
    end = time.monotonic() + seconds

    def tick() -> int:
        return int(time.monotonic() > end)

    def allow(action: int, name: str | None, *_: object) -> int:
        if action in _ALLOWED or (action == sqlite3.SQLITE_PRAGMA and name in _PRAGMAS):
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    for limit, most in _LIMITS.items():
        connection.setlimit(limit, most)
    connection.set_authorizer(allow)
    connection.set_progress_handler(tick, STEP)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")


class _Tables:
    """The tables of one database; views are not looked at."""

    def __init__(self, connection: sqlite3.Connection, name: str, budget: Budget) -> None:
        self._connection = connection
        self._budget = budget
        self._log = ObjectLog(name, budget)
        found = self._query("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        self._names = {str(row["name"]) for row in found if _is_stored(str(row["sql"]))}

    def log(self) -> ObjectLog:
        """The log that the tables hold."""
        self._add_objects()
        relations: dict[str, list[str]] = {}
        for row in self._rows("event_object"):
            relations.setdefault(str(row["ocel_event_id"]), []).append(str(row["ocel_object_id"]))
        events: dict[str, ObjectEvent] = {}
        for row in self._rows("event"):
            event = ObjectEvent(str(row["ocel_id"]), row["ocel_type"], None)
            event.objects = relations.get(event.id, [])
            events.setdefault(event.id, event)
            self._log.add_event(event)
        lost = sum(len(of_event) for event_id, of_event in relations.items() if event_id not in events)
        if lost:
            self._log.notes["relations of an event that the log does not have"] += lost
        self._add_event_values(events)
        return self._log

    def _add_objects(self) -> None:
        for row in self._rows("object"):
            self._log.add_object(str(row["ocel_id"]), str(row["ocel_type"]))
        for table in self._mapped("object"):
            rows = sorted(self._rows(table), key=lambda row: str(row.get("ocel_time") or ""))
            for row in rows:
                for name, value in row.items():
                    if name not in _OWN:
                        self._log.add_value(str(row["ocel_id"]), name, value)

    def _add_event_values(self, events: dict[str, ObjectEvent]) -> None:
        """The row of each event in its type's table; LogError or a refusal where it is not exactly one."""
        known: set[str] = set()
        again: set[str] = set()
        for table, types in self._mapped("event").items():
            for values in self._rows(table):
                event = events.get(str(values["ocel_id"]))
                if event is None or str(event.activity) not in types:
                    self._log.refuse(f"row of no event in '{shown(table)}'")
                elif event.id in known:
                    again.add(event.id)
                else:
                    known.add(event.id)
                    event.time = values.get("ocel_time")
                    event.attributes |= {k: v for k, v in values.items() if k not in _OWN and v is not None}
        self._log.withdraw("several rows for one event in its type's table", again)

    def _mapped(self, of: str) -> dict[str, set[str]]:
        """The tables of the types of events or objects, each once, and the types that each stands for."""
        tables: dict[str, set[str]] = {}
        for row in self._rows(f"{of}_map_type"):
            tables.setdefault(f"{of}_{row['ocel_type_map']}", set()).add(str(row["ocel_type"]))
        return tables

    def _rows(self, table: str) -> Iterator[Row]:
        if table not in self._names:
            raise sqlite3.DatabaseError(f"no table '{table}'")
        quoted = table.replace('"', '""')
        self._check_columns(table, quoted)
        return self._query(f'SELECT * FROM "{quoted}"')

    def _check_columns(self, table: str, quoted: str) -> None:
        """No column whose values are not in the file: generated ones, and long defaults of short rows."""
        defaults = 0
        for _, name, _, _, default, _, hidden in self._connection.execute(f'PRAGMA table_xinfo("{quoted}")'):
            if hidden:
                raise sqlite3.DatabaseError(f"'{shown(name)}' of '{table}' is generated, not stored")
            defaults += len(str(default or ""))
        if defaults > MAX_TEXT:
            raise sqlite3.DatabaseError(f"the defaults of '{table}' are longer than 1 MB")

    def _query(self, text: str) -> Iterator[Row]:
        cursor = self._connection.execute(text)
        names = [str(column[0]) for column in cursor.description]
        required = {"ocel_id", "ocel_type", "ocel_event_id", "ocel_object_id", "ocel_type_map", "name"}
        if not required & set(names):
            raise sqlite3.DatabaseError(f"no column of OCEL 2.0 in: {text}")
        return self._counted(cursor, names)

    def _counted(self, cursor: sqlite3.Cursor, names: list[str]) -> Iterator[Row]:
        """The rows that come out, which a damaged file may have more of than it holds."""
        for row in cursor:
            sizes = [len(value) for value in row if isinstance(value, str | bytes)]
            self._budget.make(CELL * (1 + len(row)) + sum(sizes), "rows that come out")
            self._budget.text(max(sizes, default=0), "a cell of the database")
            yield dict(zip(names, row, strict=True))


def _is_stored(sql: str) -> bool:
    """Whether a table is no virtual one, nor one whose making hides behind a comment."""
    head = sql.partition("(")[0].upper()
    return not any(word in head for word in ("VIRTUAL", "/*", "--"))

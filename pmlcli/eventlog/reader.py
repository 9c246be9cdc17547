"""The one door through which a log comes in, whatever it is kept in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from pmlcli.errors import LogError, PmlError, ValidationError
from pmlcli.eventlog.archive import ZIP_MAGIC
from pmlcli.eventlog.build import build_log
from pmlcli.eventlog.csv.reader import read_csv
from pmlcli.eventlog.excel import read_excel
from pmlcli.eventlog.filters import keep_lifecycles, select
from pmlcli.eventlog.frame import events_table, frame_table
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.ocel.csv import is_ocel_csv, read_ocel_csv
from pmlcli.eventlog.ocel.json import read_ocel_json
from pmlcli.eventlog.ocel.sqlite import MAGIC as SQLITE_MAGIC
from pmlcli.eventlog.ocel.sqlite import read_ocel_sqlite
from pmlcli.eventlog.ocel.xml import read_ocel_xml
from pmlcli.eventlog.odd_cells import without_odd_cells
from pmlcli.eventlog.options import EXCEL, FORMATS, ReadOptions
from pmlcli.eventlog.pairing import pair_lifecycle
from pmlcli.eventlog.parquet import MAGIC, read_parquet
from pmlcli.eventlog.raw import RawTable, shown
from pmlcli.eventlog.source import ByteSource
from pmlcli.eventlog.xes.reader import read_xes

LogLike = str | Path | pd.DataFrame | Sequence[Mapping[str, Any]] | EventLog

_READERS = {
    "csv": read_csv,
    "xes": read_xes,
    "parquet": read_parquet,
    "xlsx": read_excel,
    "ocel-json": read_ocel_json,
    "ocel-xml": read_ocel_xml,
    "ocel-sqlite": read_ocel_sqlite,
    "ocel-csv": read_ocel_csv,
}
_OBJECT_CENTRIC = re.compile(rb'<(?:object-types|event-types|objects|events)\b|key="object-types"')
UNFORESEEN = "log.unforeseen"
"""The code of errors that no reader foresaw."""
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def read_log(source: LogLike, options: ReadOptions | None = None, **changes: Any) -> EventLog:
    """The event log in a file, stdin (`-`), frame or list of event dicts; an EventLog comes back as it is.

    `changes` replace single options: `read_log(path, timezone="Europe/Rome")`. Raises LogError for a log that
    cannot be used completely, ValidationError for invalid options.
    """
    chosen = replace(options or ReadOptions(), **changes)
    if isinstance(source, EventLog):
        return source
    try:
        return _read(source, chosen)
    except LogError as error:
        if isinstance(source, str | Path):
            # What is kept of a log is its last name; the user is told the path as it was given.
            error.begin_with(f"{source}: ", instead_of=f"{Path(source).name}: ")
        raise


def _read(source: LogLike, options: ReadOptions) -> EventLog:
    """The log; what a reader did not foresee becomes a LogError, as the input was the cause."""
    try:
        log = build_log(_table(source, options), options)
        if options.bad_value == "missing":
            log = without_odd_cells(log, options.preferred_kinds)
        return _chosen(log, options)
    except (PmlError, OSError, MemoryError):
        raise
    except Exception as error:
        name = (
            "stdin" if source == "-" else Path(source).name if isinstance(source, str | Path) else "the log"
        )
        raise LogError(
            f"{name}: cannot be read ({type(error).__name__}: {shown(str(error))})",
            hint="that is also a bug in pmlcli, which should say what is wrong with the log; --debug shows "
            "where: please report it",
            code=UNFORESEEN,
        ) from error


def _table(source: LogLike, options: ReadOptions) -> RawTable:
    if isinstance(source, str | Path):
        return _read_file(source, options)
    if isinstance(source, pd.DataFrame | list | tuple):
        _check_object_type("a table of events", "memory", options)
        return frame_table(source) if isinstance(source, pd.DataFrame) else events_table(source)
    raise ValidationError(
        f"a log is a path, frame or list of event dicts, not {type(source).__name__}",
        hint="each event needs its case and its activity by name; an array of numbers has neither",
    )


def _chosen(log: EventLog, options: ReadOptions) -> EventLog:
    """The log with starts and completions paired, and only the events and cases that are wanted."""
    if options.pair_lifecycle:
        log = pair_lifecycle(log)
    if options.lifecycle:
        log = keep_lifecycles(log, options.lifecycle)
    log = select(log, options.selection, options)
    how = {name: getattr(options, name) for name in ("pair_lifecycle", "lifecycle")}
    return replace(log, schema=replace(log.schema, **how)) if any(how.values()) else log


def _read_file(path: str | Path, options: ReadOptions) -> RawTable:
    with ByteSource(path, options) as source:
        format_name = options.format or _format_of(source)
        if format_name in (*FORMATS, EXCEL):
            _check_object_type(f"a log in {format_name.upper()}", source.name, options)
        if options.sheet is not None and format_name != EXCEL:
            raise LogError(
                f"{source.name}: a log in {format_name} has no sheets",
                hint="leave out --sheet",
                code="log.sheet",
            )
        return _READERS[format_name](source, options)


def _check_object_type(what: str, name: str, options: ReadOptions) -> None:
    """LogError where a type of objects is asked of a log that has its cases already."""
    if options.object_type is not None:
        raise LogError(
            f"{name}: {what} has cases, not objects of type '{options.object_type}'",
            hint="--object-type is for object-centric logs (OCEL): leave it out, or give the OCEL file",
            code="log.object-type",
        )


def _format_of(source: ByteSource) -> str:
    """The format by content; the name is only believed where it contradicts the content, as an error."""
    head = source.peek(1 << 16)
    for magic, name in ((MAGIC, "parquet"), (ZIP_MAGIC, "xlsx"), (SQLITE_MAGIC, "ocel-sqlite")):
        if head.startswith(magic):
            return name
    for mark in _MARKS:
        head = head.removeprefix(mark)
    start = head.replace(b"\0", b"").lstrip()[:1]
    if start == b"<":
        until_trace = head.partition(b"<trace")[0]
        return "ocel-xml" if _OBJECT_CENTRIC.search(until_trace) else "xes"
    if source.name.lower().endswith((".xes", ".xes.gz", ".xml")):
        raise LogError(
            f"{source.name}: line 1: not XML",
            hint="is it CSV? --log-format csv",
            code="log.format",
            context={"line": 1},
        )
    if start in (b"{", b"["):
        return "ocel-json"
    return "ocel-csv" if is_ocel_csv(head) else "csv"

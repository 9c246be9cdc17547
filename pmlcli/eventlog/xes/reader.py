"""XES files: a streaming parser without entities, DTDs or network, straight into columns."""

from __future__ import annotations

from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.bounds import CODE, Budget
from pmlcli.eventlog.encodings import Utf8Source, encoding_hint
from pmlcli.eventlog.ledger import Refusal
from pmlcli.eventlog.log import CASE_PREFIX
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import Column, RawTable, TextColumn, as_text
from pmlcli.eventlog.source import ByteSource
from pmlcli.eventlog.xes.feed import Feeder
from pmlcli.eventlog.xes.handlers import XesHandlers

FIRST_LINES = 5
CASE_NAME = f"{CASE_PREFIX}concept:name"
TWIN = ".event"
"""Suffix of an event attribute `case:X` that says something else than its trace's X."""

_WRONG_END = {
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}


def read_xes(source: ByteSource, options: ReadOptions) -> RawTable:
    """The raw table of an XES file: a row an event, `case:` columns for the traces' attributes.

    Raises LogError for what is not well-formed XML, not whole, not a log, or beyond the limits.
    """
    # the parser knows few encodings by itself; what a user names is turned into one that it knows
    text = Utf8Source(source, options.encoding) if options.encoding else source
    handlers = XesHandlers(source.name, "utf-8" if options.encoding else None)
    feeder = Feeder(handlers, text)
    try:
        feeder.feed()
    except expat.ExpatError as error:
        raise _malformed(error, source.name, feeder, handlers) from error
    except (LookupError, ValueError) as error:  # pyexpat's own look-up of the declared encoding
        if handlers.is_log:
            raise
        hint = f"--encoding {handlers.encoding or 'NAME'} reads encodings that an XML parser does not know"
        raise LogError(f"{source.name}: unknown encoding: {error}", code="log.encoding", hint=hint) from error
    budget = Budget(source, options)
    for owners in (handlers.events, handlers.traces):
        budget.make(owners.cells * CODE, "a cell for each event and name of an attribute")
    return _table(handlers, source, options)


def _malformed(error: expat.ExpatError, name: str, feeder: Feeder, handlers: XesHandlers) -> LogError:
    """The error in words: cut off, no XML, not in its encoding, or what the parser says."""
    line, column, reason = error.lineno, error.offset + 1, expat.ErrorString(error.code)
    context = {"line": line, "column": column}
    if error.code in _WRONG_END:
        open_element = handlers.open_element()
        within = f" inside <{open_element}>" if open_element else ""
        return LogError(
            f"{name}: line {line}: the file ends{within}: it is incomplete",
            hint="fetch or copy the file again",
            code="log.truncated",
            context=context,
        )
    undecodable = _undecodable(error, name, feeder, handlers)
    if undecodable is not None:
        return undecodable
    if not handlers.is_log:
        hint = "is it CSV? --log-format csv"
        return LogError(
            f"{name}: line {line}: not XML ({reason})", hint=hint, code="log.format", context=context
        )
    hint = "the file is not well-formed XML there: write it again with the tool that made it"
    return LogError(
        f"{name}: line {line}, column {column}: {reason}", hint=hint, code="log.xml", context=context
    )


def _undecodable(
    error: expat.ExpatError, name: str, feeder: Feeder, handlers: XesHandlers
) -> LogError | None:
    """What to say where the text is not in the encoding that the file declares; None where it is."""
    where, context = f"{name}: line {error.lineno}", {"line": error.lineno}
    if error.code == expat.errors.codes[expat.errors.XML_ERROR_INCORRECT_ENCODING]:
        found = "utf-16" if feeder.is_wide else "utf-8"
        return LogError(
            f"{where}: the file declares {handlers.encoding or 'an encoding'}, but its text is not in it",
            hint=f"--encoding {found}",
            code="log.encoding",
            context=context,
        )
    encoding = handlers.encoding or "utf-8"
    data, at = feeder.around_error()
    try:
        data[at:].decode(encoding)
    except (UnicodeDecodeError, LookupError) as found_error:
        if isinstance(found_error, UnicodeDecodeError) and found_error.start == 0 and at < len(data):
            said = "declares" if handlers.encoding else "is read in"
            return LogError(
                f"{where}, column {error.offset + 1}: not {encoding.upper()}, which the file {said}",
                hint=encoding_hint(data, at),
                code="log.encoding",
                context=context,
            )
    return None


def _table(handlers: XesHandlers, source: ByteSource, options: ReadOptions) -> RawTable:
    events, twice, alike = handlers.events.columns()
    traces, traces_twice, traces_alike = handlers.traces.columns()
    if traces_twice:
        key, where = next(iter(traces_twice.items()))
        line = handlers.trace_lines[int(np.flatnonzero(where)[0])]
        raise LogError(f"{source.name}: '{key}' given twice in the trace of line {line}", code="log.twice")
    n_events = len(handlers.event_lines)
    sizes = np.ediff1d(np.array([*handlers.trace_first_events, n_events], dtype=np.int64))
    trace_of_event = np.repeat(np.arange(len(sizes)), sizes)
    notes = [
        ("traces without events", int((sizes == 0).sum())),
        ("attributes given twice alike", alike + traces_alike),
        ("attributes without a key, passed over", handlers.keyless),
        ("attributes without a value, passed over", handlers.valueless),
        ("elements that XES does not know, kept as text", handlers.events.unknown_kinds),
    ]
    for scope, columns_of, owners in (("trace", traces, len(sizes)), ("event", events, n_events)):
        notes += handlers.globals.apply(scope, columns_of, owners, fill=options.fill_globals)
    name = traces.pop("concept:name", None)
    columns: dict[str, Column] = {CASE_NAME: _case_names(name, len(sizes), notes).take(trace_of_event)}
    columns |= {CASE_PREFIX + key: column.take(trace_of_event) for key, column in traces.items()}
    plain_name = None if name is None else name.take(trace_of_event)
    _add_event_columns(columns, events, plain_name)
    return RawTable(
        columns,
        n_events,
        np.array(handlers.event_lines, dtype=np.int64),
        source.identity("xes"),
        groups=trace_of_event,
        classifiers=handlers.classifiers,
        refused=_strays(handlers),
        bad_rows={f"'{key}' given twice": flags for key, flags in twice.items()},
        notes=[note for note in notes if note[1]],
    )


def _strays(handlers: XesHandlers) -> list[Refusal]:
    lines = handlers.stray_events
    return [Refusal("event outside a trace", len(lines), tuple(lines[:FIRST_LINES]))] if lines else []


def _add_event_columns(
    columns: dict[str, Column], events: dict[str, TextColumn], name: TextColumn | None
) -> None:
    """Event attributes beside the traces'; `case:X` that repeats its trace's X is the same column."""
    for key, column in events.items():
        twin = name if key == CASE_NAME else columns.get(key)
        if key == CASE_NAME and twin is None:
            columns[key + TWIN] = column
        elif twin is None:
            columns[key] = column
        elif not _repeats(column, as_text(twin)):
            columns[key + TWIN] = column


def _repeats(column: TextColumn, twin: TextColumn) -> bool:
    rows = np.flatnonzero(column.codes >= 0)
    return bool(np.array_equal(column.take(rows).texts(), twin.take(rows).texts()))


def _case_names(name: TextColumn | None, n_traces: int, notes: list[tuple[str, int]]) -> TextColumn:
    """The name of each trace: a place for one without, a suffix `#2` for one that another has too."""
    given: NDArray[np.object_] = np.full(n_traces, None) if name is None else name.texts()
    used = set(given)
    seen: dict[str, int] = {}
    names: list[str] = []
    for place, text in enumerate(given, 1):
        if text is None:
            names.append(_unused(f"trace-{place}", "", used, 0)[0])
        elif text in seen:
            fresh, seen[text] = _unused(text, "#", used, seen[text] + 1)
            names.append(fresh)
        else:
            seen[text] = 1
            names.append(text)
    repeated = int(sum(n is not None for n in given)) - len(seen)
    notes.append(("traces without a name, named by their place", int(sum(n is None for n in given))))
    notes.append(("traces with the name of another, kept apart by a suffix #2, #3, ...", repeated))
    return TextColumn.of(np.arange(n_traces, dtype=np.int32), names)


def _unused(stem: str, mark: str, used: set[str], number: int) -> tuple[str, int]:
    """The first of stem, stem#2, stem#3, ... that no trace has, and its number."""
    name = f"{stem}{mark}{number}" if number else stem
    while name in used:
        number += 1
        name = f"{stem}{mark or '#'}{number}"
    used.add(name)
    return name, number

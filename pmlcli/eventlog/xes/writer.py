"""An event log as XES 1849-2016 text, built column by column from the distinct values of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import OutputError
from pmlcli.eventlog.log import CASE_ID, CASE_PREFIX, EventLog

CASES_AT_ONCE = 2_000

_XES_NAMES = {
    "activity": "concept:name",
    "timestamp": "time:timestamp",
    "resource": "org:resource",
    "lifecycle": "lifecycle:transition",
}
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849.2016" xes.features="">
\t<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
\t<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
\t<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
\t<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
\t<global scope="trace">\n\t\t<string key="concept:name" value="UNKNOWN"/>\n\t</global>
\t<global scope="event">\n\t\t<string key="concept:name" value="UNKNOWN"/>\n\t</global>
\t<classifier name="Activity" keys="concept:name"/>
"""
# the schema knows no namespace; the standard asks that a classifier's keys be declared global, with a default
# that nobody has to use
_TAIL = "</log>\n"
_SPACES = {"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Lines = NDArray[np.object_]


def xes_pieces(log: EventLog) -> Iterator[bytes]:
    """The log as UTF-8 XES, piece by piece.

    A `case:` column that is the same in all events of each case becomes an attribute of the traces.
    Raises OutputError for a character that XML cannot hold.
    """
    case_columns = [name for name in log.case_attribute_columns() if _is_constant(log, name)]
    keys = _event_keys([str(name) for name in log.frame.columns if name not in (CASE_ID, *case_columns)])
    first = log.frame.take(log.offsets[:-1])
    heads = _joined(
        [
            _lines(first[CASE_ID], "concept:name", 2),
            *(_lines(first[name], name.removeprefix(CASE_PREFIX), 2) for name in case_columns),
        ]
    )
    yield _HEAD.encode()
    for start in range(0, log.n_cases, CASES_AT_ONCE):
        offsets = log.offsets[start : start + CASES_AT_ONCE + 1]
        rows = log.frame.iloc[offsets[0] : offsets[-1]]
        events = _joined([_lines(rows[name], key, 3) for name, key in keys.items()])
        cuts = (offsets - offsets[0]).tolist()
        traces = [
            f"\t<trace>\n{head}{_events(events[cuts[i] : cuts[i + 1]])}\t</trace>\n"
            for i, head in enumerate(heads[start : start + CASES_AT_ONCE])
        ]
        yield "".join(traces).encode()
    yield _TAIL.encode()


def _events(events: list[str]) -> str:
    return "\t\t<event>\n" + "\t\t</event>\n\t\t<event>\n".join(events) + "\t\t</event>\n"


def _event_keys(columns: list[str]) -> dict[str, str]:
    """Column to XES key; a column that bears the XES name of a canonical one gets a prefix."""
    keys = {name: _XES_NAMES[name] for name in columns if name in _XES_NAMES}
    taken = set(keys.values())
    for name in columns:
        if name not in keys:
            keys[name] = f"source.{name}" if name in taken else name
    return {name: keys[name] for name in columns}


def _is_constant(log: EventLog, name: str) -> bool:
    codes = pd.factorize(log.frame[name])[0]
    return bool((codes == np.repeat(codes[log.offsets[:-1]], log.lengths)).all())


def _joined(columns: list[Lines]) -> list[str]:
    return ["".join(lines) for lines in zip(*columns, strict=True)]


def _lines(column: pd.Series, key: str, indent: int) -> Lines:
    """One attribute's line for each row, empty where the row has no value."""
    codes, distinct = pd.factorize(column)
    kind, texts = _kind_and_texts(distinct)
    start = "\t" * indent + f"<{kind} key={_quoted(key, key)} value="
    lines = [f"{start}{_quoted(text, key)}/>\n" for text in texts]
    array = np.empty(len(lines) + 1, dtype=object)
    array[:-1], array[-1] = lines, ""
    return array[codes]


def _kind_and_texts(distinct: pd.Index) -> tuple[str, list[str]]:
    if isinstance(distinct, pd.DatetimeIndex):
        return "date", [stamp.isoformat(timespec="microseconds") for stamp in distinct]
    if pd.api.types.is_bool_dtype(distinct.dtype):
        return "boolean", ["true" if value else "false" for value in distinct]
    if pd.api.types.is_integer_dtype(distinct.dtype):
        return "int", [str(int(value)) for value in distinct]
    if pd.api.types.is_float_dtype(distinct.dtype):
        return "float", [repr(float(value)).replace("inf", "INF") for value in distinct]
    return "string", [str(value) for value in distinct]


def _quoted(text: str, key: str) -> str:
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        raise OutputError(
            f"column '{key}': XES cannot hold the character U+{ord(forbidden[0]):04X}",
            hint="write CSV or Parquet",
            context={"column": key},
        )
    return quoteattr(text, _SPACES)

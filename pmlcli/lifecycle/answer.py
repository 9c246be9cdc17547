"""A table of predictions as arrays and JSON, and back: what a confined child may send, and nothing more.

Text columns become their distinct values (one run of UTF-8, and where each ends) and a code a row, so the
most common columns are small and nothing is evaluated to read them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import UntrustedArtifactError
from pmlcli.store.codecs import plain

STEM = "answer"
MOST_JSON_BYTES, MOST_JSON_ITEMS = 8_000_000, 100_000
"""Of what stands beside the columns: their names and types, and examples of unseen values."""
_BYTES_PER_CHARACTER = 4
_NUMBERS = (
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
)
_MASKED = {"boolean": "bool", "Int64": "int64", "Float64": "float64"}
_TEXTS = ("str", "object")
_TIMES = re.compile(r"datetime64\[(s|ms|us|ns)(?:, ([A-Za-z0-9_+:/-]{1,60}))?\]")
_OFFSET = re.compile(r"(?:UTC)?([+-])(\d\d):(\d\d)")
MISSING = -1
_NO_TIME = np.iinfo(np.int64).min
_FARTHEST = {"s": 62 * 10**9, "ms": 62 * 10**12, "us": 62 * 10**15, "ns": 91 * 10**17}
"""By unit, how far from 1970 every zone can be computed (the years 6 to 3934; ns hold 1682 to 2258)."""

State = dict[str, Any]


class Answer(NamedTuple):
    """A table of predictions, and by column how many events hold unseen values, with `examples` of these."""

    table: pd.DataFrame
    unseen: dict[str, dict[str, Any]]


def encode(given: Answer) -> dict[str, bytes]:
    """The files of an answer; the table's index is not kept.

    Raises TypeError for a column of a type that no task returns.
    """
    table = given.table
    state: State = {
        "unseen": given.unseen,
        "rows": len(table),
        "names": [str(name) for name in table.columns],
    }
    kinds: list[str] = []
    for position, name in enumerate(table.columns):
        column = table[name]
        kinds.append(str(column.dtype))
        state |= {f"c{position}_{part}": array for part, array in _parts(column).items()}
    return plain.encode(state | {"kinds": kinds}, stem=STEM)


def _parts(column: pd.Series[Any]) -> dict[str, NDArray[Any]]:
    kind = str(column.dtype)
    if kind in _NUMBERS:
        return {"values": column.to_numpy()}
    if kind in _MASKED:
        missing = column.isna().to_numpy(dtype=bool)
        return {"values": column.to_numpy(dtype=_MASKED[kind], na_value=0), "missing": missing}
    if kind in _TEXTS:
        return _text_parts(column)
    if _TIMES.fullmatch(kind):
        times = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz else column
        return {"values": times.to_numpy().view(np.int64)}
    raise TypeError(f"a table of predictions holds a column of {kind}")


def _text_parts(column: pd.Series[Any]) -> dict[str, NDArray[Any]]:
    codes, values = pd.factorize(column)
    texts = list(values)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"the column '{column.name}' holds other things than text")
    # Ends are counted in bytes: each text is decoded by itself, for one rare letter makes all of a text wide.
    encoded = [text.encode("utf-8") for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    run = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    return {"codes": codes.astype(np.int64), "ends": np.asarray(ends, dtype=np.int64), "text": run}


def decode(files: Mapping[str, bytes], *, most_characters: int, rows: range | None = None) -> Answer:
    """The answer that `encode` wrote; `rows` are the numbers of rows that it may have.

    Of one with more no cell is made: a text of one letter takes a dozen times its bytes here.
    Raises UntrustedArtifactError for whatever `encode` never writes, and for texts that take more than
    `most_characters` (as bytes of UTF-8) when every row has its own, or a quarter of that when each stands
    there once: a text is sent once, however many rows have it, and a letter may take four bytes here.
    """
    state = plain.decode(files, stem=STEM, max_bytes=MOST_JSON_BYTES, max_items=MOST_JSON_ITEMS)
    try:
        if rows is not None and state["rows"] not in rows:
            raise malformed("number of rows")
        return _decoded(state, _Room(most_characters))
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError) as error:
        raise malformed(type(error).__name__) from error


class _Room:
    """Characters that the table's texts may still take, and bytes that all distinct ones may."""

    def __init__(self, characters: int) -> None:
        self._left = characters
        self._distinct_left = characters // _BYTES_PER_CHARACTER

    def take_distinct(self, count: int) -> None:
        """Raises UntrustedArtifactError when there are not so many bytes left for distinct texts."""
        self._distinct_left -= count
        if self._distinct_left < 0:
            raise malformed("more text than an answer may hold")

    def take(self, characters: int) -> None:
        """Raises UntrustedArtifactError when there are not so many left."""
        self._left -= characters
        if self._left < 0:
            raise malformed("more text than an answer may hold")


def malformed(what: str) -> UntrustedArtifactError:
    """The error that refuses an answer."""
    return UntrustedArtifactError(f"the model's answer is malformed ({what})", hint="do not use this model")


def _decoded(state: State, room: _Room) -> Answer:
    names, kinds, rows = state["names"], state["kinds"], state["rows"]
    if type(rows) is not int or rows < 0 or not names or len(names) != len(kinds):
        raise malformed("form")
    if not all(isinstance(text, str) for text in [*names, *kinds]) or len(set(names)) != len(names):
        raise malformed("columns")
    table = {}
    for position, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        parts = {
            part: state.get(f"c{position}_{part}") for part in ("values", "missing", "codes", "ends", "text")
        }
        given = {part: value for part, value in parts.items() if value is not None}
        table[name] = _column(kind, given, rows, room)
    return Answer(pd.DataFrame(table, index=pd.RangeIndex(rows)), _unseen(state["unseen"]))


def _unseen(found: Any) -> dict[str, dict[str, Any]]:
    if isinstance(found, dict) and all(map(_is_unseen, found.values())):
        return found
    raise malformed("unseen values")


def _is_unseen(found: Any) -> bool:
    match found:
        case {"events": int(), "examples": list() as examples, "similar": dict() as similar, **others}:
            texts = [*examples, *similar.keys(), *similar.values()]
            return not others and all(isinstance(text, str) for text in texts)
    return False


def _column(kind: str, parts: Mapping[str, NDArray[Any]], rows: int, room: _Room) -> pd.Series[Any]:
    if kind in _NUMBERS:
        return pd.Series(_array(parts, "values", kind, rows))
    if kind in _MASKED:
        values: pd.Series[Any] = pd.Series(_array(parts, "values", _MASKED[kind], rows), dtype=kind)
        masked: pd.Series[Any] = values.mask(_array(parts, "missing", "bool", rows))
        return masked
    if kind in _TEXTS:
        return _text_column(kind, parts, rows, room)
    match = _TIMES.fullmatch(kind)
    if match is None:
        raise malformed("type of a column")
    counts = _array(parts, "values", "int64", rows)
    if (np.abs(counts[counts != _NO_TIME]) > _FARTHEST[match[1]]).any():
        raise malformed("time out of range")
    values = pd.Series(counts.view(f"datetime64[{match[1]}]"))
    return values if match[2] is None else values.dt.tz_localize("UTC").dt.tz_convert(_zone(match[2]))


def _array(parts: Mapping[str, Any], part: str, kind: str, rows: int | None) -> NDArray[Any]:
    array = parts[part]
    if not isinstance(array, np.ndarray) or array.dtype != np.dtype(kind) or array.ndim != 1:
        raise malformed("array")
    if rows is not None and len(array) != rows:
        raise malformed("number of rows")
    return array


def _text_column(kind: str, parts: Mapping[str, Any], rows: int, room: _Room) -> pd.Series[Any]:
    codes = _array(parts, "codes", "int64", rows)
    ends = _array(parts, "ends", "int64", None)
    array = _array(parts, "text", "uint8", None)
    room.take_distinct(len(array))
    if len(ends) > rows:
        raise malformed("number of texts")
    run = array.tobytes()
    if len(codes) and (codes.min() < MISSING or codes.max() >= len(ends)):
        raise malformed("code of a text")
    if (np.diff(ends, prepend=0) < 0).any() or (int(ends[-1]) if len(ends) else 0) != len(run):
        raise malformed("length of a text")
    room.take(int(np.diff(ends, prepend=0)[codes[codes != MISSING]].sum()))
    texts = np.empty(len(ends) + 1, dtype=object)
    starts = [0, *ends.tolist()]
    texts[: len(ends)] = [run[a:b].decode("utf-8") for a, b in zip(starts, starts[1:], strict=False)]
    texts[-1] = None  # where MISSING points
    return pd.Series(texts[codes], dtype=kind)


def _zone(name: str) -> Any:
    match = _OFFSET.fullmatch(name)
    if match is not None:
        return name.removeprefix("UTC")
    try:
        return "UTC" if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise malformed("time zone") from error

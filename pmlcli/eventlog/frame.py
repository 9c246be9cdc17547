"""Logs that are already in memory: a pandas frame, or a list of event dicts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.log import LogSource
from pmlcli.eventlog.raw import LARGEST_EXACT, TEXT, Column, RawTable, TextColumn, shown

_HALF = re.compile("[\ud800-\udfff]")


def frame_table(frame: pd.DataFrame, source: LogSource | None = None) -> RawTable:
    """The raw table of a frame; its index is not read. Rows are counted from 1."""
    names = [str(name) for name in frame.columns]
    _check_characters(names)
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise LogError(f"the frame has the column '{repeated}' twice", code="log.duplicate-column")
    columns = {name: _column(frame.iloc[:, place]) for place, name in enumerate(names)}
    identity = source or LogSource("frame", "frame")
    return RawTable(columns, len(frame), np.arange(1, len(frame) + 1), identity, unit="row")


def events_table(events: Sequence[Mapping[str, Any]]) -> RawTable:
    """The raw table of event dicts; a key that an event lacks is missing there."""
    names: dict[str, None] = {}
    for number, event in enumerate(events, 1):
        if not isinstance(event, Mapping):
            raise LogError(f"event {number} is a {type(event).__name__}, not a dict", code="log.event")
        names.update(dict.fromkeys(map(str, event)))
    _check_characters(names)
    columns = {name: _column(_series([event.get(name) for event in events])) for name in names}
    return RawTable(
        columns, len(events), np.arange(1, len(events) + 1), LogSource("events", "dicts"), unit="row"
    )


def typed_column(values: list[Any]) -> Column:
    """Values of Python as a column: of one kind a typed one, else text."""
    return _column(_series(values))


def _series(values: list[Any]) -> pd.Series:
    """Values of one kind as a typed column, where whole numbers stay whole beside missing ones."""
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {bool, np.bool_}:
        return pd.Series(values, dtype="boolean")
    if (
        kinds
        and kinds <= {int, np.int64, np.int32}
        and all(abs(int(v)) < 2**63 for v in values if v is not None)
    ):
        return pd.Series(values, dtype="Int64")
    if kinds and kinds <= {int, float, np.int64, np.float64, np.int32, np.float32} and not _inexact(values):
        return pd.Series([np.nan if value is None else float(value) for value in values], dtype="float64")
    return pd.Series(values, dtype=object)


def _inexact(values: Iterable[Any]) -> bool:
    """Whether there is a whole number among them that another one would be equal to as a float."""
    return any(isinstance(value, int | np.integer) and abs(int(value)) > LARGEST_EXACT for value in values)


def _column(series: pd.Series) -> Column:
    """Typed columns as they are, whole numbers made nullable; everything else as coded text."""
    kind = series.dtype
    if pd.api.types.is_datetime64_any_dtype(kind):
        return series
    if pd.api.types.is_bool_dtype(kind):
        return series.astype("boolean")
    if pd.api.types.is_integer_dtype(kind):
        if not pd.api.types.is_unsigned_integer_dtype(kind) or not (series.dropna() >= 2**63).any():
            return series.astype("Int64")
    elif pd.api.types.is_float_dtype(kind):
        return pd.Series(series.to_numpy(dtype="float64", na_value=np.nan))
    if isinstance(kind, pd.CategoricalDtype):
        return _coded(series.cat.codes.to_numpy(), series.cat.categories)
    objects = series.astype(object).to_numpy(dtype=object)
    texts = np.empty(len(objects), dtype=object)
    texts[:] = [None if gone else _plain(v) for v, gone in zip(objects, pd.isna(objects), strict=True)]
    codes, distinct = pd.factorize(texts)
    _check_characters(distinct)
    # Whole numbers that no float tells apart are declared so, for the note that they stay text.
    return TextColumn.of(codes.astype(np.int32), list(distinct), "int" if _inexact(objects) else "string")


def _coded(codes: NDArray[np.integer[Any]], categories: pd.Index) -> TextColumn:
    """Categories as coded text, numbered by first appearance; categories that read the same become one."""
    texts = np.empty(len(categories), dtype=object)
    texts[:] = [_plain(value) for value in categories]
    same, distinct = pd.factorize(texts)
    present = codes >= 0
    numbers, order = pd.factorize(same[codes[present]])
    renumbered = np.full(len(codes), -1, dtype=np.int32)
    renumbered[present] = numbers
    found = [distinct[place] for place in order]
    _check_characters(found)
    return TextColumn.of(renumbered, found, TEXT)


def _check_characters(texts: Iterable[str]) -> None:
    """LogError for text that holds half a character, which nothing can write again."""
    for text in texts:
        if not text.isascii() and _HALF.search(text):
            raise LogError(
                f"half a character (a lone surrogate) in {shown(ascii(text))}", code="log.encoding"
            )


def _plain(value: Any) -> str:
    if isinstance(value, date):  # a datetime is a date
        return value.isoformat()
    return value if isinstance(value, str) else str(value)

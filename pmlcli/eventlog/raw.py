"""What every reader hands on: columns of coded text or typed arrays, and where each row stood."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.eventlog.ledger import Refusal
from pmlcli.eventlog.log import LogSource

TEXT = "string"
UNTYPED = "untyped"
LARGEST_EXACT = 2**53
"""Whole numbers beyond it are not told apart as floats, which is what models compute with."""
LONGEST_SHOWN = 80
"""Characters of a value that a message quotes."""


Rows = NDArray[Any] | slice
"""Places of rows, in the order in which they are wanted."""
EVERY_ROW = slice(None)
"""All rows, as they stand: the only slice among `Rows`."""


class Vocabulary(defaultdict[str, int]):
    """Text to codes 0, 1, ... in order of first appearance; looking up a new text adds it."""

    def __init__(self) -> None:
        super().__init__(count().__next__)  # called only for what is new, and not through Python

    def codes(self, texts: Iterable[str]) -> NDArray[np.int32]:
        """The code of each text."""
        return np.fromiter(map(self.__getitem__, texts), dtype=np.int32)


@dataclass(frozen=True)
class TextColumn:
    """A column of text, coded: `values[codes[row]]`, and -1 where a row has none.

    `kind` is the XES type its source declared (string, date, int, float, boolean, id), or `untyped`.
    `is_tight` tells that each value is known to stand in some row.
    """

    codes: NDArray[np.int32]
    values: NDArray[np.object_]
    kind: str = UNTYPED
    is_tight: bool = False

    @classmethod
    def of(
        cls, codes: NDArray[np.int32], values: Sequence[str], kind: str = UNTYPED, *, is_tight: bool = False
    ) -> TextColumn:
        """The column, with empty text made missing."""
        array = np.empty(len(values), dtype=object)
        array[:] = values
        if "" in values:
            is_text = np.array([value != "" for value in values], dtype=bool)
            codes, array = _renumbered(codes, is_text), array[is_text]
        return cls(codes, array, kind, is_tight)

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: Rows, *, is_whole: bool = False) -> TextColumn:
        """The column of these rows, in this order; `is_whole` says that none is left out."""
        return TextColumn(self.codes[rows], self.values, self.kind, self.is_tight and is_whole)

    def counts(self) -> NDArray[np.int64]:
        """How many rows hold each value, (values,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    def used(self) -> tuple[NDArray[np.int32], NDArray[np.object_]]:
        """Codes and values without the values that no row holds, in the same order."""
        if self.is_tight:
            return self.codes, self.values
        present = np.zeros(len(self.values) + 1, dtype=bool)
        present[self.codes] = True
        present = present[:-1]
        if present.all():
            return self.codes, self.values
        return _renumbered(self.codes, present), self.values[present]

    def texts(self) -> NDArray[np.object_]:
        """The text of each row; None where there is none."""
        return with_missing(self.values, None)[self.codes]


def _renumbered(codes: NDArray[np.int32], kept: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Codes into the kept values alone; -1 for the others."""
    numbers = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1).astype(np.int32)
    return numbers[codes]


@dataclass(frozen=True)
class UniformTexts:
    """A column of times as they are written, one for each row: ASCII, alike but for their digits.

    `parts` are characters (rows, length), which stand one after another.
    """

    parts: tuple[NDArray[np.uint8], ...]

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def take(self, rows: Rows, *, is_whole: bool = False) -> UniformTexts:
        """The column of these rows, in this order."""
        return self if isinstance(rows, slice) else UniformTexts((np.concatenate(self.parts)[rows],))

    def texts(self) -> list[str]:
        """The text of each row."""
        return [text.decode("ascii") for part in self.parts for text in _as_bytes(part)]

    def coded(self) -> TextColumn:
        """The same column as coded text."""
        codes, distinct = pd.factorize(np.array(self.texts(), dtype=object))
        return TextColumn.of(codes.astype(np.int32), list(distinct))


def _as_bytes(characters: NDArray[np.uint8]) -> list[bytes]:
    texts: list[bytes] = np.ascontiguousarray(characters).view(f"S{characters.shape[1]}").ravel().tolist()
    return texts


Column = TextColumn | UniformTexts | pd.Series
"""Coded text, times as they are written, or a typed pandas column (number, boolean or time)."""


@dataclass
class RawTable:
    """Rows as a reader found them; nothing is decided yet.

    `lines` are 1-based places of the rows in the source, counted in `unit`. `groups` numbers the trace
    of each row where the source groups rows itself. `refused` and `filtered` rows (what a user chose to
    leave out) are not in the columns; `bad_rows` are, and are to be refused. `object_type` is what an
    object-centric log was flattened on.
    """

    columns: dict[str, Column]
    n_rows: int
    lines: NDArray[np.int64]
    source: LogSource
    unit: str = "line"
    groups: NDArray[np.int64] | None = None
    classifiers: dict[str, list[str]] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    bad_rows: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    notes: list[tuple[str, int]] = field(default_factory=list)
    filtered: list[Refusal] = field(default_factory=list)
    object_type: str | None = None

    @property
    def name(self) -> str:
        """The source's name, for messages."""
        return self.source.name


def with_missing(values: NDArray[np.object_], missing: object) -> NDArray[np.object_]:
    """The values and, at the end where code -1 finds it, what stands for a missing one."""
    extended = np.empty(len(values) + 1, dtype=object)
    extended[:-1], extended[-1] = values, missing
    return extended


def shown(text: str) -> str:
    """A text for a message, cut when it is long."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def equal_columns(a: Column, b: Column) -> bool:
    """Whether two columns hold the same text in every row."""
    return bool(np.array_equal(as_text(a).texts(), as_text(b).texts()))


def as_text(column: Column) -> TextColumn:
    """The column as coded text; numbers that are whole lose a trailing `.0`."""
    if isinstance(column, TextColumn):
        return column
    if isinstance(column, UniformTexts):
        return column.coded()
    codes, uniques = pd.factorize(column)
    try:
        texts = [_text(value) for value in uniques]
    except NotImplementedError:  # times in years for which Python knows no zones
        texts = pd.DatetimeIndex(uniques).tz_convert(None).to_numpy().astype(str).tolist()
    return TextColumn.of(codes.astype(np.int32), texts)


def _text(value: Any) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)

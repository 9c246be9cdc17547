"""A quick way through the regular stretches of a CSV file, and the lines of all others.

A stretch of whole lines in which nothing is quoted, no line is blank and each has the right number of
delimiters can be read in one of two ways: they cannot differ. There a compiled parser does what the
csv module would, in a fraction of the time. Every other stretch goes to the csv module, line by line.
"""

from __future__ import annotations

import contextlib
import csv
import importlib
import io
from typing import Any, TextIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import LogError

arrow: Any = None
with contextlib.suppress(ImportError):  # an extra; without it pandas' own parser does it, more slowly
    arrow = importlib.import_module("pyarrow.csv") and importlib.import_module("pyarrow")

BLOCK = 1 << 23
"""Characters that are looked at together."""
MAX_LINE = 1 << 24
MAX_CELL = 1 << 20

CodedCells = tuple[NDArray[np.integer], list[str]]
"""The cells of a column: codes, and the texts that they stand for."""


class TextBlocks:
    """The text of a file in blocks that end where a line does, or line by line, as the reader asks.

    As an iterator it gives the lines of the block that was handed back by `take_lines`, and goes on into
    the next blocks where a record does.
    """

    def __init__(self, text: TextIO, name: str) -> None:
        self._text = text
        self._name = name
        self._rest = ""
        self._lines: list[str] = []
        self._at = 0

    def block(self) -> str:
        """All text up to the last line end within reach; at the end of the file what is left, or ''."""
        if self._at < len(self._lines):
            left = "".join(self._lines[self._at :])
            self._lines, self._at = [], 0
            return left
        found = self._rest
        while True:
            more = self._text.read(BLOCK)
            found += more
            # a carriage return at the very end may be half of a line end
            end = max(found.rfind("\n"), found.rfind("\r", 0, -1)) + 1 if more else len(found)
            if end or not more:
                self._rest = found[end:]
                return found[:end]
            if len(found) > MAX_LINE:
                raise LogError(f"{self._name}: a line longer than {MAX_LINE:,} characters", code="log.limit")

    def take_lines(self, block: str) -> None:
        """Give the lines of this block next."""
        self._lines, self._at = list(io.StringIO(block, newline="")), 0

    @property
    def has_lines(self) -> bool:
        """Whether lines of the block are left."""
        return self._at < len(self._lines)

    def __iter__(self) -> TextBlocks:
        return self

    def __next__(self) -> str:
        if not self.has_lines:
            block = self.block()
            if not block:
                raise StopIteration
            self.take_lines(block)
        self._at += 1
        return self._lines[self._at - 1]


def regular_cells(block: str, delimiter: str, width: int) -> tuple[list[CodedCells], int] | None:
    """The cells of each column of a block, coded, and its number of lines; None where it is not regular."""
    if '"' in block or width < 2 or not delimiter.isascii():  # noqa: PLR2004 (one column may be a blank line)
        return None
    if "\r" in block:
        block = block.replace("\r\n", "\n")
    if "\r" in block or "\n\n" in block or block.startswith("\n"):
        return None
    try:
        data = block.encode("utf-8")
    except UnicodeEncodeError:  # half of a character, which some encodings let through
        return None
    if not data.endswith(b"\n"):
        data += b"\n"
    characters = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    delimiters = np.flatnonzero(characters == ord(delimiter))
    counted = np.diff(np.searchsorted(delimiters, ends), prepend=0)
    if (counted != width - 1).any() or np.diff(ends, prepend=-1).max() > MAX_CELL:
        return None
    columns = _by_arrow(data, delimiter, width) if arrow is not None else _by_pandas(data, delimiter, width)
    return (columns, len(ends)) if len(columns[0][0]) == len(ends) else None


def _by_arrow(data: bytes, delimiter: str, width: int) -> list[CodedCells]:
    names = [str(number) for number in range(width)]
    coded = arrow.dictionary(arrow.int32(), arrow.string())
    table = arrow.csv.read_csv(
        io.BytesIO(data),
        read_options=arrow.csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data)),
        parse_options=arrow.csv.ParseOptions(
            delimiter=delimiter, quote_char=False, escape_char=False, ignore_empty_lines=False
        ),
        convert_options=arrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, coded), strings_can_be_null=False, null_values=[]
        ),
    )
    columns = [table.column(name).combine_chunks() for name in names]
    return [(column.indices.to_numpy(), column.dictionary.to_pylist()) for column in columns]


def _by_pandas(data: bytes, delimiter: str, width: int) -> list[CodedCells]:
    frame = pd.read_csv(
        io.BytesIO(data),
        sep=delimiter,
        header=None,
        names=range(width),
        index_col=False,
        dtype=object,
        quoting=csv.QUOTE_NONE,
        keep_default_na=False,
        na_filter=False,
        skip_blank_lines=False,
        low_memory=False,
    )
    coded = [pd.factorize(frame[name]) for name in frame.columns]
    return [(codes, list(texts)) for codes, texts in coded]

"""A quick way through the regular stretches of a CSV file.

A stretch of whole lines in which no line is blank, each has the right number of cells and a quote stands
only around a whole cell can be read in one way: a compiled parser and the csv module cannot differ. There
the parser does it, in a fraction of the time. Every other stretch goes to the csv module, line by line.
"""

from __future__ import annotations

import contextlib
import csv
import importlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.eventlog.times.time_layouts import ISO, shapes_of

arrow: Any = None
with contextlib.suppress(ImportError):  # an extra; without it pandas' own parser does it, more slowly
    arrow = importlib.import_module("pyarrow.csv") and importlib.import_module("pyarrow")

MAX_CELL = 1 << 20
SHORTEST_TIME, LONGEST_TIME = 16, 40

Characters = NDArray[np.uint8]
CodedCells = tuple[NDArray[np.integer] | None, Sequence[str]]
"""Cells of a column: their texts, or codes and the texts that these stand for."""
Cells = CodedCells | Characters | Any
"""Or the characters (rows, length) of times that look alike, or a dictionary array of Arrow's."""

_MARK = "\ufeff".encode()
_SURROGATE = b"\xed"
"""The first byte of half a character, and of nothing else but Hangul."""


def regular_cells(block: bytes, delimiter: str, width: int) -> tuple[list[Cells], int] | None:
    """The cells of each column of a block and its number of lines; None where it is not regular."""
    if width < 2 or not delimiter.isascii() or delimiter in '"\r\n':  # noqa: PLR2004 (one column may be a blank line)
        return None
    if block.startswith(_MARK):  # parsers take it for a mark of the encoding, here it is text
        return None
    data = _with_plain_ends(block)
    if data is None:
        return None
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    further = ends[1:] - ends[:-1]
    shortest, longest = (int(of(further, initial=ends[0] + 1)) for of in (np.min, np.max))
    if shortest == 1 or longest > MAX_CELL:  # a blank line; a line that may hold a long cell
        return None
    read = _by_pandas if arrow is None else _by_arrow
    columns = read(data, delimiter, width)
    return columns if columns is not None and columns[1] == len(ends) else None


def _with_plain_ends(block: bytes) -> bytes | None:
    """The block with each line ended by a line feed; None where its line ends are of several kinds."""
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n") if b"\n" in block else block.replace(b"\r", b"\n")
        if b"\r" in block:
            return None
    return block if block.endswith(b"\n") else block + b"\n"


def _quotes_enclose_cells(data: bytes, delimiter: str) -> bool:
    """Whether quotes stand in pairs around whole cells, and nowhere else, and never around a line end."""
    characters = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(characters == ord('"'))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    beside = np.concatenate([characters[opening[opening > 0] - 1], characters[closing + 1]])
    if not ((beside == ord(delimiter)) | (beside == ord("\n"))).all():
        return False
    lines = np.flatnonzero(characters == ord("\n"))
    return bool((np.searchsorted(lines, opening) == np.searchsorted(lines, closing)).all())


def _by_arrow(data: bytes, delimiter: str, width: int) -> tuple[list[Cells], int] | None:
    is_quoted = b'"' in data
    if is_quoted and not _quotes_enclose_cells(data, delimiter):
        return None
    names = [str(number) for number in range(width)]
    # a guess, as a quoted cell may hold a delimiter: it only costs time
    first = data[: data.index(b"\n")].replace(b'"', b"").split(delimiter.encode())
    types = {
        name: arrow.string() if _is_time(cell) else arrow.dictionary(arrow.int32(), arrow.string())
        for name, cell in zip(names, first, strict=False)
    }
    try:
        table = arrow.csv.read_csv(
            arrow.BufferReader(data),
            read_options=arrow.csv.ReadOptions(
                column_names=names, use_threads=False, block_size=len(data) + 1
            ),
            parse_options=arrow.csv.ParseOptions(
                delimiter=delimiter, quote_char='"' if is_quoted else False, ignore_empty_lines=False
            ),
            convert_options=arrow.csv.ConvertOptions(
                column_types=types,
                strings_can_be_null=False,
                null_values=[],
                # text is judged when it is read; only encodings that let through half a character need more
                check_utf8=_SURROGATE in data,
            ),
        )
    except arrow.ArrowInvalid:
        # a row of another width, or half of a character: for the csv module to name
        return None
    return [_arrow_cells(column.combine_chunks()) for column in table.columns], table.num_rows


def _is_time(cell: bytes) -> bool:
    """Whether a first cell is an ISO 8601 time, so that those below it may look like it."""
    if not SHORTEST_TIME <= len(cell) <= LONGEST_TIME or cell[4:5] != b"-" or b"," in cell:
        return False
    if not cell.isascii():
        return False
    shape = shapes_of(np.frombuffer(cell, dtype=np.uint8)).tobytes().decode()
    return ISO.fullmatch(shape) is not None


def _arrow_cells(column: Any) -> Cells:
    """The cells of a column: times that look alike as their characters, all others coded."""
    if not isinstance(column, arrow.StringArray):
        return column
    alike = _alike(column)
    return column.dictionary_encode() if alike is None else alike


def is_array(cells: Cells) -> bool:
    """Whether cells are a dictionary array."""
    return not isinstance(cells, np.ndarray | tuple)


def unified(parts: Sequence[Any]) -> tuple[NDArray[np.int32], list[str]]:
    """Codes of all cells of dictionary arrays, one after another, and the texts that these stand for."""
    together = arrow.chunked_array(parts).unify_dictionaries()
    codes = np.concatenate([part.indices.to_numpy() for part in together.chunks])
    return codes, together.chunk(0).dictionary.to_pylist()


def _alike(column: Any) -> Characters | None:
    """The characters of ISO 8601 times that are told apart by their digits alone, else None."""
    if not _is_time(column[0].as_py().encode()):
        return None
    _, offsets_buffer, data = column.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[column.offset :][: len(column) + 1]
    length = int(offsets[1] - offsets[0])
    if not length or (np.diff(offsets) != length).any():
        return None
    characters = np.frombuffer(data, dtype=np.uint8)[offsets[0] : offsets[-1]].reshape(-1, length)
    by_place = np.asfortranarray(characters)  # of its own, as the column's memory may be far larger
    return by_place if _differ_in_digits(by_place) else None


def _differ_in_digits(characters: Characters) -> bool:
    """Whether texts are told apart by their digits alone; digit column by digit column."""
    first = characters[0]
    return all(
        bool(((place - 48 < 10) if 48 <= one < 58 else place == one).all())
        for one, place in zip(first.tolist(), characters.T, strict=True)
    )


def _by_pandas(data: bytes, delimiter: str, width: int) -> tuple[list[Cells], int] | None:
    if b'"' in data or not _is_of_width(data, delimiter, width):
        return None
    try:
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
    except UnicodeDecodeError:  # half of a character, which some encodings let through
        return None
    coded = (pd.factorize(frame[name]) for name in frame.columns)
    return [(codes, list(texts)) for codes, texts in coded], len(frame)


def _is_of_width(data: bytes, delimiter: str, width: int) -> bool:
    """Whether each line has as many delimiters as it should."""
    characters = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    delimiters = np.flatnonzero(characters == ord(delimiter))
    return bool((np.diff(np.searchsorted(delimiters, ends), prepend=0) == width - 1).all())

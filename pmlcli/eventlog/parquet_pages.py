"""The headers of a Parquet file's pages: how much a column will be, before any of it is unpacked.

The file's own summary may say anything; a page's header is what a reader allocates by. Headers are in
Thrift's compact protocol, of which only whole numbers and structures are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MAX_PAGES = 200_000
MAX_NESTING = 8
DELTA_BYTE_ARRAY = 7
"""The encoding in which each text repeats the beginning of the one before it."""

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 7, 8, 12
_INTEGERS = (4, 5, 6)
_SIZE, _STORED = 2, 3
_OF_DATA, _OF_DICTIONARY, _OF_DATA_2 = 5, 7, 8

Fields = dict[int, "int | Fields"]


@dataclass(frozen=True)
class Page:
    """One page: unpacked bytes, how many values it holds (none for a dictionary), and their encoding."""

    size: int
    values: int
    encoding: int
    is_dictionary: bool


def pages(data: bytes, start: int, end: int) -> Iterator[Page]:
    """The pages that stand between two places of a file. Raises ValueError for what are none."""
    count = 0
    while start < end:
        count += 1
        header, at = _struct(data, start, 0)
        size, stored = header.get(_SIZE), header.get(_STORED)
        if not isinstance(size, int) or not isinstance(stored, int) or size < 0 or stored < 0:
            raise ValueError(f"a page without a size at byte {start}")
        if count > MAX_PAGES:
            raise ValueError(f"more than {MAX_PAGES:,} pages in a column")
        yield _page(header, size)
        start = at + stored


def _page(header: Fields, size: int) -> Page:
    of_data = header.get(_OF_DATA, header.get(_OF_DATA_2))
    inner = of_data if of_data is not None else header.get(_OF_DICTIONARY)
    fields = inner if isinstance(inner, dict) else {}
    values = fields.get(1, 0)
    encoding = fields.get(4 if _OF_DATA_2 in header else 2, 0)
    if not isinstance(values, int) or not isinstance(encoding, int) or values < 0:
        raise ValueError("a page without a number of values")
    return Page(size, values if of_data is not None else 0, encoding, of_data is None)


def _struct(data: bytes, at: int, depth: int) -> tuple[Fields, int]:
    if depth > MAX_NESTING:
        raise ValueError("a page header nested too deep")
    fields: Fields = {}
    number = 0
    while True:
        mark, at = _byte(data, at)
        kind, step = mark & 15, mark >> 4
        if kind == 0:
            return fields, at
        if step:
            number += step
        else:
            number, at = _integer(data, at)
        if kind in _INTEGERS:
            fields[number], at = _integer(data, at)
        elif kind == _STRUCT:
            fields[number], at = _struct(data, at, depth + 1)
        else:
            at = _past(data, at, kind)


def _past(data: bytes, at: int, kind: int) -> int:
    """The place after a value that is not looked at. Statistics are the only ones that are long."""
    if kind in (_TRUE, _FALSE):
        return at
    if kind == _BYTE:
        return at + 1
    if kind == _DOUBLE:
        return at + 8
    if kind == _BINARY:
        size, at = _varint(data, at)
        return at + size
    raise ValueError("a page header with a field that is none of it")


def _integer(data: bytes, at: int) -> tuple[int, int]:
    found, at = _varint(data, at)
    return (found >> 1) ^ -(found & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    found = shift = 0
    while True:
        byte, at = _byte(data, at)
        found |= (byte & 127) << shift
        if byte < 128:
            return found, at
        shift += 7
        if shift > 63:
            raise ValueError("a number without end in a page header")


def _byte(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise ValueError("a page header is cut off")
    return data[at], at + 1

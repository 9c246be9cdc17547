"""Exogenous columns (prices, campaigns): a CSV file of dates and numbers, read strictly."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pmlcli.arrays import Floats
from pmlcli.errors import OutputError, ValidationError

MOST_BYTES = 64 << 20
MOST_ROWS = 1_000_000
"""A century of hours has fewer."""
MOST_COLUMNS = 100
DATES = ("date", "timestamp", "time", "ds")
"""What the first column may be called, so that a file without a header is told."""
_DELIMITERS = ",;\t|"
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Regressors:
    """A table of numbers by date.

    - `dates`: int64 (rows,), microseconds since 1970 on the log's clock, ascending and distinct
    - `values`: float64 (rows, columns), finite
    - `name`, `sha256`, `size_bytes`: the file that it was read from
    """

    columns: tuple[str, ...]
    dates: NDArray[np.int64]
    values: Floats
    name: str = "memory"
    sha256: str | None = None
    size_bytes: int | None = None

    def facts(self) -> dict[str, object]:
        """What the manifest keeps of it."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "columns": list(self.columns),
            "rows": len(self.dates),
        }


def read_regressors(path: str | Path) -> Regressors:
    """Reads a CSV file: a date column first, then columns of numbers; comma, semicolon, tab or | between.

    Dates are ISO 8601 without a zone (`2024-05-31`, `2024-05-31 13:00`), on the clock of the log's zone.
    Raises OutputError for a file that cannot be read, ValidationError with line and column for the rest.
    """
    path = Path(path)
    data = _bytes_of(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong(path.name, f"line {line}: not UTF-8", "save it as CSV in UTF-8", line=line) from error
    rows = _rows(text, path.name)
    columns = _header(next(rows, (1, []))[1], path.name)
    # Packed as they come: as objects, so many numbers would take some twenty times the file.
    dates, values, lines = array("q"), array("d"), array("q")
    for line, cells in rows:
        if len(dates) == MOST_ROWS:
            what = f"line {line}: more than {MOST_ROWS:,} rows"
            raise _wrong(path.name, what, "a row a date is enough", line=line)
        dates.append(_date(cells[0], path.name, line))
        values.extend(_numbers(cells[1:], columns, path.name, line))
        lines.append(line)
    if not dates:
        raise _wrong(path.name, "no row below the header", "give a row for each date")
    order = np.argsort(np.array(dates, dtype=np.int64), kind="stable")
    ordered = np.array(dates, dtype=np.int64)[order]
    _refuse_twice(ordered, np.array(lines, dtype=np.int64)[order], path.name)
    digest, table = hashlib.sha256(data).hexdigest(), np.array(values).reshape(len(dates), len(columns))
    return Regressors(columns, ordered, table[order], path.name, digest, len(data))


def _bytes_of(path: Path) -> bytes:
    try:
        if not path.is_file():
            what = "not a regular file" if path.exists() else "no such file"
            raise OutputError(f"{path}: {what}", code="regressor.missing", hint="check the path")
        # What it says of its size is not believed: it may grow while it is read, or be none (/proc).
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise OutputError(f"{path.name}: cannot read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise _wrong(path.name, f"more than {MOST_BYTES:,} bytes", "a row a date is enough")
    return data


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that is not blank; all as wide as the header."""
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader, width = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            width = width or len(cells)
            if len(cells) != width:
                what = f"line {reader.line_num}: {len(cells)} cells, but the header has {width}"
                raise _wrong(name, what, "give each row as many cells as the header", line=reader.line_num)
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise _wrong(name, f"line {reader.line_num}: {error}", "is it CSV?", line=reader.line_num) from error


def _header(cells: list[str], name: str) -> tuple[str, ...]:
    form = "begin it with a line such as: date,price,campaign"
    if not cells:
        raise _wrong(name, "the file is empty", form)
    if cells[0].lower() not in DATES:
        raise _wrong(name, f"line 1: the first column is '{cells[0]}', not 'date'", form, line=1)
    columns = tuple(cells[1:])
    if not columns:
        raise _wrong(name, "line 1: no column beside the date", form, line=1)
    if len(columns) > MOST_COLUMNS:
        raise _wrong(name, f"line 1: {len(columns)} columns, but {MOST_COLUMNS} at most", form, line=1)
    for place, column in enumerate(columns):
        if not column or column in columns[:place]:
            what = f"two columns '{column}'" if column else f"column {place + 2} has no name"
            raise _wrong(name, f"line 1: {what}", "give each column a name of its own", line=1)
    return columns


def _date(cell: str, name: str, line: int) -> int:
    try:
        found = datetime.fromisoformat(cell)
    except ValueError as error:
        what = f"line {line}, column 'date': '{cell}' is no date"
        raise _wrong(name, what, "write it as 2024-05-31 or 2024-05-31 13:00", line=line) from error
    if found.tzinfo is not None:
        what = f"line {line}, column 'date': '{cell}' has a zone"
        raise _wrong(name, what, "leave the zone out: dates are on the clock of the log's zone", line=line)
    since = found - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _numbers(cells: list[str], columns: tuple[str, ...], name: str, line: int) -> list[float]:
    found = []
    for column, cell in zip(columns, cells, strict=True):
        try:
            number = math.nan if "_" in cell else float(cell)  # Python would read 1_000
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            what = f"line {line}, column '{column}': {repr(cell) + ' is no number' if cell else 'empty'}"
            hint = "give every date a number, with a point as the decimal mark"
            raise _wrong(name, what, hint, line=line, column=column)
        found.append(number)
    return found


def _refuse_twice(dates: NDArray[np.int64], lines: NDArray[np.int64], name: str) -> None:
    (twice,) = np.nonzero(np.diff(dates) == 0)
    if len(twice):
        first, second = sorted(int(line) for line in lines[twice[0] : twice[0] + 2])
        raise _wrong(
            name, f"lines {first} and {second}: the same date twice", "keep one of them", line=second
        )


def _wrong(name: str, what: str, hint: str, **context: object) -> ValidationError:
    where = f"{name}, {what}" if what.startswith("line") else f"{name}: {what}"
    return ValidationError(where, code="regressor", hint=hint, context={"file": name, **context})

"""CSV files: every cell is text, every row has the header's number of cells, or it is named."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import BinaryIO, TextIO, cast

import numpy as np
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.columns import choose_columns
from pmlcli.eventlog.csv_scan import MAX_CELL, TextBlocks, regular_cells
from pmlcli.eventlog.encodings import encoding_hint, is_wide
from pmlcli.eventlog.ledger import Refusal
from pmlcli.eventlog.log import LogSource
from pmlcli.eventlog.options import DELIMITERS, ReadOptions
from pmlcli.eventlog.raw import Column, RawTable, TextColumn, Vocabulary, shown
from pmlcli.eventlog.source import ByteSource

MAX_COLUMNS = 10_000
BATCH = 20_000
HEAD = 1 << 16
MAX_BLANK = 100_000
"""Blank lines that a file may have when it has fewer rows than that."""
FIRST_LINES = 5

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))

Row = list[str]
Cells = tuple[NDArray[np.integer] | None, Sequence[str]]
"""The cells of a column: their texts, or codes and the texts that these stand for."""


def read_csv(source: ByteSource, options: ReadOptions) -> RawTable:
    """The raw table of a CSV file.

    Raises LogError for an unreadable byte, a NUL, an unclosed quote, a repeated or missing header;
    rows with too many or too few cells are refused.
    """
    head = source.peek(HEAD)
    encoding = _encoding_of(head, options.encoding)
    delimiter = options.delimiter or found_delimiter(head.decode(encoding, "replace"))
    watched = _Watched(source, encoding)
    text = io.TextIOWrapper(cast(BinaryIO, watched), encoding, newline="")
    before = csv.field_size_limit(MAX_CELL)
    try:
        return _Reading(source, text, delimiter, options).table()
    except UnicodeDecodeError as error:
        raise watched.undecodable(error, encoding) from error
    except UnicodeError as error:  # what some codecs raise for text that is not theirs
        raise LogError(f"{source.name}: not {encoding.upper()}: {error}", code="log.encoding") from error
    finally:
        csv.field_size_limit(before)
        text.detach()


def _encoding_of(head: bytes, given: str | None) -> str:
    """The encoding that is given, or that a mark tells; UTF-8 otherwise."""
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")
    if given is None or (marked == "utf-8-sig" and codecs.lookup(given).name == "utf-8"):
        return marked
    return given


def found_delimiter(head: str) -> str:
    """The delimiter that stands most often in the first line, outside quotes."""
    first = re.sub(r'"[^"]*"', "", head.lstrip("\r\n")).splitlines()[:1] or [""]
    return max(DELIMITERS, key=first[0].count)


class _Watched(io.BufferedIOBase):
    """The source's bytes, refused at the first NUL of a text that cannot have one."""

    def __init__(self, source: ByteSource, encoding: str) -> None:
        self._name = source.name
        self._chunks = source.chunks()
        self._wide = encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
        self._lines = 0

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        """The next chunk, whatever its size."""
        piece = next(self._chunks, b"")
        if not self._wide and b"\0" in piece:
            line = self._lines + piece[: piece.index(b"\0")].count(b"\n") + 1
            wide = is_wide(piece) if not self._lines else None
            hint = f"is it UTF-16 without a mark? --encoding {wide}" if wide else "is this a text file?"
            raise LogError(f"{self._name}: line {line}: NUL byte", code="log.nul", hint=hint)
        self._lines += piece.count(b"\n")
        return piece

    def undecodable(self, error: UnicodeDecodeError, encoding: str) -> LogError:
        """The error with the file's own line and the byte's place in it."""
        line = self._lines - error.object[error.start :].count(b"\n") + 1
        byte = error.start - error.object.rfind(b"\n", 0, error.start)
        return LogError(
            f"{self._name}: line {line}, byte {byte}: not {encoding.upper()}",
            hint=encoding_hint(error.object, error.start),
            code="log.encoding",
            context={"line": line, "byte": byte},
        )


class _Reading:
    """One pass over the records of a CSV file, into coded columns."""

    def __init__(self, source: ByteSource, text: TextIO, delimiter: str, options: ReadOptions) -> None:
        self._source = source
        self._options = options
        self._rows = 0
        self._blocks = TextBlocks(text, source.name)
        self._reader = csv.reader(self._blocks, delimiter=delimiter, strict=True)
        self._quick_lines = 0
        self._delimiter = delimiter
        self._record_start = 1
        self._ragged: dict[str, list[int]] = {}
        self._blank = 0

    def table(self) -> RawTable:
        """All rows as a raw table."""
        names = self._header()
        self._check_names(names)
        vocabularies = [Vocabulary() for _ in names]
        codes: list[list[NDArray[np.int32]]] = [[] for _ in names]
        lines: list[NDArray[np.int64]] = []
        for batch_lines, cells in self._cells(len(names)):
            lines.append(batch_lines)
            for column, (local, texts) in enumerate(cells):
                known = vocabularies[column].codes(texts)
                codes[column].append(known if local is None else known[local])
        where = np.concatenate([np.empty(0, dtype=np.int64), *lines])
        columns: dict[str, Column] = {
            name: TextColumn.of(_joined(codes[i]), list(vocabularies[i])) for i, name in enumerate(names)
        }
        refused = [
            Refusal(reason, len(places), tuple(places[:FIRST_LINES]))
            for reason, places in self._ragged.items()
        ]
        notes = [("blank lines passed over", self._blank)] if self._blank else []
        identity = self._source.identity("csv")
        return RawTable(columns, len(where), where, identity, refused=refused, notes=notes)

    def _check_names(self, names: list[str]) -> None:
        """LogError before any row is read when the names alone tell that this is no log."""
        if self._options.classifier is None and names:
            none = TextColumn.of(np.empty(0, dtype=np.int32), [])
            columns: dict[str, Column] = dict.fromkeys(names, none)
            source = LogSource(self._source.name, "csv")
            choose_columns(
                RawTable(columns, 0, np.empty(0, dtype=np.int64), source),
                self._options.columns,
                self._options.preferred_columns,
            )

    def _header(self) -> Row:
        header = next((row for _, row in self._records() if row), [])
        self._blank = 0
        names = [name.strip() or f"column_{i + 1}" for i, name in enumerate(header)]
        if len(names) > MAX_COLUMNS:
            raise LogError(
                f"{self._source.name}: {len(names):,} columns, more than {MAX_COLUMNS:,}", code="log.limit"
            )
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise LogError(
                    f"{self._source.name}: column '{shown(name)}' twice in the header",
                    hint="rename one of them",
                    code="log.duplicate-column",
                    context={"column": name},
                )
            seen.add(name)
        return names

    def _records(self) -> Iterator[tuple[int, Row]]:
        """Each record with the line on which it begins."""
        while True:
            self._record_start = self._quick_lines + self._reader.line_num + 1
            try:
                row = next(self._reader, None)
            except csv.Error as error:
                raise self._malformed(error) from error
            if row is None:
                return
            yield self._record_start, row

    def _cells(self, width: int) -> Iterator[tuple[NDArray[np.int64], Iterable[Cells]]]:
        """Line numbers and cells of good rows, block by block: the quick way where a block is regular."""
        while block := self._blocks.block():
            found = regular_cells(block, self._delimiter, width)
            if found is None:
                self._blocks.take_lines(block)
                yield from self._cells_by_line(width)
                continue
            cells, size = found
            first = self._quick_lines + self._reader.line_num + 1
            self._quick_lines += size
            self._rows += size
            yield np.arange(first, first + size), cells

    def _cells_by_line(self, width: int) -> Iterator[tuple[NDArray[np.int64], Iterable[Cells]]]:
        """The rest of a block, record by record, and the rest of its last record."""
        records = self._block_records()
        while batch := list(islice(records, BATCH)):
            good = [record for record in batch if len(record[1]) == width]
            if len(good) < len(batch):
                self._set_aside(batch, width)
            self._rows += len(good)
            if self._blank > max(MAX_BLANK, self._rows):
                most = max(MAX_BLANK, self._rows)
                raise LogError(f"{self._source.name}: more than {most:,} blank lines", code="log.limit")
            if good:
                lines, rows = zip(*good, strict=True)
                yield np.array(lines, dtype=np.int64), ((None, texts) for texts in zip(*rows, strict=True))

    def _block_records(self) -> Iterator[tuple[int, Row]]:
        """The records that begin in the block at hand."""
        records = self._records()
        while self._blocks.has_lines:
            record = next(records, None)
            if record is None:
                return
            yield record

    def _set_aside(self, batch: list[tuple[int, Row]], width: int) -> None:
        for line, row in batch:
            if not row:
                self._blank += 1
            elif len(row) != width:
                many = "many" if len(row) > width else "few"
                self._ragged.setdefault(f"too {many} cells, expected {width}", []).append(line)

    def _malformed(self, error: csv.Error) -> LogError:
        where = f"{self._source.name}: line {self._record_start}"
        if "unexpected end of data" in str(error):
            return LogError(
                f"{where}: a quote is opened and never closed", code="log.quote", hint="close the quote"
            )
        if "field larger" in str(error):
            return LogError(
                f"{where}: a cell longer than {MAX_CELL:,} characters (an unclosed quote?)", code="log.limit"
            )
        return LogError(
            f"{where}: malformed CSV: {error}", code="log.csv", hint="is the delimiter right? (--delimiter)"
        )


def _joined(parts: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)

"""CSV files: every cell is text, every row has the header's number of cells, or it is named."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.column_names import is_known
from pmlcli.eventlog.columns import check_names, no_column
from pmlcli.eventlog.csv.blocks import MAX_LINE, TextBlocks
from pmlcli.eventlog.csv.columns import GatheredColumn
from pmlcli.eventlog.csv.scan import MAX_CELL, Cells, regular_cells
from pmlcli.eventlog.ledger import Refusal
from pmlcli.eventlog.log import LogSource
from pmlcli.eventlog.normal_form import unescape_values
from pmlcli.eventlog.options import DELIMITERS, REQUIRED_ROLES, ReadOptions
from pmlcli.eventlog.raw import RawTable, TextColumn, shown
from pmlcli.eventlog.source import ByteSource
from pmlcli.spreadsheet import unescaped

MAX_COLUMNS = 10_000
BATCH = 20_000
CELLS_TOGETHER = 4_096
"""Bytes of a block for each column of a file, so that thousands of columns are not cut small."""
HEAD = 1 << 16
MAX_BLANK = 100_000
"""Blank lines that a file may have when it has fewer rows than that."""
MAX_UNFIT = 500_000
"""Rows of another width than the header that a file may have when it has fewer that fit."""
FIRST_LINES = 5
MOST_TITLE_LINES = 50

_SEPARATOR_LINE = re.compile(r"\ufeff?\"?sep=(.)\"?\r?[\n\r]")
"""What Excel takes the delimiter from, and writes no longer."""

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))

Row = list[str]
Check = Callable[[RawTable, ReadOptions], None]


def read_csv(source: ByteSource, options: ReadOptions) -> RawTable:
    """The raw table of a CSV file, in which the `'` that keeps spreadsheets from running text is undone.

    Raises LogError for an unreadable byte, a NUL, an unclosed quote, a repeated or missing header;
    rows with too many or too few cells are refused.
    """
    head = source.peek(HEAD)
    try:
        table = read_rows(source, options, check=partial(_check_names, head=head))
    except LogError as error:
        line = _later_header(head, options) if error.code == "log.column" else None
        if line is not None:
            error.hint = f"line {line} looks like the header: take away the lines above it"
        raise
    unescape_values(table)
    return table


def read_rows(source: ByteSource, options: ReadOptions, check: Check | None = None) -> RawTable:
    """The raw table of a CSV file, whatever its columns; `check` may refuse them before a row is read."""
    head = source.peek(HEAD)
    encoding = _encoding_of(head, options.encoding)
    text = head.decode(encoding, "replace")
    told = _SEPARATOR_LINE.match(text)
    delimiter = options.delimiter or (told[1] if told else found_delimiter(text))
    before = csv.field_size_limit(MAX_CELL)
    try:
        blocks = TextBlocks(source, encoding, drops_nuls=options.on_bad_row == "drop")
        reading = _Reading(source, blocks, delimiter)
        if told:
            reading.pass_line()
        return reading.table(options, check)
    finally:
        csv.field_size_limit(before)


def _later_header(head: bytes, options: ReadOptions) -> int | None:
    """The line, below the first, that has the names of a log's columns, as below a report's title."""
    lines = head.decode(_encoding_of(head, options.encoding), "replace").splitlines()[:MOST_TITLE_LINES]
    for number, line in enumerate(lines[1:], 2):
        cells = {cell.strip(' "') for cell in line.split(options.delimiter or found_delimiter(line))}
        if all(any(is_known(role, cell) for cell in cells) for role in REQUIRED_ROLES):
            return number
    return None


def _check_names(table: RawTable, options: ReadOptions, head: bytes) -> None:
    """LogError when the names alone tell that this is no log, or that its names stand further down."""
    if options.classifier is not None or not table.columns:
        return
    absent = check_names(table, options)
    if absent and _later_header(head, options) is not None:
        raise no_column(table, absent)


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


def _plain_names(names: Row) -> Row:
    """Names without what keeps a spreadsheet from running them, but for those that would then be equal."""
    forms = [unescaped(name) for name in names]
    counts = Counter(forms)
    return [form if counts[form] == 1 else name for form, name in zip(forms, names, strict=True)]


class _Reading:
    """One pass over the records of a CSV file, into coded columns."""

    def __init__(self, source: ByteSource, blocks: TextBlocks, delimiter: str) -> None:
        self._source = source
        self._rows = 0
        self._blocks = blocks
        self._reader = csv.reader(blocks, delimiter=delimiter, strict=True)
        self._delimiter = delimiter
        self._record_start = 1
        self._ragged: Counter[str] = Counter()
        self._first_ragged: dict[str, list[int]] = {}
        self._blank = 0

    def pass_line(self) -> None:
        """Leave out a first line that is neither names nor a row."""
        next(self._blocks)

    def table(self, options: ReadOptions, check: Check | None) -> RawTable:
        """All rows as a raw table."""
        names = self._header()
        if check is not None:
            check(self._without_rows(names), options)
        gathered = [GatheredColumn() for _ in names]
        lines: list[NDArray[np.int64]] = []
        self._blocks.size = min(max(self._blocks.size, len(names) * CELLS_TOGETHER), MAX_LINE)
        for batch_lines, cells in self._cells(len(names)):
            lines.append(batch_lines)
            for column, part in zip(gathered, cells, strict=True):
                column.add(part)
        where = np.concatenate([np.empty(0, dtype=np.int64), *lines])
        columns = {name: column.column() for name, column in zip(names, gathered, strict=True)}
        refused = [
            Refusal(reason, count, tuple(self._first_ragged[reason]))
            for reason, count in self._ragged.items()
        ]
        if self._blocks.lost_line is not None:
            refused.append(Refusal("NULs to the end of the file", 1, (self._blocks.lost_line,)))
        notes = [("blank lines passed over", self._blank)] if self._blank else []
        identity = self._source.identity("csv")
        return RawTable(columns, len(where), where, identity, refused=refused, notes=notes)

    def _without_rows(self, names: list[str]) -> RawTable:
        none = TextColumn.of(np.empty(0, dtype=np.int32), [])
        source = LogSource(self._source.name, "csv")
        return RawTable(dict.fromkeys(names, none), 0, np.empty(0, dtype=np.int64), source)

    def _header(self) -> Row:
        header = next((row for _, row in self._records() if row), [])
        self._blank = 0
        names = _plain_names([name.strip() or f"column_{i + 1}" for i, name in enumerate(header)])
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
            self._record_start = self._blocks.lines + 1
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
            first = self._blocks.lines + 1
            self._blocks.passed(size)
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
            self._check_set_aside(width)
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
                reason = f"too {many} cells, expected {width}"
                self._ragged[reason] += 1
                first = self._first_ragged.setdefault(reason, [])
                if len(first) < FIRST_LINES:
                    first.append(line)

    def _check_set_aside(self, width: int) -> None:
        """LogError when so much is set aside that the rest is hardly a table."""
        most = max(MAX_BLANK, self._rows)
        if self._blank > most:
            raise LogError(f"{self._source.name}: more than {most:,} blank lines", code="log.limit")
        most = max(MAX_UNFIT, self._rows)
        if self._ragged.total() > most:
            raise LogError(
                f"{self._source.name}: more than {most:,} rows have not {width} cells, as the header has",
                hint="is the delimiter right? (--delimiter)",
                code="log.limit",
            )

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

"""Excel workbooks (.xlsx), through openpyxl: one sheet, its typed cells as they are, within bounds.

A workbook is a zip archive of XML. Its declared sizes are summed before anything is inflated (a member that
inflates to more than it declares is damaged), and no member may declare entities.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pandas as pd

from pmlcli.errors import LogError, MissingDependencyError, nearest
from pmlcli.eventlog.archive import DAMAGE, check_directory
from pmlcli.eventlog.bounds import CELL, Budget
from pmlcli.eventlog.frame import typed_column
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import Column, RawTable, shown
from pmlcli.eventlog.source import FREE_BYTES, ByteSource

MAX_COLUMNS = 2_000
_ERRORS = {
    *("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"),
    *("#GETTING_DATA", "#BLOCKED!", "#UNKNOWN!", "#FIELD!", "#CONNECT!", "#BUSY!", "#EXTERNAL!", "#PYTHON!"),
}
_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
Cells = tuple[Any, ...]


def read_excel(source: ByteSource, options: ReadOptions) -> RawTable:
    """The raw table of a workbook's sheet: the first, or the one that `options.sheet` names.

    Its first row that is not empty holds the names of the columns; rows are counted as Excel does. Raises
    LogError for what is damaged, out of proportion, or holds an error of the workbook in a cell.
    """
    try:  # an extra: only a workbook needs it
        import openpyxl
    except ImportError as error:
        raise MissingDependencyError(
            "openpyxl", extra="excel", needed_by="reading Excel workbooks"
        ) from error
    data = b"".join(source.chunks())
    check_directory(io.BytesIO(data), source.name)
    _check_members(data, source.name, options)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheet = _sheet(book, source.name, options.sheet)
        sheet.reset_dimensions()  # what a file declares of them is not believed
        rows = list(_rows(sheet.iter_rows(values_only=True), Budget(source, options)))
    except (LogError, MemoryError):
        raise
    except Exception as error:  # what openpyxl raises over archives and XML that no tool wrote
        raise LogError(f"{source.name}: damaged workbook: {shown(str(error))}", code="log.damaged") from error
    return _table(rows, source)


def _check_members(data: bytes, name: str, options: ReadOptions) -> None:
    """LogError where the archive would inflate too much, or its XML declares entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inflated = sum(member.file_size for member in archive.infolist())
            _check_size(inflated, len(data), name, options)
            for member in archive.infolist():
                if member.filename.endswith((".xml", ".rels")) and _DECLARES.search(
                    archive.read(member).replace(b"\0", b"")
                ):
                    raise LogError(f"{name}: {shown(member.filename)} declares entities", code="log.damaged")
    except DAMAGE as error:
        raise LogError(
            f"{name}: the workbook is damaged", code="log.damaged", hint="save it again, or as CSV"
        ) from error


def _check_size(inflated: int, packed: int, name: str, options: ReadOptions) -> None:
    is_bomb = options.max_ratio and inflated > max(FREE_BYTES, options.max_ratio * packed)
    if is_bomb or inflated > options.max_input_bytes:
        raise LogError(
            f"{name}: inflates too much ({inflated:,} bytes from {packed:,})",
            hint="--max-ratio 0 turns this check off for a log that you trust, --max-input-bytes raises "
            "the bound",
            code="log.bomb",
        )


def _sheet(book: Any, name: str, wanted: str | None) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if wanted is None and sheets:
        return next(iter(sheets.values()))
    if wanted in sheets:
        return sheets[wanted]
    near = nearest(wanted or "", sheets)
    there = ", ".join(f"'{shown(title)}'" for title in list(sheets)[:10])
    raise LogError(
        f"{name}: no sheet '{wanted}'" if wanted else f"{name}: a workbook without a sheet of cells",
        hint=f"did you mean '{near}'?" if near else f"there are: {there}" if there else None,
        code="log.sheet",
    )


def _rows(found: Iterator[Cells], budget: Budget) -> Iterator[tuple[int, Cells]]:
    """Each row that is not empty, with its number in Excel, counted against the bound."""
    for number, cells in enumerate(found, 1):
        if len(cells) > MAX_COLUMNS and any(cell is not None for cell in cells[MAX_COLUMNS:]):
            raise LogError(
                f"{budget.name}: row {number}: more than {MAX_COLUMNS:,} columns", code="log.limit"
            )
        kept = cells[:MAX_COLUMNS]
        budget.make(CELL + CELL * sum(cell is not None for cell in kept), "rows")
        for cell in kept:
            if isinstance(cell, str):
                budget.text(len(cell), f"row {number}")
        if any(cell not in (None, "") for cell in kept):
            yield number, kept


def _table(rows: Sequence[tuple[int, Cells]], source: ByteSource) -> RawTable:
    if not rows:
        raise LogError(
            f"{source.name}: the sheet is empty", code="log.empty", hint="name another with --sheet"
        )
    names = _names(rows[0][1], rows[1:], source.name)
    numbers = np.array([number for number, _ in rows[1:]], dtype=np.int64)
    columns: dict[str, Column] = {}
    for place, name in names.items():
        values = [cells[place] if place < len(cells) else None for _, cells in rows[1:]]
        columns[name] = _column(values, numbers, name, source.name)
    return RawTable(columns, len(numbers), numbers, source.identity("xlsx"), unit="row")


def _names(header: Cells, rows: Sequence[tuple[int, Cells]], name: str) -> dict[int, str]:
    """Place to name of each column; LogError for a name that stands twice, and for values without a name."""
    names: dict[int, str] = {}
    for place in range(max([len(header), *(len(cells) for _, cells in rows)])):
        cell = header[place] if place < len(header) else None
        text = "" if cell is None else str(cell).strip()
        if text in names.values():
            raise LogError(f"{name}: two columns named '{shown(text)}'", code="log.duplicate-column")
        if text:
            names[place] = text
            continue
        for number, cells in rows:
            if place < len(cells) and cells[place] not in (None, ""):
                raise LogError(
                    f"{name}: row {number}, column {place + 1}: a value in a column without a name",
                    hint="the first row that is not empty names the columns: remove titles above it",
                    code="log.header",
                    context={"line": number},
                )
    return names


def _column(values: list[Any], numbers: np.ndarray[Any, Any], name: str, log: str) -> Column:
    """Cells of one type as a typed column, times to the millisecond; others as text."""
    for number, value in zip(numbers.tolist(), values, strict=True):
        if isinstance(value, str) and value in _ERRORS:
            raise LogError(
                f"{log}: row {number}, column '{shown(name)}': {value}, an error of the workbook",
                hint="mend the formula, or empty the cell",
                code="log.cell",
                context={"line": number, "column": name},
            )
    cells = [None if value == "" else value for value in values]
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds and kinds <= {datetime, date} and datetime in kinds:
        return pd.Series(pd.to_datetime(pd.Series(cells, dtype=object))).dt.round("ms")
    return typed_column([_plain(cell) for cell in cells])


def _plain(cell: Any) -> Any:
    """A cell as a reader of frames takes it."""
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="milliseconds")
    return cell.isoformat() if isinstance(cell, date | time) else cell

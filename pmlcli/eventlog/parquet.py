"""Parquet files, through pyarrow, within bounds that are checked before anything is unpacked."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from pmlcli.errors import LogError, MissingDependencyError
from pmlcli.eventlog.bounds import CELL, MAX_TEXT, Budget
from pmlcli.eventlog.frame import frame_table
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.parquet_pages import DELTA_BYTE_ARRAY, Page, pages
from pmlcli.eventlog.raw import RawTable, shown
from pmlcli.eventlog.source import ByteSource

MAGIC = b"PAR1"
MAX_COLUMNS = 10_000
NUMBER = 16
"""Bytes of a number, time or truth value in memory, its mark of being missing included."""
_CODED = 8
_FIXED = {"BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE"}
_TEXT = {"STRING", "NONE", "ENUM", "JSON"}


def read_parquet(source: ByteSource, options: ReadOptions) -> RawTable:
    """The raw table of a Parquet file; its column types are taken as they are, and texts stay coded.

    Raises LogError for what is damaged, would be out of proportion to the file, or has a text of over 1 MB.
    """
    try:  # an extra: only a Parquet file needs it
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError("pyarrow", extra="parquet", needed_by="reading Parquet") from error
    data = b"".join(source.chunks())
    try:
        texts = _bounded(pyarrow.parquet.ParquetFile(io.BytesIO(data)), data, Budget(source, options))
        file = pyarrow.parquet.ParquetFile(io.BytesIO(data), read_dictionary=texts)
        table = file.read(use_threads=False)
        _check_texts(table, source.name)
        table.validate(full=True)
        frame = table.to_pandas()
    except (LogError, MemoryError):
        raise
    except Exception as error:  # what pyarrow and pandas raise over bytes and metadata that no tool wrote
        raise LogError(
            f"{source.name}: damaged Parquet file: {shown(str(error))}", code="log.damaged"
        ) from error
    return frame_table(frame, source.identity("parquet"))


@dataclass(frozen=True)
class _Column:
    """What a file's schema says of a column: its type, and whether its texts can stay coded."""

    path: str
    kind: str
    width: int
    is_coded: bool

    @classmethod
    def of(cls, found: Any) -> _Column:
        is_flat = found.path == found.name and found.max_repetition_level == 0
        is_text = found.physical_type == "BYTE_ARRAY" and found.logical_type.type in _TEXT
        return cls(found.path, found.physical_type, max(found.length or 0, 0), is_flat and is_text)


def _bounded(file: Any, data: bytes, budget: Budget) -> list[str]:
    """The columns whose texts can stay coded. Raises LogError when the whole would be out of proportion."""
    metadata = file.metadata
    if metadata.num_columns > MAX_COLUMNS:
        raise LogError(
            f"{budget.name}: {metadata.num_columns:,} columns, more than {MAX_COLUMNS:,}", code="log.limit"
        )
    columns = [_Column.of(metadata.schema.column(number)) for number in range(metadata.num_columns)]
    for group in range(metadata.num_row_groups):
        budget.make(metadata.row_group(group).num_rows * _CODED, "rows")
        for number, column in enumerate(columns):
            budget.make(
                _unpacked(column, _pages(metadata.row_group(group).column(number), data)),
                f"column '{shown(column.path)}', unless it is written without lists and with plain texts",
            )
    return [column.path for column in columns if column.is_coded]


def _pages(chunk: Any, data: bytes) -> list[Page]:
    first = chunk.data_page_offset
    if chunk.dictionary_page_offset is not None and 0 < chunk.dictionary_page_offset < first:
        first = chunk.dictionary_page_offset
    end = first + chunk.total_compressed_size
    if not 0 < first <= end <= len(data):
        raise ValueError("a column that does not lie in the file")
    return list(pages(data, first, end))


def _unpacked(column: _Column, found: list[Page]) -> int:
    """The bytes that a part of a column may be in memory; for texts that cannot stay coded, at the worst."""
    values, size = sum(page.values for page in found), sum(page.size for page in found)
    if column.kind in _FIXED:
        return size + values * NUMBER
    if column.kind == "FIXED_LEN_BYTE_ARRAY":
        return size + values * (column.width + CELL)
    repeats = [page for page in found if page.encoding == DELTA_BYTE_ARRAY]
    if column.is_coded:
        worst = sum(page.values * min(page.size, MAX_TEXT) for page in repeats)
        return size + values * _CODED + min(values, size // 4) * CELL + worst
    longest = max((min(page.size, MAX_TEXT) for page in found), default=0)
    is_plain = not repeats and not any(page.is_dictionary for page in found)
    return size + values * CELL + (0 if is_plain else values * longest)


def _check_texts(table: Any, name: str) -> None:
    """LogError for a text that is longer than a cell of CSV may be."""
    import pyarrow
    import pyarrow.compute

    for column_name, column in zip(table.column_names, table.columns, strict=True):
        for chunk in column.chunks:
            texts = chunk.dictionary if pyarrow.types.is_dictionary(chunk.type) else chunk
            if not _is_text(pyarrow.types, texts.type):
                continue
            longest = pyarrow.compute.max(pyarrow.compute.binary_length(texts)).as_py() or 0
            if longest > MAX_TEXT:
                raise LogError(
                    f"{name}: column '{shown(column_name)}': a value longer than 1 MB", code="log.limit"
                )


def _is_text(types: Any, kind: Any) -> bool:
    return any(
        check(kind)
        for check in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    )

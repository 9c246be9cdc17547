"""Event logs to CSV, XES and Parquet, such that reading the file gives the same log again."""

from __future__ import annotations

import csv
import gzip
import io
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pandas as pd

from pmlcli import writing
from pmlcli.errors import MissingDependencyError, OutputError, ValidationError, unknown_name
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.options import FORMATS
from pmlcli.eventlog.xes.writer import xes_pieces
from pmlcli.spreadsheet import formula_safe

ROWS_AT_ONCE = 50_000


def write_log(
    log: EventLog, target: str | Path | BinaryIO, format: str | None = None, *, escape_formulas: bool = True
) -> None:
    """Write a log to a path or an open binary file; without `format` the path's ending decides.

    A file is written completely or not at all: it is built beside its place and then renamed; a path that
    ends in `.gz` is compressed. A link is followed; a device or pipe is written to directly. In CSV a text
    that a spreadsheet would run as a formula gets a leading `'` unless `escape_formulas` is False. Raises
    OutputError when the target cannot be written.
    """
    if not isinstance(target, str | Path):
        for piece in _pieces(log, _format(format, ""), escape_formulas):
            target.write(piece)
        return
    path = Path(target)
    pieces = log_pieces(log, path.name, format, escape_formulas=escape_formulas)
    try:
        _write(path, pieces)
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror}", context={"path": str(path)}) from error


def log_pieces(
    log: EventLog, name: str, format: str | None = None, *, escape_formulas: bool = True
) -> Iterator[bytes]:
    """The bytes of the file of this name, piece by piece; see `write_log`."""
    pieces = _pieces(log, _format(format, name), escape_formulas)
    return _compressed(pieces) if name.lower().endswith(".gz") else pieces


def _write(named: Path, pieces: Iterator[bytes]) -> None:
    path = writing.resolved(named)
    if writing.is_special(named):
        with open(writing.open_special(named), "wb") as raw:  # noqa: PTH123 (an open descriptor)
            raw.writelines(pieces)
        return
    # A name that nobody can have put a link at; and what stands there all the same is not opened.
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    with part.open("xb") as raw:
        try:
            raw.writelines(pieces)
            raw.flush()
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _compressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    buffer = io.BytesIO()
    with gzip.GzipFile(
        filename="", mode="wb", fileobj=buffer, mtime=0
    ) as file:  # no time: same log, same bytes
        for piece in pieces:
            file.write(piece)
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _format(format: str | None, name: str) -> str:
    ending = name.lower().removesuffix(".gz").rpartition(".")[2]
    chosen = format or (ending if "." in name else None)
    if chosen is None:
        raise ValidationError("say in which format to write", hint=f"one of: {', '.join(FORMATS)}")
    if chosen not in FORMATS:
        raise unknown_name("format", chosen, FORMATS)
    return chosen


def _pieces(log: EventLog, format: str, escape_formulas: bool) -> Iterator[bytes]:
    if format == "csv":
        return _csv_pieces(log.frame, escape_formulas)
    return xes_pieces(log) if format == "xes" else _parquet_pieces(log.frame)


def _csv_pieces(frame: pd.DataFrame, escape_formulas: bool) -> Iterator[bytes]:
    """The frame as UTF-8 CSV: times in ISO 8601 UTC, booleans in lower case, missing as nothing."""
    plain = pd.DataFrame({name: _csv_column(frame[name], escape_formulas) for name in frame.columns})
    plain.columns = pd.Index(
        [formula_safe(str(name)) if escape_formulas else str(name) for name in frame.columns]
    )
    # csv quotes a carriage return only where it ends lines, so text that holds one is quoted as a whole
    returns = any(
        "\r" in text for column in plain for text in plain[column].dropna().unique() if isinstance(text, str)
    )
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
    for start in range(0, max(len(plain), 1), ROWS_AT_ONCE):
        text = io.StringIO()
        rows = plain.iloc[start : start + ROWS_AT_ONCE]
        rows.to_csv(text, index=False, header=start == 0, quoting=quoting, lineterminator="\n")
        yield text.getvalue().encode()


def _csv_column(column: pd.Series, escape_formulas: bool) -> pd.Series:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return time_texts(column)
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.map({True: "true", False: "false"}, na_action="ignore").astype(object)
    if escape_formulas and not pd.api.types.is_numeric_dtype(column.dtype):
        return column.map(lambda value: formula_safe(str(value)), na_action="ignore")
    return column


def time_texts(column: pd.Series) -> pd.Series:
    """A UTC time column as ISO 8601 text with `+00:00`, no finer than its values need; None where missing."""
    micros = column.to_numpy(dtype="datetime64[us]")
    present = ~np.isnat(micros)
    numbers = micros[present].view("int64")
    unit: Literal["s", "ms", "us"] = "us"
    if not (numbers % 1_000).any():
        unit = "ms" if (numbers % 1_000_000).any() else "s"
    texts = np.full(len(column), None, dtype=object)
    texts[present] = np.char.add(np.datetime_as_string(micros[present], unit=unit), "+00:00")
    return pd.Series(texts, dtype=object)


def _parquet_pieces(frame: pd.DataFrame) -> Iterator[bytes]:
    buffer = io.BytesIO()
    try:  # an extra: only Parquet needs it
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError("pyarrow", extra="parquet", needed_by="writing Parquet") from error
    frame.to_parquet(buffer, index=False, engine="pyarrow")
    yield buffer.getvalue()

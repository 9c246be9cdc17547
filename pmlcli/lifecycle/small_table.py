"""A CSV file that a user gives beside a log: read whole, as text, with bounds."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from pmlcli.errors import OutputError, ValidationError

MOST_BYTES = 1_000_000_000


def read_text_table(path: Path) -> pd.DataFrame:
    """The cells as they are written, every one text; missing ones are empty.

    Raises OutputError for a file that cannot be read, ValidationError for one that is no CSV in UTF-8.
    """
    text = read_text(path)
    try:
        return pd.read_csv(io.StringIO(text, newline=""), dtype=str, keep_default_na=False, na_filter=False)
    except pd.errors.EmptyDataError as error:
        raise _wrong(path, "the file is empty") from error
    except (pd.errors.ParserError, ValueError) as error:
        raise _wrong(path, f"no CSV: {str(error).strip()}") from error


def read_text(path: Path) -> str:
    """The text of the file; errors as above."""
    if not path.is_file():
        what = "not a regular file" if path.exists() else "no such file"
        raise OutputError(f"{path}: {what}", hint="check the path", context={"path": str(path)})
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise OutputError(f"{path}: cannot read: {error.strerror}", context={"path": str(path)}) from error
    if len(data) > MOST_BYTES:
        raise _wrong(path, f"more than {MOST_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong(path, f"line {line}: not UTF-8") from error


def _wrong(path: Path, what: str) -> ValidationError:
    return ValidationError(f"{path}: {what}", hint="give a CSV file in UTF-8", context={"path": str(path)})

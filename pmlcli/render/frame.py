"""Tables of predictions as CSV, JSON lines, Parquet, or a table to read.

Times are ISO 8601 with zone, floats have all of their digits, and cells that a spreadsheet would run
as a formula are escaped in CSV. What is to be read is rounded.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pmlcli.errors import MissingDependencyError
from pmlcli.render import number
from pmlcli.render.block import Table
from pmlcli.render.json import line
from pmlcli.spreadsheet import formula_safe

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = ("csv", "jsonl", "parquet")
_UNITS = ("s", "ms", "us")


def to_bytes(frame: pd.DataFrame, format_name: str, *, raw: bool = False) -> bytes:
    """The frame in one of FORMATS; `raw` leaves formula cells of a CSV as they are."""
    if format_name == "parquet":
        return _parquet(frame)
    text = json_lines(frame) if format_name == "jsonl" else csv(frame, raw=raw)
    return text.encode("utf-8", errors="backslashreplace")


def csv(frame: pd.DataFrame, *, raw: bool = False) -> str:
    """The frame as CSV with a header line, `\\n` line ends, and empty cells for missing values."""
    columns = {name: _csv_cells(frame[name], raw) for name in frame.columns}
    header = list(columns) if raw else list(_escaped(pd.Series(list(columns), dtype="str")))
    return pd.DataFrame(columns, index=frame.index).to_csv(index=False, header=header, lineterminator="\n")


def _csv_cells(column: pd.Series[Any], raw: bool) -> pd.Series[Any]:
    cells = iso_times(column)
    if pd.api.types.is_bool_dtype(cells):
        return cells.map({True: "true", False: "false"})
    if raw or pd.api.types.is_numeric_dtype(cells):
        return cells
    return _escaped(cells.astype("str"))


def _escaped(cells: pd.Series[Any]) -> pd.Series[Any]:
    return cells.map(formula_safe, na_action="ignore")


def iso_times(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column of zoned times as ISO 8601 text, as precise as it needs; other columns as they are."""
    if not isinstance(column.dtype, pd.DatetimeTZDtype):
        return column
    utc = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")
    local = column.dt.tz_localize(None).to_numpy("datetime64[us]")
    present = ~np.isnat(utc)
    text = np.full(len(column), None, dtype=object)
    stamps = np.datetime_as_string(local[present], unit=_precision(utc[present]))
    text[present] = stamps.astype(object) + _offsets(local[present] - utc[present])
    return pd.Series(text, index=column.index, dtype="str", name=column.name)


def _precision(times: NDArray[np.datetime64]) -> Any:
    micros = times.astype(np.int64)
    steps = {"s": 1_000_000, "ms": 1_000, "us": 1}
    return next(unit for unit in _UNITS if not (micros % steps[unit]).any())


def _offsets(differences: NDArray[np.timedelta64]) -> NDArray[np.object_]:
    minutes, where = np.unique(differences.astype("timedelta64[m]").astype(np.int64), return_inverse=True)
    texts = [f"{'-' if m < 0 else '+'}{abs(m) // 60:02d}:{abs(m) % 60:02d}" for m in minutes.tolist()]
    return np.array(texts, dtype=object)[where]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as JSON-plain dicts; missing values are None."""
    names = [str(name) for name in frame.columns]
    columns = [_values(frame[name]) for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: pd.Series[Any]) -> list[Any]:
    cells = iso_times(column)
    return list(cells.astype(object).where(cells.notna(), None))


def json_lines(frame: pd.DataFrame) -> str:
    """The rows as JSON, one a line."""
    return "".join(f"{line(record)}\n" for record in records(frame))


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    try:
        frame.to_parquet(buffer, index=False)
    except ImportError as error:
        raise MissingDependencyError("pyarrow", extra="parquet", needed_by="--format parquet") from error
    return buffer.getvalue()


def table(
    frame: pd.DataFrame, *, units: Mapping[str, str] | None = None, limit: int = 25, raw: bool = False
) -> Table:
    """The first `limit` rows as a table to read: durations and shares in words, rounded to their worth.

    Times of a row are rounded by the width of its interval (`lower` to `upper`), others to two units; `raw`
    leaves everything as it is.
    """
    head, known = frame.head(limit), units or {}
    spread = _spread(head, known)
    columns = [
        [_plain(value) for value in _values(head[name])]
        if raw
        else _readable(head[name], known.get(str(name)), spread)
        for name in head.columns
    ]
    right = {i for i, n in enumerate(head.columns) if pd.api.types.is_numeric_dtype(head[n])}
    rows = list(zip(*columns, strict=True))
    return Table([str(name) for name in head.columns], rows, frozenset(right), records=True)


def _spread(frame: pd.DataFrame, units: Mapping[str, str]) -> NDArray[np.float64] | None:
    """Half the width of each row's interval in seconds; None without one."""
    if not {"lower", "upper"} <= {*frame.columns} or units.get("lower") != "seconds":
        return None
    return np.asarray((frame["upper"] - frame["lower"]) / 2, dtype=np.float64)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _readable(column: pd.Series[Any], unit: str | None, spread: NDArray[np.float64] | None) -> list[str]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return ["" if pd.isna(moment) else f"{moment:%Y-%m-%d %H:%M}" for moment in column]
    values = _values(column)
    if unit == "seconds" or str(column.name).endswith("_seconds"):
        widths = [None] * len(values) if spread is None else spread.tolist()
        pairs = zip(values, widths, strict=True)
        return ["" if value is None else number.duration(float(value), width) for value, width in pairs]
    if not pd.api.types.is_float_dtype(column):
        return [_plain(value) for value in values]
    words = {"share": number.rough_share, "days": number.rough_days}.get(unit or "", number.number)
    return ["" if value is None else words(value) for value in values]

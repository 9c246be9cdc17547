"""What a file format cannot keep of a log, said before anybody misses it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pmlcli.eventlog.log import CANONICAL_COLUMNS, EventLog
from pmlcli.eventlog.raw import TextColumn
from pmlcli.eventlog.values import typed
from pmlcli.spreadsheet import is_formula, unescaped


def losses(log: EventLog, format: str, *, escape_formulas: bool = True) -> list[str]:
    """Sentences on what is not the same when the written file is read again; empty where all is."""
    found = []
    if log.schema.order != "time" and _goes_back(log):
        found.append(
            f"the events are not in the order of their times; --order row keeps it when the {format} is read"
        )
    empty = [f"'{name}'" for name in log.frame.columns if not log.frame[name].notna().any()]
    if format == "xes" and empty:
        found.append(f"XES keeps no column without values: {', '.join(empty)}")
    if format == "csv":
        found += _csv_losses(log, escape_formulas)
    return found


def _goes_back(log: EventLog) -> bool:
    """Whether an event stands after a later one of its case."""
    if log.times is None:
        return False
    is_earlier = np.diff(log.times) < 0
    is_earlier[log.offsets[1:-1] - 1] = False
    return bool(is_earlier.any())


def _csv_losses(log: EventLog, escape_formulas: bool) -> list[str]:
    texts = {
        str(name): log.frame[name]
        for name in log.frame.columns
        if isinstance(log.frame[name].dtype, pd.StringDtype)
    }
    read_back = [name for name, column in texts.items() if name not in CANONICAL_COLUMNS and _changes(column)]
    found = []
    if read_back:
        names = ", ".join(f"'{name}'" for name in read_back)
        found.append(
            f"CSV has no types: the text of {names} looks like numbers or times, and is read as such"
        )
    is_changed = is_formula if escape_formulas else _is_escaped
    changed = sum(sum(map(is_changed, column.dropna())) for column in texts.values())
    if changed and escape_formulas:
        found.append(
            f"{changed:,} texts get a leading ' so that no spreadsheet runs them; pmlcli reads them without "
            "it, and --raw-csv leaves them for other programs"
        )
    elif changed:
        found.append(f"{changed:,} texts have a ' before a formula, which is taken away when the CSV is read")
    return found


def _is_escaped(text: str) -> bool:
    return unescaped(text) != text


def _changes(column: pd.Series) -> bool:
    """Whether text comes back as another type."""
    codes, values = pd.factorize(column)
    series, _ = typed(TextColumn.of(codes.astype("int32"), list(values)), "UTC")
    return len(values) > 0 and not isinstance(series.dtype, pd.StringDtype)

"""One normal form of text: letters composed (Unicode NFC), no blanks at the ends; and CSV's own escapes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import numpy as np
import pandas as pd

from pmlcli.eventlog.raw import Column, RawTable, TextColumn, shown
from pmlcli.spreadsheet import unescaped


def plain(text: str) -> str:
    """The text in its normal form."""
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).strip()


def normalize_names(table: RawTable) -> None:
    """Puts the names of the columns into their normal form, but for those that would then be equal."""
    forms = [plain(name) for name in table.columns]
    renamed = {name: form for name, form in zip(table.columns, forms, strict=True) if name != form}
    if not renamed:
        return
    free = {name: form for name, form in renamed.items() if form and forms.count(form) == 1}
    table.columns = {free.get(name, name): column for name, column in table.columns.items()}
    table.notes.extend((f"column '{shown(form)}' read by its normal name", 1) for form in free.values())


def normalize_values(table: RawTable) -> None:
    """Puts all text of a table into its normal form, and notes how many values a column had in another."""
    for name, column in table.columns.items():
        changed, count = reformed(column, plain)
        if count:
            table.columns[name] = changed
            what = "blanks at their ends or letters in parts, read without"
            table.notes.append((f"values of '{shown(name)}' with {what}", count))


def unescape_values(table: RawTable) -> None:
    """Takes away the `'` that CSV has before text which a spreadsheet would run, and notes how often."""
    for name, column in table.columns.items():
        changed, count = reformed(column, unescaped)
        if count:
            table.columns[name] = changed
            table.notes.append((f"values of '{shown(name)}' read without the ' before a formula", count))


def reformed(column: Column, form: Callable[[str], str]) -> tuple[Column, int]:
    """The column with its texts in this form, and how many rows that changed."""
    if not isinstance(column, TextColumn) or not len(column.values):
        return column, 0
    forms = np.array([form(value) for value in column.values], dtype=object)
    is_other = forms != column.values
    if not is_other.any():
        return column, 0
    rows = int(column.counts()[is_other].sum())
    codes, values = pd.factorize(forms)
    merged = np.append(codes, -1).astype(np.int32)[column.codes]
    return TextColumn.of(merged, list(values), column.kind), rows

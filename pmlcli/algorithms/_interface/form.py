"""The form of a table of answers: its columns and how many rows, as far as they are known beforehand."""

from __future__ import annotations

from typing import Literal, NamedTuple

import pandas as pd

Kind = Literal["text", "number", "flag", "time"]


class Column(NamedTuple):
    """A column of answers; one that is not `always` there depends on what training found."""

    name: str
    kind: Kind
    always: bool = True


class Form(NamedTuple):
    """What a table must be: these columns in their order, and so many rows (at least one of `rows`)."""

    columns: tuple[Column, ...]
    rows: range

    def breach(self, table: pd.DataFrame) -> str | None:
        """What of the table is otherwise; None for one of this form."""
        known = {column.name: column for column in self.columns}
        found = [str(name) for name in table.columns]
        if found != [c.name for c in self.columns if c.always or c.name in found]:
            return "columns"
        if any(_kind(table[name]) != known[name].kind for name in found):
            return "type of a column"
        return None if len(table) in self.rows else "number of rows"


def columns(kind: Kind, *names: str) -> tuple[Column, ...]:
    """Columns of one kind that are always there."""
    return tuple(Column(name, kind) for name in names)


def at_most(rows: int) -> range:
    """Any number of rows up to this one."""
    return range(rows + 1)


def exactly(rows: int) -> range:
    """This number of rows."""
    return range(rows, rows + 1)


def _kind(column: pd.Series) -> Kind:
    if pd.api.types.is_bool_dtype(column.dtype):
        return "flag"
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "number"
    return "time" if isinstance(column.dtype, pd.DatetimeTZDtype) else "text"

"""The order of a table of predictions, and how much of it is given: `--sort` and `--top`."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from pmlcli.errors import ValidationError, nearest

DIRECTIONS = {"asc": True, "desc": False}


class SortKey(NamedTuple):
    """A column, and whether its least value comes first."""

    column: str
    is_ascending: bool


def sort_key(text: str, table: pd.DataFrame) -> SortKey:
    """What `COLUMN`, `COLUMN:asc` or `COLUMN:desc` means.

    Without a direction numbers and flags begin with the highest, texts and times with the least.
    ValidationError, with the columns that there are, for any other.
    """
    names = [str(name) for name in table.columns]
    column, colon, direction = text.rpartition(":")
    if text in names or not colon or direction not in DIRECTIONS:
        column, direction = text, ""
    if column not in names:
        near = nearest(column, names)
        raise ValidationError(
            f"no column '{column}' to sort by" + (f"; did you mean '{near}'?" if near else ""),
            hint=f"there are: {', '.join(names)}",
            context={"column": column, "known": names},
        )
    if direction:
        return SortKey(column, DIRECTIONS[direction])
    kind = table[column].dtype
    return SortKey(column, not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)))


def ordered(table: pd.DataFrame, key: SortKey) -> pd.DataFrame:
    """The rows by this key, in their old order where equal; those without a value last."""
    column = table[key.column]
    if pd.api.types.is_bool_dtype(column.dtype):
        column = column.astype("int8")
    return table.loc[
        column.sort_values(ascending=key.is_ascending, kind="stable", na_position="last").index
    ].reset_index(drop=True)

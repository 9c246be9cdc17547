"""What is new or worse than in the last run: a table of predictions beside an earlier one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.task import Task
from pmlcli.errors import ValidationError
from pmlcli.eventlog.log import CASE_ID
from pmlcli.lifecycle.small_table import read_text_table
from pmlcli.spreadsheet import unescaped

CHANGE = "change"
NEW, WORSE = "new", "worse"
MODEL_ID, ROOT_DIGEST = "model_id", "root_digest"
_PLACES = ("event_index", "prefix_length")


class LastRun(NamedTuple):
    """The table that an earlier `predict` wrote, every cell text."""

    path: Path
    table: pd.DataFrame


def read_last_run(path: Path) -> LastRun:
    """The CSV of an earlier run; ValidationError for one that `predict` did not write."""
    table = read_text_table(path)
    for name in (CASE_ID, MODEL_ID, ROOT_DIGEST):
        if name not in table.columns:
            raise _unfit(path, f"no column '{name}': not written by `pmlcli predict` about cases")
    return LastRun(path, table)


def no_run(path: Path) -> LastRun:
    """A last run without any row: then all is new."""
    return LastRun(path, pd.DataFrame(columns=[CASE_ID, MODEL_ID, ROOT_DIGEST], dtype=str))


def check_model(last: LastRun, model_id: str, root_digest: str) -> str | None:
    """ValidationError for a run of another model; a sentence where this one was trained anew since."""
    others = [found for found in map(unescaped, last.table[MODEL_ID].unique()) if found != model_id]
    if others:
        other = others[0]
        raise _unfit(last.path, f"a run of the model '{other}', and this is '{model_id}'")
    if (last.table[ROOT_DIGEST] != root_digest).any():
        return (
            f"{last.path}: the model was trained anew since that run, so what is new or worse may be the "
            "model's doing"
        )
    return None


def changes(last: LastRun, table: pd.DataFrame, task: Task[Any, Any, Any, Any]) -> NDArray[np.object_]:
    """`new`, `worse` or empty for each row, (rows,).

    Where the task flags rows only flagged ones count: new is what was not flagged then. Elsewhere new is
    what was not there. Worse is what the task calls so.
    """
    flag = next((name for name in task.flags if name in table.columns), None)
    before = _aligned(last, table, flag)
    was_there = before[CASE_ID].notna().to_numpy()
    has_worsened = was_there & task.has_worsened(table, before)
    is_new = ~was_there
    if flag is not None:
        was_flagged = was_there & before[flag].fillna(False).to_numpy(dtype=bool)
        is_flagged = table[flag].to_numpy(dtype=bool)
        is_new, has_worsened = is_flagged & ~was_flagged, is_flagged & was_flagged & has_worsened
    return np.where(is_new, NEW, np.where(has_worsened, WORSE, "")).astype(object)


def _aligned(last: LastRun, table: pd.DataFrame, flag: str | None) -> pd.DataFrame:
    """The earlier row of each row of the table, in its types; missing where there was none."""
    keys = [CASE_ID, *(name for name in _PLACES if name in table.columns and _repeats(table, last.table))]
    needed = [*keys, *([flag] if flag is not None and len(last.table) else [])]
    for name in needed:
        if name not in last.table.columns:
            raise _unfit(last.path, f"no column '{name}', which this run has", "ask as in that run")
    now = pd.MultiIndex.from_frame(table[keys].astype(str))
    then = pd.MultiIndex.from_frame(last.table[keys].map(unescaped))
    if not then.is_unique:
        raise _unfit(last.path, "the same case stands there twice", "ask as in that run")
    rows = then.get_indexer(now)
    if not len(last.table):
        rows = np.full(len(table), -1)
    absent = pd.Series("", index=last.table.index, dtype=str)
    before = {str(name): _earlier(last.table.get(name, absent), table[name], rows) for name in table.columns}
    return pd.DataFrame(before, index=pd.RangeIndex(len(table)))


def _earlier(texts: pd.Series, like: pd.Series, rows: NDArray[np.intp]) -> pd.Series:
    """The column's values in these rows, in the type of `like`; None for row -1."""
    typed = _typed(texts, like).astype(object).to_numpy()
    found = np.full(len(rows), None, dtype=object)
    found[rows >= 0] = typed[rows[rows >= 0]]
    return pd.Series(found, dtype=object)


def _repeats(table: pd.DataFrame, last: pd.DataFrame) -> bool:
    """Whether a case has several rows, so that a row is known by its place too."""
    return "event_index" in table.columns or bool(
        table[CASE_ID].duplicated().any() or last[CASE_ID].duplicated().any()
    )


def _typed(texts: pd.Series, like: pd.Series) -> pd.Series:
    if pd.api.types.is_bool_dtype(like.dtype):
        return texts == "true"
    return pd.to_numeric(texts, errors="coerce") if pd.api.types.is_numeric_dtype(like.dtype) else texts


def _unfit(path: Path, what: str, hint: str = "give what `predict` wrote with this model") -> ValidationError:
    return ValidationError(f"{path}: {what}", hint=hint, code="usage.last-run", context={"path": str(path)})

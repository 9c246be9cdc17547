"""A log with predictions written into it: for its cases, or for its events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import ValidationError
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, CASE_PREFIX, TIMESTAMP, EventLog
from pmlcli.eventlog.values import STRING

PREFIX = "pmlcli:"
"""Begins the name of every column that a prediction adds."""

_EVENT_INDEX, _PREFIX_LENGTH = "event_index", "prefix_length"
_KEYS = (CASE_ID, _EVENT_INDEX, ACTIVITY, TIMESTAMP)


def annotate(log: EventLog, predictions: pd.DataFrame) -> EventLog:
    """The log with a column for each of the predictions', named `pmlcli:...`.

    A prediction a case becomes `case:pmlcli:...`, the same in all events of the case; one an event or a
    prefix stands at that event, or at the prefix's last. Columns of an earlier annotation with the same
    name are replaced; what was not predicted is missing.

    Raises ValidationError for predictions that are not of cases.
    """
    if CASE_ID not in predictions.columns:
        raise ValidationError(
            "these predictions are not of cases, so they cannot be written into the log",
            hint="leave --annotate out",
        )
    rows, prefix = _places(log, predictions)
    added = {
        f"{prefix}{PREFIX}{name}": pd.Series(_typed(predictions[name]).array.take(rows, allow_fill=True))
        for name in map(str, predictions.columns)
        if name not in _KEYS
    }
    kept = log.frame.drop(columns=[name for name in added if name in log.frame.columns])
    return replace(log, frame=pd.concat([kept, pd.DataFrame(added)], axis=1))


def events_of(log: EventLog, predictions: pd.DataFrame) -> NDArray[np.int64]:
    """The event of the log that each prediction about a case is of: its own, the last of its prefix, or of
    its case; positions (rows,).
    """
    cases = pd.Index(log.case_ids).get_indexer(pd.Index(predictions[CASE_ID]))
    if _EVENT_INDEX in predictions.columns:
        return np.asarray(log.offsets[cases] + predictions[_EVENT_INDEX].to_numpy(dtype=np.int64))
    if _PREFIX_LENGTH in predictions.columns:
        return np.asarray(log.offsets[cases] + predictions[_PREFIX_LENGTH].to_numpy(dtype=np.int64) - 1)
    return np.asarray(log.offsets[cases + 1] - 1)


def _places(log: EventLog, predictions: pd.DataFrame) -> tuple[NDArray[np.int64], str]:
    """For each event the row of the prediction that belongs to it, -1 for none; what names begin with."""
    cases = pd.Index(log.case_ids).get_indexer(pd.Index(predictions[CASE_ID]))
    given = np.flatnonzero(cases >= 0)
    position = _positions(log, predictions, cases, given)
    if position is None:
        row_of_case = np.full(log.n_cases, -1, dtype=np.int64)
        row_of_case[cases[given]] = given
        return np.repeat(row_of_case, log.lengths), CASE_PREFIX
    rows = np.full(log.n_events, -1, dtype=np.int64)
    rows[log.offsets[cases[given]] + position[given]] = given
    return rows, ""


def _positions(
    log: EventLog, predictions: pd.DataFrame, cases: NDArray[np.intp], given: NDArray[np.intp]
) -> NDArray[np.int64] | None:
    """The event of its case that each prediction is of; None for predictions of whole cases."""
    if _EVENT_INDEX in predictions.columns:
        return predictions[_EVENT_INDEX].to_numpy(dtype=np.int64)
    if _PREFIX_LENGTH in predictions.columns:
        length = predictions[_PREFIX_LENGTH].to_numpy(dtype=np.int64)
        if (length[given] != log.lengths[cases[given]]).any():
            return length - 1
    return None


def _typed(column: pd.Series) -> pd.Series:
    """The column in the types of a log, in which any value may be missing."""
    kind = column.dtype
    if pd.api.types.is_bool_dtype(kind):
        return column.astype("boolean")
    if pd.api.types.is_integer_dtype(kind):
        return column.astype("Int64")
    if isinstance(kind, pd.DatetimeTZDtype) or pd.api.types.is_float_dtype(kind):
        return column
    present = column.astype(object)
    return pd.Series(np.where(present.isna() | present.eq(""), np.nan, present.astype(str)), dtype=STRING)

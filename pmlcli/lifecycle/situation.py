"""Where the case of each prediction stands: what was done last, by whom, and how old the case is."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import Task
from pmlcli.errors import ValidationError
from pmlcli.eventlog.annotate import events_of
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, RESOURCE, TIMESTAMP, EventLog

CURRENT_ACTIVITY, CURRENT_RESOURCE, AGE = "current_activity", "current_resource", "age_days"
UNITS = {AGE: "days"}
_KEYS = (CASE_ID, "prefix_length", "event_index", ACTIVITY, TIMESTAMP)
_DAY = 86_400e6


def at_moment(
    request: PredictRequest, now: datetime | str | None, task: Task[Any, Any, Any, Any]
) -> PredictRequest:
    """The request as of this moment; ValidationError where the task, or the request, has no use for it."""
    if now is None:
        return request
    if "as_of" not in {field.name for field in dataclasses.fields(task.request)}:
        raise ValidationError(
            f"a prediction of the task {task.name} does not depend on the moment: it takes no now",
            hint="leave now out",
        )
    if request.given.get("as_of") is not None:
        raise ValidationError("now and as_of say the same", hint="give one of them")
    if request.given.get("cases") == "all" or request.given.get("every_prefix"):
        raise ValidationError(
            "now is for running cases: all others are predicted for the moment of their last event",
            hint="leave now out, or predict running cases",
        )
    return request.with_(as_of=now.isoformat() if isinstance(now, datetime) else now)


def situations(log: EventLog, predictions: pd.DataFrame, moment: int | None) -> pd.DataFrame:
    """A row for each prediction about a case: `current_activity`, `current_resource` and `age_days`.

    All as of the event that the prediction is of; the age is counted up to `moment` (microseconds UTC) where
    there is one. A column is left out where the log has nothing to fill it with, or the predictions have it.
    """
    rows = events_of(log, predictions)
    found: dict[str, pd.Series] = {}
    if ACTIVITY not in predictions.columns:
        found[CURRENT_ACTIVITY] = _texts(log.frame[ACTIVITY], rows)
    if RESOURCE in log.frame.columns:
        found[CURRENT_RESOURCE] = _texts(log.frame[RESOURCE], rows)
    if log.times is not None:
        until = log.times[rows] if moment is None else np.maximum(log.times[rows], moment)
        found[AGE] = pd.Series((until - log.began[rows]) / _DAY)
    return pd.DataFrame(found, index=pd.RangeIndex(len(rows)))


def beside(predictions: pd.DataFrame, situations: pd.DataFrame | None) -> pd.DataFrame:
    """The predictions with the situations after their keys."""
    if situations is None:
        return predictions
    names = list(predictions.columns)
    n_keys = next((i for i, name in enumerate(names) if name not in _KEYS), len(names))
    table = predictions.reset_index(drop=True)
    return pd.concat([table.iloc[:, :n_keys], situations, table.iloc[:, n_keys:]], axis=1)


def _texts(column: pd.Series, rows: NDArray[np.int64]) -> pd.Series:
    return column.take(rows).reset_index(drop=True).astype("str")

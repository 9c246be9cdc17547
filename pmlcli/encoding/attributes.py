"""Which of a log's columns may describe events or cases, and their values as codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.eventlog.log import ACTIVITY, RESOURCE, EventLog

MAXIMUM_VALUES = 100
"""An attribute with more values is more of a description than a category."""
LABEL_NAMES = frozenset(
    {"label", "labels", "anomaly", "anomalous", "is_anomaly", "isanomaly", "is_anomalous", "anomaly_type"}
    | {"outcome", "target", "class", "ground_truth", "score", "is_outlier", "outlier", "fraud", "is_fraud"}
)
"""Attributes of these names come in only when they are asked for: they may hold what is looked for."""

Codes = NDArray[np.int64]


def coded(log: EventLog, column: str) -> tuple[Sequence[str], NDArray[Any]]:
    """The values of a column as text, and a position among them for each event (`MISSING` for none)."""
    if column == ACTIVITY:
        return log.activities, log.activity_codes
    if column == RESOURCE and log.resource_codes is not None:
        return log.resources, log.resource_codes
    given = log.frame[column]
    # Text first: 1 and '1' are one value, whichever reader made them.
    codes, values = pd.factorize(given.astype(str).where(given.notna()), sort=True)
    return [str(value) for value in values], codes


def is_category(values: pd.Series[Any]) -> bool:
    """Whether a column holds text or truth values: no numbers, no times."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return True
    return not pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_datetime64_any_dtype(
        values
    )


def is_identifier(codes: NDArray[Any], cases: Codes) -> bool:
    """Whether most events have a value that occurs in one case only."""
    pairs = np.unique(np.column_stack([codes, cases]), axis=0)
    values, cases_of_value = np.unique(pairs[:, 0], return_counts=True)
    return bool(np.isin(codes, values[cases_of_value == 1]).mean() > 0.5)


def varies_in_a_case(codes: NDArray[Any], cases: Codes) -> bool:
    """Whether two neighbouring events of one case differ somewhere."""
    return bool(((codes[1:] != codes[:-1]) & (cases[1:] == cases[:-1])).any())

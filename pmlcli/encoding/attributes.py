"""Which of a log's columns may describe events or cases, and their values as codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.arrays import Codes
from pmlcli.errors import LogError, nearest
from pmlcli.eventlog.annotate import PREFIX
from pmlcli.eventlog.log import ACTIVITY, CASE_PREFIX, RESOURCE, EventLog
from pmlcli.eventlog.odd_cells import place

MAXIMUM_VALUES = 100
"""An attribute with more values is more of a description than a category."""
LABEL_NAMES = frozenset(
    {"label", "labels", "anomaly", "anomalous", "is_anomaly", "isanomaly", "is_anomalous", "anomaly_type"}
    | {"outcome", "target", "class", "ground_truth", "score", "is_outlier", "outlier", "fraud", "is_fraud"}
)
"""Attributes of these names come in only when they are asked for: they may hold what is looked for."""


def is_for_the_asking(column: str) -> bool:
    """Whether an attribute comes in only when it is named: it is called like a label, or is a prediction that
    was written into the log, which may have known more than there was to know.
    """
    own = column.removeprefix(CASE_PREFIX)
    return own.startswith(PREFIX) or own.rpartition(":")[2].casefold() in LABEL_NAMES


def coded(log: EventLog, column: str) -> tuple[Sequence[str], NDArray[Any]]:
    """The values of a column as text, and a position among them for each event (`MISSING` for none)."""
    if column == ACTIVITY:
        return log.activities, log.activity_codes
    if column == RESOURCE and log.resource_codes is not None:
        return log.resources, log.resource_codes
    given = log.frame[column]
    codes, values = pd.factorize(as_text(given), sort=True)
    return [str(value) for value in values], codes


def as_text(values: pd.Series[Any]) -> pd.Series[Any]:
    """A column's values as text, missing ones left so: 1 and '1' are one value, whichever reader made them.

    Truth values are `true` and `false`, as logs write them.
    """
    text = values.astype(str)
    if pd.api.types.is_bool_dtype(values.dtype):
        text = text.str.lower()
    return text.where(values.notna())


def is_category(values: pd.Series[Any]) -> bool:
    """Whether a column holds text or truth values: no numbers, no times."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return True
    return not pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_datetime64_any_dtype(
        values
    )


def is_identifier(codes: NDArray[Any], cases: Codes) -> bool:
    """Whether most events have a value that occurs in one case only."""
    span = cases.max(initial=0) + 1
    values, cases_of_value = np.unique(np.unique(codes * span + cases) // span, return_counts=True)
    return bool(np.isin(codes, values[cases_of_value == 1]).mean() > 0.5)


def varies_in_a_case(codes: NDArray[Any], cases: Codes) -> bool:
    """Whether two neighbouring events of one case differ somewhere."""
    return bool(((codes[1:] != codes[:-1]) & (cases[1:] == cases[:-1])).any())


def is_twin(codes: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether each value of the one goes with one value of the other and back."""
    return _fixes(codes, other) and _fixes(other, codes)


def _fixes(codes: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether each value of the one goes with one value of the other."""
    place = codes - codes.min(initial=0)
    partner = np.empty(place.max(initial=0) + 1, dtype=other.dtype)
    partner[place] = other
    return bool((partner[place] == other).all())


def foretells(log: EventLog, codes: NDArray[Any]) -> bool:
    """Whether an attribute of cases, (events,), tells all that happens in them, or how many events: cases of
    one value never differ in it. Such a column was filled in afterwards, like the number of the variant.
    """
    of_case = codes[log.offsets[:-1]]
    trace_keys = log.prefix_keys(log.activity_codes)[log.offsets[1:] - 1]
    return _decides(of_case, pd.factorize(trace_keys)[0]) or _decides(of_case, log.lengths)


def _decides(values: NDArray[Any], facts: NDArray[Any]) -> bool:
    """Whether each value that several cases have goes with one fact, and not all with the same."""
    frame = (
        pd.DataFrame({"value": values, "fact": facts})
        .groupby("value")["fact"]
        .agg(["nunique", "size", "min"])
    )
    shared = frame[frame["size"] > 1]
    return bool(len(shared) > 1 and (shared["nunique"] == 1).all() and shared["min"].nunique() > 1)


def as_numbers(log: EventLog, column: str, *, hint: str | None = None) -> NDArray[np.float64]:
    """A column as numbers, (events,), NaN where there is none; truth values are 0 and 1.

    LogError, naming the first case, with a hint on what to do, when a value is no number.
    """
    given = log.frame[column]
    values = pd.to_numeric(given, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    strange = np.flatnonzero(~np.isfinite(values) & given.notna().to_numpy())
    if len(strange):
        raise LogError(
            f"column '{column}': {len(strange)} of {len(values)} values are not numbers "
            f"(first: '{given.iloc[strange[0]]}'{place(log, int(strange[0]))} in case "
            f"'{log.case_ids[log.case_of_event[strange[0]]]}')",
            hint=hint
            or f"use '{column}' as a categorical feature, or correct the values; --bad-value missing reads "
            "a few odd cells as empty",
            context={"column": column, "count": len(strange)},
        )
    return values


def require_column(log: EventLog, column: str, why: str = "which the model looks at") -> None:
    """Raises LogError, with the nearest name and why it is needed, when the log's frame lacks a column."""
    if column in log.frame.columns:
        return
    near = nearest(column, (str(name) for name in log.frame.columns))
    raise LogError(
        f"the log has no column '{column}', {why}",
        code="log.column",
        hint=f"did you mean '{near}'?" if near else f"it has: {', '.join(map(str, log.frame.columns))}",
        context={"column": column},
    )

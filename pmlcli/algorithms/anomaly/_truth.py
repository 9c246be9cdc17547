"""Flagged cases beside labels from outside the log: which of them are odd, nothing in the log tells."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.task import BesideTruth
from pmlcli.errors import LogError, ValidationError
from pmlcli.evaluation.quality import Quality, auc_of, average_precision_of, f1_of, mean_of
from pmlcli.eventlog.log import EventLog

ODD = frozenset({"1", "true", "yes", "anomaly", "anomalous", "odd", "positive"})
USUAL = frozenset({"0", "false", "no", "normal", "usual", "negative"})
UNTOLD = (
    "no label says which cases are odd, so nothing is known of how right the flags are: "
    "give labels with --labels FILE"
)


def beside_labels(log: EventLog, table: pd.DataFrame, labels: NDArray[np.object_] | None) -> BesideTruth:
    """The labelled cases, `truth` true for odd ones; without labels all cases, and no truth.

    ValidationError for a label that says neither, LogError where no case has one.
    """
    last = log.offsets[1:] - 1
    if labels is None:
        return BesideTruth(table.reset_index(drop=True), np.arange(log.n_cases), last, (UNTOLD,))
    cases = np.flatnonzero([one is not None for one in labels])
    if len(cases) == 0:
        raise LogError(
            f"{log.source.name}: no case has a label", code="log.truth", hint="give labels of its cases"
        )
    truth = np.array([_is_odd(str(label)) for label in labels[cases]], dtype=np.bool_)
    kept = table.iloc[cases].reset_index(drop=True).assign(truth=truth)
    return BesideTruth(kept, cases, last[cases])


def _is_odd(label: str) -> bool:
    word = label.strip().lower()
    if word in ODD or word in USUAL:
        return word in ODD
    raise ValidationError(
        f"the label '{label}' means neither that a case is anomalous nor that it is not",
        hint=f"odd: {', '.join(sorted(ODD))}; not: {', '.join(sorted(USUAL))}",
        context={"label": label},
    )


def qualities_of(table: pd.DataFrame, flagged_before: float | None) -> tuple[Quality, ...]:
    """What is measured; how many were flagged in training stands beside the share that is."""
    flagged = Quality(
        "flagged", "share", None, mean_of("is_anomaly"), flagged_before, "flagged {} of the cases"
    )
    if "truth" not in table:
        return (flagged,)
    precision = average_precision_of("truth", "score")
    return (
        Quality("average_precision", "", True, precision, phrase="average precision {}", as_percent=False),
        Quality("auc", "share", True, auc_of("truth", "score")),
        Quality("f1", "share", True, f1_of("truth", "is_anomaly")),
        flagged,
    )


def flagged_in_training(standing_out: object, contamination: float | str) -> float | None:
    """The share of the training cases that is flagged, as the model directory has it."""
    if not isinstance(contamination, str):
        return contamination
    match standing_out:
        case {"case": {"share": int() | float() as share}} if 0 <= share <= 1:
            return float(share)
    return None

"""What a task measures on predictions beside the truth: each a number over rows that come in units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.arrays import Floats
from pmlcli.evaluation.bootstrap import Units, ValueOf
from pmlcli.evaluation.metrics import average_precision
from pmlcli.evaluation.ranking import BINS, auc_over, bins_of, macro_auc_over

Over = Callable[[pd.DataFrame, Units, int], ValueOf]
"""Of a table of rows, the unit of each row (rows,) and the number of units: the metric over drawn units."""


@dataclass(frozen=True)
class Quality:
    """One metric of a task.

    - `name`, `unit`, `higher_is_better`: as a `Figure` has them; None where neither is better
    - `over`: how it is computed
    - `training`: what training found on held-out cases, where it is not the task's own metric
    - `phrase`: how the first line says it, with `{}` for the number; of the task's own metric alone
    """

    name: str
    unit: str
    higher_is_better: bool | None
    over: Over
    training: float | None = None
    phrase: str = ""
    as_percent: bool = True
    """Whether a share is said as a percentage in the first line; an AUC is not."""


def mean_of(column: str) -> Over:
    """The mean of a column over rows; rows without a value do not count."""

    def over(table: pd.DataFrame, units: Units, n_units: int) -> ValueOf:
        values = table[column].to_numpy(dtype=np.float64)
        return _ratio(values, np.isfinite(values), units, n_units)

    return over


def mean_by_unit(column: str) -> Over:
    """The mean over units of the mean of a column in each: every case counts alike."""

    def over(table: pd.DataFrame, units: Units, n_units: int) -> ValueOf:
        values = table[column].to_numpy(dtype=np.float64)
        is_known = np.isfinite(values)
        counts = np.bincount(units[is_known], minlength=n_units)
        sums = np.bincount(units[is_known], weights=values[is_known], minlength=n_units)
        means = np.divide(sums, counts, out=np.full(n_units, np.nan), where=counts > 0)
        return _ratio(means, counts > 0, np.arange(n_units), n_units)

    return over


def _ratio(values: Floats, is_known: NDArray[np.bool_], units: Units, n_units: int) -> ValueOf:
    sums = np.bincount(units[is_known], weights=values[is_known], minlength=n_units)
    counts = np.bincount(units[is_known], minlength=n_units).astype(np.float64)

    def value_of(drawn: Units) -> float:
        total = counts[drawn].sum()
        return float(sums[drawn].sum() / total) if total else float("nan")

    return value_of


def auc_of(positive: str, score: str) -> Over:
    """The area under the ROC curve of a column of truth values and one of scores."""

    def over(table: pd.DataFrame, units: Units, n_units: int) -> ValueOf:
        return auc_over(table[positive].to_numpy(dtype=bool), _floats(table, score), units, n_units)

    return over


def macro_auc_of(truth: str, columns: Mapping[str, str]) -> Over:
    """The mean over classes of the AUC of each against the others: class to the column of its probability.

    A table of another model may lack a class: it gives that none.
    """

    def over(table: pd.DataFrame, units: Units, n_units: int) -> ValueOf:
        target = pd.Categorical(table[truth], categories=list(columns)).codes.astype(np.int64)
        shares = table.reindex(columns=list(columns.values()), fill_value=0.0).to_numpy(dtype=np.float64)
        return macro_auc_over(target, shares, units, n_units)

    return over


def average_precision_of(positive: str, score: str) -> Over:
    """The average precision of a column of truth values and one of scores."""
    return _of_rows(positive, score, average_precision)


def f1_of(positive: str, flagged: str) -> Over:
    """The harmonic mean of precision and recall of what is flagged; NaN where nothing is positive."""

    def found(truth: NDArray[np.bool_], flags: Floats) -> float:
        said = flags.astype(np.bool_)
        both = int((truth & said).sum())
        return 2 * both / (int(truth.sum()) + int(said.sum())) if truth.any() else float("nan")

    return _of_rows(positive, flagged, found)


def calibration_error_of(is_right: str, probability: str) -> Over:
    """The expected calibration error of probabilities, see `calibration_error`."""

    def over(table: pd.DataFrame, units: Units, n_units: int) -> ValueOf:
        shares = _floats(table, probability)
        keys = units * BINS + bins_of(shares)
        off = np.bincount(keys, weights=_flags(table, is_right) - shares, minlength=n_units * BINS)
        by_unit, counts = off.reshape(n_units, BINS), np.bincount(units, minlength=n_units)

        def value_of(drawn: Units) -> float:
            total = counts[drawn].sum()
            return float(np.abs(by_unit[drawn].sum(axis=0)).sum() / total) if total else float("nan")

        return value_of

    return over


def _of_rows(flag: str, number: str, compute: Callable[[NDArray[np.bool_], Floats], float]) -> Over:
    """A metric that needs the rows of a column of truth values and one of numbers themselves: those of a unit
    are taken as often as it is drawn.
    """

    def over(table: pd.DataFrame, units: Units, n_units: int) -> ValueOf:
        # Only these two are taken anew for each draw: a table's texts would take most of the time.
        flags, numbers = _flags(table, flag), _floats(table, number)

        def value_of(drawn: Units) -> float:
            times = np.bincount(drawn, minlength=n_units)[units]
            return compute(np.repeat(flags, times), np.repeat(numbers, times))

        return value_of

    return over


def _flags(table: pd.DataFrame, column: str) -> NDArray[np.bool_]:
    return table[column].to_numpy(dtype=bool)


def _floats(table: pd.DataFrame, column: str) -> Floats:
    return table[column].to_numpy(dtype=np.float64)

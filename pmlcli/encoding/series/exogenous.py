"""Exogenous facts of buckets: columns of numbers, and public holidays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.arrays import Floats
from pmlcli.encoding.series.holidays import holiday_share
from pmlcli.encoding.series.regressors import Regressors
from pmlcli.errors import ValidationError

NONE = Regressors((), np.empty(0, dtype=np.int64), np.empty((0, 0)))


@dataclass(frozen=True)
class Exogenous:
    """Numbers of each bucket that no event tells, known ahead.

    - `keys`: int64 (m,), the first microsecond of each known bucket on the clock of the log's zone, ascending
    - `values`: float64 (m, columns)
    - `middle`, `spread`: (columns,), mean and deviation in training, by which learners see the values
    - `country`: whose public holidays are one column more, or None
    """

    frequency: str
    columns: tuple[str, ...]
    keys: NDArray[np.int64]
    values: Floats
    middle: Floats
    spread: Floats
    country: str | None = None

    @classmethod
    def of(cls, regressors: Regressors | None, frequency: str, country: str | None) -> Self:
        """The table by bucket; rows of the same bucket are averaged."""
        table = regressors or NONE
        keys, values = _by_bucket(table, frequency)
        spread = values.std(axis=0) if len(values) else np.ones(len(table.columns))
        middle = values.mean(axis=0) if len(values) else np.zeros(len(table.columns))
        return cls(frequency, table.columns, keys, values, middle, np.where(spread > 0, spread, 1.0), country)

    @property
    def width(self) -> int:
        """Columns that learners see."""
        return len(self.columns) + (self.country is not None)

    def updated(self, newer: Regressors | None) -> Self:
        """With the rows of another table, which win where both know a bucket."""
        if newer is None:
            return self
        if set(newer.columns) != set(self.columns):
            raise ValidationError(
                f"{newer.name}: the columns are {', '.join(newer.columns)}, "
                f"but the model was trained on {', '.join(self.columns) or 'none'}",
                code="regressor",
                context={"file": newer.name, "columns": list(self.columns)},
            )
        keys, values = _by_bucket(newer, self.frequency)
        values = values[:, [newer.columns.index(column) for column in self.columns]]
        kept = ~np.isin(self.keys, keys)
        both = np.concatenate((self.keys[kept], keys))
        order = np.argsort(both, kind="stable")
        return replace(self, keys=both[order], values=np.concatenate((self.values[kept], values))[order])

    def is_known(self, local: pd.DatetimeIndex) -> NDArray[np.bool_]:
        """Whether each bucket has its numbers; `local` is when they begin, by the clock of the zone."""
        if not self.columns:
            return np.ones(len(local), dtype=np.bool_)
        return np.isin(_keys(local, self.frequency), self.keys)

    def at(self, local: pd.DatetimeIndex) -> Floats:
        """What learners see of each bucket, (n, width); an unknown one repeats the last known before it."""
        parts = []
        if self.columns:
            place = np.searchsorted(self.keys, _keys(local, self.frequency), side="right") - 1
            parts.append((self.values[np.maximum(place, 0)] - self.middle) / self.spread)
        if self.country is not None:
            days = pd.DatetimeIndex(_keys(local, self.frequency).view("datetime64[us]"))
            parts.append(holiday_share(days, self.frequency, self.country)[:, None])
        return np.hstack(parts) if parts else np.empty((len(local), 0))

    def carried_on(self, local: pd.DatetimeIndex) -> Regressors:
        """The numbers of these buckets as far as they are known, and the last ones again beyond."""
        zeros, ones = np.zeros_like(self.middle), np.ones_like(self.spread)
        known = replace(self, country=None, middle=zeros, spread=ones)
        return Regressors(self.columns, _keys(local, self.frequency), known.at(local))

    def state(self) -> dict[str, Any]:
        """JSON-plain facts and arrays."""
        return {**vars(self), "columns": list(self.columns)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The inverse of `state`."""
        return cls(**{**state, "columns": tuple(state["columns"])})


def _by_bucket(table: Regressors, frequency: str) -> tuple[NDArray[np.int64], Floats]:
    dates = pd.DatetimeIndex(table.dates.view("datetime64[us]"))
    keys, inverse, counts = np.unique(_keys(dates, frequency), return_inverse=True, return_counts=True)
    sums = np.zeros((len(keys), len(table.columns)))
    np.add.at(sums, inverse, table.values)
    return keys, sums / np.maximum(counts, 1)[:, None]


def _keys(local: pd.DatetimeIndex, frequency: str) -> NDArray[np.int64]:
    """The start of the bucket that each moment lies in, on the same clock, microseconds since 1970."""
    naive = local.tz_localize(None)
    period = {"H": "h", "D": "D", "W": "W-SUN", "M": "M"}[frequency]
    return np.asarray(naive.to_period(period).start_time.as_unit("us").asi8)

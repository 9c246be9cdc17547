"""Numbers and categories that a user asks for by the name of their column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.encoding.attributes import as_numbers
from pmlcli.encoding.profile.column import FeatureColumn
from pmlcli.encoding.profile.group import Block, Group, commonest, names_of
from pmlcli.encoding.vocabulary import COMMON_VALUES, MISSING_CODE, UNSEEN_CODE, Vocabulary
from pmlcli.eventlog.log import CASE_PREFIX, MISSING, EventLog


@dataclass(frozen=True)
class NumberGroup(Group):
    """A number: mean and largest over a case's events, or its value for a column of the case.

    Where a case has none it counts as the training cases' median.
    """

    column: str
    medians: NDArray[np.float64]
    tag = "number"

    @classmethod
    def fit(cls, log: EventLog, column: str) -> Self:
        """Learns the medians that stand in for missing values."""
        values = _numbers(log, column)
        medians = [np.median(v[~np.isnan(v)]) if not np.isnan(v).all() else 0.0 for v in values]
        return cls(column, np.array(medians))

    @property
    def columns(self) -> list[FeatureColumn]:  # noqa: D102
        kinds = ("number",) if self.column.startswith(CASE_PREFIX) else ("number_mean", "number_max")
        return [FeatureColumn(kind, self.column) for kind in kinds]

    @property
    def required(self) -> tuple[str, ...]:  # noqa: D102
        return (self.column,)

    def fill(self, log: EventLog, block: Block) -> None:  # noqa: D102
        for i, values in enumerate(_numbers(log, self.column)):
            block.put(i, np.where(np.isnan(values), self.medians[i], values))


def _numbers(log: EventLog, column: str) -> list[NDArray[np.float64]]:
    """The column by case, NaN where a case has none: [value] for a column of the case, else [mean, max]."""
    values = as_numbers(log, column)
    if column.startswith(CASE_PREFIX):
        return [values[log.offsets[:-1]]]
    known = ~np.isnan(values)
    cases = log.case_of_event
    counts = np.bincount(cases[known], minlength=log.n_cases)
    sums = np.bincount(cases[known], weights=values[known], minlength=log.n_cases)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    largest = np.maximum.reduceat(np.where(known, values, -np.inf), log.offsets[:-1])
    return [means, np.where(counts > 0, largest, np.nan)]


@dataclass(frozen=True)
class CategoryGroup(Group):
    """A category: how many of a case's events have each common value, a rare or new one, or none."""

    column: str
    values: tuple[str, ...]
    tag = "category"

    @classmethod
    def fit(cls, log: EventLog, column: str) -> Self:
        """Learns the commonest values."""
        names, codes, cases = _categories(log, column)
        vocabulary = Vocabulary.of(names, codes)
        given = codes != MISSING
        own = vocabulary.encode(names, codes)[given]
        best = commonest(own, cases[given], COMMON_VALUES, 1)
        return cls(column, tuple(vocabulary.name_of(int(code)) for code in best))

    @property
    def columns(self) -> list[FeatureColumn]:  # noqa: D102
        known = [FeatureColumn("category", self.column, value) for value in self.values]
        return [FeatureColumn("rare_category", self.column), FeatureColumn("missing", self.column), *known]

    @property
    def required(self) -> tuple[str, ...]:  # noqa: D102
        return (self.column,)

    @property
    def vocabulary(self) -> dict[str, tuple[str, ...]]:  # noqa: D102
        return {self.column: self.values}

    def fill(self, log: EventLog, block: Block) -> None:  # noqa: D102
        names, codes, cases = _categories(log, self.column)
        own = Vocabulary(self.values).encode(names, codes)
        assert (UNSEEN_CODE, MISSING_CODE) == (0, 1)
        block.tally(cases, own)
        rare = np.flatnonzero(own == UNSEEN_CODE)
        subjects = np.full(len(rare), self.column, dtype=object)
        block.exemplify(0, cases[rare], subjects, names_of(names, codes[rare]))


def _categories(log: EventLog, column: str) -> tuple[list[str], NDArray[Any], NDArray[np.int64]]:
    """Values as text, a code for each row, and the row's case; one row a case for a column of the case."""
    given = log.frame[column]
    cases = log.case_of_event
    if column.startswith(CASE_PREFIX):
        given, cases = given.iloc[log.offsets[:-1]], np.arange(log.n_cases)
    # Text first: 1 and '1' are one value, whichever reader made them.
    text = given.astype(str).where(given.notna())
    codes, uniques = pd.factorize(text, sort=True)
    return [str(value) for value in uniques], codes, cases

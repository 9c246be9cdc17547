"""Case profiles: one row of numbers a case, with columns fixed for ever by the training log."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.base import Encoding
from pmlcli.encoding.profile.attribute import CategoryGroup, NumberGroup
from pmlcli.encoding.profile.column import FeatureColumn
from pmlcli.encoding.profile.config import FeatureConfig
from pmlcli.encoding.profile.flow import ActivityGroup, PairGroup
from pmlcli.encoding.profile.group import Block, Examples, Group
from pmlcli.encoding.profile.resource import ResourceGroup
from pmlcli.encoding.profile.time import TimeGroup
from pmlcli.errors import LogError, nearest
from pmlcli.eventlog.log import ACTIVITY, RESOURCE, TIMESTAMP, EventLog
from pmlcli.eventlog.reader import LogLike, read_log

__all__ = ["CaseFeatures", "FeatureConfig", "FeatureExtractor"]

GROUPS: dict[str, type[Group]] = {
    group.tag: group
    for group in (ActivityGroup, PairGroup, ResourceGroup, TimeGroup, NumberGroup, CategoryGroup)
}
STATISTICS_CASES = 20_000
"""Medians and spreads are learned from at most so many cases, evenly spaced."""
IQR_OF_NORMAL = 1.349


@dataclass(frozen=True)
class CaseFeatures:
    """Case profiles.

    - `matrix`: float64 (cases, columns); centred and scaled when the configuration says so
    - `columns`: what each column is, its typical value with it
    - `center`, `scale`: (columns,); own units = matrix * scale + center
    - `spread`: (columns,), a usual difference between cases, in units of the matrix
    - `examples`: by position of a column that gathers rare values, the first of them in each case
    """

    matrix: NDArray[np.float64]
    columns: tuple[FeatureColumn, ...]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    spread: NDArray[np.float64]
    examples: dict[int, Examples]

    @property
    def n_cases(self) -> int:
        """Number of cases."""
        return len(self.matrix)

    @property
    def typical(self) -> NDArray[np.float64]:
        """The typical case, (columns,), in units of the matrix."""
        return (np.array([column.typical for column in self.columns]) - self.center) / self.scale

    def with_matrix(self, matrix: NDArray[np.float64]) -> CaseFeatures:
        """Other cases, (any, columns), in the same columns; without examples."""
        return dataclasses.replace(self, matrix=matrix, examples={})

    def sentence(self, case: int, column: int) -> str:
        """What a case's value in a column is, in process words."""
        value = float(self.matrix[case, column] * self.scale[column] + self.center[column])
        subject = other = ""
        if column in self.examples:
            cases, subjects, others = self.examples[column]
            at = int(np.searchsorted(cases, case))
            if at < len(cases) and cases[at] == case:
                subject, other = str(subjects[at]), str(others[at])
        return self.columns[column].sentence(value, subject, other)


class FeatureExtractor(Encoding[CaseFeatures]):
    """Turns a log into case profiles. Columns, vocabularies, medians and spreads are those of the training
    log; the row of a case depends on that case alone.
    """

    name = "case-profile"

    def __init__(self, config: FeatureConfig | None = None) -> None:
        self.config = config or FeatureConfig()
        self._groups: tuple[Group, ...] = ()
        self._columns: tuple[FeatureColumn, ...] = ()
        self._spread: NDArray[np.float64] = np.empty(0)

    def fit(self, log: LogLike) -> Self:
        """Learns vocabularies, columns and scales from the training log: anything that `read_log` takes.

        Raises LogError for a column it lacks.
        """
        log = read_log(log)
        for column in self.config.named:
            _require(log, column, "the features name")
        self._groups = tuple(_fitted(self.config, log))
        bare = [column for group in self._groups for column in group.columns]
        step = -(-log.n_cases // STATISTICS_CASES)
        raw, _examples = self._raw(
            log if step == 1 else log.take_cases(np.arange(0, log.n_cases, step)), bare
        )
        lower, typical, upper = np.quantile(np.ascontiguousarray(raw.T), [0.25, 0.5, 0.75], axis=1)
        self._columns = tuple(
            dataclasses.replace(column, typical=float(t)) for column, t in zip(bare, typical, strict=True)
        )
        self._spread = _spreads(raw, upper - lower, self._columns)
        return self

    def transform(self, log: LogLike) -> CaseFeatures:
        """Profiles (cases, columns) of any log: anything that `read_log` takes.

        LogError names a column that the training log had and this log lacks.
        """
        log = read_log(log)
        for column in self.required_columns():
            _require(log, column, "the model was trained with")
        matrix, examples = self._raw(log, self._columns)
        center, scale = np.zeros(len(self._columns)), np.ones(len(self._columns))
        spread = self._spread
        if self.config.use_normalization:
            center = np.array([column.typical for column in self._columns])
            scale, spread = self._spread, np.ones(len(self._columns))
            matrix -= center
            matrix /= scale
        return CaseFeatures(matrix, self._columns, center, scale, spread, examples)

    def _raw(
        self, log: EventLog, columns: Sequence[FeatureColumn]
    ) -> tuple[NDArray[np.float64], dict[int, Examples]]:
        matrix = np.zeros((log.n_cases, len(columns)))
        examples: dict[int, Examples] = {}
        start = 0
        for group in self._groups:
            group.fill(log, Block(matrix, start, examples))
            start += len(group.columns)
        return matrix, examples

    def state(self) -> dict[str, Any]:  # noqa: D102
        config = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self.config).items()}
        return {
            "config": config,
            "groups": [{"tag": group.tag, **group.state()} for group in self._groups],
            "typical": np.array([column.typical for column in self._columns]),
            "spread": self._spread,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:  # noqa: D102
        extractor = cls(FeatureConfig(**state["config"]))
        extractor._groups = tuple(
            GROUPS[s["tag"]].from_state({k: v for k, v in s.items() if k != "tag"}) for s in state["groups"]
        )
        bare = [column for group in extractor._groups for column in group.columns]
        extractor._columns = tuple(
            dataclasses.replace(column, typical=float(typical))
            for column, typical in zip(bare, state["typical"], strict=True)
        )
        extractor._spread = state["spread"]
        return extractor

    def required_columns(self) -> tuple[str, ...]:  # noqa: D102
        return tuple(dict.fromkeys(column for group in self._groups for column in group.required))

    def number_columns(self) -> tuple[str, ...]:  # noqa: D102
        return tuple(column for g in self._groups if isinstance(g, NumberGroup) for column in g.required)

    def vocabularies(self) -> dict[str, tuple[str, ...]]:  # noqa: D102
        return {name: values for group in self._groups for name, values in group.vocabulary.items()}


def _fitted(config: FeatureConfig, log: EventLog) -> Iterator[Group]:
    yield ActivityGroup.fit(log)
    yield PairGroup.fit(log)
    if log.resource_codes is not None:
        yield ResourceGroup.fit(log)
    if log.times is not None:
        yield TimeGroup.fit(log)
    for column in config.numerical_features:
        yield NumberGroup.fit(log, column)
    for column in config.categorical_features:
        if column not in (ACTIVITY, RESOURCE):
            yield CategoryGroup.fit(log, column)


def _require(log: EventLog, column: str, who: str) -> None:
    has = {TIMESTAMP: log.times is not None, RESOURCE: log.resource_codes is not None}
    if has.get(column, column in log.frame.columns):
        return
    near = nearest(column, (str(name) for name in log.frame.columns))
    raise LogError(
        f"the log has no column '{column}', which {who}",
        hint=f"did you mean '{near}'?" if near else "map one of the log's columns to it",
        context={"column": column},
    )


def _spreads(
    raw: NDArray[np.float64], ranges: NDArray[np.float64], columns: Sequence[FeatureColumn]
) -> NDArray[np.float64]:
    """A usual difference between cases, never zero.

    Counts: standard deviation, at least that of a column in which one more case held one; so what never
    happened in training weighs the more the more cases never had it. Measures: interquartile range as of
    a normal distribution, else standard deviation, else one.
    """
    deviation = raw.std(axis=0)
    measured = np.where(ranges > 0, ranges / IQR_OF_NORMAL, np.where(deviation > 0, deviation, 1.0))
    floor = 1.0 / np.sqrt(len(raw) + 1.0)
    is_measure = np.array([column.is_measure for column in columns])
    return np.where(is_measure, measured, np.maximum(deviation, floor))

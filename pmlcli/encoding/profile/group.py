"""What every group of profile columns does, and the block of the matrix that it fills."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.profile.column import FeatureColumn
from pmlcli.eventlog.log import EventLog

MINIMUM_SUPPORT = 2
"""Pairs in fewer training cases share a column with the pairs never seen, so that training, too, knows
what a rarity looks like."""

TABLE_SIZE = 1 << 22
"""Keys below this are looked up in a table, greater ones by binary search."""


class Examples(NamedTuple):
    """The first rare value of each case that has one: `cases` ascending, then its one or two names."""

    cases: NDArray[np.int64]
    subjects: NDArray[np.object_]
    others: NDArray[np.object_]


@dataclass(frozen=True)
class Block:
    """Some neighbouring columns, from `start`, of a matrix (cases, columns) that is still all zeros."""

    matrix: NDArray[np.float64]
    start: int
    examples: dict[int, Examples]

    def tally(self, cases: NDArray[np.int64], columns: NDArray[np.int64] | int) -> None:
        """Adds one to these cells; cells may repeat."""
        # A flat index takes numpy's fast path, a pair of indices does not.
        cells = cases * self.matrix.shape[1] + (self.start + columns)
        np.add.at(self.matrix.reshape(-1), cells, 1.0)

    def put(self, column: int, values: NDArray[Any]) -> None:
        """Sets a whole column, (cases,)."""
        self.matrix[:, self.start + column] = values

    def exemplify(
        self,
        column: int,
        cases: NDArray[np.int64],
        subjects: NDArray[np.object_],
        others: NDArray[np.object_],
    ) -> None:
        """Keeps the first row of each case as its example; rows stand in order of case."""
        distinct, first = np.unique(cases, return_index=True)
        self.examples[self.start + column] = Examples(distinct, subjects[first], others[first])


class Group(ABC):
    """Some columns of the profile: a frozen dataclass whose fields (text, numbers, tuples of text, arrays)
    are all that it learned.
    """

    tag: ClassVar[str]

    @property
    @abstractmethod
    def columns(self) -> list[FeatureColumn]:
        """Its columns in order."""

    @abstractmethod
    def fill(self, log: EventLog, block: Block) -> None:
        """Writes the values of a log's cases."""

    @property
    def required(self) -> tuple[str, ...]:
        """Columns of the frame that it needs, besides case_id and activity."""
        return ()

    @property
    def vocabulary(self) -> dict[str, tuple[str, ...]]:
        """Values it knows, by column of the frame."""
        return {}

    def state(self) -> dict[str, Any]:
        """Its fields, plain."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The inverse of `state`."""
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in state.items()})


def commonest(
    keys: NDArray[np.int64], cases: NDArray[np.int64], limit: int, support: int
) -> NDArray[np.int64]:
    """The at most `limit` keys that occur in most cases, ascending; in at least `support` cases each.

    `keys` and `cases` are (rows,); ties go to the smaller key.
    """
    if not len(keys):
        return np.empty(0, dtype=np.int64)
    known = distinct(keys)
    codes = column_of(keys, known) - 1
    once = distinct(codes + cases * len(known)) % len(known)
    counts = np.bincount(once, minlength=len(known))
    best = np.argsort(-counts, kind="stable")[:limit]
    return np.sort(known[best[counts[best] >= support]])


def distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The distinct values, ascending. np.unique hashes, which takes ten times as long on a million values."""
    ordered = np.sort(values)
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(ordered)]]


def column_of(keys: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.int64]:
    """1 + position of each key (not negative) in `known` (ascending), 0 for keys that it does not hold."""
    if not len(known):
        return np.zeros(len(keys), dtype=np.int64)
    top = max(int(known[-1]), int(keys.max(initial=0)))
    if top < TABLE_SIZE:
        table = np.zeros(top + 1, dtype=np.int64)
        table[known] = np.arange(1, len(known) + 1)
        return table[keys]
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[at] == keys, at + 1, 0)


def names_of(names: Sequence[str], codes: NDArray[Any]) -> NDArray[np.object_]:
    """The text of a log's own codes; MISSING (-1) is `<missing>`."""
    return np.asarray(np.array([*names, "<missing>"], dtype=object)[codes])

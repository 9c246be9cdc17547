"""What everything that is cut into cases by offsets has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)))


class CutIntoCases:
    """Events in a row, cut into cases: case i is rows `offsets[i]:offsets[i + 1]`."""

    if TYPE_CHECKING:
        offsets: NDArray[np.int64]

    @property
    def n_cases(self) -> int:
        """Number of cases."""
        return len(self.offsets) - 1

    @property
    def n_events(self) -> int:
        """Number of events."""
        return int(self.offsets[-1])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Events of each case, (cases,)."""
        return np.diff(self.offsets)

    @property
    def case_of_event(self) -> NDArray[np.int64]:
        """Index of the case of each event, (events,)."""
        return np.repeat(np.arange(self.n_cases), self.lengths)

    @property
    def position(self) -> NDArray[np.int64]:
        """0-based position of each event in its case, (events,)."""
        return np.arange(self.n_events) - np.repeat(self.offsets[:-1], self.lengths)

    def prefix_keys(self, codes: NDArray[Any]) -> NDArray[np.uint64]:
        """One number for the codes (-1 or more) of each event and those before it in its case, (events,).

        64 bits: two different prefixes share a number by chance once in billions.
        """
        sums = np.cumsum(mixed(self.position, codes))
        before = np.concatenate((np.zeros(1, dtype=np.uint64), sums))[self.offsets[:-1]]
        return np.asarray(sums - np.repeat(before, self.lengths))


def mixed(place: NDArray[np.int64], codes: NDArray[Any]) -> NDArray[np.uint64]:
    """A number as good as random for a code (-1 or more) at a place (0 or more); their sums tell sequences
    apart. The finaliser of splitmix64 (Steele, Lea and Flood, 2014).
    """
    found = ((place.astype(np.uint64) << np.uint64(32)) + (codes + 1).astype(np.uint64)) * _STEP
    for shift, factor in _MIX:
        found = (found ^ (found >> np.uint64(shift))) * factor
    return found ^ (found >> np.uint64(31))

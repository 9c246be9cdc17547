"""What everything that is cut into cases by offsets has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray


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

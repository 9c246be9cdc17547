"""Times of the distinct values of a column."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass
class Distinct:
    """Times of a column's distinct values, before they are spread over its rows."""

    micros: Ints
    valid: Flags
    naive: Flags
    finer: Flags
    offsets: NDArray[np.int16]
    notes: list[tuple[str, Flags]] = field(default_factory=list)
    rest: Ints | None = None

    @classmethod
    def empty(cls, n: int) -> Distinct:
        """Of n values, none of which is a time yet."""
        none = np.zeros(n, dtype=bool)
        return cls(np.zeros(n, dtype=np.int64), none, none.copy(), none.copy(), np.zeros(n, dtype=np.int16))

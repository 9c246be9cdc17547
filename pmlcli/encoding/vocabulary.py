"""Text to codes: a fixed code for each value seen in training, one for the unseen, one for the missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.log import MISSING

UNSEEN_CODE = 0
MISSING_CODE = 1
FIRST_CODE = 2
COMMON_VALUES = 50
"""Of an attribute's values only so many, the commonest, have a code where an encoding bounds them; the others
count as unseen."""


@dataclass(frozen=True)
class Vocabulary:
    """The values of one column seen in training, sorted; value i has code `FIRST_CODE + i`."""

    values: tuple[str, ...]

    @classmethod
    def of(cls, names: Sequence[str], codes: NDArray[Any]) -> Vocabulary:
        """The values that occur in `codes` (positions in `names`, `MISSING` left out)."""
        present = np.unique(codes[codes != MISSING])
        return cls(tuple(sorted(names[i] for i in present)))

    @property
    def size(self) -> int:
        """Number of codes, those of the unseen and the missing included."""
        return FIRST_CODE + len(self.values)

    def encode(self, names: Sequence[str], codes: NDArray[Any]) -> NDArray[np.int64]:
        """A log's own codes (positions in `names`, `MISSING` for none) as this vocabulary's codes."""
        position = {value: FIRST_CODE + i for i, value in enumerate(self.values)}
        # The last slot answers MISSING, which is index -1.
        table = [position.get(name, UNSEEN_CODE) for name in names] + [MISSING_CODE]
        return np.asarray(table, dtype=np.int64).take(codes, mode="wrap")

    def name_of(self, code: int) -> str:
        """The text of a code, as people read it."""
        if code >= FIRST_CODE:
            return self.values[code - FIRST_CODE]
        return "<unseen>" if code == UNSEEN_CODE else "<missing>"


class Texts(NamedTuple):
    """The values of one column as a log has them, also those that no vocabulary knows."""

    names: Sequence[str]
    codes: NDArray[Any]

    def of(self, event: int) -> str:
        """The text of an event's value."""
        code = int(self.codes[event])
        return "<missing>" if code == MISSING else self.names[code]

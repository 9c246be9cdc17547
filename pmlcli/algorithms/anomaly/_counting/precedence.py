"""What stands before what in a case: activities missing before an event, and ones that should not be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms.anomaly._counting.context import runs
from pmlcli.arrays import Codes, Floats

CELLS = 4_000_000
"""Events times activities that are held at a time; no score depends on it."""
PRIOR = 0.5


class Findings(NamedTuple):
    """Of each event, (events,): how strange the absence of an activity before it is and which activity that
    is, as far as no earlier event of the case has shown it; how strange a presence, and whose.
    """

    missing: Floats
    missed: Codes
    extra: Floats
    surplus: Codes


@dataclass(frozen=True)
class Precedence:
    """Of `totals`[a] events of activity a, `before`[a, b] had activity b somewhere before them."""

    before: Codes
    totals: Codes

    @classmethod
    def fit(cls, codes: Codes, offsets: Codes, size: int) -> Precedence:
        """Counts what came before what."""
        counts = np.zeros(size * size, dtype=np.int64)
        for block in _blocks(offsets, size):
            part = codes[offsets[block.start] : offsets[block.stop]]
            event, activity = np.nonzero(_is_before(part, offsets[block.start : block.stop + 1], size))
            counts += np.bincount(part[event] * size + activity, minlength=size * size)
        return cls(counts.reshape(size, size), np.bincount(codes, minlength=size))

    def find(self, codes: Codes, offsets: Codes) -> Findings:
        """What is missing and what is too much before each event; log-odds, itself left out of the counts."""
        levels, ranks = self._absence()
        presence = self._presence()
        found = [
            self._find(codes, offsets, block, levels, ranks, presence)
            for block in _blocks(offsets, len(ranks))
        ]
        return Findings(*(np.concatenate(pieces) for pieces in zip(*found, strict=True)))

    def _absence(self) -> tuple[Floats, Codes]:
        """Log-odds that b stands before a, where above even: the distinct ones from 0, and (a, b) ranks."""
        others = np.maximum(self.totals - 1, 0)[:, None]
        present = np.minimum(self.before, others)
        odds = np.maximum(np.log((present + PRIOR) / (others - present + PRIOR)), 0.0)
        levels = np.unique(np.append(odds, 0.0))
        return levels, np.searchsorted(levels, odds)

    def _presence(self) -> Floats:
        """Log-odds that b does not stand before a, where above even, (a, b)."""
        others = np.maximum(self.totals - 1, 0)[:, None]
        present = np.maximum(self.before - 1, 0)
        return np.maximum(np.log((others - present + PRIOR) / (present + PRIOR)), 0.0)

    def _find(
        self, codes: Codes, offsets: Codes, block: range, levels: Floats, ranks: Codes, presence: Floats
    ) -> Findings:
        own = offsets[block.start : block.stop + 1] - offsets[block.start]
        part = codes[offsets[block.start] : offsets[block.stop]]
        before = _is_before(part, own, len(ranks))
        rank = ranks[part]
        shown = _highest_before(rank, own, len(levels))
        # Only what exceeds what earlier events of the case have shown: one gap is one finding.
        gap = (rank > shown) & ~before
        missing = np.zeros(before.shape)
        missing[gap] = levels[rank[gap]] - levels[shown[gap]]
        extra = np.where(before, presence[part], 0.0)
        missed, surplus = missing.argmax(axis=1), extra.argmax(axis=1)
        rows = np.arange(len(part))
        return Findings(missing[rows, missed], missed, extra[rows, surplus], surplus)


def _blocks(offsets: Codes, size: int) -> Iterator[range]:
    return runs(offsets, max(CELLS // size, 1))


def _is_before(codes: Codes, offsets: Codes, size: int) -> NDArray[np.bool_]:
    """Whether each activity stands somewhere before each event in its case, (events, activities)."""
    offsets = offsets - offsets[0]
    case = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    pairs, first = np.unique(case * size + codes, return_index=True)
    firsts = np.full(((len(offsets) - 1) * size), len(codes), dtype=np.int64)
    firsts[pairs] = first
    return firsts.reshape(-1, size)[case] < np.arange(len(codes))[:, None]


def _highest_before(ranks: Codes, offsets: Codes, limit: int) -> Codes:
    """The highest rank of each column among the case's earlier events, 0 for the first, (events, columns)."""
    base = (np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)) * limit)[:, None]
    # Whole numbers that grow from case to case, so that one running maximum serves all cases.
    highest = np.maximum.accumulate(ranks + base, axis=0) - base
    before = np.zeros_like(ranks)
    before[1:] = highest[:-1]
    before[offsets[:-1]] = 0
    return before

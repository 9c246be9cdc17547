"""States of a case, and the quantiles of the time that remained in each; with back-off to coarser ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms.remaining_time._quantiles import empirical
from pmlcli.arrays import Floats
from pmlcli.encoding.events.sequences import Sequences
from pmlcli.eventlog.cases import mixed

Keys = NDArray[np.uint64]
Abstraction = Literal["sequence", "multiset", "set"]

ANYWHERE = np.uint64(0)
_WINDOWS = 1_000_000
"""Places of a window's hash begin here, so that no window has the key of a whole prefix."""


def window_keys(data: Sequences, order: int, kind: Abstraction = "sequence") -> list[Keys]:
    """Of each event, the keys of no activity, the last one, the last two, ..., the last `order`.

    As they stand (sequence), how often each occurs (multiset), or which occur (set).
    """
    keys = [np.full(data.n_events, ANYWHERE)]
    sums, seen = np.zeros(data.n_events, dtype=np.uint64), np.zeros((data.n_events, 0), dtype=np.int64)
    for back in range(order):
        codes = np.where(data.position >= back, np.roll(data.activity, back), -1)
        is_new = (seen != codes[:, None]).all(axis=1) if kind == "set" else True
        place = back if kind == "sequence" else 0
        kinds = ("sequence", "multiset", "set").index(kind)
        added = mixed(np.full(data.n_events, _WINDOWS * (1 + kinds) + place), codes)
        sums = sums + np.where(is_new, added, np.uint64(0))
        seen = np.column_stack([seen, codes]) if kind == "set" else seen
        depth = mixed(np.full(1, _WINDOWS * 9 + back), np.zeros(1, dtype=np.int64))
        keys.append(sums + depth)
    return keys


def learn_states(keys: Sequence[Keys], seconds: Floats, least: int) -> tuple[Keys, Floats]:
    """States (ascending keys) with `least` examples or more, and the quantiles of each, (states, levels)."""
    found = [empirical(seconds, level) for level in keys]
    kept = [(counts >= least) | (names == ANYWHERE) for names, counts, _quantiles in found]
    names = np.concatenate([one[0][keep] for one, keep in zip(found, kept, strict=True)])
    quantiles = np.concatenate([one[2][keep] for one, keep in zip(found, kept, strict=True)])
    order = np.argsort(names, kind="stable")
    return names[order], quantiles[order]


def look_up(states: Keys, quantiles: Floats, keys: Sequence[Keys]) -> Floats:
    """The quantiles of the finest known state of each row; `keys` from coarse, known to all, to fine."""
    place = np.zeros(len(keys[0]), dtype=np.int64)
    for level in keys:
        at = np.minimum(np.searchsorted(states, level), len(states) - 1)
        place = np.where(states[at] == level, at, place)
    return np.asarray(quantiles[place])

"""How small p-values are where nothing changed: blocks of both samples are dealt anew. Knows no log.

Features move together, a few weeks are unlike all others, and logs are short: no formula knows how often the
smallest of many p-values falls below a bound then. Where the process is the same in both samples, which
blocks of time are the new ones is chance, so dealing them anew shows it (after Westfall and Young, 1993).
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

from pmlcli.arrays import Floats
from pmlcli.evaluation.drift import Pool, differences, p_values

FEWEST_DEALS = 15
"""Where blocks can be dealt in fewer other ways, dealing tells nothing."""
MOST_DEALS = 5_000
LISTED = 0.2
"""What is listed beside what raised the alarm is at most at this rate."""
_LOOSEST = 0.5
_DEALS = 499
_AT_ONCE = 250_000


def smallest(found: Floats) -> Floats:
    """The smallest rate of false discoveries at which any p-value counts, (P,) of (P, K) (Simes, 1986)."""
    size = found.shape[1]
    if not size:
        return np.ones(len(found))
    return np.asarray((np.sort(found, axis=1) * size / np.arange(1, size + 1)).min(axis=1))


def bound(pool: Pool, found: Floats, alarms: float) -> float:
    """The rate of false discoveries to list p-values by, 0 where none count: a stable process gives any in at
    most this share of comparisons. Where blocks are too few, p-values are taken at their word.
    """
    n_all, n_new = pool.x.shape[1], pool.x.shape[1] - pool.n_old
    if comb(n_all, n_new) <= FEWEST_DEALS:
        return alarms
    lowest = float(smallest(found[np.newaxis])[0])
    if lowest > _LOOSEST:
        return 0.0
    dealt = np.sort(_dealt(pool, _deals(n_all, n_new, min(max(_DEALS, round(10 / alarms)), MOST_DEALS))))
    place = int(alarms * (len(dealt) + 1))
    # So few deals cannot tell of so rare an alarm: p-values must be small enough by themselves as well.
    allowed = dealt[place - 1] if place else min(dealt[0], alarms)
    return max(lowest, min(allowed, LISTED)) if lowest < allowed else 0.0


def _deals(n_all: int, n_new: int, wanted: int) -> NDArray[np.bool_]:
    """Other ways to say which stretches are new, at random but always the same, (P, stretches)."""
    rng = np.random.Generator(np.random.PCG64(0))
    order = np.argsort(rng.random((wanted, n_all)), axis=1, kind="stable")
    deals = np.unique(order < n_new, axis=0)
    own = np.arange(n_all) >= n_all - n_new
    return np.asarray(deals[(deals != own).any(axis=1)])


def _dealt(pool: Pool, deals: NDArray[np.bool_]) -> Floats:
    """The smallest rate of each deal, (P,)."""
    step = max(_AT_ONCE // len(pool.x), 1)
    parts = [deals[start : start + step] for start in range(0, len(deals), step)]
    return np.concatenate([smallest(p_values(pool, *differences(pool, part))) for part in parts])

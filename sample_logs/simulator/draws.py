"""Random draws that are the same on every platform and with every numpy.

Only the raw 64-bit words of PCG64 are used: numpy promises that stream for good, and promises no other
method of its generators. What follows is integer arithmetic, so no mathematical library has a say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

KNOTS = 256
KNOT_BITS = 24


@cache
def lognormal_seconds(median_seconds: float, sigma: float) -> Ints:
    """The quantiles of a lognormal distribution at (KNOTS + 1) equal steps, cut at 0.2 % and 99.8 %.

    Rounded to whole seconds: the last bit of a platform's `exp` is lost in the rounding.
    """
    normal = NormalDist()
    levels = [min(max(step / KNOTS, 0.002), 0.998) for step in range(KNOTS + 1)]
    quantiles = [round(median_seconds * math.exp(sigma * normal.inv_cdf(level))) for level in levels]
    return np.array(quantiles, dtype=np.int64)


class Draws:
    """A stream of random whole numbers, seeded."""

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(list(seed)))

    def uniform(self, size: int) -> Ints:
        """Whole numbers from 0 to 2**32 - 1, (size,)."""
        words: NDArray[np.uint64] = self._bits.random_raw(size)
        return (words >> np.uint64(32)).astype(np.int64)

    def below(self, bound: int, size: int) -> Ints:
        """Whole numbers from 0 to `bound - 1`, (size,)."""
        return (self.uniform(size) * bound) >> 32

    def one_below(self, bound: int) -> int:
        """One whole number from 0 to `bound - 1`."""
        return int(self.below(bound, 1)[0])

    def chance(self, permille: int | Ints, size: int) -> Mask:
        """True with this probability, (size,)."""
        hit: Mask = self.below(1000, size) < permille
        return hit

    def weighted(self, weights: Sequence[int] | Ints, size: int) -> Ints:
        """Positions in `weights`, each as often as it weighs, (size,)."""
        cumulated = np.cumsum(np.asarray(weights, dtype=np.int64))
        return np.searchsorted(cumulated, self.below(int(cumulated[-1]), size), side="right").astype(np.int64)

    def lognormal(self, median_seconds: float, sigma: float, size: int) -> Ints:
        """Seconds with this median and spread, skewed to the right, (size,)."""
        table = lognormal_seconds(median_seconds, sigma)
        draw = self.uniform(size)
        knot, rest = draw >> KNOT_BITS, draw & ((1 << KNOT_BITS) - 1)
        seconds: Ints = table[knot] + (((table[knot + 1] - table[knot]) * rest) >> KNOT_BITS)
        return seconds

    def order(self, size: int) -> Ints:
        """The numbers 0 to `size - 1` in random order, (size,)."""
        return np.argsort(self.uniform(size), kind="stable").astype(np.int64)

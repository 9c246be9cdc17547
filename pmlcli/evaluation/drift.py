"""Whether two samples of cases differ beyond chance, for many features at once. Knows no log.

A feature is a ratio: of what a case has (`x`: events of an activity) to what it is counted among (`d`: all
its events). Cases are independent units, their events are not; and weeks differ from each other more than
their cases tell, also where nothing changed. Both spreads are estimated from sums over cases and over blocks
of time, so a reference holds sums alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, stdtr, stdtrit

from pmlcli.arrays import Floats

FEWEST_CASES = 10
"""A feature that fewer cases of both samples together have is not tested."""
_SCALES = (1, 2, 4)
"""Blocks are looked at alone and as two and four in a row: what moves slowly shows in the longer ones."""
_FEWEST_BLOCKS = 4
_BORROWED = 6.0
"""As much as so many blocks is the spread between blocks of all features of a group worth for each one."""


@dataclass(frozen=True)
class Sums:
    """Sums over the cases of a sample, for each of K features.

    - `cases`: (K,) cases with any of `x`
    - `x`, `xx`, `xd`, `d`, `dd`: (K,) sums of what is counted, its square, and so on
    - `blocks`, `weights`: (K, blocks) sums of `x` and of `d` by block of time
    """

    cases: Floats
    x: Floats
    xx: Floats
    xd: Floats
    d: Floats
    dd: Floats
    blocks: Floats
    weights: Floats

    def squares(self, ratio: Floats) -> Floats:
        """Sum over cases of the squared distance from a ratio, (K,)."""
        return np.maximum(self.xx - 2.0 * ratio * self.xd + ratio**2 * self.dd, 0.0)


@dataclass(frozen=True)
class Changes:
    """How K features differ: ratios before and now, the interval of their difference, and how likely a
    difference as large is by chance (1 for what cannot be tested).
    """

    before: Floats
    now: Floats
    lower: Floats
    upper: Floats
    p_value: Floats

    @property
    def change(self) -> Floats:
        """Now less before, (K,)."""
        return self.now - self.before


def compare(old: Sums, new: Sums, *, cases: float, span: float, confidence: float = 0.95) -> Changes:
    """The differences of a new sample from an old one.

    `cases` are those of both samples; `span` is how many of the old one's blocks of time the new one takes.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        before, now = old.x / old.d, new.x / new.d
        pooled = (old.x + new.x) / (old.d + new.d)
        unit = (old.squares(pooled) + new.squares(pooled)) / (old.d + new.d)
        within = unit * (1.0 / old.d + 1.0 / new.d)
        between, freedom = _between(old, span)
        variance = within + between
        degrees = variance**2 / (between**2 / freedom + within**2 / max(cases - 2.0, 1.0))
        error = np.sqrt(variance)
        p_value = 2.0 * stdtr(degrees, -np.abs(now - before) / error)
    is_tested = (old.cases + new.cases >= FEWEST_CASES) & (old.d > 0) & (new.d > 0) & (error > 0)
    margin = error * stdtrit(np.where(is_tested, degrees, 1.0), 0.5 + confidence / 2.0)
    p_value = np.where(is_tested, p_value, 1.0)
    return Changes(before, now, now - before - margin, now - before + margin, p_value)


def _between(old: Sums, span: float) -> tuple[Floats, Floats]:
    """The variance of the difference that comes of blocks of time, and its degrees of freedom, (K,) each.

    The largest that blocks of one, two or four give.
    """
    variance, freedom = np.zeros(len(old.x)), np.ones(len(old.x))
    for scale in _SCALES:
        x, d = _merged(old.blocks, scale), _merged(old.weights, scale)
        count = (d > 0).sum(axis=1)
        if d.shape[1] < _FEWEST_BLOCKS and scale > 1:
            break
        spread = _borrowed(_between_blocks(old, x, d), count)
        share_of_blocks = (d**2).sum(axis=1) / old.d**2
        found = np.nan_to_num(spread * (scale / span + share_of_blocks))
        freedom = np.where(found > variance, np.maximum(count - 1.0, 1.0), freedom)
        variance = np.maximum(variance, found)
    return variance, freedom


def _merged(values: Floats, scale: int) -> Floats:
    starts = np.arange(0, values.shape[1], scale)
    return np.add.reduceat(values, starts, axis=1)


def _between_blocks(old: Sums, x: Floats, d: Floats) -> tuple[Floats, Floats]:
    """The variance of a block's ratio beyond what its cases explain (DerSimonian and Laird, 1986), and what
    its cases explain in a middling block. Below zero where blocks differ less than that.
    """
    ratio = (old.x / old.d)[:, np.newaxis]
    unit = old.squares(old.x / old.d) / old.d
    count = (d > 0).sum(axis=1)
    observed = (np.where(d > 0, (x - ratio * d) ** 2 / d, 0.0)).sum(axis=1)
    spare = old.d - (d**2).sum(axis=1) / old.d
    found = np.where(spare > 0, (observed - unit * (count - 1)) / spare, 0.0)
    return found, unit * count / old.d


def _borrowed(found: tuple[Floats, Floats], count: NDArray[np.int64]) -> Floats:
    """A feature's own variance between blocks, drawn towards what all features of its group have."""
    own, explained = found
    is_known = explained > 0
    if not is_known.any():
        return np.maximum(own, 0.0)
    typical = max(float((own[is_known] / explained[is_known]).mean()), 0.0) * explained
    weight = np.maximum(count - 1.0, 0.0)
    together = (own * weight + typical * _BORROWED) / (weight + _BORROWED)
    return np.asarray(np.maximum(np.nan_to_num(together), 0.0))


def counted_p_values(old: Floats, new: Floats, share: float) -> Floats:
    """How likely as uneven a split of cases between both samples is by chance, (K,): the exact binomial, for
    features that few cases have. `share` is the new sample's share of all cases.
    """
    total = old + new
    with np.errstate(invalid="ignore"):
        low = bdtr(new, total.astype(np.int64), share)
        high = np.where(new > 0, bdtrc(np.maximum(new - 1, 0), total.astype(np.int64), share), 1.0)
    return np.asarray(np.where(total > 0, np.minimum(2.0 * np.minimum(low, high), 1.0), 1.0))


def discoveries(p_values: Floats, rate: float) -> NDArray[np.bool_]:
    """Which differences count where at most this share of those that do may be false (Benjamini and Hochberg,
    1995). Where nothing differs, any does in at most this share of comparisons.
    """
    order = np.argsort(p_values, kind="stable")
    passes = np.flatnonzero(p_values[order] <= rate * np.arange(1, len(order) + 1) / max(len(order), 1))
    chosen = np.zeros(len(p_values), dtype=np.bool_)
    chosen[order[: passes[-1] + 1 if len(passes) else 0]] = True
    return chosen


def onset(x: Floats, d: Floats, before: float) -> int:
    """Index of the window in which a change began: from there on sums differ most from the old ratio."""
    excess, among = np.cumsum((x - before * d)[::-1])[::-1], np.cumsum(d[::-1])[::-1]
    strength = np.where(among > 0, excess**2 / np.maximum(among, 1e-9), 0.0)
    return int(np.argmax(strength))

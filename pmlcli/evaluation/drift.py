"""Whether two samples of cases differ beyond chance, for many features at once. Knows no log.

A feature is a ratio: of what a case has (`x`: events of an activity) to what it is counted among (`d`: all
its events). Cases are independent units, their events are not; and weeks differ from each other more than
their cases tell, also where nothing changed. Both spreads are estimated from sums over cases and over blocks
of time, so a reference holds sums alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, stdtr, stdtrit

from pmlcli.arrays import Floats

FEWEST_CASES = 10
"""A feature that fewer cases of both samples together have is not tested."""
_WINDOW = 3
"""Blocks in a row that are held against single ones, to see how slowly things move."""
_FEWEST_WINDOWS = 4
_MOST_PERSISTENT = 4.0
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


def compare(
    old: Sums, new: Sums, *, cases: float, span: float, persistence: float = 1.0, confidence: float = 0.95
) -> Changes:
    """The differences of a new sample from an old one.

    `cases` are those of both samples; `span` is how many of the old one's blocks of time the new one takes;
    `persistence` as the function of this name gives it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        before, now = old.x / old.d, new.x / new.d
        pooled = (old.x + new.x) / (old.d + new.d)
        unit = (old.squares(pooled) + new.squares(pooled)) / (old.d + new.d)
        within = unit * (1.0 / old.d + 1.0 / new.d)
        share_of_blocks = (old.weights**2).sum(axis=1) / old.d**2
        between = _between(old) * persistence * (1.0 / span + share_of_blocks)
        error = np.sqrt(within + between)
        # Blocks may differ in other ways than by cases that are independent and by a spread of their own, so
        # no more is taken to be known of either than so many blocks can tell.
        degrees = np.minimum(_freedom(old), max(cases - 2.0, 1.0))
        p_value = 2.0 * stdtr(degrees, -np.abs(now - before) / error)
    is_tested = (old.cases + new.cases >= FEWEST_CASES) & (old.d > 0) & (new.d > 0) & (error > 0)
    margin = error * stdtrit(np.where(is_tested, degrees, 1.0), 0.5 + confidence / 2.0)
    p_value = np.where(is_tested, p_value, 1.0)
    return Changes(before, now, now - before - margin, now - before + margin, p_value)


def persistence(groups: Sequence[Sums]) -> float:
    """How many times as uncertain the mean of some blocks in a row is as if each block varied by itself.

    One number for all features: it is the variance between blocks three in a row, times three, over that
    between single ones, with each group of features counted once. 1 where blocks are too few to tell.
    """
    if not groups or groups[0].blocks.shape[1] < _FEWEST_WINDOWS * _WINDOW:
        return 1.0
    single = sum(_relative(old, 1) for old in groups)
    longer = sum(_relative(old, _WINDOW) for old in groups) * _WINDOW
    return min(max(longer / single, 1.0), _MOST_PERSISTENT) if single > 0.0 else 1.0


def _relative(old: Sums, length: int) -> float:
    """What blocks of this length vary by beyond their cases, over what single blocks do by their cases; the
    mean over features.
    """
    found, explained = _between_blocks(old, length), _explained(old)
    return float(np.where(explained > 0, found / np.where(explained > 0, explained, 1.0), 0.0).mean())


def _between_blocks(old: Sums, length: int) -> Floats:
    """The variance of the ratio of so many blocks in a row beyond what their cases explain, (K,), from all
    such stretches (after DerSimonian and Laird, 1986). Below zero where they differ less than that.
    """
    x, d = _stretches(old.blocks, length), _stretches(old.weights, length)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = old.x / old.d
        unit = old.squares(ratio) / old.d
        observed = np.where(d > 0, (x - ratio[:, np.newaxis] * d) ** 2 / d, 0.0).sum(axis=1)
        total = d.sum(axis=1)
        spare = total - (d**2).sum(axis=1) / old.d
        expected = unit * ((d > 0).sum(axis=1) - total / old.d)
        return np.asarray(np.nan_to_num(np.where(spare > 0, (observed - expected) / spare, 0.0)))


def _stretches(values: Floats, length: int) -> Floats:
    """Sums of each so many blocks in a row, (K, stretches)."""
    summed = np.concatenate((np.zeros((len(values), 1)), np.cumsum(values, axis=1)), axis=1)
    return np.asarray(summed[:, length:] - summed[:, :-length])


def _explained(old: Sums) -> Floats:
    """The variance that its cases give the ratio of a middling block, (K,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = old.squares(old.x / old.d) / old.d
        return np.asarray(np.nan_to_num(unit * (old.weights > 0).sum(axis=1) / old.d))


def _between(old: Sums) -> Floats:
    """A feature's own variance between blocks, drawn towards what all features of its group have, (K,)."""
    own, explained = _between_blocks(old, 1), _explained(old)
    is_known = explained > 0
    if not is_known.any():
        return np.maximum(own, 0.0)
    typical = max(float((own[is_known] / explained[is_known]).mean()), 0.0) * explained
    weight = np.maximum((old.weights > 0).sum(axis=1) - 1.0, 0.0)
    return np.asarray(np.maximum((own * weight + typical * _BORROWED) / (weight + _BORROWED), 0.0))


def _freedom(old: Sums) -> Floats:
    """Degrees of freedom of what blocks tell, (K,); many where there is one block alone, as without times."""
    count = (old.weights > 0).sum(axis=1)
    return np.where(count > 1, np.maximum(count - 1.0, 2.0), np.inf)


def could_change(old: Sums, new: Sums, least: float) -> NDArray[np.bool_]:
    """Which shares could differ by as much as this, given how many there are in both samples together, (K,).

    What is too rare, or nearly always so, need not be tested: whether it is depends on the sum of both alone.
    """
    total, among = old.x + new.x, old.d + new.d
    with np.errstate(divide="ignore", invalid="ignore"):
        smaller = np.minimum(old.d, new.d)
        most = np.minimum(total, among - total) / smaller
    return np.asarray(np.nan_to_num(most) >= least)


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

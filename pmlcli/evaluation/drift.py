"""Whether two samples of cases differ beyond chance, for many features at once. Knows no log.

A feature is a ratio: of what a case has (`x`: events of an activity) to what it is counted among (`d`: all
its events). Cases are independent units, their events are not; and weeks differ from each other more than
their cases tell, also where nothing changed. Both spreads are estimated from sums over cases and over blocks
of time, so a reference holds sums alone. How large the largest of many differences is by chance is found by
dealing the blocks of both samples anew (`shuffled.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit, xlogy

from pmlcli.arrays import Codes, Floats

FEWEST_CASES = 10
"""A feature that fewer cases of both samples together have is not tested."""
_STRETCHES = 7
"""Blocks are joined as long as the old sample keeps so many: neighbouring weeks are alike."""
_STEP, _LARGEST, _SMALLEST = 0.02, 60.0, 1e-300
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

    def take(self, which: Codes) -> Sums:
        """Of these features alone."""
        return Sums(*(getattr(self, one.name)[which] for one in fields(self)))


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

    def part(self, which: slice) -> Changes:
        """Of these features alone."""
        return Changes(*(getattr(self, one.name)[which] for one in fields(self)))


@dataclass(frozen=True)
class Pool:
    """Two samples of K features, by B blocks of time: first the old one's, then the new one's.

    - `x`, `d`: (K, B) what is counted, and among what
    - `unit`: (K,) the variance that cases give the ratio, times what they are counted among
    - `worth`: (K,) how many cases each counted one is worth; 0 for numbers, which are not counted
    - `cases`: (K,) cases of both samples with any of `x`
    - `family`: (K,) number of the group of features that each belongs to
    - `n_old`: blocks of the old sample
    """

    x: Floats
    d: Floats
    unit: Floats
    worth: Floats
    cases: Floats
    family: Codes
    n_old: int

    @property
    def is_new(self) -> NDArray[np.bool_]:
        """Which blocks are the new sample's, (B,)."""
        return np.arange(self.x.shape[1]) >= self.n_old

    def in_stretches(self) -> Pool:
        """The same by stretches of several blocks: weeks in a row are alike, and only what is not may be
        dealt anew.
        """
        n_all = self.x.shape[1]
        length = min(max(self.n_old // _STRETCHES, 1), max(n_all - self.n_old, 1))
        starts = np.concatenate((np.arange(0, self.n_old, length), np.arange(self.n_old, n_all, length)))
        x, d = (np.add.reduceat(one, starts, axis=1) for one in (self.x, self.d))
        return replace(self, x=x, d=d, n_old=int((starts < self.n_old).sum()))

    def latest(self) -> Pool:
        """The old sample beside the last block alone: what began lately is a small part of the new one."""
        held = np.append(np.arange(self.n_old), self.x.shape[1] - 1)
        return replace(self, x=self.x[:, held], d=self.d[:, held])

    @property
    def n_blocks(self) -> Floats:
        """Blocks that have a feature's cases, (K,)."""
        return np.asarray((self.d > 0).sum(axis=1), dtype=np.float64)

    @property
    def degrees(self) -> Floats:
        """Degrees of freedom of what blocks tell, (K,); many where each sample is one block, as without
        times.
        """
        return np.where(self.n_blocks > 2, np.maximum(self.n_blocks - 2.0, 2.0), np.inf)


def pooled(samples: Sequence[tuple[Sums, Sums]], counted: Sequence[bool]) -> Pool:
    """The features of several groups, old and new each, as one; which groups are of counted things."""
    olds, news = [old for old, _ in samples], [new for _, new in samples]
    sizes = [len(old.x) for old in olds]
    total = {
        name: _joined(olds, name) + _joined(news, name) for name in ("cases", "x", "xx", "xd", "d", "dd")
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(total["x"] / total["d"])
        squares = total["xx"] - 2.0 * ratio * total["xd"] + ratio**2 * total["dd"]
        unit = np.nan_to_num(np.maximum(squares, 0.0) / total["d"])
        worth = np.nan_to_num(total["x"] / total["xx"]) * np.repeat(counted, sizes)
    return Pool(
        np.concatenate((_joined(olds, "blocks"), _joined(news, "blocks")), axis=1),
        np.concatenate((_joined(olds, "weights"), _joined(news, "weights")), axis=1),
        unit,
        worth,
        total["cases"],
        np.repeat(np.arange(len(sizes)), sizes),
        olds[0].blocks.shape[1],
    )


def _joined(samples: Sequence[Sums], name: str) -> Floats:
    return np.concatenate([getattr(one, name) for one in samples])


@dataclass(frozen=True)
class _Side:
    """One sample of each of P ways to deal the blocks: sums over its blocks, each (P, K)."""

    x: Floats
    d: Floats
    dd: Floats
    ratios: Floats
    """Of `x` squared over `d`."""
    blocks: Floats

    @property
    def spread(self) -> Floats:
        """How far blocks lie from the sample's ratio, weighed by what they count among."""
        return np.maximum(self.ratios - self.x**2 / self.d, 0.0)

    @property
    def spare(self) -> Floats:
        """How much of `spread` a variance of one between blocks makes."""
        return self.d - self.dd / self.d


def _sides(pool: Pool, is_new: NDArray[np.bool_]) -> tuple[_Side, _Side]:
    ratios = pool.x**2 / np.where(pool.d > 0, pool.d, 1.0)
    terms = (pool.x, pool.d, pool.d**2, ratios, (pool.d > 0).astype(np.float64))
    dealt = is_new.astype(np.float64)
    new = _Side(*(dealt @ one.T for one in terms))
    rest = 1.0 - dealt
    return _Side(*(rest @ one.T for one in terms)), new


def differences(pool: Pool, is_new: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Ratios before and now, and the standard error of their difference, each (P, K), for P ways to say which
    blocks are new, (P, B).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        old, new = _sides(pool, is_new)
        between = _between(pool, old, new) * (old.dd / old.d**2 + new.dd / new.d**2)
        error = np.sqrt(pool.unit * (1.0 / old.d + 1.0 / new.d) + between)
        return old.x / old.d, new.x / new.d, np.maximum(error, _least_error(pool, old, new))


def _between(pool: Pool, old: _Side, new: _Side) -> Floats:
    """The variance between blocks of one sample beyond what cases explain (after DerSimonian and Laird,
    1986), drawn towards what all features of the group have, (P, K).
    """
    explained = pool.unit * pool.n_blocks / pool.d.sum(axis=1)
    expected = pool.unit * np.maximum(old.blocks + new.blocks - 2.0, 0.0)
    spare = np.nan_to_num(old.spare) + np.nan_to_num(new.spare)
    own = np.nan_to_num(old.spread) + np.nan_to_num(new.spread) - expected
    own = np.where(spare > 0, own / np.where(spare > 0, spare, 1.0), 0.0)
    is_known = explained > 0
    relative = np.where(is_known, own / np.where(is_known, explained, 1.0), 0.0)
    member = (pool.family[:, np.newaxis] == np.arange(pool.family.max() + 1)) & is_known[:, np.newaxis]
    typical = (
        np.maximum(relative @ member / np.maximum(member.sum(axis=0), 1), 0.0)[:, pool.family] * explained
    )
    weight = np.maximum(pool.n_blocks - 2.0, 0.0)
    return np.asarray(np.maximum((own * weight + typical * _BORROWED) / (weight + _BORROWED), 0.0))


def _least_error(pool: Pool, old: _Side, new: _Side) -> Floats:
    """The error that rare things have at least: a difference of counts is no surer than a likelihood ratio of
    both counts tells, where few cases make it.
    """
    x, d = old.x + new.x, old.d + new.d
    expected_old, expected_new = x * old.d / d, x * new.d / d
    ratio = (
        xlogy(old.x, old.x / expected_old)
        + xlogy(new.x, new.x / expected_new)
        + xlogy(old.d - old.x, (old.d - old.x) / (old.d - expected_old))
        + xlogy(new.d - new.x, (new.d - new.x) / (new.d - expected_new))
    )
    surest = np.sqrt(np.maximum(2.0 * pool.worth * ratio, 0.0))
    is_bound = (pool.worth > 0) & (surest > 0)
    return np.where(is_bound, np.abs(new.x / new.d - old.x / old.d) / np.where(is_bound, surest, 1.0), 0.0)


def compare(pool: Pool, confidence: float = 0.95) -> Changes:
    """The differences of the new sample from the old one."""
    before, now, error = (one[0] for one in differences(pool, pool.is_new[np.newaxis]))
    margin = error * stdtrit(pool.degrees, 0.5 + confidence / 2.0)
    p_value = p_values(pool, before, now, error)
    return Changes(before, now, now - before - margin, now - before + margin, p_value)


def p_values(pool: Pool, before: Floats, now: Floats, error: Floats) -> Floats:
    """How likely a difference as large is by chance, (K,), or (P, K) as `differences` gives them."""
    is_tested = (pool.cases >= FEWEST_CASES) & np.isfinite(error) & (error > 0)
    strength = np.where(is_tested, np.abs(now - before) / np.where(is_tested, error, 1.0), 0.0)
    found = np.ones_like(strength)
    # From a table: the function itself takes long for so many.
    grid = np.arange(0.0, _LARGEST, _STEP)
    for degrees in np.unique(pool.degrees):
        own = pool.degrees == degrees
        tail = np.log(np.maximum(2.0 * stdtr(degrees, -grid), _SMALLEST))
        found[..., own] = np.exp(np.interp(strength[..., own], grid, tail))
    return np.where(is_tested, found, 1.0)


def could_change(old: Sums, new: Sums, least: float) -> NDArray[np.bool_]:
    """Which shares could differ by as much as this, given how many there are in both samples together, (K,).

    What is too rare, or nearly always so, need not be tested: whether it is depends on the sum of both alone.
    """
    total, among = old.x + new.x, old.d + new.d
    with np.errstate(divide="ignore", invalid="ignore"):
        smaller = np.minimum(old.d, new.d)
        most = np.minimum(total, among - total) / smaller
    return np.asarray(np.nan_to_num(most) >= least)


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
    """Index of the window in which a change began: from there on sums differ most from the old ratio. It is
    one that has cases: of windows without any, nothing tells when between them it began.
    """
    excess, among = np.cumsum((x - before * d)[::-1])[::-1], np.cumsum(d[::-1])[::-1]
    strength = np.where((among > 0) & (d > 0), excess**2 / np.maximum(among, 1e-9), 0.0)
    return int(np.argmax(strength))

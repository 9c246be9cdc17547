"""What detectors of durations share: what is usual for each kind of duration, how far one is from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from pmlcli.algorithms.anomaly._values import Explain, Explanation, Why
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.profile.column import duration_words
from pmlcli.encoding.profile.group import column_of

LEVELS = (0.01, 0.05, 0.5, 0.95, 0.99)
"""Quantiles that are learned of each kind of duration."""
NORMAL_95 = 1.645
"""The 95 % quantile of a normal distribution, in standard deviations."""
RESOLUTION = 0.01
"""Durations are told apart down to this share of the median one; below, all are about the same."""
PRIOR = 5.0
"""The usual spread of all kinds counts as so many durations of each."""
NARROWEST = 0.2
"""No kind of duration has a spread below this share of the usual spread."""
PLURAL = {"waited": "wait", "took": "take"}
FEW = 20
"""From fewer durations than this only the middle is told, not the border."""


class Measured(NamedTuple):
    """One column of durations: `kinds` int64 (events,), -1 where there is nothing to measure; `seconds`."""

    kinds: Codes
    seconds: Floats


class Words(NamedTuple):
    """Before and after a duration: '`Pay`', 'waited', ' after `Check`'; the verb is one of `PLURAL`."""

    subject: str
    verb: str
    about: str


class Usual(NamedTuple):
    """What is usual for each kind of duration on a logarithmic scale: the middle, and the spread above and
    below it. A kind of few durations borrows the usual spread. The names are those of the learned state.

    - `kinds_` ascending, `counts_`, (kinds,); `quantiles_` (kinds, levels)
    - `spreads_` (kinds, 2): below and above the middle
    - `resolution_` in seconds
    - `unseen_`: how odd a kind is that training never saw; zero where nothing is known of it
    """

    kinds_: Codes
    counts_: Codes
    quantiles_: Floats
    spreads_: Floats
    resolution_: float
    unseen_: float = 0.0

    @classmethod
    def of(cls, columns: Sequence[Measured], *, flags_unseen: bool = False) -> Usual:
        """Learned from the durations of a training log; with `flags_unseen` a kind that it lacks is odd."""
        kinds = np.concatenate([column.kinds[column.kinds >= 0] for column in columns])
        seconds = np.concatenate([column.seconds[column.kinds >= 0] for column in columns])
        positive = seconds[seconds > 0]
        resolution = float(np.median(positive)) * RESOLUTION if len(positive) else 1.0
        logs = _logs(seconds, resolution)
        order = np.lexsort((logs, kinds))
        own, firsts, counts = np.unique(kinds[order], return_index=True, return_counts=True)
        quantiles = _quantiles(logs[order], firsts, counts)
        found = cls(own, counts, quantiles, _spreads(quantiles, counts), resolution)
        if not flags_unseen:
            return found
        oddness = [found._of_column(column, own=1)[column.kinds >= 0] for column in columns]
        return found._replace(unseen_=_rarest(np.concatenate(oddness), int((counts == 1).sum())))

    def oddness(self, columns: Sequence[Measured], own: int = 0) -> Floats:
        """Distance of each duration from the middle in spreads, (events, columns), zero where nothing is
        measured; with `own` durations of each kind fewer.
        """
        return np.column_stack([self._of_column(column, own) for column in columns])

    def _of_column(self, column: Measured, own: int) -> Floats:
        place = column_of(np.maximum(column.kinds, 0), self.kinds_) - 1
        known = (place >= 0) & (column.kinds >= 0)
        known[known] = self.counts_[place[known]] > own
        place = place[known]
        off = _logs(column.seconds[known], self.resolution_) - self.quantiles_[place, 2]
        spread = self.spreads_[place, (off > 0).astype(np.int64)]
        found = np.where(column.kinds >= 0, self.unseen_, 0.0)
        found[known] = np.abs(off) / (spread * np.sqrt(1 + 1.57 / (self.counts_[place] - own)))
        return found

    def why(self, seconds: float, kind: int, words: Words) -> Why:
        """How long it was, and how long is usual."""
        said = f"{words.subject} {words.verb} {duration(seconds)}{words.about}"
        place = int(np.searchsorted(self.kinds_, kind))
        if place == len(self.kinds_) or self.kinds_[place] != kind:
            return Why("", f"{said}, which never occurred before")
        logs = self.quantiles_[place]
        usual = [duration(float(s)) for s in np.sign(logs) * np.expm1(np.abs(logs)) * self.resolution_]
        if self.counts_[place] < FEW:
            return Why(usual[2], f"{said} (usually {usual[2]})")
        is_long = _logs(np.array([seconds]), self.resolution_)[0] > logs[2]
        expected = f"under {usual[4]}" if is_long else f"over {usual[0]}"
        return Why(expected, f"{said} (99 % {PLURAL[words.verb]} {expected})")


def explained(
    usual: Usual, measured: Sequence[Measured], say: Callable[[int, int], tuple[str, Words]]
) -> Explain:
    """What explains durations; `say` names what a column is about, and its words."""

    def explain(events: Codes, columns: Codes) -> list[Explanation]:
        found = []
        for event, column in zip(events.tolist(), columns.tolist(), strict=True):
            seconds, kind = float(measured[column].seconds[event]), int(measured[column].kinds[event])
            name, words = say(event, column)
            found.append(Explanation(name, duration(seconds), *usual.why(seconds, kind, words)))
        return found

    return explain


def duration(seconds: float) -> str:
    """A duration in words; below zero, where time ran backwards, with a minus."""
    return f"{'-' if seconds < 0 else ''}{duration_words(abs(seconds))}"


def _logs(seconds: Floats, resolution: float) -> Floats:
    """The logarithm of durations; below zero the same with a minus."""
    return np.asarray(np.sign(seconds) * np.log1p(np.abs(seconds) / resolution))


def _quantiles(values: Floats, firsts: Codes, counts: Codes) -> Floats:
    """(kinds, levels): the quantiles of runs of ascending values, interpolated."""
    at = firsts[:, None] + np.array(LEVELS) * (counts[:, None] - 1)
    low = np.floor(at).astype(np.int64)
    high = np.ceil(at).astype(np.int64)
    return np.asarray(values[low] + (at - low) * (values[high] - values[low]))


def _spreads(quantiles: Floats, counts: Codes) -> Floats:
    """(kinds, 2): the spread below and above the middle, never zero; kinds of few durations are like all."""
    sides = np.column_stack([quantiles[:, 2] - quantiles[:, 1], quantiles[:, 3] - quantiles[:, 2]])
    squares = np.square(sides / NORMAL_95)
    usual = float((squares * counts[:, None]).sum() / max(2 * counts.sum(), 1)) or 1.0
    weights = counts[:, None]
    mixed = (weights * squares + PRIOR * usual) / (weights + PRIOR)
    return np.asarray(np.sqrt(np.maximum(mixed, NARROWEST**2 * usual)))


def _rarest(oddness: Floats, single: int) -> float:
    """How odd an unseen kind is: as odd as a duration that is as rare as kinds that occurred only once."""
    if not len(oddness):
        return 1.0
    return float(np.quantile(oddness, 1 - min(max(single, 1) / len(oddness), 1.0)))

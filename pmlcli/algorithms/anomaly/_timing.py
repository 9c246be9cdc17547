"""What detectors of durations share: what is usual for each kind of duration, how far one is from it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms.anomaly._values import Explanation, ValueDetector
from pmlcli.encoding.events.resources import Work, WorkEncoding
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

Numbers = NDArray[np.float64]
Positions = NDArray[np.int64]


class Measured(NamedTuple):
    """One column of durations: `kinds` int64 (events,), -1 where there is nothing to measure; `seconds`."""

    kinds: Positions
    seconds: Numbers


@dataclass(kw_only=True)
class TimingDetector(ValueDetector):
    """Learns what is usual for each kind of duration on a logarithmic scale: the middle, and the spread above
    and below it. A duration's score is its distance from the middle in spreads; a kind of few durations
    borrows the usual spread. Learned: `kinds_` ascending, `counts_`, `quantiles_` (kinds, levels), `spreads_`
    (kinds, 2: below and above), `resolution_` in seconds, `unseen_`.
    """

    flags_unseen: ClassVar[bool] = False
    """Whether a kind of duration that training never saw is odd; else nothing is known of it."""

    @abstractmethod
    def measured(self, data: Work) -> Sequence[Measured]:
        """The durations that are looked at, column by column."""

    def learned_from(self, data: Work) -> Sequence[Measured]:
        """The durations to learn from."""
        return self.measured(data)

    @abstractmethod
    def words(self, data: Work, event: int, column: int) -> tuple[str, str, str]:
        """Before and after a duration: '`Pay`', 'waited', ' after `Check`'; the verb is one of `PLURAL`."""

    def make_encoding(self) -> WorkEncoding:
        """Activities and times."""
        return WorkEncoding(resources="never", times="always")

    def fit(self, data: Work) -> None:
        """Learns the kinds of duration, and what is usual for each."""
        columns = self.learned_from(data)
        kinds = np.concatenate([column.kinds[column.kinds >= 0] for column in columns])
        seconds = np.concatenate([column.seconds[column.kinds >= 0] for column in columns])
        positive = seconds[seconds > 0]
        self.resolution_ = float(np.median(positive)) * RESOLUTION if len(positive) else 1.0
        logs = self._logs(seconds)
        order = np.lexsort((logs, kinds))
        self.kinds_, firsts, self.counts_ = np.unique(kinds[order], return_index=True, return_counts=True)
        self.quantiles_ = _quantiles(logs[order], firsts, self.counts_)
        self.spreads_ = _spreads(self.quantiles_, self.counts_)
        self.unseen_ = 0.0
        if self.flags_unseen:
            oddness = [self._oddness(column, own=1)[column.kinds >= 0] for column in columns]
            self.unseen_ = _rarest(np.concatenate(oddness), int((self.counts_ == 1).sum()))

    def training_values(self, data: Work) -> Numbers:
        """Distance from what is usual, each duration taken out of the counts, (events, columns)."""
        return np.column_stack([self._oddness(column, own=1) for column in self.measured(data)])

    def value_scores(self, data: Work) -> Numbers:
        """Distance from what is usual, (events, columns)."""
        return np.column_stack([self._oddness(column) for column in self.measured(data)])

    def _logs(self, seconds: Numbers) -> Numbers:
        """The logarithm of durations; below zero (time ran backwards) the same with a minus."""
        return np.asarray(np.sign(seconds) * np.log1p(np.abs(seconds) / self.resolution_))

    def _oddness(self, column: Measured, own: int = 0) -> Numbers:
        """(events,), zero where nothing is measured; with `own` durations of each kind fewer."""
        place = column_of(np.maximum(column.kinds, 0), self.kinds_) - 1
        known = (place >= 0) & (column.kinds >= 0)
        known[known] = self.counts_[place[known]] > own
        place = place[known]
        off = self._logs(column.seconds[known]) - self.quantiles_[place, 2]
        spread = self.spreads_[place, (off > 0).astype(np.int64)]
        found = np.where(column.kinds >= 0, self.unseen_, 0.0)
        found[known] = np.abs(off) / (spread * np.sqrt(1 + 1.57 / (self.counts_[place] - own)))
        return found

    def value_names(self, data: Work, events: Positions, columns: Positions) -> list[str]:
        """The durations in words."""
        measured = self.measured(data)
        pairs = zip(events.tolist(), columns.tolist(), strict=True)
        return [_words(float(measured[column].seconds[event])) for event, column in pairs]

    def explain(self, data: Work, events: Positions, columns: Positions) -> list[Explanation]:
        """How long it was, and how long is usual."""
        measured = self.measured(data)
        return [
            self._explanation(data, measured[column], event, column)
            for event, column in zip(events.tolist(), columns.tolist(), strict=True)
        ]

    def _explanation(self, data: Work, measured: Measured, event: int, column: int) -> Explanation:
        seconds, kind = float(measured.seconds[event]), int(measured.kinds[event])
        subject, verb, about = self.words(data, event, column)
        said = f"{subject} {verb} {_words(seconds)}{about}"
        place = int(np.searchsorted(self.kinds_, kind))
        if place == len(self.kinds_) or self.kinds_[place] != kind:
            return Explanation("", f"{said}, which never occurred before")
        usual = [_words(float(s)) for s in self._seconds(self.quantiles_[place])]
        if self.counts_[place] < FEW:
            return Explanation(usual[2], f"{said} (usually {usual[2]})")
        is_long = self._logs(np.array([seconds]))[0] > self.quantiles_[place, 2]
        expected = f"under {usual[4]}" if is_long else f"over {usual[0]}"
        return Explanation(expected, f"{said} (99 % {PLURAL[verb]} {expected})")

    def _seconds(self, logs: Numbers) -> Numbers:
        return np.asarray(np.sign(logs) * np.expm1(np.abs(logs)) * self.resolution_)


def _quantiles(values: Numbers, firsts: Positions, counts: Positions) -> Numbers:
    """(kinds, levels): the quantiles of runs of ascending values, interpolated."""
    at = firsts[:, None] + np.array(LEVELS) * (counts[:, None] - 1)
    low = np.floor(at).astype(np.int64)
    high = np.ceil(at).astype(np.int64)
    return np.asarray(values[low] + (at - low) * (values[high] - values[low]))


def _spreads(quantiles: Numbers, counts: Positions) -> Numbers:
    """(kinds, 2): the spread below and above the middle, never zero; kinds of few durations are like all."""
    sides = np.column_stack([quantiles[:, 2] - quantiles[:, 1], quantiles[:, 3] - quantiles[:, 2]])
    squares = np.square(sides / NORMAL_95)
    usual = float((squares * counts[:, None]).sum() / max(2 * counts.sum(), 1)) or 1.0
    weights = counts[:, None]
    mixed = (weights * squares + PRIOR * usual) / (weights + PRIOR)
    return np.asarray(np.sqrt(np.maximum(mixed, NARROWEST**2 * usual)))


def _rarest(oddness: Numbers, single: int) -> float:
    """How odd an unseen kind is: as odd as a duration that is as rare as kinds that occurred only once."""
    if not len(oddness):
        return 1.0
    return float(np.quantile(oddness, 1 - min(max(single, 1) / len(oddness), 1.0)))


def _words(seconds: float) -> str:
    return f"{'-' if seconds < 0 else ''}{duration_words(abs(seconds))}"

"""N-gram: counts what followed the last activities, backing off to fewer (baseline)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.encoding.events.sequences import SequenceEncoding, Sequences, targets
from pmlcli.encoding.vocabulary import FIRST_CODE

NONE = -1


@dataclass(kw_only=True)
class Ngram(NextActivityPredictor[Sequences]):
    """An interpolated n-gram model of the activities.

    A context is the last k activities; the start of the case counts as one. The prediction mixes what
    followed the longest known context with what followed the next shorter one, and so on. The more different
    classes followed a context, the less it counts alone (Witten-Bell).
    """

    source: ClassVar[str] = "Witten and Bell (1991), The zero-frequency problem, IEEE Trans. IT 37(4)"

    order: Annotated[
        int, Param("Maximum number of last activities in a context.", ge=1, le=30, unit="activities")
    ] = 5

    keys_: NDArray[np.int64] = field(init=False, repr=False)
    """Sorted; node i + 1 is reached by `keys_[i]` = node of the previous event x base + activity code."""
    offsets_: NDArray[np.int64] = field(init=False, repr=False)
    """Followers of node i are `offsets_[i]:offsets_[i + 1]` of `followers_` and `counts_`; 0 is the root."""
    followers_: NDArray[np.int64] = field(init=False, repr=False)
    counts_: NDArray[np.int64] = field(init=False, repr=False)

    def make_encoding(self) -> SequenceEncoding:
        """Whole traces as sequences."""
        return SequenceEncoding()

    def fit(self, data: Sequences) -> None:
        """Counts the followers of every context."""
        following, n_classes = targets(data), data.end_class + 1
        is_known = following >= FIRST_CODE
        self.keys_ = np.asarray([data.end_class], dtype=np.int64)
        pairs = [following[is_known]]
        for nodes in self._contexts(data, learn=True):
            here = is_known & (nodes != NONE)
            pairs.append(nodes[here] * n_classes + following[here])
        seen, self.counts_ = np.unique(np.concatenate(pairs), return_counts=True)
        nodes, self.followers_ = np.divmod(seen, n_classes)
        self.offsets_ = np.searchsorted(nodes, np.arange(len(self.keys_) + 2))

    def probabilities(self, data: Sequences) -> NDArray[np.float64]:
        """The mixture of each event's contexts; computed once for events of the same contexts."""
        chains = np.column_stack(list(self._contexts(data, learn=False)))
        # The longest known context implies the shorter ones; nodes of longer contexts have higher numbers.
        _node, example, row = np.unique(chains.max(axis=1), return_index=True, return_inverse=True)
        chains = chains[example]
        n_classes = data.end_class + 1
        mixed = np.zeros((len(chains), n_classes))
        mixed[:, FIRST_CODE:] = 1 / (n_classes - FIRST_CODE)
        self._mix(mixed, np.zeros(len(chains), dtype=np.int64), weight=n_classes - FIRST_CODE)
        for nodes in chains.T:
            self._mix(mixed, nodes)
        return mixed[row]

    def _mix(self, mixed: NDArray[np.float64], nodes: NDArray[np.int64], weight: int | None = None) -> None:
        """Adds the counts of each row's node; what `mixed` held weighs as much as the node has followers."""
        rows = np.flatnonzero(nodes != NONE)
        first, last = self.offsets_[nodes[rows]], self.offsets_[nodes[rows] + 1]
        many = last - first
        at = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many - first, many)
        row = np.repeat(np.arange(len(rows)), many)
        events = np.bincount(row, weights=self.counts_[at], minlength=len(rows))
        trust = many if weight is None else np.full(len(rows), weight)
        rows, events, trust, many = (v[trust > 0] for v in (rows, events, trust, many))
        whole = events + trust
        mixed[rows] *= (trust / whole)[:, None]
        mixed[np.repeat(rows, many), self.followers_[at]] += self.counts_[at] / np.repeat(whole, many)

    def _contexts(self, data: Sequences, *, learn: bool) -> Iterator[NDArray[np.int64]]:
        """Each event's node of 1, 2, ... activities; `NONE` where unknown or the case is shorter."""
        base, is_first = data.end_class + 1, np.zeros(data.n_events, dtype=np.bool_)
        is_first[data.offsets[:-1]] = True
        before = np.zeros(data.n_events, dtype=np.int64)
        for length in range(1, self.order + 1):
            keys = np.where(before == NONE, NONE, before * base + data.activity)
            if learn:
                new = np.unique(keys[keys != NONE])
                self.keys_ = np.unique(np.concatenate([self.keys_, new]))
            place = np.searchsorted(self.keys_, keys)
            place[place == len(self.keys_)] = 0
            nodes = np.where(self.keys_[place] == keys, place + 1, NONE)
            yield nodes
            start = np.searchsorted(self.keys_, data.end_class) + 1 if length == 1 else NONE
            before = np.where(is_first, start, np.roll(nodes, 1))

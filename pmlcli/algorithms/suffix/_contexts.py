"""Continuations by context: how training cases went on after the same last activities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms.suffix._continuations import Continuations, as_letters
from pmlcli.arrays import Codes
from pmlcli.encoding.events.sequences import Sequences
from pmlcli.errors import UntrustedArtifactError
from pmlcli.eventlog.cases import mixed
from pmlcli.eventlog.log import offsets_of

Keys = NDArray[np.uint64]
LONGEST = 100_000
"""Activities in a suffix; comparing longer ones would not end in training either."""
ANYWHERE = np.uint64(0)
"""The key of the context that every prefix has."""


@dataclass(frozen=True)
class Contexts:
    """The commonest continuations of each context.

    - `keys`: uint64 (contexts,), ascending; context i has `offsets[i]:offsets[i + 1]` of the next three
    - `suffixes`: which suffix; `counts`: how often; `seconds`: median time it took, NaN without times
    - `codes`, `ends`: activity codes of all suffixes, one after the other, and where each ends
    """

    keys: Keys
    offsets: Codes
    suffixes: Codes
    counts: Codes
    seconds: NDArray[np.float64]
    codes: Codes
    ends: Codes

    def find(self, wanted: list[Keys]) -> Continuations:
        """The continuations of each prefix in the first of its contexts that is known, longest first."""
        context = np.full(len(wanted[0]), -1)
        for keys in wanted:
            at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            context = np.where((context < 0) & (self.keys[at] == keys), at, context)
        counts = np.diff(self.offsets)[context]
        offsets = offsets_of(counts)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[context] - offsets[:-1], counts)
        letters, starts = as_letters(self.codes), np.concatenate(([0], self.ends[:-1]))
        which = self.suffixes[rows]
        bounds = zip(starts[which].tolist(), self.ends[which].tolist(), strict=True)
        texts = [letters[start:end] for start, end in bounds]
        return Continuations(offsets, texts, self.counts[rows].astype(np.float64), self.seconds[rows])

    def state(self) -> dict[str, Any]:
        """All arrays, by name."""
        return {f"{name}_": value for name, value in vars(self).items()}

    @classmethod
    def from_state(cls, state: dict[str, Any], candidates: int) -> Self:
        """The inverse of `state`; UntrustedArtifactError for arrays that no training gives.

        It keeps at most so many `candidates` of a context, as they are compared each with each.
        """
        contexts = cls(**{name.removesuffix("_"): value for name, value in state.items()})
        sizes = np.diff(contexts.offsets)
        is_sound = (
            len(contexts.keys) == len(sizes) > 0
            and sizes.min() > 0
            and sizes.max() <= candidates
            and len(contexts.suffixes) == len(contexts.counts) == len(contexts.seconds)
            and contexts.offsets[0] == 0
            and int(contexts.offsets[-1]) == len(contexts.suffixes)
            and bool(((contexts.suffixes >= 0) & (contexts.suffixes < len(contexts.ends))).all())
            and bool((np.diff(contexts.ends, prepend=0) >= 0).all())
            and bool((np.diff(contexts.ends, prepend=0) <= LONGEST).all())
            and bool((contexts.counts > 0).all())
        )
        if not is_sound:
            raise UntrustedArtifactError("the contexts' arrays do not fit each other")
        return contexts


def context_keys(data: Sequences, order: int) -> list[Keys]:
    """The keys of each event's contexts, longest first: all so far, the last `order`, ..., one, none.

    A context shorter than the case so far is told from one that began the case.
    """
    keys = [data.prefix_keys(data.activity)]
    sums = np.zeros(data.n_events, dtype=np.uint64)
    for back in range(order):
        codes = np.where(data.position >= back, np.roll(data.activity, back), -1)
        sums = sums + mixed(np.full(data.n_events, 1_000_000 + back), codes)
        keys.insert(1, sums)
    return [*keys, np.full(data.n_events, ANYWHERE)]


def learn_contexts(data: Sequences, order: int, examples: int, candidates: int) -> Contexts:
    """The contexts that at least so many prefixes of finished cases have, with the commonest continuations.

    Of running cases nobody knows the continuation; if all are running, they are taken as finished.
    """
    is_known = np.repeat(~data.is_running if not data.is_running.all() else data.is_running, data.lengths)
    suffix, firsts = _suffixes(data)
    seconds = data.seconds_left
    parts = []
    for keys in context_keys(data, order):
        parts.append(_counted(keys[is_known], suffix[is_known], seconds[is_known], examples, candidates))
    keys, suffixes, counts, spans = (np.concatenate(column) for column in zip(*parts, strict=True))
    order_by_key = np.argsort(keys, kind="stable")
    known, sizes = np.unique(keys, return_counts=True)
    used, suffixes = np.unique(suffixes, return_inverse=True)
    codes, ends = _codes_of(data, firsts[used])
    rows = order_by_key
    return Contexts(known, offsets_of(sizes), suffixes[rows], counts[rows], spans[rows], codes, ends)


def _suffixes(data: Sequences) -> tuple[Codes, Codes]:
    """Which distinct suffix follows each event, and an event that it follows; equal ones have one number."""
    from_end = np.repeat(data.lengths, data.lengths) - 1 - data.position
    sums = np.cumsum(mixed(from_end, data.activity)[::-1])[::-1]
    after = np.append(sums[1:], np.uint64(0))
    own = after - np.repeat(np.append(sums, np.uint64(0))[data.offsets[1:]], data.lengths)
    _keys, firsts, which = np.unique(own, return_index=True, return_inverse=True)
    return which, firsts


def _counted(
    keys: Keys, suffix: Codes, seconds: NDArray[np.float64], examples: int, candidates: int
) -> tuple[Keys, Codes, Codes, NDArray[np.float64]]:
    """Key, suffix, count and median seconds of the commonest pairs of contexts with enough examples."""
    by_pair = np.lexsort((seconds, suffix, keys))
    keys, suffix, seconds = keys[by_pair], suffix[by_pair], seconds[by_pair]
    is_new = np.append(True, (keys[1:] != keys[:-1]) | (suffix[1:] != suffix[:-1]))[: len(keys)]
    first = np.flatnonzero(is_new)
    counts = np.diff(np.append(first, len(keys)))
    # The lower middle one of each pair's sorted times.
    pair_keys, pair_suffix, median = keys[first], suffix[first], seconds[first + (counts - 1) // 2]
    _known, context = np.unique(pair_keys, return_inverse=True)
    enough = np.bincount(context, weights=counts)[context] >= examples
    enough |= pair_keys == ANYWHERE
    ranked = np.lexsort((pair_suffix, -counts, context))
    starts = np.flatnonzero(np.append(True, np.diff(context[ranked]) > 0)[: len(ranked)])
    rank = np.empty(len(ranked), dtype=np.int64)
    rank[ranked] = np.arange(len(ranked)) - np.repeat(starts, np.diff(np.append(starts, len(ranked))))
    kept = np.flatnonzero(enough & (rank < candidates))
    return pair_keys[kept], pair_suffix[kept], counts[kept], median[kept]


def _codes_of(data: Sequences, events: Codes) -> tuple[Codes, Codes]:
    """The codes after each of these events until its case ends, one after the other, and where each ends."""
    ends = np.repeat(data.offsets[1:], data.lengths)[events]
    lengths = ends - events - 1
    offsets = offsets_of(lengths)
    rows = np.arange(offsets[-1]) + np.repeat(events + 1 - offsets[:-1], lengths)
    return data.activity[rows], offsets[1:]

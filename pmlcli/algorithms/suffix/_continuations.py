"""Possible suffixes of prefixes: as texts, how like each other they are, and the most typical of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import DamerauLevenshtein
from rapidfuzz.process import cpdist

from pmlcli.encoding.events.sequences import Sequences
from pmlcli.eventlog.log import offsets_of

FIRST_LETTER = 0x10000
"""A sequence is compared as text, a letter an activity."""


class Continuations(NamedTuple):
    """Possible suffixes of some prefixes: those of prefix i are `offsets[i]:offsets[i + 1]`.

    - `texts`: each suffix as letters, the end of the case left out; `weights`: (suffixes,), above zero
    - `seconds`: (suffixes,), how long each takes; NaN without times
    """

    offsets: NDArray[np.int64]
    texts: list[str]
    weights: NDArray[np.float64]
    seconds: NDArray[np.float64]


class Chosen(NamedTuple):
    """The suffix that is most like all that are possible, one a prefix: arrays (prefixes,).

    - `texts`; `share`: how much of the weight is on this very suffix
    - `similarity`: its mean similarity to the possible ones, by weight; `seconds`: how long it takes
    """

    texts: list[str]
    share: NDArray[np.float64]
    similarity: NDArray[np.float64]
    seconds: NDArray[np.float64]


def suffix_texts(data: Sequences, rows: NDArray[np.int64] | None = None) -> list[str]:
    """What follows each of these events, or each there is, in its case, as letters, (rows,)."""
    rows = np.arange(data.n_events) if rows is None else rows
    letters, ends = as_letters(data.activity), data.offsets[1:][data.case_of_event[rows]]
    return [letters[place + 1 : end] for place, end in zip(rows.tolist(), ends.tolist(), strict=True)]


def as_letters(codes: NDArray[np.int64]) -> str:
    """One letter a code."""
    return (codes + FIRST_LETTER).astype("<u4").tobytes().decode("utf-32-le")


def alike(first: list[str], second: list[str]) -> NDArray[np.float64]:
    """1 - Damerau-Levenshtein distance / longer length of each pair, 1 for two empty texts, (pairs,)."""
    if not first:
        return np.empty(0)
    scorer = DamerauLevenshtein.normalized_similarity
    return np.asarray(cpdist(first, second, scorer=scorer, dtype=np.float64))


def case_means(found: NDArray[np.float64], cases: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of what was found for each case that there is, (cases,)."""
    _cases, place, counts = np.unique(cases, return_inverse=True, return_counts=True)
    return np.asarray(np.bincount(place, weights=found) / counts)


def even_cases(lengths: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    """Which cases to take, evenly spaced, so that they have about so many events together; all if fewer."""
    every = max(1.0, float(lengths.sum()) / most)
    return np.diff(np.floor(np.arange(len(lengths) + 1) / every)) > 0


def medoids(possible: Continuations, so_far: NDArray[np.int64] | None = None) -> Chosen:
    """The suffix most similar on average to those possible, by weight; ties: the heavier, the first.

    With `so_far`, the lengths of the prefixes, each weight is divided by the length that the case would have,
    for the choice alone.
    """
    offsets, counts = possible.offsets, np.diff(possible.offsets)
    prefix = np.repeat(np.arange(len(counts)), counts)
    shares = _per_prefix(possible)
    weights = [shares]
    if so_far is not None:
        by_case = shares / (so_far[prefix] + np.fromiter(map(len, possible.texts), np.int64, len(prefix)))
        weights.append(_per_prefix(possible._replace(weights=by_case)))
    found = _expected(possible, counts, weights)
    expected, worth = found[0], found[-1]
    # Rounded: the same suffixes give the same choice, whatever else is asked for.
    order = np.lexsort((np.arange(len(prefix)), -possible.weights, -worth.round(12), prefix))
    best = order[offsets[:-1]]
    texts = [possible.texts[place] for place in best.tolist()]
    return Chosen(texts, shares[best], expected[best], possible.seconds[best])


def blended(parts: Sequence[Continuations], shares: Sequence[float]) -> Continuations:
    """Suffixes of the same prefixes from several hands, each with its share of the weight; same ones are one.

    A suffix takes the mean of its times, by weight.
    """
    rows = np.concatenate([np.repeat(np.arange(len(p.offsets) - 1), np.diff(p.offsets)) for p in parts])
    weights = np.concatenate([share * _per_prefix(p) for p, share in zip(parts, shares, strict=True)])
    codes, texts = _distinct([text for part in parts for text in part.texts])
    in_order = np.argsort(np.argsort(np.asarray(texts, dtype=object)))
    pairs, place = np.unique(rows * len(texts) + in_order[codes], return_inverse=True)
    total = np.bincount(place, weights=weights).astype(np.float64)
    spent = np.bincount(place, weights=weights * np.concatenate([p.seconds for p in parts]))
    kept = np.flatnonzero(total > 0)
    prefix, text = np.divmod(pairs[kept], len(texts))
    ordered, counts = sorted(texts), np.bincount(prefix, minlength=len(parts[0].offsets) - 1)
    known = [ordered[i] for i in text.tolist()]
    return Continuations(offsets_of(counts), known, total[kept], spent[kept] / total[kept])


def _per_prefix(possible: Continuations) -> NDArray[np.float64]:
    """Weights that sum to one for each prefix."""
    prefix = np.repeat(np.arange(len(possible.offsets) - 1), np.diff(possible.offsets))
    return np.asarray(possible.weights / np.bincount(prefix, weights=possible.weights)[prefix])


def _expected(
    possible: Continuations, counts: NDArray[np.int64], weights: Sequence[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """Sum over the suffixes of the same prefix of weight times similarity, (suffixes,), by each weights."""
    codes, texts = _distinct(possible.texts)
    one = np.repeat(np.arange(len(codes)), np.repeat(counts, counts))
    other = np.arange(len(one)) - np.repeat(offsets_of(counts**2)[:-1], counts**2)
    other = other % np.repeat(counts, counts**2) + np.repeat(possible.offsets[:-1], counts**2)
    pairs = np.minimum(codes[one], codes[other]) * len(texts) + np.maximum(codes[one], codes[other])
    known, place = np.unique(pairs, return_inverse=True)
    first, second = np.divmod(known, len(texts))
    found = alike([texts[i] for i in first.tolist()], [texts[i] for i in second.tolist()])
    found = found[place]
    return [np.bincount(one, own[other] * found, len(codes)).astype(np.float64) for own in weights]


def _distinct(texts: list[str]) -> tuple[NDArray[np.int64], list[str]]:
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(text, len(numbers)) for text in texts]
    return np.array(codes, dtype=np.int64), list(numbers)

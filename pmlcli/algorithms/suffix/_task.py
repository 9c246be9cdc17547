"""Suffix: the activities that are still to come until a case ends, and how long they take."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import DamerauLevenshtein
from rapidfuzz.process import cpdist

from pmlcli.algorithms._interface.form import Column, columns
from pmlcli.algorithms._interface.inherited import InheritedTask
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._prefixes.request import Asked, Columns, Rows
from pmlcli.algorithms._prefixes.task import PrefixPredictor, about_split, joined
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.events.sequences import END, Sequences
from pmlcli.encoding.vocabulary import Vocabulary
from pmlcli.evaluation.measurement import Measurement, mean_over
from pmlcli.eventlog.log import ACTIVITY, EventLog, offsets_of
from pmlcli.eventlog.split import Split, measured_prefixes

ARROW = " > "
"""Between the activities of a suffix as it is written."""
FIRST_LETTER = 0x10000
"""A sequence is compared as text, a letter an activity."""
CHUNK_ROWS = 2_000
"""Prefixes answered for together, to bound the memory."""


MEASURED = 2_000
"""A test part of more prefixes is measured on cases evenly taken from it, of about so many together."""


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


class _Suffix(InheritedTask):
    name = "suffix"
    baseline = "suffix/medoid"
    recommended = "suffix/ensemble"
    sample_name = "cases"


@dataclass(kw_only=True)
class SuffixPredictor(PrefixPredictor):
    """Gives each prefix possible suffixes, of which the one most like all others is the answer.

    Similarity is to be high on average over cases, whatever their length, as it is measured. A case of n
    events has n prefixes, so in the choice a suffix that would end the case after n events may weigh 1/n as
    much, see `is_by_case`: right if the possible ways are as likely as they seem, worse if they are not.
    """

    task: ClassVar[InheritedTask] = _Suffix()

    @abstractmethod
    def continuations(self, data: Any, rows: Rows) -> Continuations:
        """At least one suffix for each of these prefixes, by the events that end them (ascending)."""

    def is_by_case(self) -> bool:
        """Whether possible suffixes weigh less in the choice the longer they make the case."""
        return False

    def choose(self, data: Sequences, rows: Rows) -> Chosen:
        """The answers for these prefixes, some at a time."""
        parts = []
        for start in range(0, len(rows), CHUNK_ROWS):
            some = rows[start : start + CHUNK_ROWS]
            so_far = data.position[some] + 1 if self.is_by_case() else None
            parts.append(medoids(self.continuations(data, some), so_far))
        texts = [text for part in parts for text in part.texts]
        numbers = [np.concatenate([np.empty(0), *(part[i] for part in parts)]) for i in (1, 2, 3)]
        return Chosen(texts, *numbers)

    def measure(self, encoding: Encoding[Any], split: Split, log: EventLog) -> Measurement:
        """Mean similarity of predicted and true suffixes of a finished case of the test part, over cases."""
        data = encoding.transform(split.test)
        counted = measured_prefixes(split) & np.repeat(~data.is_running, data.lengths)
        some = counted & np.repeat(even_cases(data.lengths, MEASURED), data.lengths)
        found = similarities(self, data, np.flatnonzero(some))
        means = case_means(found, data.case_of_event[some])
        which = "all" if some.sum() == counted.sum() else f"{some.sum():,} of {counted.sum():,}"
        return Measurement(
            metric="similarity",
            unit="share",
            higher_is_better=True,
            n_units=len(means),
            value_of=mean_over(means, np.ones(len(means))),
            about=f"1 - Damerau-Levenshtein distance / longer length, of the suffixes of {which} prefixes of "
            "one event or more of finished cases, the empty suffix of the whole case included, each case "
            "counting alike; " + about_split(split),
        )

    def answer(self, asked: Asked) -> Columns:
        """suffix, events_left, probability, similarity, remaining_seconds."""
        chosen = self.choose(asked.data, asked.rows)
        known = Vocabulary(asked.encoding.vocabularies()[ACTIVITY])
        names = {chr(FIRST_LETTER + code): known.name_of(code) for code in range(known.size)}
        return {
            "suffix": [joined([*(names[letter] for letter in text), END], ARROW) for text in chosen.texts],
            "events_left": np.array([len(text) for text in chosen.texts], dtype=np.int64),
            "probability": chosen.share,
            "similarity": chosen.similarity,
            "remaining_seconds": _known_seconds(chosen, asked.silent),
        }

    def answer_columns(self, request: PredictRequest) -> tuple[Column, ...]:
        """The suffix, and what is told of it in numbers."""
        numbers = columns("number", "events_left", "probability", "similarity", "remaining_seconds")
        return (*columns("text", "suffix"), *numbers)

    def strength(self, asked: Asked, answers: Columns, data: Any, rows: Rows) -> NDArray[np.float64]:
        """How many events are left."""
        return np.array([len(text) for text in self.choose(data, rows).texts], dtype=np.float64)

    def say_change(self, change: float) -> str:
        """Events more or fewer."""
        return f"{change:+.0f} {'event' if abs(change) == 1 else 'events'}"

    def output_units(self) -> dict[str, str]:
        """Events, shares and seconds."""
        return super().output_units() | {
            "events_left": "events",
            "probability": "share",
            "similarity": "share",
            "remaining_seconds": "seconds",
        }


def _known_seconds(chosen: Chosen, silent: NDArray[np.float64]) -> NDArray[np.float64]:
    """How long each suffix takes: no time where nothing is to come, else no less than has passed already."""
    is_empty = np.array([not text for text in chosen.texts], dtype=np.bool_)
    return np.where(is_empty & ~np.isnan(chosen.seconds), 0.0, np.maximum(chosen.seconds, np.ceil(silent)))


def even_cases(lengths: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    """Which cases to take, evenly spaced, so that they have about so many events together; all if fewer."""
    every = max(1.0, float(lengths.sum()) / most)
    return np.diff(np.floor(np.arange(len(lengths) + 1) / every)) > 0


def similarities(algorithm: SuffixPredictor, data: Sequences, rows: Rows) -> NDArray[np.float64]:
    """How like its true suffix the predicted one of each prefix is, 0 to 1, (rows,)."""
    chosen, true = algorithm.choose(data, rows).texts, suffix_texts(data)
    return alike(chosen, [true[row] for row in rows.tolist()])


def case_means(found: NDArray[np.float64], cases: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of what was found for each case that there is, (cases,)."""
    _cases, place, counts = np.unique(cases, return_inverse=True, return_counts=True)
    return np.asarray(np.bincount(place, weights=found) / counts)


def suffix_texts(data: Sequences) -> list[str]:
    """What follows each event in its case, as letters, (events,)."""
    letters = as_letters(data.activity)
    after = np.repeat(data.offsets[1:], data.lengths).tolist()
    return [letters[place + 1 : end] for place, end in enumerate(after)]


def as_letters(codes: NDArray[np.int64]) -> str:
    """One letter a code."""
    return (codes + FIRST_LETTER).astype("<u4").tobytes().decode("utf-32-le")


def alike(first: list[str], second: list[str]) -> NDArray[np.float64]:
    """1 - Damerau-Levenshtein distance / longer length of each pair, 1 for two empty texts, (pairs,)."""
    if not first:
        return np.empty(0)
    scorer = DamerauLevenshtein.normalized_similarity
    return np.asarray(cpdist(first, second, scorer=scorer, dtype=np.float64))


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

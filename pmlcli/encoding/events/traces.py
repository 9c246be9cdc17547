"""Traces: what happened in each case in order, as codes, and which known variant that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.base import Encoding
from pmlcli.encoding.vocabulary import Texts, Vocabulary
from pmlcli.eventlog.log import ACTIVITY, EventLog, offsets_of

UNSEEN_VARIANT = -1


@dataclass(frozen=True)
class Traces:
    """Traces of a log.

    - `codes`: int64 (events,), activity codes of the training vocabulary; case i is
      `codes[offsets[i]:offsets[i + 1]]`
    - `variants`: int64 (cases,), number of the training variant, `UNSEEN_VARIANT` for a new one
    - `n_variants`: how many variants training held
    - `vocabulary`: names of the codes; `texts`: the activities as the log has them
    """

    codes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    variants: NDArray[np.int64]
    n_variants: int
    vocabulary: Vocabulary
    texts: Texts

    @property
    def n_cases(self) -> int:
        """Number of cases."""
        return len(self.offsets) - 1


class TraceEncoding(Encoding[Traces]):
    """Log to traces. Activities and variants are numbered in training, variants by length and then by codes;
    a trace with an unseen activity is never a known variant.
    """

    name = "traces"

    def __init__(self) -> None:
        self._vocabulary = Vocabulary(())
        self._codes: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._offsets: NDArray[np.int64] = np.zeros(1, dtype=np.int64)

    def fit(self, log: EventLog) -> Self:
        """Learns the activities and the variants."""
        self._vocabulary = Vocabulary.of(log.activities, log.activity_codes)
        codes = self._vocabulary.encode(log.activities, log.activity_codes)
        found = []
        for length in np.unique(log.lengths):
            rows = _rows_of_length(codes, log.offsets, int(length))[1]
            found.append(np.unique(rows, axis=0))
        self._offsets = offsets_of(np.concatenate([np.full(len(v), v.shape[1]) for v in found]))
        self._codes = np.concatenate([variants.reshape(-1) for variants in found])
        return self

    def transform(self, log: EventLog) -> Traces:
        """Traces of any log, in its order of cases."""
        codes = self._vocabulary.encode(log.activities, log.activity_codes)
        variants = np.full(log.n_cases, UNSEEN_VARIANT, dtype=np.int64)
        for length in np.unique(log.lengths):
            cases, rows = _rows_of_length(codes, log.offsets, int(length))
            numbers, known = _rows_of_length(self._codes, self._offsets, int(length))
            if len(numbers):
                variants[cases] = _position(rows, known, int(numbers[0]))
        texts = Texts(log.activities, log.activity_codes)
        return Traces(codes, log.offsets, variants, len(self._offsets) - 1, self._vocabulary, texts)

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {
            "activities": list(self._vocabulary.values),
            "codes": self._codes,
            "offsets": self._offsets,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:  # noqa: D102
        encoding = cls()
        encoding._vocabulary = Vocabulary(tuple(state["activities"]))
        encoding._codes, encoding._offsets = state["codes"], state["offsets"]
        return encoding

    def required_columns(self) -> tuple[str, ...]:  # noqa: D102
        return ()

    def vocabularies(self) -> dict[str, tuple[str, ...]]:  # noqa: D102
        return {ACTIVITY: self._vocabulary.values}


def variants_of(
    codes: NDArray[np.int64], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The variant of each case, numbered by length and then by codes, and the first case of each variant."""
    which, first = np.empty(len(offsets) - 1, dtype=np.int64), []
    known = 0
    for length in np.unique(np.diff(offsets)):
        cases, rows = _rows_of_length(codes, offsets, int(length))
        _found, at, inverse = np.unique(_keys(rows), return_index=True, return_inverse=True)
        which[cases] = known + inverse
        first.append(cases[at])
        known += len(at)
    return which, np.concatenate(first)


class DistinctTraces(NamedTuple):
    """Each different trace of a log once, one after the other.

    - `rows`: (rows,), the event of the log that each of their events is; `offsets` cuts them into traces
    - `at`: (events,), which of these rows stands for each event of the log
    """

    rows: NDArray[np.int64]
    offsets: NDArray[np.int64]
    at: NDArray[np.int64]

    @classmethod
    def of(cls, codes: NDArray[np.int64], offsets: NDArray[np.int64]) -> Self:
        """The different traces of these codes, in the order of `variants_of`."""
        which, first = variants_of(codes, offsets)
        lengths, every = np.diff(offsets)[first], np.diff(offsets)
        own = offsets_of(lengths)
        rows = np.repeat(offsets[first] - own[:-1], lengths) + np.arange(own[-1])
        return cls(rows, own, np.repeat(own[which] - offsets[:-1], every) + np.arange(offsets[-1]))


def _rows_of_length(
    codes: NDArray[np.int64], offsets: NDArray[np.int64], length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cases of this length, and their codes as a matrix (those cases, length)."""
    cases = np.flatnonzero(np.diff(offsets) == length)
    return cases, codes[offsets[:-1][cases][:, None] + np.arange(length)]


def _keys(rows: NDArray[np.int64]) -> NDArray[np.void]:
    """One value a row that orders as the row does: codes are not negative, so big-endian bytes do."""
    big_endian = np.ascontiguousarray(rows, dtype=">u4")
    return big_endian.view(np.dtype((np.void, big_endian.shape[1] * 4))).reshape(-1)


def _position(rows: NDArray[np.int64], known: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    """`first` plus the position of each row in `known` (sorted); `UNSEEN_VARIANT` for a row it lacks."""
    wanted, held = _keys(rows), _keys(known)
    at = np.minimum(np.searchsorted(held, wanted), len(held) - 1)
    return np.where(held[at] == wanted, first + at, UNSEEN_VARIANT)

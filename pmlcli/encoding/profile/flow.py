"""What happened in a case, how often, and what directly followed what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.profile.column import END, START, FeatureColumn
from pmlcli.encoding.profile.group import MINIMUM_SUPPORT, Block, Group, column_of, commonest, names_of
from pmlcli.encoding.vocabulary import UNSEEN_CODE, Vocabulary
from pmlcli.eventlog.log import ACTIVITY, EventLog

MAXIMUM_PAIRS = 256


@dataclass(frozen=True)
class ActivityGroup(Group):
    """Length, and how often each activity happened; one column for activities never seen."""

    activities: tuple[str, ...]
    tag = "activity"

    @classmethod
    def fit(cls, log: EventLog) -> Self:
        """Learns the activities."""
        return cls(Vocabulary.of(log.activities, log.activity_codes).values)

    @property
    def columns(self) -> list[FeatureColumn]:  # noqa: D102
        known = [FeatureColumn("activity", name) for name in self.activities]
        return [
            FeatureColumn("length"),
            FeatureColumn("rare_activity"),
            FeatureColumn("missing", ACTIVITY),
            *known,
        ]

    @property
    def vocabulary(self) -> dict[str, tuple[str, ...]]:  # noqa: D102
        return {ACTIVITY: self.activities}

    def fill(self, log: EventLog, block: Block) -> None:  # noqa: D102
        codes = Vocabulary(self.activities).encode(log.activities, log.activity_codes)
        cases = log.case_of_event
        block.put(0, log.lengths)
        block.tally(cases, 1 + codes)
        unseen = np.flatnonzero(codes == UNSEEN_CODE)
        subjects = names_of(log.activities, log.activity_codes[unseen])
        block.exemplify(1, cases[unseen], subjects, np.full(len(unseen), "", dtype=object))


@dataclass(frozen=True)
class PairGroup(Group):
    """How often one activity directly followed another, borders of the trace included.

    The commonest pairs have a column each; one more counts the pairs that were rare or never seen.
    """

    activities: tuple[str, ...]
    pairs: NDArray[np.int64]
    tag = "pair"

    @classmethod
    def fit(cls, log: EventLog) -> Self:
        """Learns the pairs that have a column of their own."""
        vocabulary = Vocabulary.of(log.activities, log.activity_codes)
        cases, first, second = _steps(log)
        keys = _keys(vocabulary, log, first, second)
        return cls(vocabulary.values, commonest(keys, cases, MAXIMUM_PAIRS, MINIMUM_SUPPORT))

    @property
    def columns(self) -> list[FeatureColumn]:  # noqa: D102
        vocabulary = Vocabulary(self.activities)
        base = vocabulary.size + 1
        known = [
            FeatureColumn(
                "pair",
                START if a == vocabulary.size else vocabulary.name_of(a),
                END if b == vocabulary.size else vocabulary.name_of(b),
            )
            for a, b in (divmod(int(pair), base) for pair in self.pairs)
        ]
        return [FeatureColumn("rare_pair"), *known]

    def fill(self, log: EventLog, block: Block) -> None:  # noqa: D102
        cases, first, second = _steps(log)
        columns = column_of(_keys(Vocabulary(self.activities), log, first, second), self.pairs)
        block.tally(cases, columns)
        rare = np.flatnonzero(columns == 0)
        # A step inside the trace tells more than a border, and _steps puts those of a case in order.
        names = np.array([*log.activities, START, END, "<missing>"], dtype=object)
        block.exemplify(
            0, cases[rare], names[_named(log, first[rare], 0)], names[_named(log, second[rare], 1)]
        )


def _steps(log: EventLog) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Case, first and second event of each step; a border is event -1, so a case of n has n + 1 steps."""
    offsets = np.arange(log.n_cases + 1) + log.offsets
    events = np.arange(log.n_events)
    slots = events + log.case_of_event
    first = np.full(offsets[-1], -1)
    second = np.full(offsets[-1], -1)
    first[slots + 1] = events
    second[slots] = events
    return np.repeat(np.arange(log.n_cases), log.lengths + 1), first, second


def _keys(
    vocabulary: Vocabulary, log: EventLog, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.int64]:
    """One number a pair: code of the first times base plus code of the second."""
    border = vocabulary.size
    codes = np.append(vocabulary.encode(log.activities, log.activity_codes), border)
    return np.asarray(codes[first] * (border + 1) + codes[second])


def _named(log: EventLog, events: NDArray[np.int64], border: int) -> NDArray[np.int64]:
    """Positions in `[*activities, START, END, <missing>]`; `border` is 0 for START, 1 for END."""
    return np.where(events < 0, len(log.activities) + border, log.activity_codes[events])

"""Who worked on a case, and whether it was their work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.profile.column import FeatureColumn
from pmlcli.encoding.profile.group import (
    MINIMUM_SUPPORT,
    Block,
    Group,
    column_of,
    commonest,
    distinct,
    names_of,
)
from pmlcli.encoding.vocabulary import MISSING_CODE, UNSEEN_CODE, Vocabulary
from pmlcli.eventlog.log import MISSING, RESOURCE, EventLog

MAXIMUM_RESOURCES = 50
MAXIMUM_WORK = 1_000_000
"""Pairs of activity and resource that are remembered; they have no columns of their own."""
DISTINCT, HANDOVERS, UNSEEN, ABSENT, RARE_WORK, FIRST = range(6)


@dataclass(frozen=True)
class ResourceGroup(Group):
    """How many resources, how many handovers, how often each common one acted, and who did unusual work."""

    resources: tuple[str, ...]
    activities: tuple[str, ...]
    common: NDArray[np.int64]
    work: NDArray[np.int64]
    tag = "resource"

    @classmethod
    def fit(cls, log: EventLog) -> Self:
        """Learns the resources, the commonest of them, and who does what."""
        codes = _resource_codes(log)
        known = Vocabulary.of(log.resources, codes)
        activities = Vocabulary.of(log.activities, log.activity_codes)
        given = np.flatnonzero(codes != MISSING)
        cases = log.case_of_event[given]
        work = _work_keys(known, activities, log)[given]
        own = known.encode(log.resources, codes)[given]
        return cls(
            resources=known.values,
            activities=activities.values,
            common=commonest(own, cases, MAXIMUM_RESOURCES, 1),
            work=commonest(work, cases, MAXIMUM_WORK, MINIMUM_SUPPORT),
        )

    @property
    def columns(self) -> list[FeatureColumn]:  # noqa: D102
        vocabulary = Vocabulary(self.resources)
        shared = ("resources", "handovers", "rare_resource", "missing", "rare_work")
        return [
            *(FeatureColumn(kind, RESOURCE if kind == "missing" else "") for kind in shared),
            *(FeatureColumn("resource", vocabulary.name_of(int(code))) for code in self.common),
        ]

    @property
    def required(self) -> tuple[str, ...]:  # noqa: D102
        return (RESOURCE,)

    @property
    def vocabulary(self) -> dict[str, tuple[str, ...]]:  # noqa: D102
        return {RESOURCE: self.resources}

    def fill(self, log: EventLog, block: Block) -> None:  # noqa: D102
        cases, own = log.case_of_event, _resource_codes(log)
        codes = Vocabulary(self.resources).encode(log.resources, own)
        block.put(DISTINCT, _distinct(log, own))
        block.put(HANDOVERS, _handovers(log, own))
        block.tally(cases[codes == MISSING_CODE], ABSENT)
        place = column_of(codes, self.common)
        block.tally(cases[place > 0], FIRST - 1 + place[place > 0])
        unseen = np.flatnonzero(codes == UNSEEN_CODE)
        block.tally(cases[unseen], UNSEEN)
        names = names_of(log.resources, own)
        block.exemplify(UNSEEN, cases[unseen], names[unseen], np.full(len(unseen), "", dtype=object))
        keys = _work_keys(Vocabulary(self.resources), Vocabulary(self.activities), log)
        rare = np.flatnonzero((column_of(keys, self.work) == 0) & (own != MISSING))
        block.tally(cases[rare], RARE_WORK)
        done = names_of(log.activities, log.activity_codes)
        block.exemplify(RARE_WORK, cases[rare], done[rare], names[rare])


def _resource_codes(log: EventLog) -> NDArray[np.int32]:
    assert log.resource_codes is not None  # the extractor has checked `required`
    return log.resource_codes


def _work_keys(resources: Vocabulary, activities: Vocabulary, log: EventLog) -> NDArray[np.int64]:
    """One number for each event: code of its activity times base plus code of its resource."""
    who = resources.encode(log.resources, _resource_codes(log))
    return activities.encode(log.activities, log.activity_codes) * resources.size + who


def _distinct(log: EventLog, codes: NDArray[np.int32]) -> NDArray[np.int64]:
    given = codes != MISSING
    base = len(log.resources) + 1
    pairs = distinct(log.case_of_event[given] * base + codes[given])
    return np.bincount(pairs // base, minlength=log.n_cases)


def _handovers(log: EventLog, codes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Steps from one known resource to another."""
    cases = log.case_of_event
    changes = (codes[1:] != codes[:-1]) & (codes[1:] != MISSING) & (codes[:-1] != MISSING)
    return np.bincount(cases[1:][changes & (cases[1:] == cases[:-1])], minlength=log.n_cases)

"""What the task needs of a detector: a judgement of some cases, read by tables, reasons and thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import numpy as np

from pmlcli.algorithms._interface.task import Fitted
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.base import Encodes
from pmlcli.eventlog.log import EventLog

CHUNK_CASES = 4096
"""Cases that are encoded and scored together, to bound the memory; no score depends on it."""


class HasCases(Protocol):
    """What the task needs of an encoded log."""

    @property
    def n_cases(self) -> int: ...  # noqa: D102


CaseData = TypeVar("CaseData", bound=HasCases)
CaseData_contra = TypeVar("CaseData_contra", bound=HasCases, contravariant=True)


class Scored(Protocol):
    """The scores of some cases."""

    def scores(self, level: str) -> Floats:
        """The level's scores, (cases,) or (events,); higher is more anomalous."""

    def oddest(self, level: str) -> Floats:
        """The highest score of each case at this level, (cases,)."""


class Judgement(Scored, Protocol):
    """What a detector finds of some cases: scores, and words for the units that are flagged. Both come of the
    same look at the cases, so nothing is found out twice.
    """

    def words(self, level: str, flagged: Codes) -> Mapping[str, Sequence[str]]:
        """The columns of `WORDS` for these units."""


class Detects(Protocol[CaseData_contra]):
    """What the task needs of a detector. `AnomalyDetector` and `EventDetector` give it."""

    seed: int
    cuts: int
    contamination: float | Literal["auto"]

    @property
    def border(self) -> float | None:
        """A threshold of the method's own."""

    @property
    def levels(self) -> tuple[str, ...]:
        """At which it scores: case, event."""

    def judge(self, data: CaseData_contra) -> Judgement:
        """What it finds of these cases, each by itself."""

    def judge_training(self, data: CaseData_contra) -> Scored:
        """What it would find of the training cases if they were new."""

    def held_out_scores(self, parts: Iterable[CaseData_contra]) -> Mapping[str, Floats]:
        """By level, the scores of cases that this trial was not fitted on."""


@dataclass(frozen=True)
class CaseScores:
    """Scores of cases, (cases,)."""

    cases: Floats

    def scores(self, level: str) -> Floats:
        """Of the cases."""
        return self.cases

    def oddest(self, level: str) -> Floats:
        """Of the cases."""
        return self.cases


@dataclass(frozen=True)
class CaseJudgement(CaseScores):
    """Scores of cases, and the reasons of some of them (positions), a sentence each."""

    reasons: Callable[[Codes], Sequence[str]]

    def words(self, level: str, flagged: Codes) -> Mapping[str, Sequence[str]]:
        """The reason of each."""
        return {"reason": self.reasons(flagged)}


def judged(fitted: Fitted[Detects[CaseData], CaseData], log: EventLog) -> Iterator[Judgement]:
    """The judgement of each run of cases in turn; only one is held at a time."""
    detector = fitted.algorithm
    return (detector.judge(data) for data in chunks(fitted.encoding, log))


def n_chunks(log: EventLog) -> int:
    """How many runs of cases `judged` goes through."""
    return -(-log.n_cases // CHUNK_CASES)


def chunks(encoding: Encodes[CaseData], log: EventLog) -> Iterator[CaseData]:
    """The encoding of each run of cases."""
    for first in range(0, log.n_cases, CHUNK_CASES):
        part = log
        if log.n_cases > CHUNK_CASES:
            part = log.take_cases(np.arange(first, min(first + CHUNK_CASES, log.n_cases)))
        yield encoding.transform(part)

"""What the task needs of a detector: a judgement of some cases, read by tables, reasons and thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

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


class Judgement(Protocol):
    """What a detector finds of some cases: scores, and words for the units that are flagged."""

    def scores(self, level: str) -> Floats:
        """The level's scores, (cases,) or (events,); higher is more anomalous."""

    def oddest(self, level: str) -> Floats:
        """The highest score of each case at this level, (cases,)."""

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

    def judge_training(self, data: CaseData_contra) -> Judgement:
        """What it would find of the training cases if they were new."""

    def held_out_scores(self, parts: Iterable[CaseData_contra]) -> Mapping[str, Floats]:
        """By level, the scores of cases that this trial was not fitted on."""


@dataclass(frozen=True)
class CaseJudgement:
    """Scores of cases, (cases,), and the reasons of some of them, a sentence each."""

    cases: Floats
    reasons: Callable[[Codes], Sequence[str]]

    def scores(self, level: str) -> Floats:
        """Of the cases."""
        return self.cases

    def oddest(self, level: str) -> Floats:
        """Of the cases."""
        return self.cases

    def words(self, level: str, flagged: Codes) -> Mapping[str, Sequence[str]]:
        """The reason of each."""
        return {"reason": self.reasons(flagged)}


class Judged(Generic[CaseData]):
    """The judgement of a log in runs of cases. A log of one run is judged once, however often this is gone
    through; a longer one anew each time, to bound the memory.
    """

    def __init__(self, fitted: Fitted[Detects[CaseData], CaseData], log: EventLog) -> None:
        self._fitted, self._log = fitted, log
        self._only: list[tuple[EventLog, Judgement]] = []
        if log.n_cases <= CHUNK_CASES:
            self._only = list(self._anew())

    def __len__(self) -> int:
        return -(-self._log.n_cases // CHUNK_CASES)

    def __iter__(self) -> Iterator[tuple[EventLog, Judgement]]:
        return iter(self._only) if self._only else self._anew()

    def _anew(self) -> Iterator[tuple[EventLog, Judgement]]:
        detector = self._fitted.algorithm
        return ((part, detector.judge(data)) for part, data in chunks(self._fitted.encoding, self._log))


def chunks(encoding: Encodes[CaseData], log: EventLog) -> Iterator[tuple[EventLog, CaseData]]:
    """The log in runs of cases, each with its encoding."""
    for first in range(0, log.n_cases, CHUNK_CASES):
        part = log
        if log.n_cases > CHUNK_CASES:
            part = log.take_cases(np.arange(first, min(first + CHUNK_CASES, log.n_cases)))
        yield part, encoding.transform(part)

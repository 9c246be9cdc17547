"""Work: who did what in each case, when by the clock and the calendar, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.encoding.base import Encoding
from pmlcli.encoding.vocabulary import MISSING_CODE, Texts, Vocabulary
from pmlcli.errors import LogError
from pmlcli.eventlog.cases import CutIntoCases
from pmlcli.eventlog.log import ACTIVITY, MISSING, RESOURCE, START_TIMESTAMP, TIMESTAMP, EventLog

Use = Literal["never", "if there", "always"]
MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Work(CutIntoCases):
    """The events of a log; case i is rows `offsets[i]:offsets[i + 1]`.

    - `activity`, `resource`: int64 (events,), codes of the training vocabularies `activities`, `resources`;
      every resource is missing where resources are not looked at
    - `times`: float64 (events,), seconds since 1970; None where times are not looked at
    - `begun`: float64 (events,), when work on the event began; NaN where the log does not say
    - `case_began`: float64 (events,), seconds since 1970: when the case began, as far as the events up to
      each tell; in a log without times the position of the case
    - `hour`, `weekday`: int64 (events,) on the clock of the training log's zone, Monday is 0; without times
      all zero
    - `activity_texts`, `resource_texts`: the same as the log has them
    """

    offsets: NDArray[np.int64]
    activity: NDArray[np.int64]
    activities: Vocabulary
    resource: NDArray[np.int64]
    resources: Vocabulary
    times: NDArray[np.float64] | None
    begun: NDArray[np.float64]
    case_began: NDArray[np.float64]
    hour: NDArray[np.int64]
    weekday: NDArray[np.int64]
    activity_texts: Texts
    resource_texts: Texts

    def activity_of(self, event: int) -> str:
        """An event's activity as the log has it."""
        return self.activity_texts.of(event)

    def person_of(self, event: int) -> str:
        """An event's resource as the log has it."""
        return self.resource_texts.of(event)


class WorkEncoding(Encoding[Work]):
    """Log to work. Of resources and times an algorithm looks at what it asks for: `never`, `if there` (in the
    training log, and then in every log), or `always`. Vocabularies and the zone come from the training log.
    """

    name: ClassVar[str] = "work"

    def __init__(self, *, resources: Use = "if there", times: Use = "if there") -> None:
        self.uses: dict[str, Use] = {RESOURCE: resources, TIMESTAMP: times}
        self._looked_at: tuple[str, ...] = ()
        self._activities = self._resources = Vocabulary(())
        self._timezone = "UTC"

    def fit(self, log: EventLog) -> Self:
        """Learns vocabularies and zone; LogError for a column that is needed and not there."""
        has = {RESOURCE: log.resource_codes is not None, TIMESTAMP: log.times is not None}
        self._looked_at = tuple(
            column
            for column, use in self.uses.items()
            if use == "always" or (use == "if there" and has[column])
        )
        self._check(log)
        self._activities = Vocabulary.of(log.activities, log.activity_codes)
        if RESOURCE in self._looked_at and log.resource_codes is not None:
            self._resources = Vocabulary.of(log.resources, log.resource_codes)
        self._timezone = log.schema.timezone
        return self

    def transform(self, log: EventLog) -> Work:
        """The work of any log; LogError names a column that the training log had and this log lacks."""
        self._check(log)
        resource = np.full(log.n_events, MISSING_CODE, dtype=np.int64)
        if RESOURCE in self._looked_at and log.resource_codes is not None:
            resource = self._resources.encode(log.resources, log.resource_codes)
        hour, weekday = np.zeros((2, log.n_events), dtype=np.int64)
        times = None
        if TIMESTAMP in self._looked_at and log.times is not None:
            times = log.times / MICROSECONDS
            local = pd.DatetimeIndex(log.times.astype("datetime64[us]"), tz="UTC").tz_convert(self._timezone)
            hour, weekday = (np.asarray(part, dtype=np.int64) for part in (local.hour, local.day_of_week))
        return Work(
            offsets=log.offsets,
            activity=self._activities.encode(log.activities, log.activity_codes),
            activities=self._activities,
            resource=resource,
            resources=self._resources,
            times=times,
            begun=_begun(log),
            case_began=log.began / MICROSECONDS,
            hour=hour,
            weekday=weekday,
            activity_texts=Texts(log.activities, log.activity_codes),
            resource_texts=Texts(log.resources, _resource_codes(log)),
        )

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {
            "uses": dict(self.uses),
            "looked_at": list(self._looked_at),
            "activities": list(self._activities.values),
            "resources": list(self._resources.values),
            "timezone": self._timezone,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:  # noqa: D102
        encoding = cls(resources=state["uses"][RESOURCE], times=state["uses"][TIMESTAMP])
        encoding._looked_at = tuple(state["looked_at"])
        encoding._activities = Vocabulary(tuple(state["activities"]))
        encoding._resources = Vocabulary(tuple(state["resources"]))
        encoding._timezone = str(state["timezone"])
        return encoding

    def required_columns(self) -> tuple[str, ...]:  # noqa: D102
        return self._looked_at

    def vocabularies(self) -> dict[str, tuple[str, ...]]:  # noqa: D102
        found = {ACTIVITY: self._activities.values}
        return found | {RESOURCE: self._resources.values} if RESOURCE in self._looked_at else found

    def _check(self, log: EventLog) -> None:
        has = {RESOURCE: log.resource_codes is not None, TIMESTAMP: log.times is not None}
        for column in self._looked_at:
            if not has[column]:
                raise LogError(
                    f"the log has no {column}s, which this algorithm needs",
                    code="log.column",
                    hint=f"map one of the log's columns to them: --{column} COLUMN",
                    context={"column": column},
                )


def _resource_codes(log: EventLog) -> NDArray[np.int32]:
    return (
        np.full(log.n_events, MISSING, dtype=np.int32) if log.resource_codes is None else log.resource_codes
    )


def _begun(log: EventLog) -> NDArray[np.float64]:
    if START_TIMESTAMP not in log.frame.columns:
        return np.full(log.n_events, np.nan)
    micros = log.frame[START_TIMESTAMP].to_numpy(dtype="datetime64[us]")
    return np.where(np.isnat(micros), np.nan, micros.astype(np.int64) / MICROSECONDS)

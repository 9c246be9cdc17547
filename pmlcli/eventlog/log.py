"""What an event log is in memory: one sorted frame, integer codes, UTC times and case offsets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.cases import CutIntoCases
from pmlcli.eventlog.ledger import Ledger

CASE_ID = "case_id"
ACTIVITY = "activity"
TIMESTAMP = "timestamp"
START_TIMESTAMP = "start_timestamp"
RESOURCE = "resource"
LIFECYCLE = "lifecycle"
CANONICAL_COLUMNS = (CASE_ID, ACTIVITY, TIMESTAMP, START_TIMESTAMP, RESOURCE, LIFECYCLE)
CASE_PREFIX = "case:"
"""Columns whose name begins with this hold one value a case, repeated on each of its events."""

MISSING = -1
"""The code of a missing activity or resource."""


@dataclass(frozen=True)
class LogSource:
    """Where a log came from: its name (never a directory), format, size and SHA-256 (None: from memory)."""

    name: str
    format: str
    sha256: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True)
class LogSchema:
    """How the source's columns became the log's.

    `columns` maps canonical names to the source's; `timezone` is the zone that naive times were read
    in and that calendar features use; `order` is `time`, `row`, a source column or `time+COLUMN`,
    and `tie_breaker` the column found to number events at equal times, where one did. `pair_lifecycle`,
    `lifecycle` and `object_type` say how rows became events, as in `ReadOptions`.
    """

    columns: Mapping[str, str]
    timezone: str = "UTC"
    order: str = "time"
    tie_breaker: str | None = None
    pair_lifecycle: bool = False
    lifecycle: tuple[str, ...] = ()
    object_type: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form; how rows became events only where it is not the usual way."""
        plain = {"columns": dict(self.columns), "timezone": self.timezone, "order": self.order}
        unusual = {
            "tie_breaker": self.tie_breaker,
            "pair_lifecycle": self.pair_lifecycle,
            "lifecycle": list(self.lifecycle),
            "object_type": self.object_type,
        }
        return plain | {name: value for name, value in unusual.items() if value}


class CaseRule(Protocol):
    """Tells which cases of a log have not ended."""

    def find(self, log: EventLog, *, at: int | None = None) -> NDArray[np.bool_]:
        """Whether each case is running at `at` (microseconds UTC; the log's end), (cases,)."""


@dataclass(frozen=True)
class EventLog(CutIntoCases):
    """A table of events, ordered by case and position, made for array arithmetic.

    Case i is rows `offsets[i]:offsets[i + 1]`; cases are ordered by first time and case id, or by first
    appearance in the source if rows keep their order or have no times. A log never changes: every method
    returns a new one, and arrays are read-only by convention.

    - `frame`: (events,) rows; canonical columns first (`case_id` and `activity` always; `timestamp` is
      `datetime64[us, UTC]`), then the source's other columns under their own names.
    - `offsets`: int64 (cases + 1)
    - `activity_codes`, `resource_codes`: int32 (events,), positions in `activities` and `resources`
      (sorted text); `MISSING` where the source has none; `resource_codes` is None without the column.
    - `times`: int64 (events,), microseconds since 1970 UTC, or None for a log without timestamps.
    - `until`: microseconds since 1970 UTC, when the last event was before a filter left some events or cases
      out; None where there was no filter.
    - `is_cut`: a filter took away more of the end than of the rest, whose end is not this one.
    - `running_rule`: the rule by which the user chose or marked running cases; it goes before any other.
    - `known_at_start`: columns of which the user says that they are known when a case starts.
    - `lines`: int64 (events,), 1-based place of each event in the source, counted in `line_unit` (line,
      row); None where nobody knows.
    """

    frame: pd.DataFrame
    offsets: NDArray[np.int64]
    activity_codes: NDArray[np.int32]
    activities: tuple[str, ...]
    resource_codes: NDArray[np.int32] | None
    resources: tuple[str, ...]
    times: NDArray[np.int64] | None
    ledger: Ledger
    schema: LogSchema
    source: LogSource = field(default=LogSource("memory", "memory"))
    lines: NDArray[np.int64] | None = None
    line_unit: str = "line"
    until: int | None = None
    is_cut: bool = False
    running_rule: CaseRule | None = None
    known_at_start: tuple[str, ...] = ()

    @property
    def case_ids(self) -> NDArray[np.object_]:
        """Identifier of each case, (cases,) of str."""
        return self.frame[CASE_ID].to_numpy(dtype=object)[self.offsets[:-1]]

    @property
    def starts(self) -> NDArray[np.int64]:
        """When each case began, (cases,), microseconds: its earliest start or time.

        The position of the case without times.
        """
        if self.times is None:
            return np.arange(self.n_cases, dtype=np.int64)
        # Not the first event's: another one may have begun before it, and row order may go back in time.
        return np.asarray(np.minimum.reduceat(self.begins, self.offsets[:-1]), dtype=np.int64)

    @property
    def ends(self) -> NDArray[np.int64]:
        """Latest time of each case, (cases,), microseconds; the position of the case without times."""
        if self.times is None:
            return np.arange(self.n_cases, dtype=np.int64)
        return np.asarray(np.maximum.reduceat(self.times, self.offsets[:-1]), dtype=np.int64)

    @property
    def end(self) -> int | None:
        """The last moment of the log, microseconds UTC: its last event, filtered out or not.

        None without times or events.
        """
        if self.until is not None or self.times is None or not self.n_events:
            return self.until
        return int(self.times.max())

    @cached_property
    def begins(self) -> NDArray[np.int64]:
        """When each event began, (events,), microseconds: its start where it has one, else its time.

        Never later than its time. The position of its case without times.
        """
        if self.times is None:
            return self.case_of_event
        if START_TIMESTAMP not in self.frame.columns:
            return self.times
        starts = self.frame[START_TIMESTAMP]
        micros = starts.to_numpy(dtype="datetime64[us]").view(np.int64)
        return np.where(starts.isna().to_numpy(dtype=bool), self.times, np.minimum(micros, self.times))

    @property
    def began(self) -> NDArray[np.int64]:
        """When the case of each event began, judged by the events up to it, (events,), microseconds.

        At a case's last event this equals `starts`. The position of the case without times.
        """
        first = np.repeat(self.begins[self.offsets[:-1]], self.lengths)
        if (self.begins >= first).all():
            return first
        earliest = pd.Series(self.begins).groupby(self.case_of_event, sort=False).cummin()
        return earliest.to_numpy(dtype=np.int64)

    def attribute_columns(self) -> tuple[str, ...]:
        """The columns that are neither canonical nor of the case."""
        return tuple(
            str(c)
            for c in self.frame.columns
            if c not in CANONICAL_COLUMNS and not str(c).startswith(CASE_PREFIX)
        )

    def case_attribute_columns(self) -> tuple[str, ...]:
        """The columns that have one value for each case."""
        return tuple(str(c) for c in self.frame.columns if str(c).startswith(CASE_PREFIX))

    def take_rows(self, rows: NDArray[np.int64], offsets: NDArray[np.int64]) -> EventLog:
        """The log of these rows, in this order, divided into cases by these offsets.

        Rows may be repeated or left out: selections, prefixes and injected deviations all use this method.
        Vocabularies, ledger, schema and source are kept; `offsets` has no empty case.
        """
        return replace(
            self,
            frame=self.frame.take(rows).reset_index(drop=True),
            offsets=offsets,
            activity_codes=self.activity_codes[rows],
            resource_codes=None if self.resource_codes is None else self.resource_codes[rows],
            times=None if self.times is None else self.times[rows],
            lines=None if self.lines is None else self.lines[rows],
        )

    def without_columns(self, columns: Sequence[str]) -> EventLog:
        """The log without these attributes."""
        return replace(self, frame=self.frame.drop(columns=list(columns)))

    def take_cases(self, cases: NDArray[np.int64], lengths: NDArray[np.int64] | None = None) -> EventLog:
        """The log of these cases, in this order; with `lengths`, each cut to its first so many events."""
        lengths = self.lengths[cases] if lengths is None else lengths
        offsets = offsets_of(lengths)
        rows = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - self.offsets[:-1][cases], lengths)
        return self.take_rows(rows, offsets)


def no_times(why: str, instead: str = "") -> LogError:
    """The error of a log without times: what they are needed for, and what could be done instead."""
    return LogError(
        f"the log has no timestamps, {why}",
        code="log.column",
        hint="map one of the log's columns to it (--timestamp COLUMN)"
        + (f", or {instead}" if instead else ""),
        context={"column": TIMESTAMP},
    )


def offsets_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Case lengths (cases,) to offsets (cases + 1)."""
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)

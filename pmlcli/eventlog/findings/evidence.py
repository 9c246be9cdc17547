"""What the finders look at: a log, and facts about it that are computed once and shared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.eventlog.findings.finding import EXAMPLES, LONGEST_NAME, Example, cut
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, CASE_PREFIX, MISSING, EventLog
from pmlcli.eventlog.running import Standing, standing
from pmlcli.eventlog.times.local_time import iso, local_micros

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class ColumnFacts:
    """An attribute: its values numbered in order of first appearance.

    `codes` is (events,), -1 where an event has none; `values` are the distinct ones; `kind` is text,
    integer, number, boolean or time; `of_case` says that its name makes it a case attribute.
    """

    name: str
    kind: str
    of_case: bool
    codes: NDArray[np.int32]
    values: pd.Index

    @property
    def distinct(self) -> int:
        """Number of distinct values, missing ones aside."""
        return len(self.values)


@dataclass(frozen=True)
class Evidence:
    """A log of at least one event, and the moment that counts as now (microseconds UTC)."""

    log: EventLog
    now: int

    @cached_property
    def zone(self) -> ZoneInfo:
        """The log's zone."""
        return ZoneInfo(self.log.schema.timezone)

    @cached_property
    def local(self) -> Ints:
        """Event times as a clock in the log's zone shows them, (events,); empty for a log without times."""
        return (
            np.empty(0, dtype=np.int64) if self.log.times is None else local_micros(self.log.times, self.zone)
        )

    @cached_property
    def standing(self) -> Standing:
        """Which cases are running at the log's end, and which of them are stalled."""
        return standing(self.log)

    @property
    def running(self) -> Flags:
        """Which cases are running at the log's end, (cases,)."""
        return self.standing.is_running

    @cached_property
    def columns(self) -> tuple[ColumnFacts, ...]:
        """The attributes of events, then those of cases."""
        names = (*self.log.attribute_columns(), *self.log.case_attribute_columns())
        return tuple(_facts(self.log, name) for name in names)

    def of_cases(self, column: ColumnFacts) -> NDArray[np.int32]:
        """A case attribute's code of each case, (cases,): that of its first event."""
        return column.codes[self.log.offsets[:-1]]

    def activity(self, row: int) -> str:
        """The activity of an event, for showing."""
        code = int(self.log.activity_codes[row])
        return "<missing>" if code == MISSING else cut(self.log.activities[code], LONGEST_NAME)

    def time(self, micros: int) -> str:
        """A time in the log's zone, for showing."""
        return iso(micros, self.zone)

    def events(self, rows: Ints, *, texts: list[str] | None = None) -> tuple[Example, ...]:
        """Examples of events: the first of `rows`, with their line and case, and what happened when."""
        shown = rows[:EXAMPLES].tolist()
        cases = self.log.frame[CASE_ID]
        return tuple(
            Example(
                self._event(row) if texts is None else texts[i],
                None if self.log.lines is None else int(self.log.lines[row]),
                str(cases.iloc[row]),
            )
            for i, row in enumerate(shown)
        )

    def cases(self, cases: Ints) -> tuple[Example, ...]:
        """Examples of cases, by their first event."""
        return self.events(self.log.offsets[:-1][cases[:EXAMPLES]])

    def _event(self, row: int) -> str:
        what = f"{ACTIVITY} '{self.activity(row)}'"
        return what if self.log.times is None else f"{what} at {self.time(int(self.log.times[row]))}"


def _facts(log: EventLog, name: str) -> ColumnFacts:
    series = log.frame[name]
    codes, values = pd.factorize(series)
    return ColumnFacts(
        name, kind_of(series), name.startswith(CASE_PREFIX), codes.astype(np.int32), pd.Index(values)
    )


def kind_of(series: pd.Series) -> str:
    """What a column holds: text, integer, number, boolean or time."""
    kinds = {
        "boolean": pd.api.types.is_bool_dtype,
        "integer": pd.api.types.is_integer_dtype,
        "number": pd.api.types.is_float_dtype,
        "time": pd.api.types.is_datetime64_any_dtype,
    }
    return next((kind for kind, holds in kinds.items() if holds(series.dtype)), "text")

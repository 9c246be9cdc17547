"""What an analyst should know about a log before training: one function a finding.

A finder takes the `Evidence` and returns a `DataFinding`, or None where there is nothing to say. To add
one, write it and name it in `FINDERS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pmlcli.eventlog.findings import columns, damaged, events, names, times
from pmlcli.eventlog.findings.evidence import Evidence
from pmlcli.eventlog.findings.finding import NOTE, SERIOUS, SEVERITIES, WARNING, DataFinding, Example
from pmlcli.eventlog.log import EventLog

__all__ = [
    "FINDERS",
    "NOTE",
    "SERIOUS",
    "SEVERITIES",
    "WARNING",
    "DataFinding",
    "Evidence",
    "Example",
    "BEFORE_TRAINING",
    "evidence_of",
    "find_all",
    "find_before_training",
]

FINDERS: tuple[Callable[[Evidence], DataFinding | None], ...] = (
    times.past,
    times.future,
    times.day_month,
    times.mixed_zones,
    times.midnight,
    times.incomplete_end,
    times.far_events,
    times.late_end,
    events.duplicates,
    events.equal_times,
    events.starts_and_completions,
    events.before_case_start,
    events.start_after_end,
    events.single_event_cases,
    names.too_many,
    names.near_duplicates,
    names.near_duplicate_values,
    columns.guessed,
    columns.personal_data,
    columns.identifiers,
    damaged.identifiers,
    events.varying_case_attributes,
    columns.twins,
    columns.constant,
)


BEFORE_TRAINING = (
    times.past,
    times.future,
    times.day_month,
    times.mixed_zones,
    times.far_events,
    times.late_end,
    events.duplicates,
    events.equal_times,
    events.starts_and_completions,
    events.single_event_cases,
    names.too_many,
    damaged.identifiers,
)
"""Those that hold for any task and take little time: a training says what they find."""
_ALWAYS_SAID = (
    "times.far-events",
    "cases.late-ends",
    "events.equal-times",
    "events.start-and-completion",
)
"""Of these a training also says what is a warning; of the others what is serious."""


def evidence_of(log: EventLog, *, now: int | None = None) -> Evidence:
    """The evidence of a log of at least one event; `now` is microseconds UTC (the clock's)."""
    return Evidence(log, int(time.time() * 1_000_000) if now is None else now)


def find_before_training(evidence: Evidence) -> tuple[DataFinding, ...]:
    """What a training must say before it learns from a log, the worst first."""
    found = [finding for finder in BEFORE_TRAINING if (finding := finder(evidence)) is not None]
    said = [one for one in found if one.severity == SERIOUS or one.code in _ALWAYS_SAID]
    return tuple(sorted(said, key=lambda finding: SEVERITIES.index(finding.severity)))


def find_all(evidence: Evidence) -> tuple[DataFinding, ...]:
    """All findings, the worst first."""
    found = [finding for finder in FINDERS if (finding := finder(evidence)) is not None]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))

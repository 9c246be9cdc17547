"""What a log looks like in numbers: size, activities, variants, times, resources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.far_events import near_cases
from pmlcli.eventlog.findings import DataFinding, Evidence, evidence_of, find_all
from pmlcli.eventlog.findings.evidence import ColumnFacts
from pmlcli.eventlog.findings.finding import LONGEST_NAME, cut
from pmlcli.eventlog.log import MISSING, EventLog
from pmlcli.eventlog.times.local_time import DAY, MICROSECONDS, iso, local_micros
from pmlcli.eventlog.waits import HandOver, Work, hand_overs, work

TOP = 10
MOST_ACTIVITIES = 1_000
MOST_STEPS = 100
MOST_HAND_OVERS = 100
MOST_BUCKETS = 60


@dataclass(frozen=True)
class Frequency:
    """How often a value occurs; `share` is of all events (activities, resources) or cases (variants)."""

    name: str
    count: int
    share: float


@dataclass(frozen=True)
class Arrivals:
    """Cases that began, in buckets of `days_per_bucket` whole days from `first_day` on, in the log's zone."""

    first_day: str
    days_per_bucket: int
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Attribute:
    """A column without a role: `type` is text, integer, number, boolean or time.

    `of` says whether `missing_share` is of its events or, for a case attribute, of its cases.
    """

    name: str
    type: str
    of: str
    distinct: int
    missing_share: float


@dataclass(frozen=True)
class LogProfile:
    """A log in numbers. Durations are seconds, times ISO 8601 in the log's zone; None where it has no times.

    `activities` are the most frequent 1,000 of `distinct_activities`; `top_variants` name their activities
    joined by ` > `, cut after 100 (and names after 200 characters); `throughput_*_seconds` go from a
    case's beginning (its earliest start or time) to its last event, running cases included;
    `running_cases` and `stalled_cases` (those of them that have been silent for unusually long) are by
    `standing`; `expected_running` is the sum over all cases of how likely each goes on. `hand_overs` are
    those that take most time, and `work` is that of activities, where the log has starts; at most 100 each.
    `lines` are counted in `line_unit`.
    """

    cases: int
    events: int
    distinct_activities: int
    activities: tuple[Frequency, ...]
    variants: int
    top_variants: tuple[Frequency, ...]
    events_per_case_median: float
    events_per_case_max: int
    first_event: str | None
    last_event: str | None
    timezone: str
    throughput_median_seconds: float | None
    throughput_p90_seconds: float | None
    arrivals_per_day: float | None
    arrivals: Arrivals | None
    running_cases: int
    stalled_cases: int
    expected_running: float
    resources: int | None
    top_resources: tuple[Frequency, ...]
    events_without_resource: int
    hand_overs: tuple[HandOver, ...]
    work: tuple[Work, ...]
    columns: dict[str, str]
    attributes: tuple[Attribute, ...]
    ledger: dict[str, Any]
    line_unit: str
    findings: tuple[DataFinding, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form."""
        plain = dict(vars(self))
        for name in ("activities", "top_variants", "top_resources", "attributes", "hand_overs", "work"):
            plain[name] = [dict(vars(fact)) for fact in plain[name]]
        plain["arrivals"] = None if self.arrivals is None else dict(vars(self.arrivals))
        plain["findings"] = [finding.to_dict() for finding in self.findings]
        return plain


def profile(log: EventLog, *, now: int | None = None) -> LogProfile:
    """The profile of a log with at least one event; `now` is microseconds UTC (the clock's)."""
    evidence = evidence_of(log, now=now)
    activities = _frequencies(log.activity_codes, log.activities)
    variants = variant_codes(log)
    without = 0 if log.resource_codes is None else int((log.resource_codes == MISSING).sum())
    return LogProfile(
        cases=log.n_cases,
        events=log.n_events,
        distinct_activities=len(activities),
        activities=activities[:MOST_ACTIVITIES],
        variants=int(variants.max()) + 1,
        top_variants=_top_variants(log, variants),
        events_per_case_median=float(np.median(log.lengths)),
        events_per_case_max=int(log.lengths.max()),
        timezone=log.schema.timezone,
        **_times(evidence),
        running_cases=int(evidence.running.sum()),
        stalled_cases=int(evidence.standing.is_stalled.sum()),
        expected_running=float(evidence.standing.goes_on.sum()),
        **_resources(log),
        events_without_resource=without,
        hand_overs=hand_overs(log)[:MOST_HAND_OVERS],
        work=work(log)[:MOST_HAND_OVERS],
        columns=dict(log.schema.columns),
        attributes=tuple(_attribute(evidence, column) for column in evidence.columns),
        ledger=log.ledger.to_dict(),
        line_unit=log.line_unit,
        findings=find_all(evidence),
    )


def variant_codes(log: EventLog) -> NDArray[np.int64]:
    """The variant of each case, (cases,): numbered from 0 in order of first appearance."""
    step = log.activity_codes.dtype.itemsize
    packed, bounds = log.activity_codes.tobytes(), (log.offsets * step).tolist()
    numbers: dict[bytes, int] = {}
    codes = (
        numbers.setdefault(packed[start:stop], len(numbers))
        for start, stop in zip(bounds[:-1], bounds[1:], strict=True)
    )
    return np.fromiter(codes, dtype=np.int64, count=log.n_cases)


def _top_variants(log: EventLog, variants: NDArray[np.int64]) -> tuple[Frequency, ...]:
    _, first, counts = np.unique(variants, return_index=True, return_counts=True)
    # Ties stay in order of appearance.
    top = np.argsort(-counts, kind="stable")[:TOP]
    return tuple(
        Frequency(_variant_name(log, int(first[v])), int(counts[v]), counts[v] / log.n_cases) for v in top
    )


def _variant_name(log: EventLog, case: int) -> str:
    codes = log.activity_codes[log.offsets[case] : log.offsets[case + 1]]
    more = f" > ({len(codes) - MOST_STEPS:,} more)" if len(codes) > MOST_STEPS else ""
    names = (
        "<missing>" if code == MISSING else cut(log.activities[code], LONGEST_NAME)
        for code in codes[:MOST_STEPS].tolist()
    )
    return " > ".join(names) + more


def _frequencies(codes: NDArray[np.int32], names: Sequence[str]) -> tuple[Frequency, ...]:
    counts = np.bincount(codes[codes != MISSING], minlength=len(names))
    order = np.argsort(-counts, kind="stable")
    return tuple(Frequency(names[i], int(counts[i]), counts[i] / len(codes)) for i in order if counts[i])


def _resources(log: EventLog) -> dict[str, Any]:
    if log.resource_codes is None:
        return {"resources": None, "top_resources": ()}
    found = _frequencies(log.resource_codes, log.resources)
    return {"resources": len(found), "top_resources": found[:TOP]}


def _attribute(evidence: Evidence, column: ColumnFacts) -> Attribute:
    codes = evidence.of_cases(column) if column.of_case else column.codes
    missing = float((codes < 0).mean())
    return Attribute(
        column.name, column.kind, "cases" if column.of_case else "events", column.distinct, missing
    )


def _times(evidence: Evidence) -> dict[str, Any]:
    log = evidence.log
    if log.times is None:
        names = ("first_event", "last_event", "throughput_median_seconds", "throughput_p90_seconds")
        return {**dict.fromkeys(names), "arrivals_per_day": None, "arrivals": None}
    throughput = (log.ends - log.starts) / MICROSECONDS
    # One case far from all others would stretch what is said of arrivals; a finding names it.
    starts = near_cases(log).starts
    span_days = (starts.max() - starts.min()) / DAY
    return {
        "first_event": iso(int(log.starts.min()), evidence.zone),
        "last_event": iso(int(log.times.max()), evidence.zone),
        "throughput_median_seconds": float(np.median(throughput)),
        "throughput_p90_seconds": float(np.quantile(throughput, 0.9)),
        "arrivals_per_day": len(starts) / max(span_days, 1.0),
        "arrivals": _arrivals(starts, evidence.zone),
    }


def _arrivals(starts: NDArray[np.int64], zone: ZoneInfo) -> Arrivals:
    days = local_micros(starts, zone) // DAY
    first = int(days.min())
    width = -(-(int(days.max()) - first + 1) // MOST_BUCKETS)
    counts = np.bincount((days - first) // width)
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=first)
    return Arrivals(date.date().isoformat(), width, tuple(counts.tolist()))

"""What a log looks like in numbers: size, activities, variants, times, resources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.log import MISSING, EventLog
from pmlcli.eventlog.running import find_running

TOP = 10
MICROSECONDS = 1_000_000
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Frequency:
    """How often a value occurs; `share` is of all events (activities, resources) or cases (variants)."""

    name: str
    count: int
    share: float


@dataclass(frozen=True)
class LogProfile:
    """A log in numbers. Durations are seconds, times ISO 8601 in the log's zone; None where it has no times.

    `top_variants` name their activities joined by ` > `; `throughput_*_seconds` span a case's first to
    its last event, running cases included; `running_cases` is by the rule of `find_running`.
    """

    cases: int
    events: int
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
    running_cases: int
    resources: int | None
    top_resources: tuple[Frequency, ...]
    events_without_resource: int
    columns: dict[str, str]
    attributes: tuple[str, ...]
    ledger: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form."""
        plain = dict(vars(self))
        for name in ("activities", "top_variants", "top_resources"):
            plain[name] = [dict(vars(frequency)) for frequency in plain[name]]
        return plain


def profile(log: EventLog) -> LogProfile:
    """The profile of a log with at least one event."""
    variants = variant_codes(log)
    without = 0 if log.resource_codes is None else int((log.resource_codes == MISSING).sum())
    return LogProfile(
        cases=log.n_cases,
        events=log.n_events,
        activities=_frequencies(log.activity_codes, log.activities),
        variants=int(variants.max()) + 1,
        top_variants=_top_variants(log, variants),
        events_per_case_median=float(np.median(log.lengths)),
        events_per_case_max=int(log.lengths.max()),
        timezone=log.schema.timezone,
        **_times(log),
        running_cases=int(find_running(log).sum()),
        **_resources(log),
        events_without_resource=without,
        columns=dict(log.schema.columns),
        attributes=(*log.attribute_columns(), *log.case_attribute_columns()),
        ledger=log.ledger.to_dict(),
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
    return " > ".join("<missing>" if code == MISSING else log.activities[code] for code in codes)


def _frequencies(codes: NDArray[np.int32], names: Sequence[str]) -> tuple[Frequency, ...]:
    counts = np.bincount(codes[codes != MISSING], minlength=len(names))
    order = np.argsort(-counts, kind="stable")
    return tuple(Frequency(names[i], int(counts[i]), counts[i] / len(codes)) for i in order if counts[i])


def _resources(log: EventLog) -> dict[str, Any]:
    if log.resource_codes is None:
        return {"resources": None, "top_resources": ()}
    found = _frequencies(log.resource_codes, log.resources)
    return {"resources": len(found), "top_resources": found[:TOP]}


def _times(log: EventLog) -> dict[str, Any]:
    if log.times is None:
        names = ("first_event", "last_event", "throughput_median_seconds", "throughput_p90_seconds")
        return {**dict.fromkeys(names), "arrivals_per_day": None}
    throughput = (log.ends - log.starts) / MICROSECONDS
    span_days = (log.starts.max() - log.starts.min()) / MICROSECONDS / _DAY_SECONDS
    zone = ZoneInfo(log.schema.timezone)
    return {
        "first_event": _iso(int(log.times.min()), zone),
        "last_event": _iso(int(log.times.max()), zone),
        "throughput_median_seconds": float(np.median(throughput)),
        "throughput_p90_seconds": float(np.quantile(throughput, 0.9)),
        "arrivals_per_day": log.n_cases / max(span_days, 1.0),
    }


def _iso(microseconds: int, zone: ZoneInfo) -> str:
    seconds, rest = divmod(microseconds, MICROSECONDS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest).astimezone(zone).isoformat()

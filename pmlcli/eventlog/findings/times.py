"""Findings about times: dates without a time of day, impossible years, swapped days and months, zones."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.far_events import events_of_a_case, far_among
from pmlcli.eventlog.findings.evidence import Evidence, Flags, Ints
from pmlcli.eventlog.findings.finding import NOTE, SERIOUS, WARNING, DataFinding, Example, counted, percent
from pmlcli.eventlog.late_ends import late_ends
from pmlcli.eventlog.running import StatedRule
from pmlcli.eventlog.times.epoch import MODERN
from pmlcli.eventlog.times.local_time import DAY, MICROSECONDS
from pmlcli.eventlog.times.parse import SEVERAL_ZONES, ZONED_BESIDE_NAIVE

_HOUR = 3600 * MICROSECONDS
_MODERN = int(MODERN.timestamp()) * MICROSECONDS

MIDNIGHT_SHARE = 0.05
MIDNIGHT_EVENTS = 10
"""From this share and number on, events at midnight sharp are no chance and no night shift."""


def midnight(evidence: Evidence) -> DataFinding | None:
    """Events that have a date but, it seems, no time of day."""
    clock = evidence.local % DAY
    at_midnight = clock == 0
    count = int(at_midnight.sum())
    when = "midnight"
    if len(clock) >= MIDNIGHT_EVENTS and count < len(clock) and _is_shifted_midnight(evidence.local):
        count, at_midnight = len(clock), np.ones(len(clock), dtype=bool)
        when = "a full hour that is midnight in another zone"
    share = count / max(len(clock), 1)
    if count < MIDNIGHT_EVENTS or share < MIDNIGHT_SHARE:
        return None
    which = "all events" if share == 1 else f"{counted(count, 'event')} ({percent(share)})"
    return DataFinding(
        "times.midnight",
        WARNING,
        count,
        evidence.events(np.flatnonzero(at_midnight)),
        f"{which} at {when}: a date without a time of day; the order within a day is not known",
        "take a column that has the time of day, or join one (--columns timestamp=DATE+TIME), or --order row"
        " if the rows stand in the true order; do not trust durations under a day",
    )


def _is_shifted_midnight(local: Ints) -> bool:
    """Whether all times are one full hour, or two next to each other: midnight as another zone shows it."""
    hours = np.unique(local % DAY)
    if len(hours) > 2 or (hours % _HOUR).any() or len(np.unique(local // DAY)) < MIDNIGHT_EVENTS:
        return False
    return len(hours) == 1 or int(hours[1] - hours[0]) in (_HOUR, 23 * _HOUR)


def past(evidence: Evidence) -> DataFinding | None:
    """Events before 1990: a missing time written as zero, or a number in the wrong unit."""
    times = evidence.log.times
    rows = np.flatnonzero(times < _MODERN) if times is not None else np.empty(0, dtype=np.int64)
    if not len(rows):
        return None
    is_all = len(rows) == evidence.log.n_events
    which = "all events" if is_all else counted(len(rows), "event")
    why = (
        "simulated, or a number in another unit" if is_all else "often a missing time written as 1970 or 1900"
    )
    return DataFinding(
        "times.past",
        WARNING if is_all else SERIOUS,
        len(rows),
        evidence.events(rows),
        f"{which} before 1990: {why}",
        "correct these times in the source, or leave those cases out; they make durations of decades",
    )


def future(evidence: Evidence) -> DataFinding | None:
    """Events later than a day from now: planned, or mistyped."""
    times = evidence.log.times
    rows = np.flatnonzero(times > evidence.now + DAY) if times is not None else np.empty(0, dtype=np.int64)
    if not len(rows):
        return None
    return DataFinding(
        "times.future",
        SERIOUS,
        len(rows),
        evidence.events(rows),
        f"{counted(len(rows), 'event')} in the future: planned, or mistyped",
        "correct these times in the source, or leave planned events out: a model takes them for fact",
    )


def mixed_zones(evidence: Evidence) -> DataFinding | None:
    """Times of which only some name their zone, or that name zones far apart, as the reader noted."""
    notes = [(kind, count) for kind, count in evidence.log.ledger.notes if _speaks_of_zones(kind)]
    if not notes:
        return None
    is_mixed = any(ZONED_BESIDE_NAIVE in kind for kind, _ in notes)
    zone = evidence.log.schema.timezone
    if is_mixed:
        message = f"some times name a zone and some do not; those were read as {zone} and may be hours off"
        fix = "write all times with their zone, or give --timezone the zone of those without"
    else:
        message = f"times come from several zones; all were turned to UTC, and hours and weekdays are {zone}"
        fix = "give --timezone the zone in which the process works"
    return DataFinding(
        "times.mixed-zones",
        SERIOUS if is_mixed else NOTE,
        max(count for _, count in notes),
        tuple(Example(f"{kind}: {count:,}") for kind, count in notes),
        message,
        fix,
    )


def _speaks_of_zones(kind: str) -> bool:
    return kind.endswith(ZONED_BESIDE_NAIVE) or SEVERAL_ZONES in kind


# A day of the month above 12 cannot be a month: such dates are clear.
_MONTHS = 12
_SWAPPED_EVENTS = 5
_SWAPPED_SHARE = 0.002
_EDGE = 0.005


def day_month(evidence: Evidence) -> DataFinding | None:
    """Dates that look as if day and month had been swapped before or while the log was read."""
    days = evidence.local // DAY
    if len(days) < _SWAPPED_EVENTS:
        return None
    dates = _Dates(days)
    swapped = _outside_unless_swapped(dates)
    rows = np.flatnonzero(swapped[dates.of_event])
    if len(rows) >= max(_SWAPPED_EVENTS, _SWAPPED_SHARE * len(days)):
        message = (
            f"{counted(len(rows), 'event')} outside the months of the log, all on days 1 to 12, that would be"
            " inside with day and month swapped"
        )
        return _doubt(evidence, SERIOUS, rows, message)
    if _is_shorter_swapped(dates):
        message = (
            "no event after the 12th of any month, and the log is far shorter with day and month swapped"
        )
        return _doubt(evidence, WARNING, np.arange(len(days)), message)
    return None


class _Dates:
    """The distinct dates of a log: `month` counts from 1970, `day` from 1, `count` is of events."""

    def __init__(self, days: Ints) -> None:
        found, self.of_event, self.count = np.unique(days, return_inverse=True, return_counts=True)
        dates = found.view("datetime64[D]")
        months = dates.astype("datetime64[M]")
        self.found = found
        self.month: Ints = months.astype(np.int64)
        self.day: Ints = (dates - months).astype(np.int64) + 1
        self.clear: Flags = self.day > _MONTHS
        year = self.month // _MONTHS * _MONTHS
        self.swapped_month: Ints = np.where(self.clear, self.month, year + self.day - 1)
        swapped_day = np.where(self.clear, self.day, self.month % _MONTHS + 1)
        self.swapped: Ints = (
            self.swapped_month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
            + swapped_day
            - 1
        )


def _outside_unless_swapped(dates: _Dates) -> Flags:
    """Dates outside the months of the clear ones that swapping brings inside, (dates,); none if too many
    clear dates lie outside as well: then the log just begins or ends thinly."""
    none = np.zeros(len(dates.found), dtype=bool)
    if not dates.clear.any():
        return none
    low, high = _inner_range(dates.month[dates.clear], dates.count[dates.clear])
    outside = (dates.month < low - 1) | (dates.month > high + 1)
    fits = outside & ~dates.clear & (dates.swapped_month >= low) & (dates.swapped_month <= high)
    swapped, others = (int(dates.count[flags].sum()) for flags in (fits, outside & ~fits))
    return fits if swapped > 3 * others else none


def _inner_range(months: Ints, counts: NDArray[np.int64]) -> tuple[int, int]:
    """The months between which all but the outermost events lie."""
    total = np.cumsum(counts)
    first, last = np.searchsorted(total, [_EDGE * total[-1], (1 - _EDGE) * total[-1]])
    return int(months[first]), int(months[min(last, len(months) - 1)])


def _is_shorter_swapped(dates: _Dates) -> bool:
    span, swapped = (int(d.max() - d.min()) for d in (dates.found, dates.swapped))
    return len(dates.found) >= _SWAPPED_EVENTS and not dates.clear.any() and span > 60 and swapped * 3 < span


def _doubt(evidence: Evidence, severity: str, rows: Ints, message: str) -> DataFinding:
    return DataFinding(
        "times.day-month",
        severity,
        len(rows),
        evidence.events(rows),
        message,
        "compare these with the source; --day-first or --month-first settles how the log is read, and dates"
        " that a spreadsheet swapped must be made again from the source",
    )


def far_events(evidence: Evidence) -> DataFinding | None:
    """A few events at either edge, beyond a gap far wider than any inside the log."""
    times = evidence.log.times
    if times is None:
        return None
    # What lies before 1990 or in the future has a finding of its own.
    looked_at = np.flatnonzero((times >= _MODERN) & (times <= evidence.now + DAY))
    largest = events_of_a_case(evidence.log)
    far = far_among(times[looked_at], largest) or far_among(evidence.log.begins[looked_at], largest)
    if far is None:
        return None
    rows = looked_at[far.flags]
    between = " and ".join(evidence.time(moment)[:10] for moment in far.gap)
    return DataFinding(
        "times.far-events",
        WARNING,
        len(rows),
        evidence.events(rows),
        f"{counted(len(rows), 'event')} beyond a gap of {far.days:,} days in which nothing happened (between"
        f" {between})",
        "correct these times, or leave their cases out with --since or --until; KPI series, arrivals a day,"
        " the part that is held out, the log's end and which cases are running are decided without them;"
        " durations and the fit of all other models than forecasts are made with them",
    )


def late_end(evidence: Evidence) -> DataFinding | None:
    """Cases all of which end late in the log: they were chosen by that, and it says how their end is told."""
    late = late_ends(evidence.log)
    if late is None or isinstance(evidence.log.running_rule, StatedRule):  # its user knows how cases end
        return None
    ended = ~evidence.running
    days, until = ((moment - late.begin) // DAY for moment in (late.since, late.until))
    return DataFinding(
        "cases.late-ends",
        WARNING,
        int(ended.sum()),
        evidence.cases(np.flatnonzero(ended)),
        f"no case has its last event in the first {days:,} of {until:,} days: the log was chosen by when"
        " cases ended, or last went on."
        f" {_HOW_ENDED[late.only_ended].format(evidence.time(late.since)[:10])}:"
        f" {int(ended.sum()):,} of {counted(evidence.log.n_cases, 'case')} count as ended",
        "if you know how cases end, say so: --running mark with --end-activity NAME, --idle TIME, or both",
    )


_HOW_ENDED = {
    True: "As hardly any stands at its end where cases stood before {}, it seems to hold only cases that had"
    " ended: after which activities they end is learned from what happened since that day",
    False: "Which have ended is learned from how many went on since {}",
}

_WEEKS = 8
_WEEKS_NEEDED = 5
_WEEKLY_EVENTS = 20
_INCOMPLETE = 0.5


def incomplete_end(evidence: Evidence) -> DataFinding | None:
    """A last calendar week with less than half the events of the weeks before it."""
    times = evidence.log.times
    if times is None or evidence.log.is_cut:  # who cut the log knows it
        return None
    # Weeks begin on Monday; 1 January 1970 was a Thursday.
    weeks = (evidence.local[times <= evidence.now + DAY] // DAY + 3) // 7
    if not len(weeks):
        return None
    last = int(weeks.max())
    counts = np.bincount(np.clip(weeks - last + _WEEKS, -1, _WEEKS) + 1, minlength=_WEEKS + 2)[1:]
    before = counts[:_WEEKS][np.flatnonzero(counts)[0] :]
    usual = float(np.median(before)) if len(before) >= _WEEKS_NEEDED else 0.0
    if usual < _WEEKLY_EVENTS or counts[_WEEKS] >= _INCOMPLETE * usual:
        return None
    monday = datetime.fromtimestamp((last * 7 - 3) * 86_400, UTC).date().isoformat()
    count = int(counts[_WEEKS])
    return DataFinding(
        "times.incomplete-end",
        WARNING,
        count,
        (Example(f"week of {monday}: {counted(count, 'event')}; {usual:,.0f} in a usual week before"),),
        f"the last week has {percent(count / usual)} of the events of a usual one: the log may end mid-week",
        f"leave out what happened from {monday} on before you forecast or compare weeks",
    )

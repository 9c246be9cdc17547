"""Findings about events and cases: twins, events out of their case's time, cases of one event."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.eventlog.equal_times import UNUSED
from pmlcli.eventlog.findings.evidence import ColumnFacts, Evidence, Ints
from pmlcli.eventlog.findings.finding import (
    EXAMPLES,
    NOTE,
    SERIOUS,
    WARNING,
    DataFinding,
    Example,
    counted,
    percent,
    words,
)
from pmlcli.eventlog.log import LIFECYCLE, START_TIMESTAMP, TIMESTAMP
from pmlcli.eventlog.options import TIME_THEN
from pmlcli.eventlog.pairing import find_pairs
from pmlcli.eventlog.times.local_time import MICROSECONDS

_MANY_DUPLICATES = 0.1


def duplicates(evidence: Evidence) -> DataFinding | None:
    """Events that repeat another of their case: same activity, time and attributes (row numbers aside)."""
    rows = _candidates(evidence)
    if not len(rows):
        return None
    log = evidence.log
    unique = {c.name for c in evidence.columns if c.distinct == log.n_events}
    names = [n for n in log.frame.columns if n not in unique]
    repeats = rows[log.frame[names].iloc[rows].assign(_case=log.case_of_event[rows]).duplicated().to_numpy()]
    if not len(repeats):
        return None
    share = len(repeats) / log.n_events
    return DataFinding(
        "events.duplicate",
        SERIOUS if share >= _MANY_DUPLICATES else WARNING,
        len(repeats),
        evidence.events(repeats),
        f"{counted(len(repeats), 'event')} ({percent(share)}) equal to another of their case in every column",
        "find out whether the extract joined tables twice, and leave the repeats out; they look like rework",
    )


def equal_times(evidence: Evidence) -> DataFinding | None:
    """Events at equal times that stand in source order, while a column may number them."""
    notes = [kind for kind, _ in evidence.log.ledger.notes if kind.startswith(UNUSED)]
    log = evidence.log
    if not notes or log.times is None:
        return None
    tied = np.flatnonzero((np.diff(log.times) == 0) & (np.diff(log.case_of_event) == 0)) + 1
    names = notes[0].removeprefix(f"{UNUSED}: ")
    return DataFinding(
        "events.equal-times",
        WARNING,
        max(len(tied), 1),
        evidence.events(tied) or (Example(notes[0]),),
        f"{counted(len(tied), 'event')} at the time of the one before, in the order of the rows; {names} may"
        " number them, but not everywhere as the times do",
        f"if it gives the order: --order {TIME_THEN}{names.partition(', ')[0]}",
    )


_PAIRED = 0.1


def starts_and_completions(evidence: Evidence) -> DataFinding | None:
    """Activities that stand twice, as a start and as a completion."""
    log = evidence.log
    if LIFECYCLE not in log.frame.columns or log.times is None or log.schema.pair_lifecycle:
        return None
    pairs = find_pairs(log)
    if len(pairs.starts) < _PAIRED * log.n_events or len(pairs.starts) == 0:
        return None
    return DataFinding(
        "events.start-and-completion",
        WARNING,
        len(pairs.starts),
        evidence.events(np.sort(pairs.starts)),
        f"{counted(len(pairs.starts), 'activity', 'activities')} standing twice, as a start and as a"
        f" completion ('{log.schema.columns.get(LIFECYCLE, LIFECYCLE)}')",
        "--pair-lifecycle makes one event of both, with the time that it took; --lifecycle complete takes"
        " completions alone; as it is, a model takes each activity for two",
    )


def _candidates(evidence: Evidence) -> Ints:
    """Rows that share case, time and activity with another, in the log's order."""
    log = evidence.log
    if log.times is None or log.n_events < 2:
        return np.empty(0, dtype=np.int64)
    case = log.case_of_event
    order = np.lexsort((log.activity_codes, log.times, case))
    same = np.ones(log.n_events - 1, dtype=bool)
    for key in (case, log.times, log.activity_codes):
        same &= np.diff(key[order]) == 0
    in_group = np.append(same, False) | np.append(False, same)
    return np.sort(order[in_group])


_START_NAME = re.compile(
    r"(?:^|[^a-z])(?:reg|registration|registered|start|started|begin|created?|creation|opened|received)"
    r"(?:[^a-z]|date|time|$)"
)
_FAR = 1 << 62


def before_case_start(evidence: Evidence) -> DataFinding | None:
    """Events earlier than the start of their case as a case attribute states it."""
    if evidence.log.times is None:
        return None
    found: dict[int, str] = {}
    for column in evidence.columns:
        if column.of_case and column.kind == "time" and _START_NAME.search(words(column.name)):
            for row in _earlier(evidence, column).tolist():
                found.setdefault(row, column.name)
    if not found:
        return None
    rows = np.array(sorted(found), dtype=np.int64)
    names = ", ".join(f"'{name}'" for name in dict.fromkeys(found.values()))
    share = len(rows) / evidence.log.n_events
    return DataFinding(
        "events.before-case-start",
        WARNING,
        len(rows),
        evidence.events(rows),
        f"{counted(len(rows), 'event')} ({percent(share)}) before the start of their case ({names})",
        "check the zone of that column and of the times, and whether these events belong to the case",
    )


def _earlier(evidence: Evidence, column: ColumnFacts) -> Ints:
    """Rows before the column's time, by more than the second that it may have been rounded by."""
    times = evidence.log.times
    assert times is not None
    stamps = pd.DatetimeIndex(column.values)
    if stamps.tz is None:
        stamps = stamps.tz_localize(evidence.zone, ambiguous="NaT", nonexistent="NaT")
    # A missing time (NaT) is the smallest number: nothing is before it.
    starts = stamps.tz_convert("UTC").tz_localize(None).as_unit("us").to_numpy().view("int64")
    limits = np.append(np.maximum(starts, -_FAR) - MICROSECONDS, -_FAR)
    return np.flatnonzero(times < limits[column.codes])


def start_after_end(evidence: Evidence) -> DataFinding | None:
    """Events whose start lies after their completion."""
    log = evidence.log
    if log.times is None or START_TIMESTAMP not in log.frame.columns:
        return None
    starts = log.frame[START_TIMESTAMP]
    flags = (starts > log.frame[TIMESTAMP]).to_numpy(dtype=bool, na_value=False)
    rows = np.flatnonzero(flags)
    if not len(rows):
        return None
    return DataFinding(
        "events.start-after-end",
        WARNING,
        len(rows),
        evidence.events(rows),
        f"{counted(len(rows), 'event')} with a start after the completion",
        "check whether the two columns are swapped, or of different zones",
    )


_MANY_SINGLE, _MOST_SINGLE = 0.2, 0.9


def single_event_cases(evidence: Evidence) -> DataFinding | None:
    """Finished cases of one event: cut off by the extract, or a case id that is none."""
    log = evidence.log
    cases = np.flatnonzero((log.lengths == 1) & (~evidence.running | evidence.standing.is_stalled))
    if not len(cases) or log.n_cases < 2:
        return None
    share = len(cases) / log.n_cases
    many = SERIOUS if share >= _MOST_SINGLE else WARNING
    wrong = share >= _MOST_SINGLE
    return DataFinding(
        "cases.single-event",
        many if share >= _MANY_SINGLE else NOTE,
        len(cases),
        evidence.cases(cases),
        f"{counted(len(cases), 'finished case')} ({percent(share)}) of one event"
        + (": is this column the case?" if wrong else ""),
        "name the column of the case with --case-id"
        if wrong
        else "check whether the extract cut these cases off; there is nothing to learn from them",
    )


def varying_case_attributes(evidence: Evidence) -> DataFinding | None:
    """Columns that say they are of the case, yet change within one."""
    same_case = np.ones(max(evidence.log.n_events - 1, 0), dtype=bool)
    same_case[evidence.log.offsets[1:-1] - 1] = False
    examples: list[Example] = []
    count = 0
    for column in evidence.columns:
        rows = _changes(column, same_case) if column.of_case else np.empty(0, dtype=np.int64)
        if len(rows):
            count += 1
            examples += evidence.events(rows[:1], texts=[f"'{column.name}' changes here"])
    if not count:
        return None
    return DataFinding(
        "columns.varying-case-attribute",
        WARNING,
        count,
        tuple(examples[:EXAMPLES]),
        f"{counted(count, 'case attribute')} with several values in one case; the first counts",
        "rename the column without 'case:' if it belongs to the event",
    )


def _changes(column: ColumnFacts, same_case: NDArray[np.bool_]) -> Ints:
    return np.flatnonzero((np.diff(column.codes) != 0) & same_case) + 1

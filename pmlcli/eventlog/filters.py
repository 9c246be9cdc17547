"""Events and cases left out on request, each counted in the ledger by its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import LogError, ValidationError, nearest
from pmlcli.eventlog.far_events import near_end
from pmlcli.eventlog.ledger import Refusal
from pmlcli.eventlog.log import LIFECYCLE, MISSING, EventLog, offsets_of
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.profile import variant_codes
from pmlcli.eventlog.raw import TextColumn
from pmlcli.eventlog.running import rule_of, standing
from pmlcli.eventlog.selection import IS_RUNNING, Selection
from pmlcli.eventlog.times.local_time import DAY
from pmlcli.eventlog.times.parse import parse_times

Flags = NDArray[np.bool_]
FIRST_LINES = 5
_THIN = 0.5
_SHOWN = 5


def keep_lifecycles(log: EventLog, wanted: tuple[str, ...]) -> EventLog:
    """The log of the events of these lifecycle transitions, whatever their case of letters."""
    if LIFECYCLE not in log.frame.columns:
        raise LogError(
            f"{log.source.name}: no column for 'lifecycle' found",
            hint="name it: --columns lifecycle=NAME",
            code="log.column",
        )
    lower = [name.lower() for name in wanted]
    texts = log.frame[LIFECYCLE].astype(object)
    known = sorted(set(texts.dropna()))
    _check_known(log, "lifecycle transition", wanted, known, {name.lower() for name in known})
    keep = texts.map(lambda text: text.lower() in lower, na_action="ignore").eq(True).to_numpy(dtype=bool)
    return compact(_kept_events(log, keep, f"lifecycle is not {_either(wanted)}"))


def select(log: EventLog, selection: Selection, options: ReadOptions) -> EventLog:
    """The events and cases that are wanted, in the order of `Selection`'s choices.

    Raises LogError for a column or an activity that the log does not have, and when nothing is left.
    """
    if selection == Selection():
        return log
    whole = log = replace(log, until=near_end(log))
    for column, values in _by_column(selection.where).items():
        keep = np.logical_or.reduce([_holds(log, column, value, options) for value in values])
        log = _kept_events(log, keep, f"{column} is not {_either(values)}")
    for step in (_by_start, _by_activity, _by_size, _by_running):
        log = step(log, selection, options)
    return compact(replace(log, is_cut=whole.is_cut or _thins_the_end(whole, log)))


def _thins_the_end(before: EventLog, after: EventLog) -> bool:
    """Whether a filter left less of the week before the new end than of the log, by half or more."""
    if before.times is None or after.times is None:
        return False
    end = near_end(replace(after, until=None))
    if end is None:
        return False
    week_before_end = end - 7 * DAY
    there, kept = (
        int((log.times > week_before_end).sum()) for log in (before, after) if log.times is not None
    )
    return kept * before.n_events < _THIN * there * after.n_events


def _by_column(where: tuple[tuple[str, str], ...]) -> dict[str, tuple[str, ...]]:
    wanted: dict[str, tuple[str, ...]] = {}
    for column, value in where:
        wanted[column] = (*wanted.get(column, ()), value)
    return wanted


def _holds(log: EventLog, name: str, value: str, options: ReadOptions) -> Flags:
    """Which events hold the value; an empty value stands for none."""
    column = log.frame[_column_name(log, name)]
    if value == "":
        return column.isna().to_numpy(dtype=bool)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        wanted: Any = pd.Timestamp(instant(value, options, name), unit="us", tz="UTC")
    elif pd.api.types.is_bool_dtype(column.dtype):
        wanted = _converted(name, value, {"true": True, "false": False}.get, "booleans")
    elif pd.api.types.is_numeric_dtype(column.dtype):
        wanted = _converted(name, value, _number, "numbers")
    else:
        wanted = value
    found = column.eq(wanted).fillna(False).to_numpy(dtype=bool)
    if not found.any():
        raise _no_such_value(log, column, name, value)
    return found


def _column_name(log: EventLog, name: str) -> str:
    """The log's column of that name, by its own or its source's."""
    by_source = {source: role for role, source in log.schema.columns.items()}
    for candidate in (name, by_source.get(name)):
        if candidate is not None and candidate in log.frame.columns:
            return candidate
    near = nearest(name, map(str, log.frame.columns))
    hint = f"did you mean '{near}'?" if near else f"there are: {', '.join(map(str, log.frame.columns))}"
    raise LogError(f"{log.source.name}: column '{name}' not found", hint=hint, code="log.column")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _converted(name: str, value: str, convert: Callable[[str], Any], kind: str) -> Any:
    wanted = convert(value)
    if wanted is None:
        raise ValidationError(f"column '{name}' holds {kind}; '{value}' is none")
    return wanted


def _no_such_value(log: EventLog, column: pd.Series, name: str, value: str) -> LogError:
    values = [str(known) for known in column.dropna().unique()[:1000]]
    near = nearest(value, values)
    hint = f"did you mean '{near}'?" if near else f"it holds: {', '.join(sorted(values)[:_SHOWN])}, ..."
    return LogError(f"{log.source.name}: no event has {name} '{value}'", hint=hint, code="log.no-such-value")


def instant(text: str, options: ReadOptions, where: str) -> int:
    """A moment that a user wrote, in microseconds UTC; in the log's zone where it names none."""
    column = TextColumn.of(np.zeros(1, dtype=np.int32), [text])
    hint = "write 2024-01-31, or 2024-01-31T12:00"
    try:
        times = parse_times(column, replace(options, timestamp_format=None), where)
    except LogError as error:
        raise ValidationError(f"{where}: '{text}' can be read in two ways", hint=hint) from error
    if times.missing[0] or any(flags[0] for flags in times.refused.values()):
        raise ValidationError(f"{where}: '{text}' is no time", hint=hint)
    return int(times.micros[0])


def _by_start(log: EventLog, selection: Selection, options: ReadOptions) -> EventLog:
    for name, text in (("since", selection.since), ("until", selection.until)):
        if text is None:
            continue
        if log.times is None:
            raise LogError(f"{log.source.name}: no times, so --{name} says nothing", code="log.no-times")
        moment = instant(text, options, f"--{name}")
        keep = log.starts >= moment if name == "since" else log.starts < moment
        reason = f"case begins before {text}" if name == "since" else f"case does not begin before {text}"
        log = _kept_cases(log, keep, reason)
    return log


def up_to(log: EventLog, text: str) -> tuple[EventLog, int]:
    """The log as it was known at a time (ISO 8601, in the log's zone where it names none), and that time in
    microseconds UTC. ValidationError for other text; LogError without times, or when nothing had happened.
    """
    if log.times is None:
        raise LogError(f"{log.source.name}: no times, so --as-of cannot be used", code="log.no-times")
    at = instant(text, ReadOptions(timezone=log.schema.timezone), "--as-of")
    if log.n_events and log.times.min() > at:
        begins = pd.Timestamp(int(log.times.min()), unit="us", tz="UTC").tz_convert(log.schema.timezone)
        raise LogError(
            f"{log.source.name}: --as-of {text}: the log begins later, at {begins.isoformat()}",
            code="log.no-events",
            hint="name a time from then on",
        )
    is_known = log.times <= at
    kept = _kept_events(log, is_known, f"event is later than {text}")
    return replace(kept, is_cut=log.is_cut or not is_known.all()), at


def _by_activity(log: EventLog, selection: Selection, options: ReadOptions) -> EventLog:
    if selection.start_activity:
        keep = _is_one_of(log, log.offsets[:-1], selection.start_activity)
        log = _kept_cases(log, keep, f"case does not begin with {_either(selection.start_activity)}")
    if selection.end_activity and selection.running is None:
        keep = _is_one_of(log, log.offsets[1:] - 1, selection.end_activity)
        log = _kept_cases(log, keep, f"case does not end with {_either(selection.end_activity)}")
    return log


def _is_one_of(log: EventLog, rows: NDArray[np.int64], names: tuple[str, ...]) -> Flags:
    _check_known(log, "activity", names, log.activities, set(log.activities))
    codes = [code for code, name in enumerate(log.activities) if name in names]
    return np.isin(log.activity_codes[rows], codes)


def _check_known(
    log: EventLog, kind: str, wanted: tuple[str, ...], names: tuple[str, ...] | list[str], known: set[str]
) -> None:
    for name in wanted:
        if name not in known and name.lower() not in known:
            near = nearest(name, names)
            hint = f"did you mean '{near}'?" if near else f"there are: {', '.join(names[:20])}"
            raise LogError(f"{log.source.name}: no {kind} '{name}'", hint=hint, code="log.no-such-value")


def _by_size(log: EventLog, selection: Selection, options: ReadOptions) -> EventLog:
    if selection.min_events is not None:
        short = f"case has fewer than {selection.min_events:,} events"
        log = _kept_cases(log, log.lengths >= selection.min_events, short)
    if selection.variants_top is not None:
        variants = variant_codes(log)
        ranked = np.argsort(-np.bincount(variants), kind="stable")
        keep = np.isin(variants, ranked[: selection.variants_top])
        log = _kept_cases(log, keep, f"case is not of the {selection.variants_top:,} most frequent variants")
    return log


def _by_running(log: EventLog, selection: Selection, options: ReadOptions) -> EventLog:
    if selection.running is None:
        return log
    if selection.end_activity:
        _is_one_of(log, log.offsets[1:] - 1, selection.end_activity)
    # The rule stays with the log, so that whatever is asked of it later says the same.
    log = replace(log, running_rule=rule_of(log, selection.end_activity, selection.idle_us()))
    is_running, is_stalled, _goes_on = standing(log)
    if selection.running == "drop":
        return _kept_cases(log, ~is_running, "case is running at the log's end")
    if selection.running == "only":
        return _kept_cases(log, is_running, "case is not running at the log's end")
    if IS_RUNNING in log.frame.columns:
        raise LogError(f"{log.source.name}: there is a column '{IS_RUNNING}' already", code="log.column")
    column = pd.array(np.repeat(is_running, log.lengths), dtype="boolean")
    notes = [("running cases, marked", int(is_running.sum()))]
    if is_stalled.any():
        notes.append(("of the running cases, stalled", int(is_stalled.sum())))
    ledger = replace(log.ledger, notes=(*log.ledger.notes, *notes))
    return replace(log, frame=log.frame.assign(**{IS_RUNNING: column}), ledger=ledger)


def _kept_cases(log: EventLog, keep: Flags, reason: str) -> EventLog:
    return _kept_events(log, np.repeat(keep, log.lengths), reason)


def _kept_events(log: EventLog, keep: Flags, reason: str) -> EventLog:
    """The log of these events; cases without any left are gone. LogError when there is none at all."""
    if keep.all():
        return log
    gone = np.flatnonzero(~keep)
    lines = () if log.lines is None else tuple(sorted(log.lines[gone].tolist())[:FIRST_LINES])
    ledger = log.ledger.without(Refusal(reason, len(gone), lines))
    if not keep.any():
        said = "; ".join(f"{r.reason} ({r.count:,})" for r in ledger.filtered)
        raise LogError(
            f"{log.source.name}: no event is left: {said}",
            code="log.no-events",
            hint="choose less strict filters",
        )
    lengths = np.bincount(log.case_of_event[keep], minlength=log.n_cases)
    kept = log.take_rows(np.flatnonzero(keep), offsets_of(lengths[lengths > 0]))
    return replace(kept, ledger=ledger)


def compact(log: EventLog) -> EventLog:
    """The log with only the activities and resources that it still has."""
    codes, names = _used(log.activity_codes, log.activities)
    changed = replace(log, activity_codes=codes, activities=names)
    if log.resource_codes is None:
        return changed
    codes, names = _used(log.resource_codes, log.resources)
    return replace(changed, resource_codes=codes, resources=names)


def _used(codes: NDArray[np.int32], names: tuple[str, ...]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    present = np.bincount(codes[codes != MISSING], minlength=len(names)) > 0
    renumber = np.append(np.cumsum(present) - 1, MISSING).astype(np.int32)
    return renumber[codes], tuple(name for name, is_there in zip(names, present, strict=True) if is_there)


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(f"'{name}'" for name in names)

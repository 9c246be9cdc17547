"""From raw rows to an event log: every row is used or refused by name, then sorted and coded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import LogError, nearest
from pmlcli.eventlog.columns import choose_columns
from pmlcli.eventlog.draft import Draft
from pmlcli.eventlog.ledger import Ledger
from pmlcli.eventlog.log import (
    ACTIVITY,
    CANONICAL_COLUMNS,
    CASE_ID,
    RESOURCE,
    START_TIMESTAMP,
    TIMESTAMP,
    EventLog,
    LogSchema,
)
from pmlcli.eventlog.normal_form import normalize_names, normalize_values
from pmlcli.eventlog.options import CLASSIFIER_PREFIX, ReadOptions
from pmlcli.eventlog.raw import Column, RawTable, Rows, TextColumn, as_text
from pmlcli.eventlog.role_times import begins_of, clock_hint, join_times, time_columns
from pmlcli.eventlog.row_order import case_numbers, order_keys, order_used, ordered_rows
from pmlcli.eventlog.times.parse import NOT_A_TIME, Times
from pmlcli.eventlog.values import text_series, time_series, typed

CODED = (ACTIVITY, RESOURCE)
"""The roles that a log also has as codes into sorted text."""
SET_ASIDE = "source."
"""Prefix of a source column that has a canonical name and plays no role."""


def build_log(table: RawTable, options: ReadOptions) -> EventLog:
    """The event log of a raw table, whose columns are used up.

    Raises LogError when there are no events, when a column cannot be told, and when a row must be
    refused while `on_bad_row` is `error`.
    """
    normalize_names(table)
    normalize_values(table)
    if options.classifier is not None:
        table = _classify(table, options.classifier)
    if not table.n_rows and not table.refused:
        raise LogError(f"{table.name}: no events", code="log.no-events", hint="is it the right file?")
    choice = choose_columns(
        table,
        _wanted(options),
        options.preferred_columns,
        guess=options.guess_columns,
        needs_times=options.is_by_time,
    )
    join_times(table, choice)
    draft = Draft(
        table,
        options,
        choice,
        np.ones(table.n_rows, bool),
        list(table.refused),
        [*table.notes, *choice.notes],
    )
    draft.examples = [f"{r.reason} ({r.count:,}; first: {table.unit} {r.lines[0]})" for r in table.refused]
    case, activity = (as_text(table.columns[choice.columns[role]]) for role in (CASE_ID, ACTIVITY))
    for reason, flags in table.bad_rows.items():
        draft.refuse(reason, flags)
    draft.refuse("no case_id", case.codes < 0)
    draft.refuse("no activity", activity.codes < 0)
    end, start = time_columns(draft)
    keys = order_keys(draft, end)
    _check_refused(draft)
    for role, times in ((TIMESTAMP, end), (START_TIMESTAMP, start)):
        if times is not None:
            draft.done_with(choice.columns[role])
    groups = table.groups if table.groups is not None and _is_own_grouping(draft) else case.codes
    rows, offsets = ordered_rows(draft, case_numbers(draft, groups, case, begins_of(end, start)), keys)
    return _assemble(draft, rows, offsets, {TIMESTAMP: end, START_TIMESTAMP: start})


def _wanted(options: ReadOptions) -> dict[str, str]:
    wanted = dict(options.columns)
    if options.classifier is not None:
        wanted[ACTIVITY] = _classifier_column(options.classifier)
    return wanted


def _classifier_column(name: str) -> str:
    return f"{CLASSIFIER_PREFIX}{name}"


def _classify(table: RawTable, name: str) -> RawTable:
    """The table with one more column: the values of the classifier's keys joined by `+`."""
    keys = table.classifiers.get(name) or [key.strip() for key in name.split("+")]
    absent = [key for key in keys if key not in table.columns]
    if absent:
        there = ", ".join(f"'{known}'" for known in table.classifiers) or "none"
        near = nearest(name, table.classifiers)
        hint = f"did you mean '{near}'?" if near else f"classifiers of this log: {there}"
        raise LogError(f"{table.name}: no classifier or column '{name}'", hint=hint, code="log.classifier")
    parts = [as_text(table.columns[key]) for key in keys]
    combined = np.stack([part.codes for part in parts], axis=1)
    distinct, codes = np.unique(combined, axis=0, return_inverse=True)
    values = ["+".join(str(part.values[c]) for part, c in zip(parts, row, strict=True)) for row in distinct]
    whole = np.where((combined < 0).any(axis=1), -1, codes.reshape(-1)).astype(np.int32)
    columns = {**table.columns, _classifier_column(name): TextColumn.of(whole, values)}
    return replace(table, columns=columns)


def _is_own_grouping(draft: Draft) -> bool:
    return draft.options.columns.get(CASE_ID, draft.choice.columns[CASE_ID]) == "case:concept:name"


def _check_refused(draft: Draft) -> None:
    table = draft.table
    refused = sum(refusal.count for refusal in draft.refused)
    total = table.n_rows + sum(refusal.count for refusal in table.refused)
    if not refused:
        return
    if draft.options.on_bad_row == "error":
        raise LogError(
            f"{table.name}: {refused:,} of {total:,} rows cannot be used: {'; '.join(draft.examples)}",
            hint=_row_hint(draft),
            code="log.bad-rows",
            context={
                "refused": [
                    {"reason": r.reason, "count": r.count, "lines": list(r.lines)} for r in draft.refused
                ]
            },
        )
    if not draft.keep.any():
        raise LogError(
            f"{table.name}: no events: all {total:,} rows are refused: {'; '.join(draft.examples)}",
            code="log.no-events",
        )


def _row_hint(draft: Draft) -> str:
    reasons = " ".join(refusal.reason for refusal in draft.refused)
    hints = ["--on-bad-row drop leaves them out and counts them"]
    if hint := clock_hint(draft):
        hints.insert(0, hint)
    if TIMESTAMP in reasons:
        hints.append("--columns timestamp=none reads the log without times, in row order")
    if NOT_A_TIME in reasons:
        hints.append("--timestamp-format says how times are written")
    return "; ".join(hints)


def _assemble(
    draft: Draft, rows: Rows, offsets: NDArray[np.int64], times: dict[str, Times | None]
) -> EventLog:
    n_events = int(offsets[-1])
    series: dict[str, pd.Series] = {}
    coded: dict[str, tuple[NDArray[np.int32], tuple[str, ...]]] = {}
    for role in CANONICAL_COLUMNS:
        source = draft.choice.columns.get(role)
        if source is None:
            continue
        parsed = times.get(role)
        if parsed is not None:
            series[role] = time_series(parsed.micros[rows], parsed.missing[rows])
            continue
        texts = as_text(draft.done_with(source)).take(rows, is_whole=n_events == draft.table.n_rows)
        codes, values = _sorted_codes(texts) if role in CODED else texts.used()
        series[role], coded[role] = text_series(codes, values), (codes, tuple(values))
    for name, column in _other_columns(draft, rows, n_events).items():
        series[name] = column
    end = times[TIMESTAMP]
    resource = coded.get(RESOURCE)
    return EventLog(
        frame=pd.DataFrame(series, copy=False),
        offsets=offsets,
        activity_codes=coded[ACTIVITY][0],
        activities=coded[ACTIVITY][1],
        resource_codes=None if resource is None else resource[0],
        resources=() if resource is None else resource[1],
        times=None if end is None else end.micros[rows],
        ledger=_ledger(draft, n_events),
        schema=LogSchema(
            dict(draft.choice.columns),
            draft.options.zone,
            order_used(draft, has_times=end is not None),
            draft.tie_breaker,
            object_type=draft.table.object_type,
        ),
        source=draft.table.source,
        lines=draft.table.lines[rows],
        line_unit=draft.table.unit,
    )


def _sorted_codes(column: TextColumn) -> tuple[NDArray[np.int32], NDArray[np.object_]]:
    """Codes into the sorted values that occur."""
    codes, values = column.used()
    order = np.argsort(values.astype(str), kind="stable") if len(values) else np.empty(0, dtype=np.int64)
    rank = np.empty(len(values) + 1, dtype=np.int32)
    rank[order], rank[-1] = np.arange(len(values), dtype=np.int32), -1
    return rank[codes], values[order]


def _other_columns(draft: Draft, rows: Rows, n_events: int) -> dict[str, pd.Series]:
    """The columns without a role, typed; one that bears a canonical name is set aside under another."""
    others: dict[str, pd.Series] = {}
    # An instance stays a column under its own name.
    used = {source for role, source in draft.choice.columns.items() if role in CANONICAL_COLUMNS}
    for name in [name for name in draft.table.columns if name not in used]:
        column = draft.done_with(name)
        if isinstance(column, pd.Series):
            taken: Column = column.iloc[rows]
        else:
            taken = column.take(rows, is_whole=n_events == draft.table.n_rows)
        own_name = _free_name(name, draft.names)
        wanted = draft.options.preferred_kinds.get(own_name)
        series, remark = typed(taken, draft.options.zone, draft.options.decimal, wanted)
        if remark is not None:
            draft.notes.append((f"column '{name}': {remark}", n_events))
        others[own_name] = series
    return others


def _free_name(name: str, taken: Collection[str]) -> str:
    if name not in CANONICAL_COLUMNS:
        return name
    name = SET_ASIDE + name
    while name in taken:
        name = SET_ASIDE + name
    return name


def _ledger(draft: Draft, used: int) -> Ledger:
    refused, filtered = tuple(draft.refused), tuple(draft.table.filtered)
    left_out = sum(refusal.count for refusal in (*refused, *filtered))
    return Ledger(used + left_out, used, refused, tuple(draft.notes), filtered)

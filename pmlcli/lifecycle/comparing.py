"""Two models on one log, two logs, or the groups of one log: what differs beyond chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.encoding.attributes import as_text
from pmlcli.errors import LogError, ValidationError, nearest
from pmlcli.evaluation.assessment import Assessment, Cell, Figure, Section
from pmlcli.evaluation.drift import Sums
from pmlcli.eventlog.far_events import near_end
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, CASE_PREFIX, RESOURCE, TIMESTAMP, EventLog, no_times
from pmlcli.lifecycle.artifacts import REFERENCE_FILE
from pmlcli.lifecycle.evaluating import Evaluation
from pmlcli.lifecycle.evaluation_words import told_size, told_value
from pmlcli.lifecycle.foreign import check_process
from pmlcli.lifecycle.grouping import MONTH, NOTHING
from pmlcli.lifecycle.monitoring import FEWEST, Change, Monitored, changes
from pmlcli.lifecycle.reference import Reference, read_reference, reference
from pmlcli.lifecycle.summing import RARER, VALUES, Group, Summer, view_of
from pmlcli.store import strictjson

MOST_GROUPS = 24
"""More groups are not compared: the largest are."""
DIFFER, ALIKE, UNCLEAR = "differ", "alike", "unclear"
UNITS = {"differences": "", "largest_difference": "share", "cases": "cases"}
"""The figures that every comparison of logs gives, and their units."""


# --- two models


def of_models(found: Evaluation, names: tuple[str, str]) -> Assessment:
    """An evaluation of one model against another as a comparison of the two."""
    main, apart = found.assessment.figures[0], found.figure("against_difference")
    points = found.main.as_percent
    other = replace(main, value=apart.baseline, lower=None, upper=None, training=None, baseline=None)
    figures = [
        replace(apart, name="difference"),
        replace(main, group={"model": names[0]}),
        replace(other, group={"model": names[1]}),
    ]
    values = [told_value(value, main.unit if points else "") for value in (main.value, apart.baseline)]
    size = told_size(apart, as_points=points)
    beside = f"{(found.main.phrase or '{}').format(values[0])}, {names[1]} {values[1]}"
    if apart.lower is None or apart.upper is None:
        verdict, words = UNCLEAR, f"too few cases to say which is better ({size})"
    elif apart.lower <= 0 <= apart.upper:
        verdict, words = ALIKE, f"no difference, as far as chance lets one say ({size})"
    else:
        is_first = (apart.lower > 0) == bool(apart.higher_is_better)
        verdict, words = ("first", "second")[not is_first], f"{names[not is_first]} is better, by {size}"
    return replace(
        found.assessment,
        command="compare",
        verdict=verdict,
        sentence=f"{words}: {names[0]} is {beside}",
        is_bad=False,
        figures=figures,
        facts={**found.assessment.facts, "models": list(names)},
    )


# --- two logs


def of_logs(old: EventLog, new: EventLog, how: Monitored, names: tuple[str, str]) -> Assessment:
    """What differs between two logs of one process, as an assessment; LogError for two processes."""
    _require_events(old)
    _require_events(new)
    _check_alike(old, new)
    told, n = differences(old, new, how)
    found = _Found(names[1], told, n)
    return _assessed([found], f"{names[1]} beside {names[0]}", {"logs": list(names)}, _lacking(old, new))


def _check_alike(old: EventLog, new: EventLog) -> None:
    try:
        check_process(new, old.activities, allow=False)
    except LogError as error:
        raise LogError(
            error.message,
            hint=f"compare it with a log of the same process, which {old.source.name} is not",
            code=error.code,
            context=error.context,
        ) from error


def differences(old: EventLog, new: EventLog, how: Monitored) -> tuple[list[Change], tuple[int, int]]:
    """What differs beyond chance, the largest first, and how many cases of both were compared."""
    known = _reference_of(old, new)
    found, view = changes(known, new, replace(how, is_later=False))
    return found, (known.compared, view.n_cases)


def _reference_of(old: EventLog, new: EventLog) -> Reference:
    """The old log as a reference that has the values of both logs."""
    own, other = _read(old), _read(new)
    theirs = {(group.kind, group.column, group.per): group for group, _ in other.groups}
    view = view_of(old, own.horizon)
    summer = Summer(view, own.blocks)
    groups: list[tuple[Group, Sums]] = []
    for group, sums in own.groups:
        more = theirs.get((group.kind, group.column, group.per))
        joined = group if more is None or group.per == VALUES else _joined(group, more)
        groups.append((joined, sums if joined is group else summer.sums(joined)))
    return replace(own, begun_until=None, groups=tuple(groups))


def _read(log: EventLog) -> Reference:
    return read_reference({REFERENCE_FILE: strictjson.dump(reference(log))})


def _joined(one: Group, other: Group) -> Group:
    names = dict.fromkeys(name for name in (*one.names, *other.names) if name != RARER)
    rarer = (RARER,) if RARER in (*one.names, *other.names) else ()
    return one if len(names) + len(rarer) == len(one.names) else replace(one, names=(*names, *rarer))


def _lacking(old: EventLog, new: EventLog) -> list[str]:
    """Which columns only one of the logs has."""
    only = sorted({*old.frame.columns} ^ {*new.frame.columns})
    return [f"only one of the logs has {', '.join(map(str, only))}: not compared"] if only else []


# --- groups of one log


@dataclass(frozen=True)
class _Found:
    """A comparison: what was compared, what differs, and how many cases of both sides were."""

    name: str
    told: Sequence[Change]
    cases: tuple[int, int]

    @property
    def is_compared(self) -> bool:
        """Whether both sides had enough cases."""
        return min(self.cases) >= FEWEST


def of_groups(log: EventLog, by: str, how: Monitored) -> Assessment:
    """What differs between the cases of one log: each month and the one before it, or each value of a column
    and all other cases.

    ValidationError for a column that the log does not have, LogError where there is only one group.
    """
    _require_events(log)
    groups = _groups(log, by)
    names = _largest(groups)
    if len(names) < 2:
        raise LogError(
            f"{log.source.name}: all cases are of one {by}, so there is nothing to compare",
            code="log.groups",
            hint="name another column with --by",
        )
    pairs = _pairs(groups, names, by)
    kinds = [one for one in _KINDS if one != by]
    # The more groups, the stricter: so few comparisons show any difference by chance.
    strict = replace(how, alarms=how.alarms / len(pairs), kinds=kinds)
    bare = _without(log, by)
    found = []
    for name, before, now in pairs:
        told, n = differences(_part(bare, before), _part(bare, now), strict)
        found.append(_Found(name, [replace(one, since=None) for one in told], n))
    left = len(set(groups.tolist())) - len(names)
    warnings = [f"{left:,} smaller groups are not compared by themselves"] if left else []
    beside = "each month beside the one before" if by == MONTH else f"each {by} beside all other cases"
    return _assessed(found, beside, {"by": by, "log": {"name": log.source.name}}, warnings)


_KINDS = (
    "activity",
    "pair",
    "variant",
    "resource",
    "attribute",
    "number",
    "length",
    "wait",
    "duration",
    "weekday",
    "hour",
)


def _groups(log: EventLog, by: str) -> NDArray[np.object_]:
    """The group of each case, by its first event, (cases,)."""
    if by == MONTH:
        if log.times is None:
            raise no_times("which give the months")
        starts = pd.DatetimeIndex(log.starts.astype("datetime64[us]"), tz="UTC")
        return np.asarray(starts.tz_convert(log.schema.timezone).strftime("%Y-%m"), dtype=object)
    column = next((one for one in (by, f"{CASE_PREFIX}{by}") if one in log.frame.columns), None)
    if column is None or column in (CASE_ID, TIMESTAMP):
        columns = [str(one) for one in log.frame.columns if one not in (CASE_ID, TIMESTAMP)]
        near = nearest(by, (MONTH, *columns))
        raise ValidationError(
            f"the log has no column '{by}' to compare cases by",
            hint=f"did you mean '{near}'?" if near else f"there is: {', '.join((MONTH, *columns))}",
            context={"by": by},
        )
    values = as_text(log.frame[column].iloc[log.offsets[:-1]])
    return np.asarray(values.fillna(NOTHING).to_numpy(dtype=object))


def _largest(groups: NDArray[np.object_]) -> list[str]:
    """The groups that have enough cases, in order; the largest where there are many."""
    names, counts = np.unique(groups.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_GROUPS]
    kept = [int(one) for one in order if counts[one] >= FEWEST]
    return [str(names[one]) for one in sorted(kept or order.tolist())]


def _pairs(
    groups: NDArray[np.object_], names: Sequence[str], by: str
) -> list[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    """Name, cases before and cases now of each comparison."""
    of: Callable[[str], NDArray[np.int64]] = lambda name: np.flatnonzero(groups == name)  # noqa: E731
    if by == MONTH:
        pairs = zip(names[:-1], names[1:], strict=True)
        return [(now, of(before), of(now)) for before, now in pairs]
    if len(names) == 2 and len(set(groups.tolist())) == 2:
        # The second beside the first says all: the first beside the second would say it again.
        return [(names[1], of(names[0]), of(names[1]))]
    return [(name, np.flatnonzero(groups != name), of(name)) for name in names]


def _part(log: EventLog, cases: NDArray[np.int64]) -> EventLog:
    """Some cases, watched until the end of the whole log."""
    return replace(log.take_cases(cases), until=near_end(log))


def _without(log: EventLog, by: str) -> EventLog:
    """The log without the column that groups are made of: it differs by itself."""
    columns = [one for one in (by, f"{CASE_PREFIX}{by}") if one in log.frame.columns]
    own = (ACTIVITY, RESOURCE)
    return log.without_columns([one for one in columns if one not in own])


def _require_events(log: EventLog) -> None:
    if not log.n_events:
        raise LogError(
            f"{log.source.name}: the log has no events", code="log.empty", hint="give a longer log"
        )


# --- told


def _assessed(
    found: Sequence[_Found], beside: str, facts: Mapping[str, Any], warnings: Sequence[str]
) -> Assessment:
    told = [(one.name, change) for one in found for change in one.told]
    told.sort(key=lambda pair: (-abs(pair[1].size), pair[1].p_value))
    is_clear = any(one.is_compared for one in found)
    verdict = DIFFER if told else ALIKE if is_clear else UNCLEAR
    several = len(found) > 1
    return Assessment(
        "compare",
        verdict,
        _sentence(verdict, told, beside, several=several),
        is_bad=False,
        figures=_figures(found, told, several=several),
        sections=_sections(found, told, several=several),
        warnings=[*warnings, *_too_few(found, is_clear=is_clear)],
        facts=facts,
    )


def _sentence(verdict: str, told: Sequence[tuple[str, Change]], beside: str, *, several: bool) -> str:
    if told:
        name, first = told[0]
        more = f", and {len(told) - 1} more" if len(told) > 1 else ""
        return f"{verdict}: {f'{name}: ' if several else ''}{first.sentence()}{more} ({beside})"
    if verdict == UNCLEAR:
        return f"unclear: fewer than {FEWEST} cases can be compared ({beside})"
    return f"alike: nothing differs beyond chance ({beside})"


def _figures(found: Sequence[_Found], told: Sequence[tuple[str, Change]], *, several: bool) -> list[Figure]:
    largest = max((abs(change.size) for _, change in told), default=0.0)
    n = sum(one.cases[1] for one in found)
    figures = [
        Figure("differences", float(len(told)), UNITS["differences"], n, higher_is_better=False),
        Figure("largest_difference", min(largest, 1.0), UNITS["largest_difference"], n),
        Figure("cases", float(n), UNITS["cases"]),
    ]
    if several:
        figures += [
            Figure("differences", float(len(one.told)), "", one.cases[1], group={"group": one.name})
            for one in found
        ]
    return figures


def _sections(found: Sequence[_Found], told: Sequence[tuple[str, Change]], *, several: bool) -> list[Section]:
    rows: list[Mapping[str, Cell]] = [
        {**({"group": name} if several else {}), **change.row()} for name, change in told
    ]
    said = [] if told else ["nothing differs beyond chance"]
    counts = [
        f"{one.name}: {one.cases[1]:,} cases compared with {one.cases[0]:,}, {len(one.told)} differences"
        for one in found
    ]
    return [
        Section("What differs, the largest first", said, rows),
        Section("Compared", counts),
    ]


def _too_few(found: Sequence[_Found], *, is_clear: bool) -> list[str]:
    names = [one.name for one in found if not one.is_compared]
    if not names or not is_clear:
        return []
    return [f"fewer than {FEWEST} cases can be compared of: {', '.join(names)}"]

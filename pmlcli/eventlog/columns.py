"""Which source column plays which role, by the names that process-mining tools write."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pmlcli.errors import LogError, nearest
from pmlcli.eventlog.options import NONE, REQUIRED_ROLES, ROLES
from pmlcli.eventlog.raw import RawTable, equal_columns, shown
from pmlcli.eventlog.times.date_and_clock import JOIN, found_pair, is_clocks, is_dates, is_times, names_of

EXACT = {
    "case_id": ("case:concept:name", "case_id"),
    "activity": ("concept:name", "activity"),
    "timestamp": ("time:timestamp", "timestamp"),
    "start_timestamp": ("start_timestamp", "time:start_timestamp"),
    "resource": ("org:resource", "resource"),
    "lifecycle": ("lifecycle:transition", "lifecycle"),
}
"""The names of XES and of this project: the first of these that a log has wins over every other name."""

KNOWN = {
    "case_id": "caseid case casekey caseconceptname caseidentifier casenumber traceid trace processid",
    "activity": "activity activityid activityname activityen activitylabel conceptname eventname event task",
    "timestamp": (
        "timestamp timetimestamp completetimestamp endtimestamp endtime completetime completiontime "
        "eventtime eventtimestamp time datetime timecomplete completedate enddate finishtimestamp finishtime"
    ),
    "start_timestamp": "starttimestamp starttime startdate timestart start begintime begin",
    "resource": "resource resourceid orgresource user userid username performer originator",
    "lifecycle": "lifecycle lifecycletransition lifecycleid transition eventtype",
}
"""Names of XES, Celonis, Disco, Apromore, bupaR and Nirdizati: lower case, letters and digits only."""

DATES = ("date", "eventdate")
"""Names of a time where there is nothing better."""
JOINED_ROLES = ("timestamp", "start_timestamp")
"""The roles that a date and its time of day may play together."""


@dataclass
class ColumnChoice:
    """Canonical name to source name for each role that was found, and what should be said about it."""

    columns: dict[str, str]
    notes: list[tuple[str, int]] = field(default_factory=list)


def choose_columns(
    table: RawTable, wanted: Mapping[str, str], preferred: Mapping[str, str] | None = None
) -> ColumnChoice:
    """The source column of each role: as wanted, else as preferred where there is such, else found by name.

    Raises LogError, with the command line that settles it, when a required role has no candidate, a
    wanted column is absent, or several differing columns could play one role.
    """
    choice = ColumnChoice({})
    there = {
        role: name
        for role, name in (preferred or {}).items()
        if name == NONE or _is_there(role, name, table.columns)
    }
    wanted = {**there, **wanted}
    for role in ROLES:
        if role in wanted:
            if wanted[role] != NONE:
                choice.columns[role] = _existing(table, role, wanted[role])
            continue
        named = [*choice.columns.values(), *(name for name in wanted.values() if name != NONE)]
        taken = {part for name in named for part in names_of(name, table.columns)}
        source = _found(table, role, taken, choice)
        if source is not None:
            choice.columns[role] = source
    _start_stands_in(choice, wanted)
    _date_stands_in(table, choice, wanted)
    absent = [role for role in REQUIRED_ROLES if role not in choice.columns]
    if absent:
        raise _no_column(table, absent)
    return choice


def is_known(role: str, name: str) -> bool:
    """Whether a column of this name is found for a role."""
    return name in EXACT[role] or _plain(name) in KNOWN[role].split()


def _found(table: RawTable, role: str, taken: set[str], choice: ColumnChoice) -> str | None:
    free = [name for name in table.columns if name not in taken]
    candidates = [name for name in EXACT[role] if name in free]
    candidates += [name for name in free if name not in candidates and is_known(role, name)]
    pair = found_pair(role, table.columns, {name: _plain(name) for name in free})
    if pair is not None and set(candidates) <= set(both := names_of(pair, table.columns)):
        said = " and ".join(f"'{shown(name)}'" for name in both)
        choice.notes.append((f"{said} taken together as {role}", table.n_rows))
        return pair
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    first, *others = candidates
    if all(equal_columns(table.columns[first], table.columns[name]) for name in others):
        choice.notes.append(
            (f"'{first}' taken as {role}; equal in every row: {_quoted(others)}", table.n_rows)
        )
        return first
    if first == EXACT[role][0]:
        choice.notes.append((f"'{first}' taken as {role}, not {_quoted(others)}", table.n_rows))
        return first
    raise _several(table, role, candidates)


def _start_stands_in(choice: ColumnChoice, wanted: Mapping[str, str]) -> None:
    """A log with start times only is ordered by them."""
    start = choice.columns.get("start_timestamp")
    if (
        start is not None
        and "timestamp" not in choice.columns
        and not {"timestamp", "start_timestamp"} & set(wanted)
    ):
        choice.columns["timestamp"] = choice.columns.pop("start_timestamp")
        choice.notes.append((f"'{start}' taken as timestamp: there is no time of completion", 0))


def _date_stands_in(table: RawTable, choice: ColumnChoice, wanted: Mapping[str, str]) -> None:
    """A log whose only time is called a date is ordered by that, if it holds dates or times."""
    if "timestamp" in choice.columns or "timestamp" in wanted:
        return
    free = set(table.columns) - set(choice.columns.values())
    named = [name for name in table.columns if name in free and _plain(name) in DATES]
    if len(named) == 1 and is_times(table.columns[named[0]]):
        choice.columns["timestamp"] = named[0]


def _is_there(role: str, name: str, columns: Collection[str]) -> bool:
    return name in columns or (role in JOINED_ROLES and len(names_of(name, columns)) > 1)


def _existing(table: RawTable, role: str, name: str) -> str:
    if _is_there(role, name, table.columns):
        return name
    near = nearest(name, table.columns)
    if role in JOINED_ROLES and JOIN in name:
        parts = [nearest(part.strip(), table.columns) for part in name.split(JOIN, 1)]
        near = JOIN.join(part for part in parts if part) if all(parts) else None
    hint = f"did you mean --columns {assignment(role, near)}?" if near else _there_are(table.columns)
    raise LogError(
        f"{table.name}: column '{name}' not found", hint=hint, code="log.column", context={"column": name}
    )


def _no_column(table: RawTable, roles: list[str]) -> LogError:
    if len(table.columns) == 1:
        hint = "is the delimiter right? (--delimiter)"
    else:
        options = " ".join(f"--columns {role}=NAME" for role in roles)
        hint = f"name {'it' if len(roles) == 1 else 'them'}: {options} ({_there_are(table.columns)})"
    return LogError(
        f"{table.name}: no column for {' and '.join(map(repr, roles))} found",
        hint=hint,
        code="log.column",
        context={"column": roles[0]},
    )


def _several(table: RawTable, role: str, candidates: list[str]) -> LogError:
    together = _joined_name(table, candidates) if role in JOINED_ROLES else None
    options = candidates if together is None else [*candidates, together]
    choices = " or ".join(f"--columns {assignment(role, name)}" for name in options)
    optional = "" if role in REQUIRED_ROLES else f" or --columns {role}={NONE}"
    return LogError(
        f"{table.name}: several columns could be '{role}': {_quoted(candidates)}",
        hint=f"say which: {choices}{optional}",
        code="log.column",
        context={"column": role, "candidates": candidates},
    )


def _joined_name(table: RawTable, names: Iterable[str]) -> str | None:
    """What joins the only column of dates and the only one of times of day among these; None without them."""
    columns = {name: table.columns[name] for name in names}
    dates = [name for name, column in columns.items() if is_dates(column)]
    clocks = [name for name, column in columns.items() if is_clocks(column)]
    return f"{dates[0]}{JOIN}{clocks[0]}" if len(dates) == len(clocks) == 1 else None


def assignment(role: str, name: str) -> str:
    """What `--columns` is given, as a shell takes it."""
    return f"{role}={name}" if re.fullmatch(r"[\w:.@+-]+", name) else f"'{role}={name}'"


def _there_are(names: Iterable[str], most: int = 20) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"there are: {', '.join(map(shown, names[:most])) or 'none'}{more}"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{shown(name)}'" for name in names)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()

"""Which source column plays which role: as wanted, by name, else by what the columns hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pmlcli.errors import LogError, nearest
from pmlcli.eventlog.column_names import DATES, EXACT, is_known, is_later, plain
from pmlcli.eventlog.log import CASE_PREFIX
from pmlcli.eventlog.options import NONE, REQUIRED_ROLES, ROLES, ReadOptions
from pmlcli.eventlog.raw import RawTable, as_text, equal_columns, shown
from pmlcli.eventlog.role_content import (
    LIFECYCLES,
    Pair,
    best_pairs,
    changes_within,
    determines,
    holds_lifecycle,
    holds_times,
    is_numeric,
    is_settled,
    numbered,
    same_partition,
)
from pmlcli.eventlog.times.date_and_clock import JOIN, found_pair, is_clocks, is_dates, is_times, names_of
from pmlcli.eventlog.times.parse import parse_times

JOINED_ROLES = ("timestamp", "start_timestamp")
"""The roles that a date and its time of day may play together."""
_ENOUGH = 20
"""Rows below which no name is doubted for what its column holds."""
GUESSED = "guessed to be the"
"""In the note on a column whose role no name tells."""
_EPOCH = 600_000_000
"""Numbers from here on may count from 1970."""
_IDENTIFIES = re.compile(r"(id|key|number|nummer|nr|no)$")


@dataclass
class ColumnChoice:
    """Canonical name to source name for each role that was found, and what should be said about it."""

    columns: dict[str, str]
    notes: list[tuple[str, int]] = field(default_factory=list)


def choose_columns(
    table: RawTable,
    wanted: Mapping[str, str],
    preferred: Mapping[str, str] | None = None,
    *,
    guess: bool = False,
    needs_times: bool = True,
) -> ColumnChoice:
    """The source column of each role: as wanted, else as preferred where there is such, else found.

    Names count first: those of XES and of tools, then those of further systems and languages where what
    the column holds fits. What no name says is told from content: with `guess` it is taken where only one
    reading is plausible, with a note. Raises LogError, with the options that settle it, when a required
    role has no column or several, a wanted column is absent, or a log has times that none of its roles
    use (unless it `needs_times` not).
    """
    there = {
        role: name
        for role, name in (preferred or {}).items()
        if name == NONE or _is_there(role, name, table.columns)
    }
    search = _Search(table, {**there, **wanted}, ColumnChoice({}))
    search.by_name()
    search.by_later_name()
    search.stand_ins()
    search.by_lifecycle()
    search.by_content(guess=guess, needs_times=needs_times)
    found = search.choice.columns
    search.choice.columns = {role: found[role] for role in ROLES if role in found}
    return search.choice


def check_names(table: RawTable, options: ReadOptions) -> list[str]:
    """The required roles that no name fills; LogError for what the names alone tell is wrong."""
    search = _Search(table, {**options.preferred_columns, **options.columns}, ColumnChoice({}))
    search.wanted = {r: n for r, n in search.wanted.items() if r in options.columns or _there(table, r, n)}
    search.by_name()
    search.by_later_name()
    absent = search.absent()
    if absent and len(table.columns) < len(REQUIRED_ROLES):
        raise no_column(table, absent)
    return absent


def refuse_unused_times(table: RawTable, choice: ColumnChoice) -> None:
    """LogError, where the column of the time holds none, if there are times in columns that play no role."""
    search = _Search(table, {}, choice)
    names = [name for name in search.free() if search.may_be_time(name, choice.columns.get("case_id"))]
    if names:
        raise _times_unused(table, names, empty=choice.columns["timestamp"])


@dataclass
class _Search:
    """The search for the columns of one table."""

    table: RawTable
    wanted: dict[str, str]
    choice: ColumnChoice

    def by_name(self) -> None:
        """Roles that are wanted, or that a known name fills."""
        for role in ROLES:
            if role in self.wanted:
                if self.wanted[role] != NONE:
                    self.choice.columns[role] = _existing(self.table, role, self.wanted[role])
                continue
            source = _found(self.table, role, self.taken(), self.choice)
            if source is not None:
                self.choice.columns[role] = source

    def by_later_name(self) -> None:
        """Roles that are still open and a name of further systems and languages fills."""
        for role in ROLES:
            if role in self.choice.columns or role in self.wanted:
                continue
            names = [name for name in self.free() if is_later(role, name) and self.fits(role, name)]
            source = names[0] if len(names) == 1 else self.one_of_twins(role, names)
            if source is not None:
                self.take(role, source, f"'{shown(source)}' taken as {role}, by its name")
            elif len(names) > 1:
                self.unclear(role, names)

    def unclear(self, role: str, names: list[str]) -> None:
        """Several columns fit: an error where the role is needed, else a note."""
        if not self.table.n_rows:  # names alone do not tell
            return
        if role in REQUIRED_ROLES or role == "timestamp":
            raise _several(self.table, role, names)
        choices = " or ".join(f"--columns {assignment(role, name)}" for name in names)
        self.choice.notes.append((f"no {role} taken: it could be {choices}", self.table.n_rows))

    def stand_ins(self) -> None:
        """A log with start times only, or with dates only, is ordered by them."""
        _start_stands_in(self.choice, self.wanted)
        _date_stands_in(self.table, self.choice, self.wanted)

    def by_lifecycle(self) -> None:
        """The only column whose values are transitions of activities, whatever its name."""
        if "lifecycle" in self.choice.columns or "lifecycle" in self.wanted:
            return
        names = [name for name in self.free() if holds_lifecycle(self.table.columns[name])]
        if len(names) == 1:
            self.take("lifecycle", names[0], f"'{shown(names[0])}' taken as lifecycle, by its values")

    def by_content(self, *, guess: bool, needs_times: bool) -> None:
        """Required roles, and times, that no name fills: taken with a note, or said in an error."""
        absent = self.absent()
        pairs = self.pairs() if absent else []
        if absent and not is_settled(pairs):
            raise no_column(self.table, absent, pairs)
        told = {role: getattr(pairs[0], _PART[role]).name for role in absent}
        case = told.get("case_id", self.choice.columns.get("case_id"))
        if needs_times and "timestamp" not in self.choice.columns and self.wanted.get("timestamp") != NONE:
            told |= self.times(case, set(told.values()))
        if not told:
            return
        if not guess:
            raise _only_guessed(self.table, told)
        for role, name in told.items():
            option = f"--columns {assignment(role, name)}"
            self.take(role, name, f"'{shown(name)}' {GUESSED} {role}, by what it holds ({option})")

    def pairs(self) -> list[Pair]:
        """What may be case and activity, in columns that play no role."""
        named = {role: self.choice.columns.get(role) for role in REQUIRED_ROLES}
        names = [*self.free(), *(name for name in named.values() if name is not None)]
        columns = {name: self.table.columns[name] for name in names if name in self.table.columns}
        return best_pairs(columns, self.order(), named["case_id"], named["activity"])

    def order(self) -> NDArray[np.int64] | None:
        """The rows in order of time, by the role or the only column that has times; None without one."""
        columns = self.table.columns
        free = (name for name in self.free() if holds_times(columns[name]))
        finest = max(free, key=lambda name: numbered(columns[name])[1], default=None)
        source = self.choice.columns.get("timestamp", finest)
        micros = None if source is None else self.micros(source)
        return None if micros is None else np.argsort(micros, kind="stable")

    def micros(self, name: str) -> NDArray[np.int64] | None:
        """The times of a column; None where they cannot be read without options."""
        if name not in self.table.columns:
            return None
        try:
            return parse_times(self.table.columns[name], ReadOptions(day_first=True), name).micros
        except LogError:
            return None

    def times(self, case: str | None, taken: set[str]) -> dict[str, str]:
        """What may be time and start of events: columns of times that change inside cases."""
        names = [name for name in self.free() if name not in taken and self.may_be_time(name, case)]
        if not names:
            return {}
        if len(names) == 1:
            return {"timestamp": names[0]}
        if len(names) == 2 and "start_timestamp" not in self.choice.columns:
            first, last = (self.micros(name) for name in names)
            if first is not None and last is not None and (first != last).any():
                if (first <= last).all():
                    return {"start_timestamp": names[0], "timestamp": names[1]}
                if (last <= first).all():
                    return {"start_timestamp": names[1], "timestamp": names[0]}
        raise _times_unused(self.table, names)

    def may_be_time(self, name: str, case: str | None) -> bool:
        """Whether a column holds times of events, not of cases."""
        column = self.table.columns[name]
        if name.startswith(CASE_PREFIX) or not holds_times(column):
            return False
        return self.changes(name, case)

    def changes(self, name: str, case: str | None) -> bool:
        """Whether a column changes inside cases, as far as the cases are known."""
        if case is None or case not in self.table.columns:
            return True
        codes = (numbered(self.table.columns[column])[0] for column in (name, case))
        return changes_within(*codes)

    def fits(self, role: str, name: str) -> bool:
        """Whether what a column holds contradicts no role of this kind."""
        column, rows = self.table.columns[name], self.table.n_rows
        if not rows:
            return True
        if role in JOINED_ROLES:
            is_time = holds_times(column) or _may_count_from_1970(self.table, name)
            return is_time and self.changes(name, self.choice.columns.get("case_id"))
        if holds_times(column) or (role != "lifecycle" and holds_lifecycle(column)):
            return False
        if role == "lifecycle":
            return bool({str(value).strip().lower() for value in as_text(column).used()[1][:99]} & LIFECYCLES)
        distinct = len(as_text(column).used()[1])
        if role == "instance":
            return "lifecycle" in self.choice.columns and distinct >= rows / 10
        return rows < _ENOUGH or 0 < distinct < (rows if role == "case_id" else rows / 2 + 1)

    def one_of_twins(self, role: str, names: list[str]) -> str | None:
        """The column among several that all say the same, row by row: one with names before numbers."""
        if len(names) < 2:
            return None
        columns = self.table.columns
        if not all(same_partition(columns[names[0]], columns[name]) for name in names[1:]):
            return None
        return named_one(self.table, names, role)

    def take(self, role: str, name: str, note: str) -> None:
        """Give a role its column, and say so."""
        self.choice.columns[role] = name
        self.choice.notes.append((note, self.table.n_rows))

    def absent(self) -> list[str]:
        """The required roles without a column."""
        return [role for role in REQUIRED_ROLES if role not in self.choice.columns]

    def taken(self) -> set[str]:
        """The columns that play a role, or are wanted for one."""
        named = [*self.choice.columns.values(), *(name for name in self.wanted.values() if name != NONE)]
        return {part for name in named for part in names_of(name, self.table.columns)}

    def free(self) -> list[str]:
        """The columns that play no role."""
        taken = self.taken()
        return [name for name in self.table.columns if name not in taken]


_PART = {"case_id": "case", "activity": "activity"}


def _there(table: RawTable, role: str, name: str) -> bool:
    return name == NONE or _is_there(role, name, table.columns)


def _may_count_from_1970(table: RawTable, name: str) -> bool:
    column = table.columns[name]
    if not is_numeric(column):
        return False
    values = as_text(column).used()[1][:_ENOUGH]
    return all(float(value) >= _EPOCH for value in values)


def named_one(table: RawTable, names: list[str], role: str) -> str:
    """The one of columns that say the same: an activity's name, not its number."""
    if role == "case_id":
        return next((name for name in names if _IDENTIFIES.search(plain(name))), names[0])
    return next((name for name in names if not is_numeric(table.columns[name])), names[0])


def _found(table: RawTable, role: str, taken: set[str], choice: ColumnChoice) -> str | None:
    free = [name for name in table.columns if name not in taken]
    candidates = [name for name in EXACT[role] if name in free]
    candidates += [name for name in free if name not in candidates and is_known(role, name)]
    pair = found_pair(role, table.columns, {name: plain(name) for name in free})
    if pair is not None and set(candidates) <= set(both := names_of(pair, table.columns)):
        said = " and ".join(f"'{shown(name)}'" for name in both)
        choice.notes.append((f"{said} taken together as {role}", table.n_rows))
        return pair
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    best, why = _preferred(table, role, candidates)
    if best is None:
        raise _several(table, role, candidates)
    others = [name for name in candidates if name != best]
    choice.notes.append((f"'{best}' taken as {role}{why}{_quoted(others)}", table.n_rows))
    return best


def _preferred(table: RawTable, role: str, candidates: list[str]) -> tuple[str | None, str]:
    """The one of several columns of known names that is meant, and what is said of the others."""
    first, *others = candidates
    columns = table.columns
    if all(equal_columns(columns[first], columns[name]) for name in others):
        return first, "; equal in every row: "
    if first == EXACT[role][0]:
        return first, ", not "
    if all(same_partition(columns[first], columns[name]) for name in others):
        return named_one(table, candidates, role), "; the same in other words: "
    if role == "case_id":
        finer = [name for name in candidates if _IDENTIFIES.search(plain(name))]
        if len(finer) == 1 and all(determines(columns[finer[0]], columns[n]) for n in candidates):
            return finer[0], ", which says more than "
    return None, ""


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
    named = [name for name in table.columns if name in free and plain(name) in DATES]
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


def no_column(table: RawTable, roles: list[str], pairs: list[Pair] | None = None) -> LogError:
    """The error for required roles that no column fills; `pairs` are those that may."""
    if len(table.columns) == 1:
        hint = "is the delimiter right? (--delimiter)"
    elif pairs:
        ways = [_options({role: getattr(pair, _PART[role]).name for role in roles}) for pair in pairs[:3]]
        hint = f"name {'it' if len(roles) == 1 else 'them'}; by content it may be {' or '.join(ways)}"
    else:
        options = " ".join(f"--columns {role}=NAME" for role in roles)
        hint = f"name {'it' if len(roles) == 1 else 'them'}: {options} ({_there_are(table.columns)})"
    return LogError(
        f"{table.name}: no column for {' and '.join(map(repr, roles))} found",
        hint=hint,
        code="log.column",
        context={"column": roles[0]},
    )


def _only_guessed(table: RawTable, told: Mapping[str, str]) -> LogError:
    """The error for roles that no name fills though the content settles them."""
    roles = " and ".join(map(repr, told))
    names = _quoted(told.values())
    only_times = set(told) <= set(JOINED_ROLES)
    without = "; --columns timestamp=none reads the log without times, in row order" if only_times else ""
    return LogError(
        f"{table.name}: no column for {roles} found by name; by what they hold: {names}",
        hint=f"if so, add {_options(told)}{without}",
        code="log.column",
        context={"column": next(iter(told)), "add_options": _arguments(told)},
    )


def _times_unused(table: RawTable, names: list[str], *, empty: str | None = None) -> LogError:
    ways = " or ".join(f"--columns {assignment('timestamp', name)}" for name in names)
    lacking = "no column for 'timestamp' found by name"
    lacking = lacking if empty is None else f"'{shown(empty)}', taken as timestamp, is empty in every row"
    return LogError(
        f"{table.name}: {lacking}, but there are times in {_quoted(names)}",
        hint=f"say which is the time of the event: {ways} (and --columns start_timestamp=NAME), or "
        "--columns timestamp=none to read the log without times, in row order",
        code="log.column",
        context={"column": "timestamp", "candidates": names},
    )


def _arguments(told: Mapping[str, str]) -> list[str]:
    return [part for role, name in told.items() for part in ("--columns", f"{role}={name}")]


def _options(told: Mapping[str, str]) -> str:
    return " ".join(f"--columns {assignment(role, name)}" for role, name in told.items())


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

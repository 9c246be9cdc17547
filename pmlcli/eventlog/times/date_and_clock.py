"""Date and time of day in two columns, which together are one time."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

import numpy as np
import pandas as pd

from pmlcli.eventlog.log import MISSING
from pmlcli.eventlog.raw import Column, TextColumn, UniformTexts, as_text
from pmlcli.eventlog.times.time_layouts import blocks

JOIN = "+"
"""Between the names of the two columns, date first, where one column is asked for."""
STEMS = {
    "timestamp": ("", "event", "activity", "complete", "completion", "end", "finish"),
    "start_timestamp": ("start", "begin"),
}
"""What `date` and `time` begin with in the names of two columns that are one time (lower case, letters)."""
PAIRS = {
    "timestamp": (
        *(
            ("udate", "utime"),
            ("cpudt", "cputm"),
            ("erdat", "erzet"),
            ("datum", "uhrzeit"),
            ("datum", "zeit"),
        ),
        *(("datum", "tijd"), ("einddatum", "eindtijd"), ("fecha", "hora"), ("fechafin", "horafin")),
        *(("date", "heure"), ("datefin", "heurefin"), ("enddatum", "endzeit")),
    ),
    "start_timestamp": (
        *(("startdatum", "startzeit"), ("startdatum", "starttijd"), ("fechainicio", "horainicio")),
        *(("datedebut", "heuredebut"), ("begindatum", "begintijd")),
    ),
}
"""Such names of SAP, and in German, Dutch, French and Spanish."""

_DATE = re.compile(
    r"[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([-/.])[0-9]{1,2}\2(?:[0-9]{4}|[0-9]{2})|[0-9]{8}"
    r"|[0-9]{1,2}[-/ .][A-Za-z]{3,9}[-/ .,]{1,2}[0-9]{4}|[A-Za-z]{3,9}\.? [0-9]{1,2},? [0-9]{4}"
)
_CLOCK = re.compile(
    r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,12})?)?(?: ?[AaPp][Mm])?"
    r"(?: ?(?:Z|z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?"
)
_MIDNIGHT = re.compile(r"(?:T| {1,2})00:00(?::00(?:\.0+)?)?\Z")
"""What databases write after a date that has no time of day."""


def parts_of(name: str, columns: Collection[str]) -> tuple[str, str] | None:
    """The columns of a date and its time of day that a name such as `date+time` means, if both are there.

    A column that is really named so is that column: then None.
    """
    if name in columns:
        return None
    pieces = name.split(JOIN)
    cuts = ((JOIN.join(pieces[:at]), JOIN.join(pieces[at:])) for at in range(1, len(pieces)))
    stripped = ((date.strip(), clock.strip()) for date, clock in cuts)
    return next(((d, c) for d, c in stripped if d != c and d in columns and c in columns), None)


def names_of(name: str, columns: Collection[str]) -> tuple[str, ...]:
    """The columns that a name means: two where it joins them, else itself."""
    return parts_of(name, columns) or (name,)


def is_dates(column: Column) -> bool:
    """Whether every value is a date without a time of day, or with midnight alone."""
    if isinstance(column, UniformTexts) and not _is_date(bytes(column.parts[0][0]).decode("ascii")):
        return False
    if isinstance(column, pd.Series) and not pd.api.types.is_datetime64_any_dtype(column.dtype):
        return False
    return _all(_is_date, as_text(column))


def is_times(column: Column) -> bool:
    """Whether every value is a date, with or without a time of day."""
    if not isinstance(column, TextColumn):
        return isinstance(column, UniformTexts) or pd.api.types.is_datetime64_any_dtype(column.dtype)
    texts = [str(value).strip() for value in column.used()[1]]
    return is_dates(column) or (bool(texts) and all(block.match for block in blocks(texts)))


def is_clocks(column: Column) -> bool:
    """Whether every value is a time of day without a date."""
    return isinstance(column, TextColumn) and _all(_is_clock, column)


def found_pair(role: str, columns: Mapping[str, Column], plain: Mapping[str, str]) -> str | None:
    """The joined name of the only two columns whose names and values are a role's date and time of day.

    `plain` gives the free columns' names in lower case, letters and digits only.
    """
    named: dict[str, list[str]] = {}
    for name, short in plain.items():
        named.setdefault(short, []).append(name)
    names = [(f"{stem}date", f"{stem}time") for stem in STEMS.get(role, ())] + list(PAIRS.get(role, ()))
    possible = ((named.get(date, ()), named.get(clock, ())) for date, clock in names)
    pairs = [
        f"{dates[0]}{JOIN}{clocks[0]}"
        for dates, clocks in possible
        if len(dates) == len(clocks) == 1 and is_dates(columns[dates[0]]) and is_clocks(columns[clocks[0]])
    ]
    return pairs[0] if len(pairs) == 1 else None


def joined(date: Column, clock: Column) -> TextColumn:
    """The column of `DATE CLOCK`, missing where either is."""
    days, clocks = as_text(date), as_text(clock)
    has_both = (days.codes >= 0) & (clocks.codes >= 0)
    both = days.codes.astype(np.int64) * len(clocks.values) + clocks.codes
    codes, distinct = pd.factorize(both[has_both])
    all_codes = np.full(len(days), MISSING, dtype=np.int32)
    all_codes[has_both] = codes
    pairs = (divmod(pair, len(clocks.values)) for pair in distinct.tolist())
    texts = [f"{_day(str(days.values[day]))} {str(clocks.values[at]).strip()}" for day, at in pairs]
    return TextColumn.of(all_codes, texts)


def _all(test: Callable[[str], bool], column: TextColumn) -> bool:
    values = column.used()[1]
    return bool(len(values)) and all(map(test, map(str, values)))


def _is_date(text: str) -> bool:
    return _DATE.fullmatch(_day(text)) is not None


def _is_clock(text: str) -> bool:
    return _CLOCK.fullmatch(text.strip()) is not None


def _day(text: str) -> str:
    """A date without the midnight after it."""
    return _MIDNIGHT.sub("", text.strip())

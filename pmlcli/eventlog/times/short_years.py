"""Dates with years of two digits, written out with four where day, month and year can be told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pmlcli.errors import LogError

NOTE = "times with years of two digits, read as 1969 to 2068"
PIVOT = 69
"""Years from here on belong to the last century, as POSIX has it."""

_SHORT = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{2})((?:[T ]|, ?).*)?")
_ORDERS = {"%d{0}%m{0}%y": (0, 1, 2), "%m{0}%d{0}%y": (1, 0, 2), "%y{0}%m{0}%d": (2, 1, 0)}
"""A format for each order that the three numbers may stand in, and where day, month and year are."""
_DAY_FIRST, _MONTH_FIRST, _YEAR_FIRST = _ORDERS

Found = re.Match[str]


def short_dates(texts: Sequence[str]) -> dict[int, Found]:
    """The texts that have a year of two digits, by place."""
    found = ((place, _SHORT.fullmatch(text)) for place, text in enumerate(texts))
    return {place: match for place, match in found if match is not None}


def lengthened(matches: Sequence[Found], day_first: bool | None, where: str) -> list[str]:
    """The same dates as ISO 8601.

    Raises LogError unless exactly one order of day, month and year fits all of them.
    """
    possible = [order for order in _ORDERS if all(_fits(match, order) for match in matches)]
    if day_first is not None:
        possible = [_DAY_FIRST if day_first else _MONTH_FIRST]
    if len(possible) != 1:
        raise _doubtful(matches, possible, where)
    return [_iso(match, possible[0]) for match in matches]


def _numbers(match: Found, order: str) -> tuple[int, int, int]:
    """Day, month and year."""
    parts = (int(match[1]), int(match[3]), int(match[4]))
    day, month, year = (parts[place] for place in _ORDERS[order])
    return day, month, year


def _fits(match: Found, order: str) -> bool:
    day, month, _ = _numbers(match, order)
    is_whole = order != _YEAR_FIRST or len(match[1]) == len(match[3]) == 2
    return 1 <= day <= 31 and 1 <= month <= 12 and is_whole


def _iso(match: Found, order: str) -> str:
    day, month, year = _numbers(match, order)
    return f"{year + (1900 if year >= PIVOT else 2000)}-{month:02}-{day:02}{match[5] or ''}"


def _doubtful(matches: Sequence[Found], possible: Sequence[str], where: str) -> LogError:
    examples = [match[0] for match in matches[:2]]
    mark = matches[0][2]
    options = {
        _DAY_FIRST: "--day-first",
        _MONTH_FIRST: "--month-first",
        _YEAR_FIRST: f"--timestamp-format '{_YEAR_FIRST.format(mark)}'",
    }
    what = "can be read in several ways" if possible else "do not all fit one order of day, month and year"
    return LogError(
        f"{where}: times such as {' and '.join(map(repr, examples))} {what}",
        hint=f"say which: {', '.join(options[order] for order in possible or _ORDERS)}",
        code="log.day-month",
        context={"examples": examples},
    )

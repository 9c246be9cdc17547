"""Texts of a report: times in the log's zone, names cut to a width, numbers on axes."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from pmlcli.arrays import Floats
from pmlcli.render import number

LONGEST = 60
_NAMES = re.compile("`([^`]*)`")
_COUNTED = re.compile(r"(?<=\d) (?=%|[a-z])")
MISSING = "–"


def day(micros: int, zone: ZoneInfo) -> str:
    """A date in a zone: `2025-03-01`."""
    return _local(micros, zone).strftime("%Y-%m-%d")


def minute(micros: int, zone: ZoneInfo) -> str:
    """A date and time in a zone: `2025-03-01 14:34`."""
    return _local(micros, zone).strftime("%Y-%m-%d %H:%M")


def _local(micros: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(micros / 1e6, UTC).astimezone(zone)


def took(seconds: float | None) -> str:
    """A duration, or a dash."""
    return MISSING if seconds is None or not math.isfinite(seconds) else whole(number.duration(seconds))


def whole(text: str) -> str:
    """The text with blanks at which no line breaks."""
    return text.replace(" ", "\u00a0")


def with_units(text: str) -> str:
    """The text with no line break between a number and what it counts."""
    return _COUNTED.sub("\u00a0", text)


def plain(text: str) -> str:
    """A sentence of a model or a finding as the page has it: names in quotes, arrows as arrows."""
    return _NAMES.sub("“\\1”", text).replace("->", "→")


def median(values: Floats) -> float | None:
    """The median; None of nothing."""
    return float(np.median(values)) if len(values) else None


def width_of(text: str) -> float:
    """About how wide a text is, in widths of a digit: wide signs count double, capitals a little more."""
    return sum(_width(sign) for sign in text)


def _width(sign: str) -> float:
    if unicodedata.combining(sign):
        return 0.0
    if unicodedata.east_asian_width(sign) in "WF":
        return 1.9
    if sign in "iljI.,:;'|!ft()[] ":
        return 0.6
    return 1.3 if sign.isupper() or sign in "mwMW@%" else 1.0


def cut(text: str, most: float = LONGEST) -> str:
    """The text as far as it fits into so many widths of a digit, with an ellipsis where it does not."""
    if width_of(text) <= most:
        return text
    kept, used = "", 1.0
    for sign in text:
        used += _width(sign)
        if used > most:
            break
        kept += sign
    return kept.rstrip() + "…"


def lines(text: str, most: float, count: int = 2) -> list[str]:
    """The text in at most so many lines of this width; words stay whole where they fit."""
    found = [""]
    for word in text.split():
        joined = f"{found[-1]} {word}".strip()
        if width_of(joined) <= most or not found[-1]:
            found[-1] = joined
        elif len(found) < count:
            found.append(word)
        else:
            found[-1] = joined
    return [cut(line, most) for line in found]


def rough(seconds: float | None) -> str:
    """A duration in one unit, for a label: `45 s`, `12 min`, `18.6 h`, `4.4 d`, `148 d`."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    for unit, name, below in ((1.0, "s", 90.0), (60.0, "min", 5_400.0), (3600.0, "h", 129_600.0)):
        if seconds < below:
            return f"{seconds / unit:.{int(name == 'h')}f} {name}".replace(".0 ", " ")
    days = seconds / 86_400
    return f"{days:,.0f} d" if days >= 99.5 else f"{days:.1f} d".replace(".0 ", " ")

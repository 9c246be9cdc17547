"""Texts to instants by shape: texts that look alike are read together, digit column by digit column.

The shape of a text is the text with every digit made 0, so `2024-03-31T02:30:00Z` has the shape
`0000-00-00T00:00:00Z`. A layout is a regular expression over shapes; a new way to write a date is one
more line in `_DATES`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

LONGEST = 64
MOST_SHAPES = 500
MICRO = 1_000_000
DAY_MICROS = 86_400 * MICRO

Matrix = NDArray[np.uint8]
Ints = NDArray[np.int64]

_CLOCK = (
    r"(?P<hour>0{1,2}):(?P<minute>00)(?::(?P<second>00)(?:[.,](?P<fraction>0{1,12}))?)?"
    r"(?P<half> ?[AaPp][Mm])?"
)
_ZONE = r"(?: ?(?:Z|z|UTC|GMT|(?P<sign>[+-])(?P<zone_hour>00)(?::?(?P<zone_minute>00))?))"
_DATES = (
    r"(?P<year>0000)(?P<mark>[-/.])(?P<month>0{1,2})(?P=mark)(?P<day>0{1,2})",
    r"(?P<a>0{1,2})(?P<mark>[-/.])(?P<b>0{1,2})(?P=mark)(?P<year>0000)",
    r"(?P<day>0{1,2})[-/ .](?P<name>[A-Za-z]{3,9})[-/ .,]{1,2}(?P<year>0000)",
    r"(?P<name>[A-Za-z]{3,9})\.? (?P<day>0{1,2}),? (?P<year>0000)",
)
_COMPACT = (
    r"(?P<year>0000)(?P<month>00)(?P<day>00)"
    rf"(?:[T ]?(?P<hour>00)(?P<minute>00)(?P<second>00)(?P<zone>{_ZONE})?)?"
)
ISO = re.compile(rf"(?P<year>0000)-(?P<month>00)-(?P<day>00)[T ]{_CLOCK}(?P<zone>{_ZONE})?")
_LAYOUTS = (
    ISO,
    *(re.compile(rf"{date}(?:(?:[T ]|, ?){_CLOCK}(?P<zone>{_ZONE})?)?") for date in _DATES),
    re.compile(_COMPACT),
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True)
class Block:
    """Texts of one shape: their positions, characters (texts, length) and layout, if there is one."""

    rows: Ints
    characters: Matrix
    match: re.Match[str] | None

    def has(self, field: str) -> bool:
        """Whether the layout names this field and the shape has it."""
        return self.match is not None and self.match.groupdict().get(field) is not None

    def starts_with(self, field: str) -> bool:
        """Whether this field stands first."""
        return self.has(field) and self.match is not None and self.match.start(field) == 0

    def text(self, row: int) -> str:
        """One of the texts."""
        return bytes(self.characters[row]).decode("ascii")

    def number(self, field: str) -> Ints:
        """The digits of a field as numbers, (texts,); 0 where the shape has no such field."""
        total = np.zeros(len(self.rows), dtype=np.int64)
        if self.match is not None and self.has(field):
            first, end = self.match.span(field)
            if (end - first) % 2:
                total += self.characters[:, first] - 48
            for place in range(first + (end - first) % 2, end, 2):  # two digits fit into a byte
                pair = (self.characters[:, place] - 48) * 10 + (self.characters[:, place + 1] - 48)
                total = total * 100 + pair
        return total

    @cached_property
    def offset(self) -> tuple[Ints, NDArray[np.bool_]]:
        """Microseconds that each text's own zone is ahead of UTC (0 without one), and which are real zones.

        Of one element where all are alike.
        """
        if len(self.rows) > 1 and self._has_one_zone():
            return replace(self, rows=self.rows[:1], characters=self.characters[:1]).offset
        hour, minute = self.number("zone_hour"), self.number("zone_minute")
        sign = -1 if self.match is not None and self.has("sign") and self.match["sign"] == "-" else 1
        return sign * (hour * 60 + minute) * 60 * MICRO, (hour < 24) & (minute < 60)

    def _has_one_zone(self) -> bool:
        if self.match is None or not self.has("zone"):
            return True
        places = self.characters.T[slice(*self.match.span("zone"))]
        return all(bool((place == place[0]).all()) for place in places)


def blocks(texts: Sequence[str], layouts: Sequence[re.Pattern[str]] = _LAYOUTS) -> Iterator[Block]:
    """The texts by shape. Beyond `MOST_SHAPES` shapes, and for long texts, blocks have no layout."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    budget = MOST_SHAPES
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        if not 0 < length <= LONGEST:
            yield Block(rows, np.empty((len(rows), 0), dtype=np.uint8), None)
            continue
        joined = "".join([texts[row] for row in rows.tolist()]).encode("ascii", "replace")
        characters = np.frombuffer(joined, dtype=np.uint8).reshape(len(rows), length)
        shapes = shapes_of(characters)
        while len(rows):
            budget -= 1
            same = (shapes == shapes[0]).all(axis=1) if budget > 0 else np.ones(len(rows), dtype=bool)
            yield Block(rows[same], characters[same], _layout(shapes[0], layouts) if budget > 0 else None)
            rows, characters, shapes = rows[~same], characters[~same], shapes[~same]


def shapes_of(characters: Matrix) -> Matrix:
    """The characters with every digit made 0."""
    return np.where((characters >= 48) & (characters <= 57), np.uint8(48), characters)


def uniform_blocks(parts: Iterable[Matrix]) -> Iterator[Block]:
    """Texts that are all of the ISO layout and alike but for their digits, part by part."""
    first = 0
    for part in parts:
        yield Block(np.arange(first, first + len(part)), part, _layout(shapes_of(part[0]), (ISO,)))
        first += len(part)


def _layout(shape: Matrix, layouts: Sequence[re.Pattern[str]]) -> re.Match[str] | None:
    text = shape.tobytes().decode("ascii")
    for layout in layouts:
        match = layout.fullmatch(text)
        if match is not None and _known_month(match):
            return match
    return None


def _known_month(match: re.Match[str]) -> bool:
    name = match.groupdict().get("name")
    return name is None or name.lower() in (*_MONTHS, *_MONTH_NAMES, "sept")


def instants(block: Block, *, day_first: bool = True) -> tuple[Ints, NDArray[np.bool_]]:
    """Microseconds since 1970 of a block's texts as written, less their zone, and which are real times."""
    assert block.match is not None
    year, month, day = block.number("year"), block.number("month"), block.number("day")
    if block.has("name"):
        month = np.full_like(year, _MONTHS.index(block.match["name"][:3].lower()) + 1)
    elif block.has("a"):
        a, b = block.number("a"), block.number("b")
        day, month = (a, b) if day_first else (b, a)
    valid = (month >= 1) & (month <= 12) & (day >= 1)
    month = np.where(valid, month, 1)
    valid &= day <= _MONTH_DAYS[month] + ((month == 2) & is_leap(year))
    clock, in_clock = _clock(block)
    offset, in_offset = block.offset
    micros = days_since_1970(year, month, day) * DAY_MICROS + clock - offset
    return micros, valid & in_clock & in_offset


def _clock(block: Block) -> tuple[Ints, NDArray[np.bool_]]:
    hour, minute, second = block.number("hour"), block.number("minute"), block.number("second")
    valid = (minute < 60) & (second < 60)
    if block.has("half"):
        assert block.match is not None
        valid &= (hour >= 1) & (hour <= 12)
        hour = hour % 12 + 12 * (block.match["half"].strip()[0] in "pP")
    valid &= hour < 24
    micros = ((hour * 60 + minute) * 60 + second) * MICRO
    if block.has("fraction"):
        assert block.match is not None
        digits = len(block.match["fraction"])
        fraction = block.number("fraction")
        micros = micros + (fraction * 10 ** (6 - digits) if digits <= 6 else fraction // 10 ** (digits - 6))
    return micros, valid


def rest_of_micros(block: Block) -> Ints | None:
    """Picoseconds of each text of a block that microseconds cannot hold; None where there can be none."""
    digits = len(block.match["fraction"]) if block.match is not None and block.has("fraction") else 0
    if digits <= 6:
        return None
    rest: Ints = block.number("fraction") % 10 ** (digits - 6) * 10 ** (12 - digits)
    return rest


def offset_minutes(block: Block) -> Ints:
    """Minutes that each text's own zone is ahead of UTC; 0 where it names none. See `Block.offset`."""
    minutes: Ints = block.offset[0] // (60 * MICRO)
    return minutes


def is_leap(year: Ints) -> NDArray[np.bool_]:
    """Which years have a 29 February."""
    leap: NDArray[np.bool_] = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    return leap


def days_since_1970(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days of the proleptic Gregorian calendar since 1970-01-01."""
    shifted = year - (month <= 2)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days: Ints = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    return days

"""Times of any writing to int64 microseconds UTC; what is no time is named, never made missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import Column, TextColumn, UniformTexts
from pmlcli.eventlog.times.distinct import Distinct, Flags, Ints
from pmlcli.eventlog.times.epoch import MODERN, are_numbers, by_number, may_be_number
from pmlcli.eventlog.times.short_years import NOTE as SHORT_YEARS
from pmlcli.eventlog.times.short_years import lengthened, short_dates
from pmlcli.eventlog.times.time_format import TIME_UNITS
from pmlcli.eventlog.times.time_layouts import (
    DAY_MICROS,
    ISO,
    MICRO,
    Block,
    blocks,
    instants,
    offset_minutes,
    rest_of_micros,
    uniform_blocks,
)

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(3000, 1, 1, tzinfo=UTC)

NOT_A_TIME = "not a time"
OUT_OF_RANGE = f"out of range ({EARLIEST.year} to {LATEST.year - 1})"
ZONED_BESIDE_NAIVE = "times with a zone beside times without"
SEVERAL_ZONES = "times of several zones"
_DAYLIGHT_SAVING_MINUTES = 60
MOST_LOOKED_AT = 1_000
"""Rows among which two examples are sought."""


@dataclass
class Times:
    """The times of a column's rows: microseconds UTC, which rows have none, and which are refused and why.

    `rest` is what each time is beyond its microseconds, in picoseconds; None where no time is. Events are
    ordered by both.
    """

    micros: Ints
    missing: Flags
    refused: dict[str, Flags] = field(default_factory=dict)
    notes: list[tuple[str, int]] = field(default_factory=list)
    rest: Ints | None = None


def parse_times(column: Column, options: ReadOptions, where: str) -> Times:
    """The times of a column. `where` names log and column in errors.

    Raises LogError where day and month cannot be distinguished.
    """
    if isinstance(column, UniformTexts):
        if options.timestamp_format is None:
            _check_year_first(list(uniform_blocks(column.parts)), where)
            return _spread(_uniform(column), None, options.zone)
        column = column.coded()
    if not isinstance(column, TextColumn):
        return _typed_times(column, options, where)
    codes, values = column.used()
    texts = list(map(str.strip, map(str, values.tolist())))
    is_number = bool(texts) and may_be_number(texts[0])
    numbers = [text.replace(",", ".", 1) for text in texts] if is_number else []
    if numbers and are_numbers(numbers, options.timestamp_format):
        distinct = by_number(np.array(numbers, dtype=float), numbers, options.timestamp_format, where)
    elif options.timestamp_format is not None:
        distinct = _by_format(texts, options.timestamp_format)
    else:
        distinct = _by_shape(texts, options.day_first, where)
    return _spread(distinct, codes, options.zone)


def iso_times(texts: Sequence[str], timezone: str) -> Ints | None:
    """Microseconds UTC when every text is an ISO 8601 date with a time, else None."""
    if not texts or not (16 <= len(texts[0]) <= 40):
        return None
    distinct = Distinct.empty(len(texts))
    for block in blocks(texts, (ISO,)):
        if block.match is None:
            return None
        _fill(distinct, block, day_first=True)
    return _all_times(distinct, timezone)


def uniform_times(column: UniformTexts, timezone: str) -> Ints | None:
    """Microseconds UTC of each row when every text is a real time, else None."""
    return _all_times(_uniform(column), timezone)


def _uniform(column: UniformTexts) -> Distinct:
    each = Distinct.empty(len(column))
    first = 0
    for block in uniform_blocks(column.parts):
        end = first + len(block.rows)
        _fill(each, block, day_first=True, rows=slice(first, end))
        first = end
    return each


def _all_times(distinct: Distinct, timezone: str) -> Ints | None:
    if not distinct.valid.all():
        return None
    _localise(distinct, timezone)
    return distinct.micros


def _typed_times(column: pd.Series, options: ReadOptions, where: str) -> Times:
    """Times of a pandas column: real times as they are, numbers as an epoch."""
    missing = column.isna().to_numpy(dtype=bool)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        stamps = pd.DatetimeIndex(column)
        distinct = Distinct.empty(len(column))
        distinct.naive[:] = stamps.tz is None
        utc = stamps if stamps.tz is None else stamps.tz_convert("UTC")
        distinct.rest = np.where(missing, 0, np.asarray(utc.nanosecond) % 1_000 * 1_000).astype(np.int64)
        distinct.finer = distinct.rest > 0
        values = utc.tz_localize(None).as_unit("us").to_numpy().view("int64")
        distinct.micros, distinct.valid = np.where(missing, 0, values), np.ones(len(column), dtype=bool)
    elif pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        unit = options.timestamp_format if options.timestamp_format in TIME_UNITS else None
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        distinct = by_number(numbers, None, unit, where)
        are_nanos = any(kind.startswith("times as nanoseconds") for kind, _ in distinct.notes)
        if are_nanos and pd.api.types.is_integer_dtype(column.dtype):
            # exactly: as floats, nanoseconds of our days are 256 apart
            whole = column.to_numpy(dtype=np.int64, na_value=0)
            distinct.micros, distinct.rest = whole // 1_000, whole % 1_000 * 1_000
            distinct.finer = distinct.rest > 0
    else:
        distinct = Distinct.empty(len(column))
    codes = np.where(missing, -1, np.arange(len(column))).astype(np.int32)
    return _spread(distinct, codes, options.zone)


def _by_format(texts: list[str], layout: str) -> Distinct:
    distinct = Distinct.empty(len(texts))
    aware = "%z" in layout or "%Z" in layout
    texts, cut = _cut_to_micros(texts, layout)
    stamps = pd.to_datetime(pd.Series(texts, dtype=object), format=layout, errors="coerce", utc=aware)
    distinct.valid = stamps.notna().to_numpy()
    utc = pd.DatetimeIndex(stamps).tz_localize(None)
    nanos = np.where(distinct.valid, np.asarray(utc.nanosecond) % 1_000, 0).astype(np.int64)
    distinct.rest = cut + nanos * 1_000
    distinct.finer = distinct.valid & (distinct.rest > 0)
    distinct.micros = np.where(distinct.valid, utc.as_unit("us").to_numpy().view("int64"), 0)
    distinct.naive = distinct.valid & (not aware)
    return distinct


def _cut_to_micros(texts: list[str], layout: str) -> tuple[list[str], Ints]:
    """The texts with the fraction of a second cut to six digits, and the picoseconds that each thereby lost.

    What is finer makes pandas hold nanoseconds, which no year after 2261 has.
    """
    mark = re.search(r"([^%\w])%f", layout)
    if mark is None:
        return texts, np.zeros(len(texts), dtype=np.int64)
    longer = re.compile(re.escape(mark[1]) + "[0-9]{6}([0-9]{1,6})(?![0-9])")
    found = [longer.search(text) for text in texts]
    cut = [
        text if match is None else text[: match.start(1)] + text[match.end(1) :]
        for text, match in zip(texts, found, strict=True)
    ]
    lost = [0 if match is None else int(match[1].ljust(6, "0")) for match in found]
    return cut, np.array(lost, dtype=np.int64)


def _by_shape(texts: list[str], day_first: bool | None, where: str) -> Distinct:
    distinct = Distinct.empty(len(texts))
    known = [block for block in blocks(texts) if block.match is not None]
    _check_year_first(known, where)
    doubtful = [block for block in known if block.has("a")]
    if doubtful and day_first is None:
        day_first = _told_day_first(doubtful, texts, where)
    for block in known:
        _fill(distinct, block, day_first=bool(day_first))
    unknown = np.flatnonzero(~np.isin(np.arange(len(texts)), _rows(known)))
    _fill_short_years(distinct, unknown, texts, day_first, where)
    return distinct


def _rows(of: list[Block]) -> Ints:
    return np.concatenate([np.empty(0, dtype=np.int64), *(block.rows for block in of)])


def _fill_short_years(
    distinct: Distinct, unknown: Ints, texts: list[str], day_first: bool | None, where: str
) -> None:
    short = short_dates([texts[row] for row in unknown.tolist()])
    if not short:
        return
    rows = unknown[list(short)]
    written_out = lengthened(list(short.values()), day_first, where)
    for block in blocks(written_out):
        if block.match is not None:
            _fill(distinct, replace(block, rows=rows[block.rows]), day_first=True)
    flags = np.zeros(len(texts), dtype=bool)
    flags[rows] = True
    distinct.notes.append((SHORT_YEARS, flags & distinct.valid))


def _told_day_first(doubtful: list[Block], texts: list[str], where: str) -> bool:
    """Whether the day stands first; LogError unless some value above 12 settles it for all."""
    first = any(bool((block.number("a") > 12).any()) for block in doubtful)
    second = any(bool((block.number("b") > 12).any()) for block in doubtful)
    if first != second:
        return first
    examples = [texts[row] for block in doubtful for row in block.rows[:2]][:2]
    what = "some say day first and some month first" if first else "day and month cannot be distinguished"
    raise LogError(
        f"{where}: {what} in times such as {' and '.join(map(repr, examples))}",
        hint="say which: --day-first or --month-first",
        code="log.day-month",
        context={"examples": examples},
    )


def _check_year_first(known: list[Block], where: str) -> None:
    """LogError where dates such as 2024-31-01 show that the day stands before the month in all of them.

    Else those up to the 12th would be read with day and month swapped, and only the others refused.
    """
    examples: list[str] = []
    for block in known:
        if not (block.has("month") and block.starts_with("year")):
            continue
        month, day = block.number("month"), block.number("day")
        if ((day > 12) & (month <= 12)).any():
            return
        swapped = np.flatnonzero((month > 12) & (month <= 31) & (day >= 1) & (day <= 12))
        if len(swapped):  # two of them, or one and what would be misread
            examples += [block.text(int(row)) for row in (*swapped[:MOST_LOOKED_AT], *range(len(day))[:2])]
    if examples:
        examples = list(dict.fromkeys(examples))[:2]
        raise LogError(
            f"{where}: the day stands before the month in times such as {' and '.join(map(repr, examples))}",
            hint="say how they are written, as in --timestamp-format '%Y-%d-%m %H:%M:%S'; %Y-%m-%d if they "
            "are years, months and days all the same",
            code="log.day-month",
            context={"examples": examples},
        )


def _fill(distinct: Distinct, block: Block, *, day_first: bool, rows: slice | None = None) -> None:
    """Put a block's times where they belong: at `rows`, which may stand for the block's own."""
    at = block.rows if rows is None else rows
    micros, valid = instants(block, day_first=day_first)
    distinct.micros[at] = micros
    distinct.valid[at] = valid
    distinct.naive[at] = not block.has("zone")
    rest = rest_of_micros(block)
    if rest is not None:
        distinct.rest = (
            np.zeros(len(distinct.micros), dtype=np.int64) if distinct.rest is None else distinct.rest
        )
        distinct.rest[at] = rest
        distinct.finer[at] = rest > 0
    distinct.offsets[at] = offset_minutes(block)


def _spread(distinct: Distinct, codes: NDArray[np.int32] | None, timezone: str) -> Times:
    """From distinct values to rows: range check, local times to UTC, and notes counted in rows.

    Without codes each row has its own value.
    """
    low, high, modern = (int(moment.timestamp()) * MICRO for moment in (EARLIEST, LATEST, MODERN))
    in_range = (distinct.micros >= low) & (distinct.micros < high)
    good = distinct.valid & in_range
    if not good.all():
        distinct.micros = np.where(good, distinct.micros, 0)
        distinct.naive &= good
    _localise(distinct, timezone)
    now = int(datetime.now(UTC).timestamp()) * MICRO
    aware = good & ~distinct.naive
    facts = [
        *distinct.notes,
        (f"times without a zone, read as {timezone}", distinct.naive),
        (ZONED_BESIDE_NAIVE, aware & bool(distinct.naive.any())),
        *_several_zones(distinct.offsets, aware),
        ("times finer than a microsecond, cut", distinct.finer & good),
        ("times before 1990", good & (distinct.micros < modern)),
        ("times in the future", good & (distinct.micros > now + DAY_MICROS)),
    ]
    facts = [(kind, flags) for kind, flags in facts if flags.any()]
    refused = {NOT_A_TIME: ~distinct.valid, OUT_OF_RANGE: distinct.valid & ~in_range}
    if codes is None:
        notes = [(kind, int(np.count_nonzero(flags))) for kind, flags in facts]
        return Times(
            distinct.micros, np.zeros(len(good), dtype=bool), refused, notes, _rest_of_rows(distinct)
        )
    present = codes >= 0
    counts = np.bincount(codes[present], minlength=len(good))
    notes = [(kind, int(counts[flags].sum())) for kind, flags in facts]
    refused = {reason: present & np.append(flags, False)[codes] for reason, flags in refused.items()}
    micros = np.append(distinct.micros, 0)[codes]
    return Times(micros, ~present, refused, notes, _rest_of_rows(distinct, codes))


def _rest_of_rows(distinct: Distinct, codes: NDArray[np.int32] | None = None) -> Ints | None:
    if distinct.rest is None or not distinct.rest.any():
        return None
    return distinct.rest if codes is None else np.append(distinct.rest, 0)[codes]


def _several_zones(offsets: NDArray[np.int16], aware: Flags) -> list[tuple[str, Flags]]:
    """A note where the offsets differ by more than daylight saving does."""
    found = offsets if aware.all() else offsets[aware]
    if (
        not len(found)
        or (ends := [int(found.min()), int(found.max())])[1] - ends[0] <= _DAYLIGHT_SAVING_MINUTES
    ):
        return []
    low, high = (f"{'-' if m < 0 else '+'}{abs(m) // 60:02d}:{abs(m) % 60:02d}" for m in ends)
    return [(f"{SEVERAL_ZONES} (offsets from {low} to {high})", aware)]


def _localise(distinct: Distinct, timezone: str) -> None:
    """Turn naive times to UTC in place, naming those that the zone's clock skips or shows twice."""
    if timezone == "UTC" or not distinct.naive.any():
        return
    rows = np.flatnonzero(distinct.naive)
    local = pd.DatetimeIndex(distinct.micros[rows].view("datetime64[us]"))
    first = np.ones(len(rows), dtype=bool)
    utc = local.tz_localize(timezone, ambiguous=first, nonexistent="shift_forward").tz_convert("UTC")
    skipped = local.tz_localize(timezone, ambiguous=first, nonexistent="NaT").isna()
    twice = local.tz_localize(timezone, ambiguous="NaT", nonexistent="shift_forward").isna()
    distinct.micros[rows] = utc.tz_localize(None).as_unit("us").to_numpy().view("int64")
    for kind, flags in (
        ("times that the clock skips (daylight saving), moved to its end", skipped),
        ("times that the clock shows twice (daylight saving), read as the first", twice),
    ):
        marked = np.zeros(len(distinct.micros), dtype=bool)
        marked[rows[flags]] = True
        distinct.notes.append((kind, marked))

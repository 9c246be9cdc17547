"""Times written as numbers: seconds to nanoseconds since 1970, or days of a spreadsheet."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.times.distinct import Distinct, Ints
from pmlcli.eventlog.times.time_format import DAYS, TIME_UNITS, UNITS
from pmlcli.eventlog.times.time_layouts import DAY_MICROS, MICRO

MODERN = datetime(1990, 1, 1, tzinfo=UTC)
_FAR = datetime(2100, 1, 1, tzinfo=UTC)
_EXCEL_EPOCH_DAYS = 25_569
_PLAIN_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?")


def by_number(
    numbers: NDArray[np.float64], texts: list[str] | None, unit: str | None, where: str
) -> Distinct:
    """Seconds to nanoseconds since 1970, or spreadsheet days since 1900: as said, else told by their size.

    Raises LogError for numbers that are no time of our days in any unit.
    """
    distinct = Distinct.empty(len(numbers))
    known = np.isfinite(numbers)
    if not known.any():
        return distinct
    unit = unit or _told_unit(numbers[known], where)
    numbers = np.where(known, numbers, 0.0)
    distinct.valid = known
    if unit == DAYS:
        whole_seconds = np.rint((numbers - _EXCEL_EPOCH_DAYS) * 86_400)
        distinct.micros = (np.clip(whole_seconds, -1e11, 1e11) * MICRO).astype(np.int64)
        distinct.rest = _rest((numbers - _EXCEL_EPOCH_DAYS) * DAY_MICROS, distinct.micros)
        distinct.notes.append(("times as spreadsheet day numbers", known.copy()))
        distinct.naive = known.copy()
    else:
        distinct.micros = _scaled(numbers, texts, UNITS[unit])
        distinct.rest = _rest_of_numbers(numbers, texts, UNITS[unit], distinct.micros)
        distinct.notes.append((f"times as {unit} since 1970", known.copy()))
        distinct.finer = (numbers % 1_000 != 0) & (unit == "nanoseconds")
    return distinct


def may_be_number(text: str) -> bool:
    """Whether the text is a plain number, with a point or a comma."""
    return _PLAIN_NUMBER.fullmatch(text.replace(",", ".", 1)) is not None


def are_numbers(texts: list[str], layout: str | None) -> bool:
    """Whether the texts are plain numbers that count from some moment, not dates without marks."""
    if layout is not None:
        return layout in TIME_UNITS and all(map(_PLAIN_NUMBER.fullmatch, texts))
    if not texts[0].replace(".", "", 1).isdigit():
        return False
    plain = [text.replace(".", "", 1) for text in texts]
    dates = {8, 14} if all("." not in text for text in texts) else set()
    return all(p.isascii() and p.isdigit() for p in plain) and not {len(p) for p in plain} <= dates


def _told_unit(numbers: NDArray[np.float64], where: str) -> str:
    """The unit in which the middle number is a time between 1990 and 2100."""
    middle = float(np.median(numbers))
    for unit, per_second in UNITS.items():
        if MODERN.timestamp() <= middle / per_second < _FAR.timestamp():
            return unit
    days = [moment.timestamp() / 86_400 + _EXCEL_EPOCH_DAYS for moment in (MODERN, _FAR)]
    if days[0] <= middle < days[1]:
        return DAYS
    examples = " and ".join(f"{number:.15g}" for number in numbers[:2])
    raise LogError(
        f"{where}: numbers such as {examples} are no time between 1990 and 2100 in any unit",
        hint=f"say what they count: --timestamp-format {' or '.join(TIME_UNITS)} (days: of a spreadsheet); "
        "or --columns timestamp=none, with --order COLUMN for numbers that only give the order",
        code="log.time-unit",
    )


def _scaled(numbers: NDArray[np.float64], texts: list[str] | None, per_second: int) -> Ints:
    """Epoch numbers in microseconds; whole numbers exactly, beyond what a float can hold."""
    if texts is not None and all(text.isdigit() and int(text) < 1 << 63 for text in texts):
        whole = np.array(list(map(int, texts)), dtype=np.int64)
        return whole * (MICRO // per_second) if per_second <= MICRO else whole // (per_second // MICRO)
    return np.rint(np.clip(numbers / per_second, -1e11, 1e11) * MICRO).astype(np.int64)


def _rest(exact: NDArray[np.float64], micros: Ints) -> Ints:
    """Picoseconds between microseconds and what they were rounded from."""
    between = np.clip(exact - micros, -MICRO, MICRO)
    return np.rint(between * MICRO).astype(np.int64)


def _rest_of_numbers(
    numbers: NDArray[np.float64], texts: list[str] | None, per_second: int, micros: Ints
) -> Ints | None:
    """Picoseconds beyond the microseconds of epoch numbers: of what is written, where that is known."""
    if texts is None:
        return _rest(numbers / per_second * MICRO, micros)
    if per_second <= MICRO and not any("." in text for text in texts):
        return None
    scale = Decimal(MICRO * MICRO // per_second)
    beyond = [
        int(Decimal(text) * scale) - at * MICRO for text, at in zip(texts, micros.tolist(), strict=True)
    ]
    return np.array([max(-MICRO, min(rest, MICRO)) for rest in beyond], dtype=np.int64)

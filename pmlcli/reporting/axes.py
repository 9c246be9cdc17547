"""Where things lie in a chart: scales, and ticks at round numbers and at whole days, weeks, months, years."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from pmlcli.arrays import Floats
from pmlcli.render import number

DAY = 86_400.0
_TIMES = (1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 12 * 3600, DAY, 2 * DAY, 7 * DAY)
_DURATIONS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 4 * 3600, 6 * 3600, 12 * 3600),
    *(DAY * days for days in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6)),
)


class Tick(NamedTuple):
    """A mark on an axis, in pixels; one without a text is small."""

    at: float
    text: str


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` as pixels from `first` to `last`."""

    low: float
    high: float
    first: float
    last: float

    def of(self, value: float) -> float:
        """The pixel of a value, rounded to a tenth."""
        span = self.high - self.low or 1.0
        return round(self.first + (value - self.low) / span * (self.last - self.first), 1)

    def all(self, values: Sequence[float] | Floats) -> Floats:
        """The pixels of values."""
        span = self.high - self.low or 1.0
        found = self.first + (np.asarray(values) - self.low) / span * (self.last - self.first)
        return np.asarray(np.round(found, 1))


def path(x: Floats, y: Floats) -> str:
    """A line through these pixels; it stops where a value is missing."""
    parts, pen = [], "M"
    for across, down in zip(x.tolist(), y.tolist(), strict=True):
        if not math.isfinite(down):
            pen = "M"
            continue
        parts.append(f"{pen}{across:g} {down:g}")
        pen = "L"
    return "".join(parts)


def band(x: Floats, lower: Floats, upper: Floats) -> str:
    """The area between two lines."""
    return f"{path(x, upper)}{path(x[::-1], lower[::-1]).replace('M', 'L', 1)}Z"


def numbers(scale: Scale, about: int = 5, unit: str = "") -> list[Tick]:
    """Ticks at round numbers; `unit` is `share`, `seconds` or nothing."""
    step = _step(scale.high - scale.low, about, unit)
    first = math.ceil(scale.low / step - 1e-9)
    values = [k * step for k in range(first, math.floor(scale.high / step + 1e-9) + 1)]
    return [Tick(scale.of(value), _told(value, unit, step)) for value in values]


def _step(span: float, about: int, unit: str) -> float:
    wanted = max(span, 1e-9) / about
    if unit == "seconds":
        return next((float(one) for one in _DURATIONS if one >= wanted), wanted)
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= wanted * (1 - 1e-9))


def _told(value: float, unit: str, step: float) -> str:
    if unit == "share":
        return f"{value * 100:.{0 if step >= 0.01 else 1}f} %"
    if unit == "seconds":
        return number.duration(value) if value else "0"
    return f"{value:,.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"


def top(value: float, unit: str = "", about: int = 4) -> float:
    """A round number at or above a value, for the end of an axis."""
    step = _step(value or 1.0, about, unit)
    return math.ceil((value or 1.0) / step - 1e-9) * step


def times(scale: Scale, zone: ZoneInfo, about: int = 7) -> list[Tick]:
    """Ticks at round moments of the zone's clock, weeks or months between them without a text; `scale` is in
    seconds since 1970.
    """
    span = scale.high - scale.low
    step = next((one for one in _TIMES if span / one <= about), None)
    if step is not None and step < DAY:
        return _clock(scale, zone, step)
    if step is not None:
        days = _days(scale, zone, int(step // DAY))
        return [Tick(scale.of(at.timestamp()), at.strftime("%Y-%m-%d")) for at in days]
    return _months(scale, zone, about)


def _clock(scale: Scale, zone: ZoneInfo, step: float) -> list[Tick]:
    first = math.ceil(scale.low / step) * step
    values = [first + k * step for k in range(int((scale.high - first) // step) + 1)] or [scale.low]
    form = "%m-%d %H:%M" if step >= 60 else "%H:%M:%S"
    return [
        Tick(scale.of(at), datetime.fromtimestamp(at, UTC).astimezone(zone).strftime(form)) for at in values
    ]


def _days(scale: Scale, zone: ZoneInfo, step: int) -> list[datetime]:
    begin = datetime.fromtimestamp(scale.low, UTC).astimezone(zone)
    at = datetime(begin.year, begin.month, begin.day, tzinfo=zone)
    if step == 7:
        at -= timedelta(days=at.weekday())
    found = []
    while at.timestamp() <= scale.high:
        if at.timestamp() >= scale.low:
            found.append(at)
        at += timedelta(days=step)
    return found


def _months(scale: Scale, zone: ZoneInfo, about: int) -> list[Tick]:
    """Months, quarters or years with a text, and what lies between them without one."""
    begin = datetime.fromtimestamp(scale.low, UTC).astimezone(zone)
    step, small = _month_steps(scale, about)
    found = []
    index = begin.year * 12
    while (index // 12) < LAST_YEAR:
        at = datetime(index // 12, index % 12 + 1, 1, tzinfo=zone).timestamp()
        if at > scale.high:
            break
        if at >= scale.low and index % step == 0:
            text = str(index // 12) if step >= 12 else f"{index // 12}-{index % 12 + 1:02}"
            found.append(Tick(scale.of(at), text))
        elif at >= scale.low and small and index % small == 0:
            found.append(Tick(scale.of(at), ""))
        index += 1
    weeks = _days(scale, zone, 7) if step == 1 else []
    return found + [Tick(scale.of(at.timestamp()), "") for at in weeks]


def _month_steps(scale: Scale, about: int) -> tuple[int, int]:
    """How many months lie between marks with a text, and between those without one; 0 for none."""
    months = (scale.high - scale.low) / (30.44 * DAY)
    step = next((one for one in (1, 3, 6, 12, 24, 60, 120, 240, 600) if months / one <= about), 1200)
    return step, {1: 0, 3: 1, 6: 1, 12: 3}.get(step, step // 4)


def small_marks(scale: Scale, about: int = 7) -> str:
    """What the marks of `times` without a text are: `weeks`, `months`, `quarters`; empty without any."""
    if any((scale.high - scale.low) / one <= about for one in _TIMES):
        return ""
    step, small = _month_steps(scale, about)
    if step == 1:
        return "weeks"
    known = {1: "months", 3: "quarters", 6: "half years", 12: "years"}
    return known.get(small) or (f"{small // 12} years" if small % 12 == 0 else f"{small} months")


LAST_YEAR = 9999

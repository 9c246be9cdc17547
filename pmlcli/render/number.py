"""Numbers as people read them: with thousands separators, signs and units."""

from __future__ import annotations

import math

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_SHARES = ("share", "accuracy share")


def count(value: int) -> str:
    """A whole number with thousands separators: `1,234`."""
    return f"{value:,}"


def counted(value: int, one: str, many: str | None = None) -> str:
    """A number of things: `1 case`, `1,234 cases`."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def share(value: float) -> str:
    """A share of one as percent: `12.3 %`."""
    if 0 < value < 0.001:
        return "< 0.1 %"
    return f"{value * 100:.1f} %"


def rough_share(value: float) -> str:
    """A predicted share as percent, no finer than predictions are: `87 %`, `< 1 %`, `> 99 %`."""
    if not math.isfinite(value):
        return "unknown"
    if 0 < value < 0.01:
        return "< 1 %"
    return "> 99 %" if 0.99 < value < 1 else f"{value * 100:.0f} %"


def rough_days(value: float) -> str:
    """An age in days: `12.3 d`, `148 d`."""
    return f"{value:,.0f} d" if abs(value) >= 99.95 else f"{value:.1f} d"


def duration(seconds: float, spread: float | None = None) -> str:
    """Seconds in the two largest units that matter: `3 d 4 h`, `2 h 5 min`, `45 min`, `12.5 s`.

    With a spread (half an interval's width) no finer than a fifth of it: `12 d` for 12 d 7 h +- 9 d.
    """
    if not math.isfinite(seconds):
        return "unknown"
    if spread is not None and math.isfinite(spread):
        step = next((unit for unit in (_DAY, _HOUR, _MINUTE) if unit <= spread / 5), 0.0)
        seconds = round(seconds / step) * step if step else seconds
    size, sign = abs(seconds), "-" if seconds < 0 else ""
    # Each bound is where rounding in this unit would already read as the next.
    if size < 59.95:
        return f"{sign}{size:.1f} s".replace(".0 s", " s")
    if size < _HOUR - 30:
        return f"{sign}{size / _MINUTE:.0f} min"
    if size < _DAY - 30:
        return sign + _two(round(size / _MINUTE), 60, "h", "min")
    return sign + _two(round(size / _HOUR), 24, "d", "h")


def _two(small: int, per_large: int, large_unit: str, small_unit: str) -> str:
    large, rest = divmod(small, per_large)
    return f"{large:,} {large_unit}" + (f" {rest} {small_unit}" if rest else "")


def number(value: float) -> str:
    """A measured number: three decimals below 100, thousands separators above."""
    if not math.isfinite(value):
        return "unknown"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.1f}"
    return f"{value:.3f}" if abs(value) >= 0.001 else f"{value:.2e}"


def worth(value: float, spread: float | None, unit: str | None = None) -> str:
    """A measured number with no more digits than it is worth: those that half of its interval's width leaves.

    `78.5 %` for .78512 +- .014, `79 %` for .78512 +- .14; without a spread as `with_unit`.
    """
    if unit == "seconds" or not math.isfinite(value):
        return with_unit(value, unit)
    scale, suffix = {"share": (100.0, " %"), "points": (100.0, " points")}.get(
        unit or "", (1.0, f" {unit}" if unit else "")
    )
    if spread is None or not math.isfinite(spread) or spread <= 0:
        plain = share(value) if unit == "share" else f"{value * 100:.1f}{suffix}"
        return plain if scale != 1.0 else f"{number(value)}{suffix}"
    decimals = min(max(1 - math.floor(math.log10(spread * scale)), 0), 6)
    return f"{value * scale:,.{decimals}f}{suffix}"


def with_unit(value: float | None, unit: str | None = None) -> str:
    """A value in its unit: seconds as a duration, everything else as a number with the unit's name."""
    if value is None:
        return "none"
    if unit == "seconds":
        return duration(value)
    suffix = f" {unit}" if unit and unit not in _SHARES else ""
    return f"{number(value)}{suffix}"


def signed(value: float, unit: str | None = None) -> str:
    """A difference, with its sign: `+0.082`, `-3 h`."""
    return f"+{with_unit(value, unit)}" if value > 0 else with_unit(value, unit)


def size(size_bytes: int) -> str:
    """Bytes in a readable unit: `8.4 KB`."""
    value = float(size_bytes)
    for unit in ("bytes", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"

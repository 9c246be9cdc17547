"""Counts as a row of small bars, in signs that the output's encoding has."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_ASCII_BARS = "_.:-=+*#"


def sparkline(counts: Sequence[int], encoding: str | None = "utf-8") -> str:
    """A bar a count, as high as its share of the largest; the lowest bar is for none alone."""
    bars = _BARS if _has(encoding, _BARS) else _ASCII_BARS
    highest = max(counts, default=0)
    steps = len(bars) - 1
    # Rounded up, so that one of many is still seen.
    return "".join(bars[-(-count * steps // highest) if highest else 0] for count in counts)


def _has(encoding: str | None, signs: str) -> bool:
    try:
        signs.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True

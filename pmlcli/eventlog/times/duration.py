"""Durations as people write them: `30m`, `12h`, `5d`, `2w`."""

from __future__ import annotations

import math
import re

from pmlcli.errors import ValidationError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def duration_seconds(text: str, what: str = "duration") -> float:
    """Seconds of a duration; ValidationError, naming `what` it is, for anything else or for zero."""
    match = _DURATION.fullmatch(text.strip())
    seconds = 0.0 if match is None else float(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds < math.inf:
        raise ValidationError(
            f"'{text}' is no {what}", hint="write a number and s, m, h, d or w: 30m, 12h, 5d, 2w"
        )
    return seconds

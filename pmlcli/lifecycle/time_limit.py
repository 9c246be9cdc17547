"""A training that may take so long: where the limit comes from, and how it is said what was left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from pmlcli.errors import ValidationError
from pmlcli.lifecycle.training_log import CUT_SHORT
from pmlcli.runtime import Deadline

if TYPE_CHECKING:
    from pmlcli.lifecycle.trial import Trained

TimeLimit: TypeAlias = "float | timedelta | Deadline"
"""Seconds, or a deadline that runs already."""


def deadline_of(limit: TimeLimit | None) -> Deadline:
    """The deadline of a training that begins now; ValidationError for what is no time."""
    if isinstance(limit, Deadline):
        return limit
    if limit is None:
        return Deadline()
    seconds = limit.total_seconds() if isinstance(limit, timedelta) else limit
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds < math.inf:
        raise ValidationError(
            f"time_limit is {limit!r}, but must be a number of seconds above 0, or a timedelta",
            context={"option": "time-limit"},
        )
    return Deadline(float(seconds))


def cut_short(limit: Deadline) -> dict[str, Any]:
    """What the manifest says of it, under `CUT_SHORT`; empty where nothing was left out."""
    if not limit.stops:
        return {}
    stops = [{"what": one.what, "after_seconds": round(one.after_seconds, 1)} for one in limit.stops]
    return {CUT_SHORT: {"limit_seconds": limit.seconds, "stops": stops}}


def said_of_time(trained: Trained, limit: Deadline) -> Trained:
    """The same, whose verdicts say what was left out for lack of time."""
    words = cut_short_words(cut_short(limit))
    if words is None:
        late = f"took {limit.elapsed:.0f} s, longer than the time limit of {limit.seconds:g} s"
        return replace(trained, remarks=(*trained.remarks, late)) if limit.is_over else trained
    comparison, *parts = (
        replace(one, about=f"{one.about}; cut short by the time limit")
        for one in (trained.comparison, *trained.parts)
    )
    return replace(trained, comparison=comparison, parts=tuple(parts), remarks=(words, *trained.remarks))


def cut_short_words(training_log: Mapping[str, Any]) -> str | None:
    """`cut short by the time limit of 60 s: measured on 1 of 3 cuts (after 31 s)`; None where a manifest says
    nothing of it, or not as pmlcli does.
    """
    match training_log.get(CUT_SHORT):
        case {"limit_seconds": int() | float() as seconds, "stops": list() as stops}:
            told = [_stop_words(one) for one in stops]
            return f"cut short by the time limit of {seconds:g} s: {', '.join(filter(None, told))}"
    return None


def _stop_words(stop: object) -> str | None:
    match stop:
        case {"what": str() as what, "after_seconds": int() | float() as after}:
            return f"{what} (after {after:.0f} s)"
    return None


def may_go_further(training_log: Mapping[str, Any], limit: Deadline) -> bool:
    """Whether a model was cut short, and a training with this limit may take longer."""
    match training_log.get(CUT_SHORT):
        case None:
            return False
        case {"limit_seconds": int() | float() as seconds}:
            return limit.seconds > seconds
    return True

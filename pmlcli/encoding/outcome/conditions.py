"""What is true of a case, prefix by prefix, and whether what may still come can change it."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.encoding.attributes import as_numbers, as_text
from pmlcli.eventlog.log import ACTIVITY, EventLog, no_times

Flags = NDArray[np.bool_]

_SIGNS: dict[str, Callable[..., Flags]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_GROWING = ("count", "length", "duration")


class Truth(NamedTuple):
    """Of each prefix, (events,), by the event that ends it: whether a statement holds if the case ends there,
    and whether it is settled, true (`yes`) or false (`no`), whatever comes after.
    """

    now: Flags
    yes: Flags
    no: Flags


class Judgement(ABC):
    """A statement about cases."""

    @abstractmethod
    def judge(self, log: EventLog) -> Truth:
        """What it says of each prefix of a log; a column that the log lacks settles nothing."""

    @abstractmethod
    def comparisons(self) -> Iterator[Comparison]:
        """All that it compares."""

    def quantities(self) -> Iterator[Quantity]:
        """All that it looks at."""
        return (comparison.quantity for comparison in self.comparisons())

    @property
    def longest(self) -> float:
        """Seconds: the longest time that it compares a case's duration with; 0 where it compares none."""
        durations = (c.value for c in self.comparisons() if c.quantity.kind == "duration")
        return max(map(float, durations), default=0.0)


@dataclass(frozen=True)
class Quantity:
    """What is compared: `count` of an activity, `length` (events), `duration` (seconds since the start),
    `first` and `last` activity, or the latest value of a `column`.
    """

    kind: str
    name: str = ""


@dataclass(frozen=True)
class Comparison(Judgement):
    """A quantity and what it is compared with. Counts, lengths and durations never shrink, so what exceeds a
    limit is settled; the first activity is settled at once; the last one and columns not before the end.
    """

    quantity: Quantity
    sign: str
    value: float | str

    def comparisons(self) -> Iterator[Comparison]:  # noqa: D102
        yield self

    def judge(self, log: EventLog) -> Truth:  # noqa: D102
        never = np.zeros(log.n_events, dtype=np.bool_)
        if self.quantity.kind not in _GROWING:
            now = self._compared(log)
            return Truth(now, now, ~now) if self.quantity.kind == "first" else Truth(now, never, never)
        amount, value = _amount(self.quantity, log), self.value
        now = _SIGNS[self.sign](amount, value)
        exceeds = (amount >= value) if self.sign in ("<", ">=") else (amount > value)  # type: ignore[operator]
        return Truth(now, exceeds, never) if self.sign in (">", ">=", "!=") else Truth(now, never, exceeds)

    def _compared(self, log: EventLog) -> Flags:
        """Whether the comparison holds now; never where there is no value."""
        name = ACTIVITY if self.quantity.kind in ("first", "last") else self.quantity.name
        if name not in log.frame.columns:
            return np.zeros(log.n_events, dtype=np.bool_)
        if isinstance(self.value, str):
            given = log.frame[name]
            values = np.asarray(as_text(given), dtype=object)
        else:
            hint = f'compare it with text, in quotes, by == or !=: `{name}` == "..."'
            values = as_numbers(log, name, hint=hint)
        latest, has_value = _latest(values, log)
        if self.quantity.kind == "first":
            latest = np.repeat(values[log.offsets[:-1]], log.lengths)
        return np.asarray(_SIGNS[self.sign](latest, self.value) & has_value, dtype=np.bool_)


@dataclass(frozen=True)
class Not(Judgement):
    """What is true when the other is false."""

    part: Judgement

    def comparisons(self) -> Iterator[Comparison]:  # noqa: D102
        yield from self.part.comparisons()

    def judge(self, log: EventLog) -> Truth:  # noqa: D102
        now, yes, no = self.part.judge(log)
        return Truth(~now, no, yes)


@dataclass(frozen=True)
class All(Judgement):
    """What is true when all parts are: settled when one is settled as false, or all as true."""

    parts: tuple[Judgement, ...]

    def comparisons(self) -> Iterator[Comparison]:  # noqa: D102
        for part in self.parts:
            yield from part.comparisons()

    def judge(self, log: EventLog) -> Truth:  # noqa: D102
        now, yes, no = zip(*(part.judge(log) for part in self.parts), strict=True)
        return Truth(reduce(np.logical_and, now), reduce(np.logical_and, yes), reduce(np.logical_or, no))


@dataclass(frozen=True)
class Either(Judgement):
    """What is true when one part is."""

    parts: tuple[Judgement, ...]

    def comparisons(self) -> Iterator[Comparison]:  # noqa: D102
        for part in self.parts:
            yield from part.comparisons()

    def judge(self, log: EventLog) -> Truth:  # noqa: D102
        return Not(All(tuple(Not(part) for part in self.parts))).judge(log)


def _amount(quantity: Quantity, log: EventLog) -> NDArray[np.float64]:
    """A quantity that never shrinks, for each prefix, (events,)."""
    if quantity.kind == "length":
        return (log.position + 1).astype(np.float64)
    if quantity.kind == "duration":
        if log.times is None:
            raise no_times("so nothing tells how long a case took")
        return np.asarray((log.times - log.began) / 1e6, dtype=np.float64)
    is_it = log.activity_codes == _code(quantity.name, log)
    sums = np.concatenate(([0], np.cumsum(is_it)))
    return np.asarray(sums[1:] - np.repeat(sums[log.offsets[:-1]], log.lengths), dtype=np.float64)


def _code(activity: str, log: EventLog) -> int:
    """The log's code of an activity; one that no event has for an activity that the log never saw."""
    return log.activities.index(activity) if activity in log.activities else len(log.activities)


def _latest(values: NDArray[np.object_] | NDArray[np.float64], log: EventLog) -> tuple[NDArray[Any], Flags]:
    """The last value given in the case up to each event, and whether there is one, (events,) each."""
    place = np.where(pd.isna(values), 0, np.arange(1, len(values) + 1))
    np.maximum.accumulate(place, out=place)
    before = np.maximum(place - 1, 0)
    return values[before], (place > 0) & (log.case_of_event[before] == log.case_of_event)

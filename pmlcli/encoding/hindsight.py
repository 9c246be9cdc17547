"""Columns of hindsight: attributes filled in when a case was over, which yet stand at its first event.

A model that learns from them looks good and knows nothing of a case that runs. They are found before anything
is learned, for every task alike, by what only the end of a case can have written. A column that is merely a
good predictor stays: thresholds were chosen on simulated processes with honest predictors and with leaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.encoding.attributes import as_text, foretells, is_for_the_asking, require_column
from pmlcli.errors import ValidationError
from pmlcli.eventlog.log import CANONICAL_COLUMNS, EventLog
from pmlcli.eventlog.running import find_running
from pmlcli.eventlog.times.local_time import DAY

ENOUGH = 30
"""Cases that must have ended before anything is concluded."""
FEW_RUNNING = 10
"""Cases that must be running before ended ones are compared with them."""
FEWER_WRONG = 5
"""Values must tell running cases with half as many errors as the best limit on their beginning, and so many
fewer."""
NEARLY_ALL = 0.98
MOST_VALUES = 100
"""A column of more values is compared by number or date alone."""
BEYOND_CHANCE = 0.9
"""A value goes with the last activity where one takes away so much of the error of guessing the other."""
EARLY_TELLS = 0.5
"""A value that the first half of the case tells so well is known early, and stays."""
RUNNING_PURE = 0.8
"""Values of running cases: so many of the cases that have one are running, and so many running ones do."""

BY_HAND = "you said that it is filled in afterwards"
"""The reason why a column is left out that the user named."""

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Found(NamedTuple):
    """A column of hindsight, and what shows it, as the rest of a sentence."""

    column: str
    reason: str


@dataclass(frozen=True)
class ColumnChoice:
    """What a user knows of columns: those known when a case starts, and those filled in afterwards."""

    known_at_start: tuple[str, ...] = ()
    hindsight: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        both = sorted({*self.known_at_start} & {*self.hindsight})
        if both:
            raise ValidationError(
                f"column '{both[0]}' cannot be known at the start and filled in afterwards",
                hint="give it to --known-at-start or to --hindsight, not to both",
                context={"column": both[0]},
            )
        for option, columns in (("hindsight", self.hindsight), ("known-at-start", self.known_at_start)):
            own = sorted({*CANONICAL_COLUMNS} & {*columns})
            if own:
                raise ValidationError(
                    f"'{own[0]}' is no attribute, so --{option} cannot name it",
                    hint="case, activity, resource and times are what a log is made of; name another column",
                    context={"column": own[0]},
                )

    def require(self, log: EventLog) -> None:
        """Raises LogError, with the nearest name, for a column that the log lacks."""
        for option, columns in (("known-at-start", self.known_at_start), ("hindsight", self.hindsight)):
            for column in columns:
                require_column(log, column, f"which --{option} names")


def columns_of_hindsight(
    log: EventLog, choice: ColumnChoice = ColumnChoice(), named: Sequence[str] = ()
) -> tuple[Found, ...]:
    """The log's columns of hindsight, in order, by the choice of its user, then by what they hold.

    `named` are those that an algorithm's parameters name: they stay.
    """
    by_hand = [Found(column, BY_HAND) for column in choice.hindsight]
    kept = {*choice.known_at_start, *choice.hindsight, *named, *CANONICAL_COLUMNS}
    names = [str(c) for c in log.frame.columns if c not in kept and not is_for_the_asking(str(c))]
    cases = _Cases.of(log) if names and log.n_cases else None
    found = [] if cases is None else [Found(name, why) for name in names if (why := cases.reason(name))]
    return (*by_hand, *found)


def without(log: EventLog, found: Sequence[Found]) -> EventLog:
    """The log without these columns."""
    return log.without_columns([one.column for one in found]) if found else log


@dataclass(frozen=True)
class _Cases:
    """The cases of a log, with what their columns are compared with; (cases,) each."""

    log: EventLog
    is_running: Flags
    started: Ints
    last: Ints
    """Code of the last activity."""
    early: Ints
    """Number of what happened in the first half of the case, its last event never among it."""

    @classmethod
    def of(cls, log: EventLog) -> _Cases:
        ends = log.offsets[1:] - 1
        half = log.offsets[:-1] + np.maximum(log.lengths // 2 - 1, 0)
        early = pd.factorize(log.prefix_keys(log.activity_codes)[half])[0]
        last = log.activity_codes[ends].astype(np.int64)
        return cls(log, find_running(log), log.starts, last, early.astype(np.int64))

    def reason(self, column: str) -> str | None:
        """Why a column is one of hindsight; None where nothing shows it."""
        values = self.log.frame[column]
        codes = pd.factorize(values)[0]
        first = codes[self.log.offsets[:-1]]
        if (codes != np.repeat(first, self.log.lengths)).any() or len(np.unique(first)) < 2:
            return None
        of_case = values.iloc[self.log.offsets[:-1]]
        if foretells(self.log, codes):
            return "cases of one value never differ in what happens in them, or in how many events"
        return next((why for why in self._reasons(of_case, first) if why), None)

    def _reasons(self, values: pd.Series[Any], codes: Ints) -> Iterator[str | None]:
        if self.log.times is not None:
            yield self._is_end(values)
            yield self._is_of_running(codes if codes.max() < MOST_VALUES else np.minimum(codes, 0))
        if (~self.is_running).sum() < ENOUGH:
            return
        yield self._is_total(values)
        if codes.max() < MOST_VALUES:
            yield self._names_last(values, codes)

    def _is_end(self, values: pd.Series[Any]) -> str | None:
        """Dates that are the day on which a case ended, where that is not the day on which it began."""
        times = _as_times(values)
        if times is None:
            return None
        ended = ~self.is_running & (self.log.ends // DAY != self.started // DAY) & values.notna().to_numpy()
        if ended.sum() < ENOUGH:
            return None
        is_day = np.abs(times - self.log.ends)[ended] < DAY
        return "its dates are the days on which the cases ended" if is_day.mean() >= NEARLY_ALL else None

    def _is_of_running(self, codes: Ints) -> str | None:
        """Values that running cases have and ended ones do not, more than when a case began explains."""
        running, ended = int(self.is_running.sum()), int((~self.is_running).sum())
        if running < FEW_RUNNING or ended < ENOUGH:
            return None
        counts = np.zeros((codes.max() + 2, 2), dtype=np.int64)
        np.add.at(counts, (codes + 1, self.is_running.astype(np.int64)), 1)
        is_theirs = counts[:, 1] > counts[:, 0]
        theirs = counts[is_theirs].sum(axis=0)
        if theirs[1] < RUNNING_PURE * max(theirs.sum(), running):
            return None
        wrong = int(np.minimum(counts[:, 0], counts[:, 1]).sum())
        by_start = _wrong_by_start(self.started, self.is_running)
        if wrong > by_start / 2 or by_start - wrong < FEWER_WRONG:
            return None
        return "cases that are still running have other values than those that ended"

    def _is_total(self, values: pd.Series[Any]) -> str | None:
        """Numbers that are the number of events, or how long the case took in any unit."""
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        known = ~self.is_running & np.isfinite(numbers)
        if pd.api.types.is_datetime64_any_dtype(values.dtype) or known.sum() < ENOUGH:
            return None
        if (numbers == self.log.lengths)[known].mean() >= NEARLY_ALL and len(
            np.unique(self.log.lengths[known])
        ) > 2:
            return "it is the number of events of the case"
        took = (self.log.ends - self.started)[known].astype(np.float64)
        if self.log.times is None or not _is_proportional(numbers[known], took):
            return None
        return "it is how long the case took"

    def _names_last(self, values: pd.Series[Any], codes: Ints) -> str | None:
        """Values that tell the last activity, though nothing in the first half of a case tells them."""
        known = ~self.is_running & (codes >= 0)
        if known.sum() < ENOUGH:
            return None
        text = as_text(values).astype(object).to_numpy()
        names = np.array([*self.log.activities, None], dtype=object)[self.last]
        if (text == names)[known].mean() >= NEARLY_ALL and len(np.unique(self.last[known])) > 1:
            return "it is the last activity of the case"
        codes, last = codes[known], self.last[known]
        if max(_told(codes, last), _told(last, codes)) < BEYOND_CHANCE:
            return None
        if _told(self.early[known], codes) >= EARLY_TELLS:
            return None
        return "it goes with the last activity, and nothing that happens early tells it"


def _as_times(values: pd.Series[Any]) -> Ints | None:
    """A column of dates in microseconds UTC; None for one of anything else."""
    if not pd.api.types.is_datetime64_any_dtype(values.dtype):
        if values.dtype.kind in "biufc" or pd.api.types.is_numeric_dtype(values.dtype):
            return None
        given = values.dropna()
        text = given.astype(str)
        if not len(text) or not text.str.match(r"\d{4}-\d\d-\d\d").all():
            return None
        values = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
    elif values.dt.tz is None:
        values = values.dt.tz_localize("UTC")
    return np.asarray(values.dt.tz_convert("UTC").dt.as_unit("us").astype("int64"))


def _wrong_by_start(started: Ints, is_running: Flags) -> int:
    """How many cases the best limit on their beginning tells wrongly: running from then on, ended before."""
    running = is_running[np.argsort(started, kind="stable")].astype(np.int64)
    running_before = np.concatenate(([0], np.cumsum(running)))
    ended_from = np.concatenate((np.cumsum(1 - running[::-1])[::-1], [0]))
    return int((running_before + ended_from).min())


def _is_proportional(numbers: NDArray[np.float64], took: NDArray[np.float64]) -> bool:
    """Whether nearly all numbers are one multiple of the time that cases took, but for a hundredth."""
    is_long = took > 0
    if is_long.sum() < ENOUGH or len(np.unique(numbers[is_long])) < ENOUGH // 2:
        return False
    numbers, took = numbers[is_long], took[is_long]
    rate = float(np.median(numbers / took))
    if rate <= 0:
        return False
    is_near = np.abs(numbers - rate * took) <= np.maximum(0.01 * rate * took, 1.0)
    return bool(is_near.mean() >= NEARLY_ALL and np.corrcoef(numbers, took)[0, 1] > NEARLY_ALL)


def _told(values: Ints, facts: Ints) -> float:
    """How much of the error of naming the commonest fact goes away by naming the commonest for the value.

    Learned from every other case and tried on the others, so that a value that is rare tells nothing.
    """
    learned, tried = slice(0, None, 2), slice(1, None, 2)
    table = pd.crosstab(values[learned], facts[learned])
    usual = pd.Series(facts[learned]).mode().iloc[0]
    likely = table.idxmax(axis=1).reindex(values[tried]).fillna(usual).to_numpy()
    by_chance = (facts[tried] != usual).mean()
    if by_chance < 1 - NEARLY_ALL:
        return 0.0
    return float(1 - (likely != facts[tried]).mean() / by_chance)

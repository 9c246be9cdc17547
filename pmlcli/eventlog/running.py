"""Which cases have not ended at a log's end. `standing` decides it, for every answer, KPI and profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.arrays import Floats
from pmlcli.eventlog.far_events import near_end, near_moments
from pmlcli.eventlog.late_ends import LateEnds, late_ends
from pmlcli.eventlog.life_table import CERTAIN, EDGES, STEPS, LifeTable, Outlook, gone_on, of_share, steps_of
from pmlcli.eventlog.log import CaseRule, EventLog

COMMON = 10
"""Two activities that follow each other so often are looked at as a pair."""
LONGEST = 2 * int(EDGES[-1])
"""Patience that never ends."""

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
Place = tuple[str | None, ...]
"""The last two activities of a case (None where it has only one, or one is missing), the last, or `()`."""


class Curve(NamedTuple):
    """How likely cases go on that were silent at a place: by step of silence, in thousandths, never rising.

    Steps beyond the last one given are 0. `usual` is the first step of silence that is unusual there.
    """

    place: Place
    usual: int
    thousandths: tuple[int, ...]


@dataclass(frozen=True)
class RunningRule:
    """How likely a case goes on after its last activities and its silence since, learned from a log.

    `curves` are those of pairs of activities that are common, of activities, and, last, of any place. There
    are none when the rule was learned from a log without times; then no case counts as running, nor does one
    in a log without times: nothing tells a short case from an unfinished one.
    """

    curves: tuple[Curve, ...] = ()

    def probability(self, log: EventLog, *, at: int | None = None) -> Floats:
        """How likely each case goes on after `at` (microseconds UTC; the log's end), (cases,)."""
        if not self._can_tell(log):
            return np.zeros(log.n_cases)
        last = self._places(log)[log.offsets[1:] - 1]
        return np.asarray(self._table[last, steps_of(_silent(log, at))] / CERTAIN)

    def find(self, log: EventLog, *, at: int | None = None) -> Flags:
        """Whether each case is running at `at` (microseconds UTC; the log's end), (cases,): as likely as not,
        or likelier, it goes on.
        """
        return np.asarray(self.probability(log, at=at) >= 0.5) & self._can_tell(log)

    def is_silent(self, log: EventLog, *, at: int | None = None) -> Flags:
        """Whether each case has been silent for longer than nearly all pauses there last, (cases,)."""
        if not self._can_tell(log):
            return np.zeros(log.n_cases, dtype=np.bool_)
        usual = np.array([curve.usual for curve in self.curves], dtype=np.int64)
        return np.asarray(steps_of(_silent(log, at)) >= usual[self._places(log)[log.offsets[1:] - 1]])

    def patience(self, log: EventLog) -> Ints:
        """For how many microseconds a case is running after each event where none follows, (events,)."""
        steps = (self._table >= CERTAIN // 2).sum(axis=1)
        limits = np.concatenate(([0], EDGES - 1, [LONGEST]))[steps]
        return np.asarray(limits[self._places(log)])

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form."""
        return {"curves": [[list(place), usual, list(values)] for place, usual, values in self.curves]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunningRule:
        """The inverse of `to_dict`."""
        return cls(tuple(Curve(tuple(p), int(u), tuple(map(int, values))) for p, u, values in data["curves"]))

    def _can_tell(self, log: EventLog) -> bool:
        return bool(self.curves) and log.times is not None and log.n_cases > 0

    @cached_property
    def _table(self) -> Ints:
        """Thousandths of each curve at each step of silence, (curves, STEPS)."""
        table = np.zeros((len(self.curves), STEPS), dtype=np.int64)
        for row, curve in zip(table, self.curves, strict=True):
            row[: len(curve.thousandths)] = curve.thousandths
        return table

    def _places(self, log: EventLog) -> Ints:
        """The number of each event's curve, (events,): of its pair, else its activity, else any place."""
        codes: dict[str | None, int] = {name: i + 1 for i, name in enumerate(log.activities)} | {None: 0}
        of_activity = np.full(len(codes), len(self.curves) - 1, dtype=np.int64)
        of_pair: dict[int, int] = {}
        for number, (place, _usual, _values) in enumerate(self.curves):
            if not all(name in codes for name in place):
                continue
            if len(place) == 1:
                of_activity[codes[place[0]]] = number
            elif place:
                of_pair[codes[place[0]] * len(codes) + codes[place[1]]] = number
        pairs, current = _pairs(log)
        found = of_activity[current]
        if of_pair:
            known = np.array(sorted(of_pair), dtype=np.int64)
            at = np.minimum(np.searchsorted(known, pairs), len(known) - 1)
            numbers = np.array([of_pair[key] for key in known.tolist()], dtype=np.int64)
            found = np.where(known[at] == pairs, numbers[at], found)
        return found


class _Level(NamedTuple):
    """Places of one kind: their names, the place of each event (events,), -1 for none, and to which place of
    the level above each belongs, (places,).
    """

    names: Sequence[Place]
    places: Ints
    above: Ints


@dataclass(frozen=True)
class _Pauses:
    """The pauses after all events of a log, (events,) each: in steps, and whether the log's end cuts one off.

    `levels` are any place, activities, and pairs of them.
    """

    levels: tuple[_Level, _Level, _Level]
    steps: Ints
    is_last: Flags

    def tables(self, which: Flags | None = None) -> list[LifeTable]:
        """The life tables of these events, of all where None, a level each."""
        found = []
        for names, places, _above in self.levels:
            rows = np.flatnonzero(places >= 0 if which is None else which & (places >= 0))
            found.append(LifeTable.of(places[rows], len(names), self.steps[rows], self.is_last[rows]))
        return found

    def chances(self, tables: Sequence[LifeTable]) -> list[Floats]:
        """The chances to go on of each level, drawn to those of the level above."""
        drawn_to, found = np.zeros((1, STEPS)), []
        for level, table in zip(self.levels, tables, strict=True):
            found.append(table.chances(drawn_to[level.above]))
            drawn_to = found[-1]
        return found

    def shares(self, chances: Sequence[Floats], which: Flags, watched: Ints | None) -> list[Floats]:
        """Which share of these events goes on at each place, (places,) a level: as many as did, of as many as
        would have by now if all went on, `watched` being the steps since each event; of all where that is
        None. What is not known goes on.
        """
        found = []
        for level, each in zip(self.levels, chances, strict=True):
            rows = np.flatnonzero(which & (level.places >= 0))
            places, count = level.places[rows], len(level.names)
            by_now = None if watched is None else gone_on(each)[places, watched[rows]]
            expected = np.bincount(places, by_now, minlength=count)
            came = np.bincount(places[~self.is_last[rows]], minlength=count)
            found.append(np.minimum((came + 1) / (expected + 1), 1))
        return found


def fit_running_rule(log: EventLog) -> RunningRule:
    """How the cases of a log go on, by what happened last and how long they have been silent since.

    Every event is followed by a pause, which the next one ends or the log's end cuts off. A pair of
    activities of fewer than `COMMON` events is judged by its last one; the chances of a pair are drawn to
    those of its last activity, and these to those after any. Far events are left out (`far_events`). In a log
    that was chosen by when its cases ended (`late_ends`), only events since the first ended tell who ends.
    """
    log = near_moments(log)
    if log.times is None or log.n_cases == 0:
        return RunningRule()
    pauses = _Pauses(_levels(log), steps_of(_pauses(log)), _last_events(log))
    late, tables = late_ends(log), pauses.tables()
    seen = [table.events > 0 for table in tables]
    if late is None:
        chances = pauses.chances(tables)
    else:
        tables, chances = _chosen(pauses, late, log.times)
    curves: list[Curve] = []
    for level, table, each, kept in reversed([*zip(pauses.levels, tables, chances, seen, strict=True)]):
        places = np.flatnonzero(kept)
        outlook = table.take(places).outlook(each[places])
        curves += _curves([level.names[place] for place in places.tolist()], outlook)
    return RunningRule(tuple(curves))


def _levels(log: EventLog) -> tuple[_Level, _Level, _Level]:
    names: tuple[str | None, ...] = (None, *log.activities)
    pairs, current = _pairs(log)
    numbers, distinct = pd.factorize(pairs, sort=True)
    common = np.flatnonzero(np.bincount(numbers, minlength=len(distinct)) >= COMMON)
    place = np.full(len(distinct), -1, dtype=np.int64)
    place[common] = np.arange(len(common))
    before, last = np.divmod(distinct[common], len(names))
    both = [(names[a], names[b]) for a, b in zip(before.tolist(), last.tolist(), strict=True)]
    anywhere, activities = np.zeros(1, dtype=np.int64), np.zeros(len(names), dtype=np.int64)
    return (
        _Level([()], np.zeros(log.n_events, dtype=np.int64), anywhere),
        _Level([(name,) for name in names], current, activities),
        _Level(both, place[numbers], last),
    )


def _chosen(pauses: _Pauses, late: LateEnds, times: Ints) -> tuple[list[LifeTable], list[Floats]]:
    """Tables of what happened since the first case of a log ended, and chances, a level each.

    Before, all went on, which tells how long pauses are. How many go on is taken from what came since: where
    only cases that had ended were kept, who has not gone on has ended.
    """
    is_since = times >= late.since
    chances = pauses.chances(pauses.tables(~is_since & ~pauses.is_last))
    watched = None if late.only_ended else steps_of(np.maximum(late.until - times, 0))
    shares = pauses.shares(chances, is_since, watched)
    return pauses.tables(is_since), [of_share(*each) for each in zip(chances, shares, strict=True)]


def _curves(places: Sequence[Place], outlook: Outlook) -> list[Curve]:
    """The outlooks of these places, without the zeros of the longest silences."""
    lengths = (outlook.thousandths > 0).sum(axis=1).tolist()
    rows = zip(places, outlook.usual.tolist(), outlook.thousandths.tolist(), lengths, strict=True)
    return [Curve(place, usual, tuple(values[:length])) for place, usual, values, length in rows]


@dataclass(frozen=True)
class StatedRule:
    """What a user knows of how cases end; at least one of the two is given.

    A case is running when it does not end with one of `end_activities`, if any are given, and when its
    last event is at most `idle_us` microseconds before the log's end, if that is given. Without times an
    idle time says nothing, so no case is running by it.
    """

    end_activities: tuple[str, ...] = ()
    idle_us: int | None = None

    def find(self, log: EventLog, *, at: int | None = None) -> NDArray[np.bool_]:
        """Whether each case is running at `at` (microseconds UTC; the log's end), (cases,)."""
        is_running = np.ones(log.n_cases, dtype=np.bool_)
        if self.end_activities:
            codes = [code for code, name in enumerate(log.activities) if name in self.end_activities]
            is_running &= ~np.isin(log.activity_codes[log.offsets[1:] - 1], codes)
        if self.idle_us is not None:
            is_running &= False if log.times is None else _silent(log, at) <= self.idle_us
        return is_running


class Standing(NamedTuple):
    """How the cases of a log stand at a moment, (cases,) each. The others have ended."""

    is_running: Flags
    """As likely as not, or likelier, they go on; silent or not."""
    is_stalled: Flags
    """Running, and silent for longer than nearly all pauses last where they stand."""
    goes_on: Floats
    """How likely another event comes; 0 or 1 where the user's own rule decides."""


def standing(log: EventLog, learned: RunningRule | None = None, *, at: int | None = None) -> Standing:
    """How likely each case goes on at `at` (microseconds UTC; the log's end), and so which have not ended.

    The rule that the log's user gave decides; where none was given, the one `learned` from the training
    log, and where there is none, the log's own. Nothing else decides whether a case is running.
    """
    rule = fit_running_rule(log) if learned is None else learned
    decides: CaseRule = rule if log.running_rule is None else log.running_rule
    has_begun = _has_begun(log, at)
    is_running = decides.find(log, at=at) & has_begun
    goes_on = (
        decides.probability(log, at=at) if isinstance(decides, RunningRule) else is_running.astype(float)
    )
    return Standing(is_running, is_running & rule.is_silent(log, at=at), goes_on * has_begun)


def find_running(log: EventLog) -> NDArray[np.bool_]:
    """Which cases of a log are running at its end by its user's rule, else by its own, (cases,)."""
    return standing(log).is_running


def rule_of(log: EventLog, end_activities: Sequence[str] = (), idle_us: int | None = None) -> CaseRule:
    """What a user knows of how cases end as a rule; the log's own where that is nothing."""
    if not end_activities and idle_us is None:
        return fit_running_rule(log)
    return StatedRule(tuple(end_activities), idle_us)


def _silent(log: EventLog, at: int | None = None) -> NDArray[np.int64]:
    """Microseconds since each case's last event at a moment (the log's end), (cases,); needs times.

    Below zero for a case whose last event is far after the others.
    """
    moment = near_end(log) if at is None else at
    return np.asarray((0 if moment is None else moment) - log.ends)


def _has_begun(log: EventLog, at: int | None) -> Flags:
    """Whether each case has begun by a moment (the log's end), (cases,); all without times."""
    moment = near_end(log) if at is None else at
    if log.times is None or moment is None:
        return np.ones(log.n_cases, dtype=np.bool_)
    return np.asarray(log.starts <= moment)


def _last_events(log: EventLog) -> Flags:
    """Whether each event is its case's last, (events,)."""
    is_last = np.zeros(log.n_events, dtype=np.bool_)
    is_last[log.offsets[1:] - 1] = True
    return is_last


def _pauses(log: EventLog) -> Ints:
    """Microseconds from each event to the next one of its case, else to the log's end, (events,)."""
    assert log.times is not None
    pauses = np.append(np.diff(log.times), 0)
    pauses[log.offsets[1:] - 1] = _silent(log)
    return np.asarray(np.maximum(pauses, 0))


def _pairs(log: EventLog) -> tuple[Ints, Ints]:
    """Each event's activity and the one before it in its case as one number, and its own, (events,) each.

    Missing activities, and what comes before the first event, are 0; activities begin at 1.
    """
    current = log.activity_codes.astype(np.int64) + 1
    before = np.roll(current, 1)
    before[log.offsets[:-1]] = 0
    return before * (len(log.activities) + 1) + current, current

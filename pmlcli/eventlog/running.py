"""Which cases have not ended at a log's end. `standing` decides it, for every answer, KPI and profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.log import CaseRule, EventLog

GAP_QUANTILE = 0.99
"""A pause longer than this share of all pauses inside cases means that nothing more will come."""

ENOUGH = 30
"""Settled cases that must have ended in one way before it is learned how long the others paused there."""

MOST_END = 0.01
"""After two activities a case goes on when of the settled cases that came through at most this share, or one,
ended there."""

Ending = tuple[str | None, str | None]
"""The last two activities of a case; None where the case has only one, or where an activity is missing."""


@dataclass(frozen=True)
class RunningRule:
    """How to tell a running case from a finished one, learned from a log.

    A case is running when its last event is at most `idle_limit_us` microseconds before the log's end
    and its last two activities are not one of `endings`. Two activities, because in many processes the
    last one alone says little (a decision, then the closing of any work item). After the pairs in
    `patience` a case may end or go on; there it is running for so many microseconds, beyond which most
    do not go on. After the pairs in `lasting` nearly no case ends: there it is running however long it has
    been silent. `idle_limit_us` is None when the rule was learned from a log without times; then no
    case counts as running, nor does one in a log without times: nothing tells a short case from an
    unfinished one.
    """

    idle_limit_us: int | None
    endings: tuple[Ending, ...] = ()
    patience: tuple[tuple[Ending, int], ...] = ()
    lasting: tuple[Ending, ...] = ()

    def find(self, log: EventLog, *, at: int | None = None) -> NDArray[np.bool_]:
        """Whether each case is running at `at` (microseconds UTC; the log's end), (cases,)."""
        if self.idle_limit_us is None or log.times is None or log.n_cases == 0:
            return np.zeros(log.n_cases, dtype=np.bool_)
        last = log.offsets[1:] - 1
        is_recent = _silent(log, at) <= self._limits(log)
        goes_on = np.isin(_endings(log)[last], list(_keys(self.lasting, log).values()))
        return np.asarray((is_recent & ~self.ends_here(log)[last]) | goes_on)

    def is_silent(self, log: EventLog, *, at: int | None = None) -> NDArray[np.bool_]:
        """Whether each case has been without an event for longer than nearly all pauses last, (cases,)."""
        if self.idle_limit_us is None or log.times is None or log.n_cases == 0:
            return np.zeros(log.n_cases, dtype=np.bool_)
        return np.asarray(_silent(log, at) > self.idle_limit_us)

    def ends_here(self, log: EventLog) -> NDArray[np.bool_]:
        """Whether each event and the one before it are a known ending, (events,)."""
        return np.isin(_endings(log), list(_keys(self.endings, log).values()))

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form."""
        plain: dict[str, Any] = {
            "idle_limit_us": self.idle_limit_us,
            "endings": [list(pair) for pair in self.endings],
        }
        if self.patience:
            plain["patience"] = [[*pair, limit] for pair, limit in self.patience]
        if self.lasting:
            plain["lasting"] = [list(pair) for pair in self.lasting]
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunningRule:
        """The inverse of `to_dict`."""
        return cls(
            data["idle_limit_us"],
            tuple((pair[0], pair[1]) for pair in data["endings"]),
            tuple(((a, b), limit) for a, b, limit in data.get("patience", ())),
            tuple((pair[0], pair[1]) for pair in data.get("lasting", ())),
        )

    def _limits(self, log: EventLog) -> NDArray[np.int64]:
        """How long each case may have been idle and still be running, (cases,)."""
        assert self.idle_limit_us is not None
        limits = np.full(log.n_cases, self.idle_limit_us, dtype=np.int64)
        last = _endings(log)[log.offsets[1:] - 1]
        patience = dict(self.patience)
        for pair, key in _keys(patience, log).items():
            limits[last == key] = patience[pair]
        return limits


def fit_running_rule(log: EventLog) -> RunningRule:
    """The rule of a log: its 99 % longest pause inside a case, and how its settled cases end.

    Settled are the cases that have been idle for longer than that pause. An ending is a pair of
    activities after which more than half of the settled cases that came through it ended there, with
    one that did not added, so that a single case proves nothing. Where fewer ended, but at least
    `ENOUGH`, patience lasts until those that still went on after a longer pause are fewer than those that
    ended. Of `ENOUGH` or more that came through a lasting pair, at most the share
    `MOST_END` ended there, or one.
    """
    if log.times is None or log.n_cases == 0:
        return RunningRule(None)
    gaps = np.diff(log.times)[log.position[1:] > 0]
    limit = int(np.quantile(gaps, GAP_QUANTILE)) if len(gaps) else 0
    is_settled = _silent(log) > limit
    if not is_settled.any():
        is_settled[:] = True
    distinct, keys = np.unique(_endings(log), return_inverse=True)
    is_last = np.zeros(log.n_events, dtype=np.bool_)
    is_last[log.offsets[1:] - 1] = True
    is_known = np.repeat(is_settled, log.lengths)
    ended = np.bincount(keys[is_known & is_last], minlength=len(distinct))
    went_on = np.flatnonzero(is_known & ~is_last)
    passed = np.bincount(keys[went_on], minlength=len(distinct))
    is_ending = ended > passed + 1
    # By case, not by event: what is repeated many times in each case is passed often, and may yet be its end.
    first = np.unique(np.stack([keys[is_known], log.case_of_event[is_known]]), axis=1)[0]
    came_through = np.bincount(first, minlength=len(distinct))
    is_lasting = (came_through >= ENOUGH) & (ended <= np.maximum(MOST_END * came_through, 1))
    unsure = np.flatnonzero((ended >= ENOUGH) & ~is_ending)
    pauses = log.times[went_on + 1] - log.times[went_on]
    patience = _longer_than_all_but(pauses, keys[went_on], unsure, ended[unsure] - 2) - 1
    names = (None, *log.activities)
    pairs = [(names[key // _base(log)], names[key % _base(log)]) for key in distinct.tolist()]
    return RunningRule(
        limit,
        tuple(pairs[key] for key in np.flatnonzero(is_ending)),
        tuple((pairs[key], int(most)) for key, most in zip(unsure, patience, strict=True) if most < limit),
        tuple(pairs[key] for key in np.flatnonzero(is_lasting)),
    )


def _longer_than_all_but(
    pauses: NDArray[np.int64], keys: NDArray[np.int64], wanted: NDArray[np.int64], but: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each wanted key its longest pause but so many that are as long or longer."""
    order = np.lexsort((-pauses, keys))
    longest: NDArray[np.int64] = pauses[order][np.searchsorted(keys[order], wanted) + but]
    return longest


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
    """How the cases of a log stand at a moment, (cases,) each."""

    is_running: NDArray[np.bool_]
    """Not known to have ended, silent or not."""
    is_stalled: NDArray[np.bool_]
    """Running, and silent for longer than nearly all pauses inside cases last."""


def standing(log: EventLog, learned: RunningRule | None = None, *, at: int | None = None) -> Standing:
    """Which cases have not ended at `at` (microseconds UTC; the log's end), and which of them are stalled.

    The rule that the log's user gave decides; where none was given, the one `learned` from the training
    log, and where there is none, the log's own. Nothing else decides whether a case is running.
    """
    rule = fit_running_rule(log) if learned is None else learned
    decides: CaseRule = rule if log.running_rule is None else log.running_rule
    is_running = decides.find(log, at=at)
    return Standing(is_running, is_running & rule.is_silent(log, at=at))


def find_running(log: EventLog) -> NDArray[np.bool_]:
    """Which cases of a log are running at its end by its user's rule, else by its own, (cases,)."""
    return standing(log).is_running


def rule_of(log: EventLog, end_activities: Sequence[str] = (), idle_us: int | None = None) -> CaseRule:
    """What a user knows of how cases end as a rule; the log's own where that is nothing."""
    if not end_activities and idle_us is None:
        return fit_running_rule(log)
    return StatedRule(tuple(end_activities), idle_us)


def _silent(log: EventLog, at: int | None = None) -> NDArray[np.int64]:
    """Microseconds since each case's last event at a moment (the log's end), (cases,); needs times."""
    moment = log.end if at is None else at
    return np.asarray((0 if moment is None else moment) - log.ends)


def _keys(pairs: Iterable[Ending], log: EventLog) -> dict[Ending, int]:
    """Pairs of activities as keys of this log; those with an activity that it does not have are left out."""
    codes: dict[str | None, int] = {name: i + 1 for i, name in enumerate(log.activities)} | {None: 0}
    return {(a, b): codes[a] * _base(log) + codes[b] for a, b in pairs if a in codes and b in codes}


def _base(log: EventLog) -> int:
    return len(log.activities) + 1


def _endings(log: EventLog) -> NDArray[np.int64]:
    """Each event's activity and the one before it in its case as one number, (events,)."""
    current = log.activity_codes.astype(np.int64) + 1
    before = np.roll(current, 1)
    before[log.offsets[:-1]] = 0
    return before * _base(log) + current

"""Which cases are still running at a log's end: not idle for long, and not ended the way cases end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.log import EventLog

GAP_QUANTILE = 0.99
"""A pause longer than this share of all pauses inside cases means that nothing more will come."""

ENOUGH = 30
"""Settled cases that must have ended in one way before it is learned how long the others paused there."""

Ending = tuple[str | None, str | None]
"""The last two activities of a case; None where the case has only one, or where an activity is missing."""


@dataclass(frozen=True)
class RunningRule:
    """How to tell a running case from a finished one, learned from a log.

    A case is running when its last event is at most `idle_limit_us` microseconds before the log's end
    and its last two activities are not one of `endings`. Two activities, because in many processes the
    last one alone says little (a decision, then the closing of any work item). After the pairs in
    `patience` a case may end or go on; there it is running for so many microseconds, beyond which most
    do not go on. `idle_limit_us` is None when the rule was learned from a log without times; then no
    case counts as running, nor does one in a log without times: nothing tells a short case from an
    unfinished one.
    """

    idle_limit_us: int | None
    endings: tuple[Ending, ...] = ()
    patience: tuple[tuple[Ending, int], ...] = ()

    def find(self, log: EventLog, *, at: int | None = None) -> NDArray[np.bool_]:
        """Whether each case is running at `at` (microseconds UTC; the log's last event), (cases,)."""
        if self.idle_limit_us is None or log.times is None or log.n_cases == 0:
            return np.zeros(log.n_cases, dtype=np.bool_)
        moment = log.times.max() if at is None else at
        is_recent = moment - log.ends <= self._limits(log)
        return is_recent & ~self.ends_here(log)[log.offsets[1:] - 1]

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
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunningRule:
        """The inverse of `to_dict`."""
        return cls(
            data["idle_limit_us"],
            tuple((pair[0], pair[1]) for pair in data["endings"]),
            tuple(((a, b), limit) for a, b, limit in data.get("patience", ())),
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
    ended.
    """
    if log.times is None or log.n_cases == 0:
        return RunningRule(None)
    gaps = np.diff(log.times)[log.position[1:] > 0]
    limit = int(np.quantile(gaps, GAP_QUANTILE)) if len(gaps) else 0
    is_settled = log.times.max() - log.ends > limit
    if not is_settled.any():
        is_settled[:] = True
    distinct, keys = np.unique(_endings(log), return_inverse=True)
    is_last = np.zeros(log.n_events, dtype=np.bool_)
    is_last[log.offsets[1:] - 1] = True
    is_known = np.repeat(is_settled, log.lengths)
    ended = np.bincount(keys[is_known & is_last], minlength=len(distinct))
    went_on = np.flatnonzero(is_known & ~is_last)
    is_ending = ended > np.bincount(keys[went_on], minlength=len(distinct)) + 1
    unsure = np.flatnonzero((ended >= ENOUGH) & ~is_ending)
    pauses = log.times[went_on + 1] - log.times[went_on]
    patience = _longer_than_all_but(pauses, keys[went_on], unsure, ended[unsure] - 2) - 1
    names = (None, *log.activities)
    pairs = [(names[key // _base(log)], names[key % _base(log)]) for key in distinct.tolist()]
    return RunningRule(
        limit,
        tuple(pairs[key] for key in np.flatnonzero(is_ending)),
        tuple((pairs[key], int(most)) for key, most in zip(unsure, patience, strict=True) if most < limit),
    )


def _longer_than_all_but(
    pauses: NDArray[np.int64], keys: NDArray[np.int64], wanted: NDArray[np.int64], but: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each wanted key its longest pause but so many that are as long or longer."""
    order = np.lexsort((-pauses, keys))
    longest: NDArray[np.int64] = pauses[order][np.searchsorted(keys[order], wanted) + but]
    return longest


def find_running(log: EventLog) -> NDArray[np.bool_]:
    """Which cases of a log are running at its end by its own rule, (cases,)."""
    return fit_running_rule(log).find(log)


def mark_running(
    log: EventLog, end_activities: Sequence[str] = (), idle_us: int | None = None
) -> NDArray[np.bool_]:
    """Which cases are running at the log's end by what a user knows of it, (cases,).

    A case is running when it does not end with one of `end_activities`, if any are given, and when its
    last event is at most `idle_us` microseconds before the log's last, if that is given. Where neither
    is given the log's own rule decides (`find_running`). Without times an idle time says nothing, so
    no case is running by it.
    """
    if not end_activities and idle_us is None:
        return find_running(log)
    is_running = np.ones(log.n_cases, dtype=np.bool_)
    if end_activities:
        codes = [code for code, name in enumerate(log.activities) if name in end_activities]
        is_running &= ~np.isin(log.activity_codes[log.offsets[1:] - 1], codes)
    if idle_us is not None:
        is_recent = np.zeros_like(is_running)
        if log.times is not None and log.n_cases:
            is_recent = log.times.max() - log.ends <= idle_us
        is_running &= is_recent
    return is_running


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

"""Six kinds of anomaly, put into cases that were normal, at times at which the resource is at work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulator import company as co
from simulator.draws import Draws, Ints
from simulator.worktime import DAY, WorkTime

MIN_EVENTS = 6
MIN_WORK_SECONDS = 900
AFTER_LAST_SECONDS = 4 * DAY

SKIPPABLE = {
    co.APPROVE_REQUISITION: co.CREATE_ORDER,
    co.CREATE_ORDER: co.SEND_ORDER,
    co.SEND_ORDER: co.RECEIVE_INVOICE,
    co.RECEIVE_GOODS: co.MATCH_INVOICE,
    co.CONFIRM_SERVICE: co.MATCH_INVOICE,
    co.MATCH_INVOICE: co.PAY_INVOICE,
    co.APPROVE_PAYMENT: co.PAY_INVOICE,
}
"""What can be left out, and what must come later for the gap to show."""
REPEATABLE = (
    co.APPROVE_REQUISITION,
    co.CREATE_ORDER,
    co.SEND_ORDER,
    co.CONFIRM_SERVICE,
    co.INSPECT_GOODS,
    co.PAY_INVOICE,
)
EARLY = (
    (co.CREATE_ORDER, co.APPROVE_REQUISITION),
    (co.SEND_ORDER, co.APPROVE_REQUISITION),
    (co.RECEIVE_GOODS, co.SEND_ORDER),
    (co.RECEIVE_GOODS, co.CREATE_ORDER),
    (co.APPROVE_PAYMENT, co.MATCH_INVOICE),
    (co.PAY_INVOICE, co.MATCH_INVOICE),
    (co.PAY_INVOICE, co.APPROVE_PAYMENT),
)
LATE = (
    (co.CREATE_ORDER, co.RECEIVE_GOODS),
    (co.CREATE_ORDER, co.RECEIVE_INVOICE),
    (co.APPROVE_REQUISITION, co.SEND_ORDER),
    (co.MATCH_INVOICE, co.PAY_INVOICE),
    (co.APPROVE_PAYMENT, co.PAY_INVOICE),
    (co.INSPECT_GOODS, co.MATCH_INVOICE),
)
MISPLACED: tuple[tuple[int, int, str | int], ...] = (
    (co.REJECT_REQUISITION, co.SEND_ORDER, co.APPROVE_REQUISITION),
    (co.QUERY_VENDOR, co.CREATE_ORDER, "clerk"),
    (co.CHANGE_REQUISITION, co.SEND_ORDER, co.CREATE_REQUISITION),
    (co.CHANGE_ORDER, co.MATCH_INVOICE, "buyer"),
    (co.INSPECT_GOODS, co.CONFIRM_SERVICE, "inspector"),
    (co.RECEIVE_GOODS, co.CONFIRM_SERVICE, "storekeeper"),
    (co.REJECT_INVOICE, co.APPROVE_PAYMENT, co.APPROVE_PAYMENT),
)
"""An activity that has no business after another, and who does it: a role, or the doer of an activity."""
WRONG_RESOURCE = (
    (co.APPROVE_REQUISITION, co.CREATE_REQUISITION),
    (co.CREATE_ORDER, co.CREATE_REQUISITION),
    (co.MATCH_INVOICE, co.CREATE_ORDER),
    (co.APPROVE_PAYMENT, co.MATCH_INVOICE),
    (co.RECEIVE_GOODS, co.CREATE_ORDER),
)
"""An activity done by whoever did the other one: two pairs of eyes become one."""


class Step(NamedTuple):
    """One event of a case."""

    activity: int
    time: int
    resource: int


@dataclass(frozen=True)
class Anomaly:
    """What was done to a case. `event_index` is the position of the event, or of the gap after a skip."""

    kind: str
    detail: str
    event_index: int


Trace = list[Step]
Change = tuple[Trace, Anomaly]
Arrays = tuple[Ints, Ints, Ints, Ints]


class Injector:
    """The six changes. Each takes a trace and gives the changed one, or None where it does not fit."""

    def __init__(self, end: int, permille: int, draws: Draws, work: WorkTime) -> None:
        self._end, self._permille, self._draws, self._work = end, permille, draws, work
        self._kinds = (self._skip, self._rework, self._early, self._late, self._insert, self._attribute)

    def inject(self, events: Arrays) -> tuple[Arrays, dict[int, Anomaly]]:
        """The events with some cases changed, and what was done to which case.

        Arrays are offsets, activities, times, resources. Running cases are changed in the part that the log
        shows. The kinds take turns.
        """
        offsets, *columns = events
        size = len(offsets) - 1
        wanted = (size * self._permille + 500) // 1000
        changes: dict[int, Change] = {}
        for case in self._draws.order(size).tolist():
            if len(changes) == wanted:
                break
            rows = slice(offsets[case], offsets[case + 1])
            if rows.stop - rows.start < MIN_EVENTS:
                continue
            trace = [Step(*step) for step in zip(*(column[rows].tolist() for column in columns), strict=True)]
            change = self._kinds[len(changes) % len(self._kinds)](trace)
            if change is not None:
                changes[case] = change
        traces = {case: trace for case, (trace, _) in changes.items()}
        return _rebuilt(events, traces), {case: changes[case][1] for case in sorted(changes)}

    def _skip(self, trace: Trace) -> Change | None:
        activities = [step.activity for step in trace]
        fits = [
            at
            for at, what in enumerate(activities)
            if activities.count(what) == 1 and SKIPPABLE.get(what) in activities[at:]
        ]
        if not fits:
            return None
        at = self._one_of(fits)
        return trace[:at] + trace[at + 1 :], Anomaly("skip", f"{_name(trace[at])} left out", at)

    def _rework(self, trace: Trace) -> Change | None:
        fits = [at for at, step in enumerate(trace) if step.activity in REPEATABLE]
        if not fits:
            return None
        at = self._one_of(fits)
        gap = min(at + self._draws.one_below(2), len(trace) - 1)
        return self._placed(trace, trace[at], gap + 1, ("rework", f"{_name(trace[at])} done again"))

    def _early(self, trace: Trace) -> Change | None:
        pair = self._pair(trace, EARLY, is_forward=False)
        if pair is None:
            return None
        at, anchor = pair
        rest = trace[:at] + trace[at + 1 :]
        return self._placed(
            rest, trace[at], anchor, ("early", f"{_name(trace[at])} before {_name(trace[anchor])}")
        )

    def _late(self, trace: Trace) -> Change | None:
        pair = self._pair(trace, LATE, is_forward=True)
        if pair is None:
            return None
        at, anchor = pair
        rest = trace[:at] + trace[at + 1 :]
        return self._placed(
            rest, trace[at], anchor, ("late", f"{_name(trace[at])} after {_name(trace[anchor])}")
        )

    def _insert(self, trace: Trace) -> Change | None:
        activities = [step.activity for step in trace]
        fits = [option for option in MISPLACED if option[1] in activities and option[0] not in activities]
        if not fits:
            return None
        activity, anchor, who = fits[self._draws.one_below(len(fits))]
        at = activities.index(anchor)
        if isinstance(who, str):
            resource = int(self._work.pick(self._draws, who, np.array([trace[at].time]))[0])
        else:
            resource = trace[activities.index(who)].resource
        step = Step(activity, trace[at].time, resource)
        return self._placed(trace, step, at + 1, ("insert", f"{_name(step)} after {_name(trace[at])}"))

    def _attribute(self, trace: Trace) -> Change | None:
        activities = [step.activity for step in trace]
        fits = [pair for pair in WRONG_RESOURCE if pair[0] in activities and pair[1] in activities]
        if not fits:
            return None
        what, whose = fits[self._draws.one_below(len(fits))]
        at, resource = activities.index(what), trace[activities.index(whose)].resource
        old, time = trace[at], np.array([trace[at].time], dtype=np.int64)
        is_there = bool(self._work.is_at_work(np.array([resource]), time)[0])
        if not is_there or co.PEOPLE[resource].role in (co.PEOPLE[old.resource].role, "system"):
            return None
        detail = f"{_name(old)} by {co.PEOPLE[resource].name} instead of {co.PEOPLE[old.resource].name}"
        changed = [*trace[:at], old._replace(resource=resource), *trace[at + 1 :]]
        return changed, Anomaly("attribute", detail, at)

    def _one_of(self, positions: list[int]) -> int:
        return positions[self._draws.one_below(len(positions))]

    def _pair(
        self, trace: Trace, pairs: tuple[tuple[int, int], ...], *, is_forward: bool
    ) -> tuple[int, int] | None:
        """Positions of an event to move and of the one that it shall stand before or behind."""
        activities = [step.activity for step in trace]
        fits = []
        for what, anchor in pairs:
            if activities.count(what) == 1 and anchor in activities:
                at, other = activities.index(what), activities.index(anchor)
                if (at < other) == is_forward:
                    fits.append((at, other))
        return fits[self._draws.one_below(len(fits))] if fits else None

    def _placed(self, trace: Trace, step: Step, position: int, what: tuple[str, str]) -> Change | None:
        """The trace with `step` at `position`, when its resource works between the neighbours."""
        if position == 0:
            return None
        before = trace[position - 1].time
        after = trace[position].time if position < len(trace) else min(before + AFTER_LAST_SECONDS, self._end)
        resource = np.array([step.resource], dtype=np.int64)
        worked = [int(self._work.worked(resource, np.array([time]))[0]) for time in (before, after)]
        room = worked[1] - worked[0] - MIN_WORK_SECONDS
        if room < MIN_WORK_SECONDS:
            return None
        seconds = MIN_WORK_SECONDS // 2 + self._draws.one_below(room)
        time = int(self._work.add(resource, np.array([before]), np.array([seconds]))[0])
        placed = [*trace[:position], step._replace(time=time), *trace[position:]]
        return placed, Anomaly(*what, position)


def _rebuilt(events: Arrays, traces: dict[int, Trace]) -> Arrays:
    """The events with these cases' traces in place of their old ones."""
    offsets, *columns = events
    lengths = np.diff(offsets)
    case = np.repeat(np.arange(len(lengths)), lengths)
    changed = np.zeros(len(lengths), dtype=np.bool_)
    changed[list(traces)] = True
    new = [(number, step) for number, trace in traces.items() for step in trace]
    added = [np.array([getattr(step, name) for _, step in new], dtype=np.int64) for name in Step._fields]
    kept = ~changed[case]
    case = np.concatenate((case[kept], np.array([number for number, _ in new], dtype=np.int64)))
    order = np.argsort(case, kind="stable")
    joined = [np.concatenate((old[kept], extra))[order] for old, extra in zip(columns, added, strict=True)]
    offsets = np.concatenate(([0], np.cumsum(np.bincount(case, minlength=len(lengths))))).astype(np.int64)
    return offsets, joined[0], joined[1], joined[2]


def _name(step: Step) -> str:
    return co.ACTIVITIES[step.activity]

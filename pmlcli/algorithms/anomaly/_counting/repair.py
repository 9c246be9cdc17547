"""How much likelier a case becomes when one thing is put right: steps taken out, put in or moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms.anomaly._counting.backoff import DISCOUNT, BackOff, View
from pmlcli.algorithms.anomaly._counting.context import runs
from pmlcli.arrays import Codes, Floats

MOST_TAKEN_OUT = 3
"""Events in a row that may be too many."""
CANDIDATES = 4
"""Ways that are tried over one and over two activities, those that lead best from event to event."""
MOST_MOVED, FARTHEST = 2, 5
"""Events in a row that may stand in the wrong place, and how many events away the right one may be."""
ECHO = 8
"""A step taken so many events ago or fewer may have been taken again by mistake."""
BEYOND = -1
CELLS = 4_000_000
"""Pairs of activities times activities that are held at a time; no gain depends on it."""
BLOCK = 65_536
"""Events whose repairs are tried at a time, likewise."""


def gains(codes: Codes, offsets: Codes, model: BackOff, size: int) -> Floats:
    """(events,): the log of how many times likelier the best repair that touches the event makes its case.

    Zero where no repair does. A repair takes out up to three events, puts in up to two, or moves up to two.
    It has to make the case likelier by more than the number of such repairs that the case has room for.
    `model` counts activities by the ones before them, `size` standing for start and end. Touched are the
    events taken out or moved, and the one before which something is put in or was moved away (of what
    is put in at a case's end, the last event).
    """
    steps = _steps(model, size)
    found = []
    for some in runs(offsets, BLOCK):
        own = offsets[some.start : some.stop + 1]
        laid = _Laid.of(codes[own[0] : own[-1]], own - own[0], model, steps)
        found.append(_best_gains(laid, own - own[0]))
    return np.concatenate(found)


def _best_gains(laid: _Laid, offsets: Codes) -> Floats:
    best = np.zeros(len(laid.targets))
    for repair in (_taken_out, _put_in, _moved):
        for rows, gain in repair(laid):
            np.maximum.at(best, rows, gain)
    last = laid.ends[laid.events[offsets[1:] - 1]] - 1
    best[last] = np.maximum(best[last], best[last + 1])
    return best[laid.events]


def _steps(model: BackOff, size: int) -> Floats:
    """Logarithm of how likely each activity is after one other, `size` for start and end, (codes, codes)."""
    codes, block = size + 1, max(CELLS // size, 1)
    starts = [range(first, min(first + block, codes)) for first in range(0, codes, block)]
    return np.asarray(np.log(np.concatenate([model.after_one(some, codes) for some in starts])))


@dataclass(frozen=True)
class _Laid:
    """Cases one after the other, each with room for its start before it and its end after it.

    - `steps`: as `_steps` gives them
    - `targets`: activities, `size` for an end, `BEYOND` for a start; `codes`: the same with `size` for both
    - `ends`: position of the end of each position's case; `lengths`: events of that case
    - `costs`: minus the logarithm of the likelihood of so many positions from each on, by their number, each
      left out of the counts; what lies beyond a case costs nothing
    - `events`: positions of the events
    """

    model: BackOff
    steps: Floats
    targets: Codes
    codes: Codes
    ends: Codes
    lengths: Codes
    costs: list[Floats]
    events: Codes

    @classmethod
    def of(cls, codes: Codes, offsets: Codes, model: BackOff, steps: Floats) -> _Laid:
        """Lays the cases out."""
        room, lengths, size = len(model.orders) - 1, np.diff(offsets), len(steps) - 1
        width = lengths + room + 1
        targets = np.full(int(width.sum()), BEYOND, dtype=np.int64)
        events = np.arange(len(codes)) + np.repeat(np.arange(len(lengths)) * (room + 1) + room, lengths)
        targets[events] = codes
        ends = np.cumsum(width) - 1
        targets[ends] = size
        ends, lengths = np.repeat(ends, width), np.repeat(lengths, width)
        codes = np.where(targets == BEYOND, size, targets)
        laid = cls(model, steps, targets, codes, ends, lengths, [np.zeros(len(targets))], events)
        laid._add_costs(room + FARTHEST + MOST_MOVED)
        return laid

    @property
    def size(self) -> int:
        """The code of a case's start and end."""
        return len(self.steps) - 1

    @property
    def reach(self) -> int:
        """How many steps a change before them reaches."""
        return len(self.model.orders) - 1

    def _add_costs(self, widest: int) -> None:
        own, at = np.zeros(len(self.targets)), np.flatnonzero(self.targets != BEYOND)
        own[at] = self._logs(self._past(at), self.targets[at], DISCOUNT)
        places = np.arange(len(own))
        for ahead in range(widest):
            inside = np.minimum(places + ahead, self.ends)
            self.costs.append(self.costs[-1] - np.where(places + ahead > self.ends, 0.0, own[inside]))

    def step(self, rows: Codes, ahead: int) -> Codes:
        """What stands so many positions after each of these, `BEYOND` after its case."""
        at = np.minimum(rows + ahead, self.ends[rows])
        return np.where(rows + ahead > self.ends[rows], BEYOND, self.targets[at])

    def won(
        self, rows: Codes, steps: Sequence[Codes | int], cost: Floats, price: Floats
    ) -> tuple[Codes, Floats]:
        """What is won where these steps in turn stand after what stands before each of `rows`, and which of
        the rows win anything: positions in them. A step is a code for each, or what stands so far ahead.

        The likelihood of the steps, plus `cost`, minus `price`. Each step makes it less, so rows are left out
        as soon as they cannot win.
        """
        left = np.flatnonzero(cost - price > 0)
        total, past = np.zeros(len(left)), self._past(rows[left])
        for one in steps:
            step = self.step(rows[left], one) if isinstance(one, int) else one[left]
            is_there = step != BEYOND
            code = np.where(is_there, step, self.size)
            total += np.where(is_there, self._logs(past, code), 0.0)
            kept = np.flatnonzero(total + cost[left] - price[left] > 0)
            left, total = left[kept], total[kept]
            past = [column[kept] for column in (code, *past[:-1])]
        return left, total + cost[left] - price[left]

    def after(self, ahead: int) -> list[int]:
        """The steps whose past a change before them reaches."""
        return [ahead + k for k in range(self.reach)]

    def _past(self, rows: Codes) -> list[Codes]:
        return [self.codes[rows - back] for back in range(1, self.reach + 1)]

    def _logs(self, past: Sequence[Codes], codes: Codes, discount: int = 0) -> Floats:
        view = View(tuple(past), (self.size + 1,) * len(past), codes, self.size + 1)
        return np.asarray(np.log(self.model.likelihood(view, discount)))


_Repairs = Iterator[tuple[Codes, Floats]]


def _taken_out(laid: _Laid) -> _Repairs:
    """The events that are too many, and what is won without them."""
    for many in range(1, MOST_TAKEN_OUT + 1):
        rows = laid.events[(laid.events + many <= laid.ends[laid.events])]
        rows = rows[laid.lengths[rows] > many]
        cost, room = laid.costs[many + laid.reach][rows], np.log(laid.lengths[rows])
        # What was done shortly before is likely to be done again by mistake; else any activity is as likely.
        echo, other = np.log(3.0), many * np.log(laid.size)
        may_win = cost - (room + min(echo, other)) > 0
        rows, cost, room = rows[may_win], cost[may_win], room[may_win]
        price = room + np.where(_is_echo(laid, rows, many), echo, other)
        which, gain = laid.won(rows, laid.after(many), cost, price)
        for ahead in range(many):
            yield rows[which] + ahead, gain


def _is_echo(laid: _Laid, rows: Codes, many: int) -> NDArray[np.bool_]:
    """Whether the same steps stand shortly before, the two overlapping or not."""
    found = np.zeros(len(rows), dtype=np.bool_)
    first = laid.ends[rows] - laid.lengths[rows]
    for back in range(1, ECHO + 1):
        before = rows - back
        same = before >= first
        for ahead in range(many):
            same &= laid.codes[np.maximum(before, first) + ahead] == laid.codes[rows + ahead]
        found |= same
    return found


def _put_in(laid: _Laid) -> _Repairs:
    """The event (or the end) before which something is missing, and what is won with it."""
    rows = np.flatnonzero(laid.targets != BEYOND)
    cost = laid.costs[laid.reach][rows] - np.log(laid.lengths[rows] + 1)
    rows, cost = rows[cost > 0], cost[cost > 0]
    price, rest = np.zeros(len(rows)), laid.after(0)
    for steps in _between(laid.steps, laid.codes[rows - 1], laid.targets[rows]):
        which, gain = laid.won(rows, [*steps, *rest], cost, price)
        yield rows[which], gain


def _between(steps: Floats, before: Codes, after: Codes) -> Iterator[Codes]:
    """What leads best from one activity to another, step by step: activities alone, then two in a row.

    Each (steps, rows).
    """
    codes = len(steps)
    pairs, which = np.unique(before * codes + after, return_inverse=True)
    found: list[list[Codes]] = [[], []]
    block = max(CELLS // (codes - 1), 1)
    for first in range(0, len(pairs), block):
        one, other = np.divmod(pairs[first : first + block], codes)
        found[0].append(_best(steps[one, :-1] + steps[:-1, other].T)[:, :, None])
        found[1].append(_best_two(steps, one, other))
    for ways in found:
        yield from np.concatenate(ways)[which].transpose(1, 2, 0) if ways else ()


def _best(likelihoods: Floats) -> Codes:
    """The positions of the highest of each row, the first among equals, (rows, candidates)."""
    return np.asarray(np.argsort(-likelihoods, axis=1, kind="stable")[:, :CANDIDATES])


def _best_two(steps: Floats, before: Codes, after: Codes) -> Codes:
    """The likeliest ways over two activities that often follow and often precede, (rows, ways, 2)."""
    first, last = _best(steps[before, :-1]), _best(steps[:-1, after].T)
    ways = np.stack(np.broadcast_arrays(first[:, :, None], last[:, None, :]), axis=-1).reshape(
        len(before), -1, 2
    )
    one, two = ways[..., 0], ways[..., 1]
    best = _best(steps[before[:, None], one] + steps[one, two] + steps[two, after[:, None]])
    return np.asarray(np.take_along_axis(ways, best[:, :, None], axis=1))


def _moved(laid: _Laid) -> _Repairs:
    """The events that stand in a wrong place, what follows where they belong, and what is won there."""
    for first in range(1, FARTHEST + 1):
        for second in range(1, (FARTHEST if first <= MOST_MOVED else MOST_MOVED) + 1):
            both = first + second
            rows = laid.events[laid.events + both <= laid.ends[laid.events]]
            cost = laid.costs[both + laid.reach][rows] - np.log(2.0 * FARTHEST * laid.lengths[rows])
            steps = [*range(first, both), *range(first), *laid.after(both)]
            which, gain = laid.won(rows, steps, cost, np.zeros(len(rows)))
            for ahead in _touched(first, second):
                yield rows[which] + ahead, gain


def _touched(first: int, second: int) -> list[int]:
    """Of two neighbouring stretches of these lengths the shorter one was moved; of equal ones, either."""
    both = first + second
    touched = {both} if first <= second else {0}
    touched |= set(range(first)) if first <= second else set()
    touched |= set(range(first, both)) | {0} if second <= first else set()
    return sorted(touched)

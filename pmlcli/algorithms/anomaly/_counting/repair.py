"""How much likelier a case becomes when one thing is put right: steps taken out, put in or moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms.anomaly._counting.backoff import DISCOUNT, BackOff, View
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.traces import variants_of
from pmlcli.eventlog.log import offsets_of

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


def gains(codes: Codes, offsets: Codes, model: BackOff, size: int) -> Floats:
    """(events,): the log of how many times likelier the best repair that touches the event makes its case.

    Zero where no repair does. A repair takes out up to three events, puts in up to two, or moves up to two.
    It has to make the case likelier by more than the number of such repairs that the case has room for.
    `model` counts activities by the ones before them, `size` standing for start and end. Touched are the
    events taken out or moved, and the one before which something is put in or was moved away (of what
    is put in at a case's end, the last event).
    """
    which, first = variants_of(codes, offsets)
    lengths = np.diff(offsets)[first]
    events = np.repeat(offsets[first] - offsets_of(lengths)[:-1], lengths) + np.arange(lengths.sum())
    laid = _Laid.of(codes[events], offsets_of(lengths), model, size)
    best = np.zeros(len(laid.targets))
    for repair in (_taken_out, _put_in, _moved):
        for rows, gain in repair(laid):
            np.maximum.at(best, rows, gain)
    last = laid.ends[laid.events[offsets_of(lengths)[1:] - 1]] - 1
    best[last] = np.maximum(best[last], best[last + 1])
    shift = np.repeat(offsets_of(lengths)[which] - offsets[:-1], np.diff(offsets))
    return best[laid.events][np.arange(len(codes)) + shift]


@dataclass(frozen=True)
class _Laid:
    """Cases one after the other, each with room for its start before it and its end after it.

    - `targets`: activities, `size` for an end, `BEYOND` for a start; `codes`: the same with `size` for both
    - `ends`: position of the end of each position's case; `lengths`: events of that case
    - `own`: logarithm of the likelihood of each position, itself left out of the counts
    - `events`: positions of the events
    """

    model: BackOff
    size: int
    targets: Codes
    codes: Codes
    ends: Codes
    lengths: Codes
    own: Floats
    events: Codes

    @classmethod
    def of(cls, codes: Codes, offsets: Codes, model: BackOff, size: int) -> _Laid:
        """Lays the cases out."""
        room, lengths = len(model.orders) - 1, np.diff(offsets)
        width = lengths + room + 1
        targets = np.full(int(width.sum()), BEYOND, dtype=np.int64)
        events = np.arange(len(codes)) + np.repeat(np.arange(len(lengths)) * (room + 1) + room, lengths)
        targets[events] = codes
        ends = np.cumsum(width) - 1
        targets[ends] = size
        ends, lengths = np.repeat(ends, width), np.repeat(lengths, width)
        laid = cls(
            model, size, targets, np.where(targets == BEYOND, size, targets), ends, lengths,
            np.zeros(len(targets)), events,
        )  # fmt: skip
        at = np.flatnonzero(targets != BEYOND)
        laid.own[at] = laid.likelihood(at, [targets[at]], DISCOUNT)
        return laid

    def step(self, rows: Codes, ahead: int) -> Codes:
        """What stands so many positions after each of these, `BEYOND` after its case."""
        at = np.minimum(rows + ahead, self.ends[rows])
        return np.where(rows + ahead > self.ends[rows], BEYOND, self.targets[at])

    def cost(self, rows: Codes, width: int) -> Floats:
        """Minus the logarithm of the likelihood of so many positions from each of these on."""
        total = np.zeros(len(rows))
        for ahead in range(width):
            at = np.minimum(rows + ahead, self.ends[rows])
            total -= np.where(rows + ahead > self.ends[rows], 0.0, self.own[at])
        return total

    def likelihood(self, rows: Codes, steps: Sequence[Codes], discount: int = 0) -> Floats:
        """Its logarithm, of these steps in turn after what stands before each of `rows`."""
        past = [self.codes[rows - back] for back in range(1, len(self.model.orders))]
        sizes, total = (self.size + 1,) * len(past), np.zeros(len(rows))
        for step in steps:
            is_there = step != BEYOND
            code = np.where(is_there, step, self.size)
            view = View(tuple(past), sizes, code, self.size + 1)
            total += np.where(is_there, np.log(self.model.likelihood(view, discount)), 0.0)
            past = [code, *past[:-1]]
        return total

    def after(self, rows: Codes, ahead: int) -> list[Codes]:
        """The steps whose past a change before them reaches."""
        return [self.step(rows, ahead + k) for k in range(len(self.model.orders) - 1)]


_Repairs = Iterator[tuple[Codes, Floats]]


def _taken_out(laid: _Laid) -> _Repairs:
    """The events that are too many, and what is won without them."""
    reach = len(laid.model.orders) - 1
    for many in range(1, MOST_TAKEN_OUT + 1):
        rows = laid.events[(laid.events + many <= laid.ends[laid.events])]
        rows = rows[laid.lengths[rows] > many]
        room = np.log(laid.lengths[rows])
        # What was done shortly before is likely to be done again by mistake; else any activity is as likely.
        price = room + np.where(_is_echo(laid, rows, many), np.log(3.0), many * np.log(laid.size))
        gain = laid.likelihood(rows, laid.after(rows, many)) + laid.cost(rows, many + reach) - price
        for ahead in range(many):
            yield rows + ahead, gain


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
    cost = laid.cost(rows, len(laid.model.orders) - 1) - np.log(laid.lengths[rows] + 1)
    rows, cost = rows[cost > 0], cost[cost > 0]
    rest = laid.after(rows, 0)
    for steps in _between(laid, laid.codes[rows - 1], laid.targets[rows]):
        yield rows, laid.likelihood(rows, [*steps, *rest]) + cost


def _between(laid: _Laid, before: Codes, after: Codes) -> Iterator[Codes]:
    """What leads best from one activity to another, step by step: activities alone, then two in a row.

    Each (steps, rows).
    """
    codes, block = laid.size + 1, max(CELLS // laid.size, 1)
    starts = [range(first, min(first + block, codes)) for first in range(0, codes, block)]
    steps = np.log(np.concatenate([laid.model.after_one(some, codes) for some in starts]))
    pairs, which = np.unique(before * codes + after, return_inverse=True)
    found: list[list[Codes]] = [[], []]
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
    reach = len(laid.model.orders) - 1
    for first in range(1, FARTHEST + 1):
        for second in range(1, (FARTHEST if first <= MOST_MOVED else MOST_MOVED) + 1):
            both = first + second
            rows = laid.events[laid.events + both <= laid.ends[laid.events]]
            cost = laid.cost(rows, both + reach) - np.log(2.0 * FARTHEST * laid.lengths[rows])
            rows, cost = rows[cost > 0], cost[cost > 0]
            order = [*range(first, both), *range(first)]
            steps = [laid.step(rows, ahead) for ahead in order] + laid.after(rows, both)
            gain = laid.likelihood(rows, steps) + cost
            # Of two neighbouring stretches the shorter one was moved; of equal ones, either.
            touched = {both} if first <= second else {0}
            touched |= set(range(first)) if first <= second else set()
            touched |= set(range(first, both)) | {0} if second <= first else set()
            for ahead in sorted(touched):
                yield rows + ahead, gain

"""Who is expected where, which activities share hands, and the words for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms.anomaly._habits import lift
from pmlcli.algorithms.anomaly._values import Why
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.resources import Work
from pmlcli.encoding.profile.column import WEEKDAYS, times_words
from pmlcli.encoding.vocabulary import FIRST_CODE, MISSING_CODE

REACH = 20
"""Two events of a case further apart than this are not compared."""
DAYS = WEEKDAYS
HOURS = tuple(f"{hour:02d}:00" for hour in range(24))


def pairs_of(data: Work) -> Iterator[tuple[Codes, Codes, NDArray[np.bool_]]]:
    """Pairs of events of a case, `REACH` apart at most: the earlier, the later, and whether one known person
    did both.
    """
    position = data.position
    for back in range(1, min(REACH, int(data.lengths.max(initial=1)) - 1) + 1):
        second = np.flatnonzero(position >= back)
        first = second - back
        same = (data.resource[first] == data.resource[second]) & (data.resource[first] >= FIRST_CODE)
        yield first, second, same


def expected_work(work: Codes, data: Work, own: int) -> Floats:
    """How often each event's person would do its activity if everybody did the same mix, (events,).

    `work` is (activities, resources). Somebody new is taken for as busy as people are on average.
    """
    of_person = work.sum(axis=0)
    usual = work.sum() / max(int((of_person > 0).sum()), 1)
    busy = of_person[data.resource] - own
    busy = np.where((busy <= 0) & (data.resource != MISSING_CODE), usual, busy)
    return np.asarray((work.sum(axis=1)[data.activity] - own) * busy / max(work.sum(), 1))


def same_hands(work: Codes, pairs: Codes, same: Codes, data: Work) -> tuple[Floats, Codes]:
    """Evidence that an event breaks a four-eyes rule, (events,), and the earlier event by the same hands.

    `pairs` counts pairs of activities in a case, `same` those by one person: (activities, activities). The
    fewer they are beside what chance would give, the stronger the evidence.
    """
    shares = work[:, FIRST_CODE:] / np.maximum(work.sum(axis=1, keepdims=True), 1)
    odd = lift(pairs * (shares @ shares.T), same)
    found, partner = np.zeros(data.n_events), np.arange(data.n_events)
    for first, second, is_same in pairs_of(data):
        earlier, later = first[is_same], second[is_same]
        now = odd[data.activity[earlier], data.activity[later]]
        odder = now > found[later]
        found[later[odder]], partner[later[odder]] = now[odder], earlier[odder]
    return found, partner


def why_who(work: Codes, data: Work, event: int) -> Why:
    """How often the person did the activity, and how many others did."""
    who, what = int(data.resource[event]), int(data.activity[event])
    done, activity = work[what], data.activity_of(event)
    usual = data.resources.name_of(int(done.argmax())) if done.any() else ""
    others = int((np.delete(done, who)[FIRST_CODE - 1 :] > 0).sum())
    if not work[:, who].any():
        who_said = f"`{data.person_of(event)}`, never seen before,"
        return Why(usual, f"{who_said} did `{activity}` ({others:,} others did)")
    often = f"did `{activity}` only {times_words(done[who])}" if done[who] else f"never did `{activity}`"
    return Why(usual, f"`{data.person_of(event)}` {often} before ({others:,} others did)")


def why_both(same: int, pairs: int, data: Work, first: int, second: int) -> Why:
    """How often one person did both."""
    names = [data.activity_of(event) for event in (first, second)]
    both = f"did both `{names[0]}` and `{names[1]}`"
    counts = f"one person did in {same:,} of {pairs:,} cases"
    return Why("somebody else", f"`{data.person_of(second)}` {both} ({counts})")


def why_when(counts: Codes, names: Sequence[str], data: Work, event: int, at: int) -> Why:
    """How often the person worked at that time, and when mostly; `counts` by time."""
    usual = names[int(counts.argmax())] if counts.any() else ""
    said = f"`{data.person_of(event)}` worked {'from' if names is HOURS else 'on a'} {names[at]}"
    return Why(usual, f"{said} ({counts[at]:,} of {counts.sum():,} times before, mostly {usual})")

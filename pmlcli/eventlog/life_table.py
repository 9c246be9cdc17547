"""How long cases are silent before they go on, and how many never do, from pauses some of which are cut off.

By steps of silence, one table a place: a place is where a case stands, such as its last activity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.arrays import Floats

SECOND = 1_000_000
EDGES = np.array([SECOND * 2 ** (k // 2) * (1000, 1414)[k % 2] // 1000 for k in range(60)], dtype=np.int64)
"""Silences are told apart in steps of a factor 1.41, from a second to some twenty years; microseconds."""
STEPS = len(EDGES) + 1

BORROWED = 2.0
"""Rare places go on as their parent does, with the weight of so many events."""

STILL_WATCHED = 5
"""A silence was watched where so many events have been silent for so long. Longer ones are extrapolated."""

FADING = 0.5
"""Beyond the last two steps that were watched the chance to go on is the smaller of theirs, halved a step."""

ENOUGH = 30
"""So many events must have been at a place before it is said that nearly none ends there."""
MOST_END = 0.01
"""Nearly none ends where at most this share does, or one."""

UNUSUAL = 0.01
"""A silence is unusual that at most this share of the pauses at a place outlasts."""

CERTAIN = 1000
"""Probabilities are kept as whole thousandths, so that they are the same on every machine."""

Ints = NDArray[np.int64]


def steps_of(silences: Ints) -> Ints:
    """The step of silence of each, from 0 to `STEPS` - 1; for microseconds of any shape."""
    return np.asarray(np.searchsorted(EDGES, silences, side="right"), dtype=np.int64)


class Outlook(NamedTuple):
    """How cases at some places go on.

    - `thousandths`: int64 (places, STEPS), how likely after each step of silence; never rising with silence
    - `usual`: int64 (places,), the first step of silence that is unusual for a pause there
    """

    thousandths: Ints
    usual: Ints


@dataclass(frozen=True)
class LifeTable:
    """Pauses by place and step of silence, (places, STEPS) each: those that an event ended, and those that
    the log's end cut off.
    """

    ended: Ints
    cut_off: Ints

    @classmethod
    def of(cls, places: Ints, count: int, steps: Ints, is_cut_off: NDArray[np.bool_]) -> LifeTable:
        """The table of the pauses after some events, each (events,); places are numbered below `count`."""
        cells = places * STEPS + steps

        def counted(which: NDArray[np.bool_]) -> Ints:
            return np.bincount(cells[which], minlength=count * STEPS).reshape(count, STEPS)

        return cls(counted(~is_cut_off), counted(is_cut_off))

    @property
    def events(self) -> Ints:
        """How many events were at each place, (places,)."""
        return np.asarray((self.ended + self.cut_off).sum(axis=1))

    def take(self, places: Ints) -> LifeTable:
        """The table of these places."""
        return LifeTable(self.ended[places], self.cut_off[places])

    def chances(self, parent: Floats) -> Floats:
        """The chance to go on in a step of silence for those who were silent until then, (places, STEPS).

        Drawn to the parent's chances, of the same shape. Who is cut off in a step is watched for half of it.
        """
        watched = self._silent_so_long() - self.cut_off / 2
        return np.asarray((self.ended + BORROWED * parent) / (watched + BORROWED))

    def outlook(self, chances: Floats) -> Outlook:
        """How likely cases go on after each step of silence, by these chances, and what pauses are usual.

        S(s) of all events are silent for longer than s, S(never) for ever: after s a case goes on with
        probability 1 - S(never) / S(s) (Kaplan and Meier 1958; Boag 1949). Where nearly none ends, it is as
        likely as not, however long the silence.
        """
        silent = _still_silent(self._extrapolated(chances))
        never = silent[:, -1:]
        halfway = (silent[:, 1:] + silent[:, :-1]) / 2
        thousandths = np.rint(CERTAIN * (1 - never / np.maximum(halfway, 1e-12))).astype(np.int64)
        ended = np.rint(never[:, 0] * self.events)
        is_lasting = (self.events >= ENOUGH) & (ended <= np.maximum(MOST_END * self.events, 1))
        thousandths[is_lasting] = np.maximum(thousandths[is_lasting], CERTAIN // 2)
        return Outlook(thousandths, _usual(chances))

    def _silent_so_long(self) -> Ints:
        """How many events were silent at least until each step begins, (places, STEPS)."""
        together = self.ended + self.cut_off
        return np.asarray(np.cumsum(together[:, ::-1], axis=1)[:, ::-1])

    def _extrapolated(self, chances: Floats) -> Floats:
        """The chances, carried on beyond the silences that were watched, where that gives more."""
        watched = (self._silent_so_long() >= STILL_WATCHED).sum(axis=1)
        beyond = np.arange(STEPS) - watched[:, None] + 1
        is_last = (beyond == 0) | (beyond == -1)
        last = np.min(chances, axis=1, where=is_last, initial=1.0)[:, None]
        carried = np.where(watched[:, None] > 1, last * FADING ** np.maximum(beyond, 1), 0.0)
        return np.where(beyond >= 1, np.maximum(chances, carried), chances)


def gone_on(chances: Floats) -> Floats:
    """Of those who go on, which share has done so in the middle of each step of silence, (places, STEPS)."""
    pending = _pending(chances)
    return np.asarray(1 - (pending[:, 1:] + pending[:, :-1]) / 2)


def of_share(chances: Floats, share: Floats) -> Floats:
    """The chances of places where so many go on, (places,), and these after such pauses."""
    silent = 1 - share[:, None] * (1 - _pending(chances))
    return np.asarray(1 - silent[:, 1:] / np.maximum(silent[:, :-1], 1e-12))


def _pending(chances: Floats) -> Floats:
    """Of those who go on, which share has not yet, at the start of each step and after the last."""
    silent = _still_silent(chances)
    never = silent[:, -1:]
    return np.asarray((silent - never) / np.maximum(1 - never, 1e-12))


def _still_silent(chances: Floats) -> Floats:
    """Which share is silent at the start of each step and after the last, (places, STEPS + 1)."""
    share = np.cumprod(1 - chances, axis=1)
    return np.concatenate((np.ones((len(share), 1)), share), axis=1)


def _usual(chances: Floats) -> Ints:
    """The first step that at most `UNUSUAL` of those who go on reach, (places,)."""
    return np.asarray((_pending(chances)[:, :-1] > UNUSUAL).sum(axis=1))

"""Cases in pieces, for networks whose memory grows with the square of what they read at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pmlcli.arrays import Codes
from pmlcli.encoding.events.sequences import Sequences

LONGEST = 256
"""A case of more events is read in pieces of at most so many."""
CONTEXT = 128
"""So many events before those that it answers for a later piece reads again."""


@dataclass(frozen=True)
class Pieces:
    """Runs of events of one case each, read together; all (pieces,).

    - `first`: the event that each begins with; `lengths`: its events
    - `context`: so many of them, at its beginning, are answered for by the piece before
    - `case`: the case it is of
    """

    first: Codes
    lengths: Codes
    context: Codes
    case: Codes

    def rows(self, some: Codes, padding: int) -> tuple[Codes, NDArray[np.bool_]]:
        """The events of these pieces, `padding` behind the shorter ones, and which of them are answered
        for; (pieces, longest) each.
        """
        steps = np.arange(self.lengths[some].max(initial=0))
        is_event = steps < self.lengths[some][:, None]
        rows = np.where(is_event, self.first[some][:, None] + steps, padding)
        return rows, is_event & (steps >= self.context[some][:, None])


def whole_cases(data: Sequences) -> Pieces:
    """Every case in one piece."""
    none = np.zeros(data.n_cases, dtype=np.int64)
    return Pieces(data.offsets[:-1], data.lengths, none, np.arange(data.n_cases))


def cut_cases(data: Sequences) -> Pieces:
    """Cases of at most `LONGEST` events whole, longer ones in pieces that overlap.

    The first piece answers for `LONGEST` events, each later one for the next `LONGEST - CONTEXT`. Which piece
    answers for an event depends on its position alone, so nothing that comes later changes an answer.
    """
    fresh = LONGEST - CONTEXT
    many = 1 + np.maximum(-(-(data.lengths - LONGEST) // fresh), 0)
    case = np.repeat(np.arange(data.n_cases), many)
    nth = np.arange(len(case)) - np.repeat(np.cumsum(many) - many, many)
    begin = nth * fresh
    lengths = np.minimum(data.lengths[case] - begin, LONGEST)
    return Pieces(data.offsets[:-1][case] + begin, lengths, np.where(nth > 0, CONTEXT, 0), case)

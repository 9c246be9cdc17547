"""On which cases predictors of the next activity are compared, and how often they are wrong there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._learning.choice import LossOf
from pmlcli.algorithms._learning.choosing import FitsHeldOut
from pmlcli.algorithms._learning.recency import Turns
from pmlcli.algorithms._learning.validation import Cut, early_and_late, rolling_cuts
from pmlcli.arrays import Floats
from pmlcli.encoding.events.prefixes import Prefixes
from pmlcli.encoding.events.sequences import targets
from pmlcli.encoding.vocabulary import FIRST_CODE
from pmlcli.evaluation.measurement import mean_over


class Judged(NamedTuple):
    """The cases known at a time, those that teach, those that judge, and the members' turns."""

    known: Prefixes
    early: Prefixes
    late: Prefixes
    turns: Turns

    @classmethod
    def cuts(cls, data: Prefixes) -> list[Judged]:
        """Of the latest cases, and of earlier ones where there are few."""
        return [cls._of(cut) for cut in rolling_cuts(data, data.n_cases, _early_and_late)]

    @classmethod
    def _of(cls, cut: Cut[Prefixes]) -> Judged:
        return cls(cut.data, cut.data.take(cut.early), cut.data.take(cut.late), Turns())

    def said(self, one: Any) -> Floats:
        """What an algorithm says of the late cases, after it has learned from the others."""
        self.turns.take(one, partial(_learn, one, self.known, self.early))
        return np.asarray(one.probabilities(self.late))


def wrong_over(judged: Sequence[Judged], said: Sequence[Floats]) -> LossOf:
    """The share of prefixes whose likeliest class did not come true; cases of all cuts, the oldest first."""
    each = [_by_case(one.late, shares) for one, shares in zip(judged, said, strict=True)]
    wrong, known = (np.concatenate(part) for part in zip(*each, strict=True))
    return mean_over(wrong, known)


def _by_case(late: Prefixes, said: Floats) -> list[Floats]:
    """How many prefixes of each case were said wrong, and of how many it is known."""
    following = targets(late)
    is_known = following >= FIRST_CODE
    is_wrong = is_known & (said.argmax(axis=1) != following)
    return [
        np.bincount(late.case_of_event, weights=flags, minlength=late.n_cases).astype(np.float64)
        for flags in (is_wrong, is_known)
    ]


def _early_and_late(data: Prefixes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    is_known = np.bincount(data.case_of_event, targets(data) >= FIRST_CODE, minlength=data.n_cases) > 0
    return early_and_late(data, is_known)


def _learn(one: Any, data: Prefixes, early: Prefixes) -> None:
    """Of members that look at the late cases themselves to settle on something, what they learned before."""
    if isinstance(one, FitsHeldOut):
        one.fit_held_out(data)
    else:
        one.fit(early)

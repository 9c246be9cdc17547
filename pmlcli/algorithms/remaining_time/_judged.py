"""On which cases predictors of remaining time are compared, and how far off they are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pmlcli.algorithms._learning.choice import LossOf
from pmlcli.algorithms._learning.recency import Turns
from pmlcli.algorithms._learning.validation import Cut, rolling_cuts
from pmlcli.algorithms.remaining_time._quantiles import MIDDLE, ascending
from pmlcli.algorithms.remaining_time._rows import DAY, EarlyAndLate, known_rows, remaining_seconds
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.prefixes import Prefixes
from pmlcli.evaluation.measurement import mean_over


@dataclass(frozen=True)
class Judged:
    """Cases to learn from, the later ones and their prefixes to be judged on, and the members' turns."""

    known: Prefixes
    late: Prefixes
    rows: Codes
    turns: Turns

    @classmethod
    def cuts(cls, data: Prefixes) -> list[Judged]:
        """Of the latest ended cases that had time to end, and of earlier ones where there are few."""
        n_ended = int((~data.is_running).sum())
        return [cls._of(cut) for cut in rolling_cuts(data, n_ended, _early_and_late)]

    @classmethod
    def _of(cls, cut: Cut[Prefixes]) -> Judged:
        late = cut.data.take(cut.late)
        turns = Turns("auto" if EarlyAndLate.of(cut.data).is_ripe else "off")
        return cls(cut.data.take(cut.early), late, _judged_rows(late), turns)

    def said(self, one: Any) -> Floats:
        """The quantiles that an algorithm says after it has learned, (rows, quantiles)."""
        self.turns.take(one, partial(one.fit, self.known))
        return ascending(one.quantiles(self.late, self.rows))

    @property
    def n_cases(self) -> int:
        """How many judge."""
        return len(np.unique(self.late.case_of_event[self.rows]))


def error_over(judged: Sequence[Judged], said: Sequence[Floats]) -> LossOf:
    """Mean absolute error of the medians in days over prefixes; cases of all cuts, the oldest first."""
    each = [_by_case(one, quantiles) for one, quantiles in zip(judged, said, strict=True)]
    sums, counts = (np.concatenate(part) for part in zip(*each, strict=True))
    return mean_over(sums, counts)


def _by_case(judged: Judged, said: Floats) -> Iterator[Floats]:
    """The sum of the errors of each case, and how many there are."""
    errors = np.abs(said[:, MIDDLE] - remaining_seconds(judged.late)[judged.rows]) / DAY
    cases = judged.late.case_of_event[judged.rows]
    _cases, place, counts = np.unique(cases, return_inverse=True, return_counts=True)
    yield np.bincount(place, weights=errors).astype(np.float64)
    yield counts.astype(np.float64)


def _early_and_late(data: Prefixes) -> tuple[Codes, Codes]:
    """None where nothing can be learned."""
    early, late, _is_ripe = EarlyAndLate.of(data)
    late = late[np.argsort(data.starts[late], kind="stable")]
    return (early if len(known_rows(data.take(early))) else early[:0]), late


def _judged_rows(late: Prefixes) -> Codes:
    """The known prefixes of two events or more, as they are measured; all known ones where there are none."""
    rows = known_rows(late)
    longer = rows[late.position[rows] > 0]
    return longer if len(longer) else rows

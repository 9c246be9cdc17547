"""On which cases predictors of the outcome are compared, and how well they rank them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._learning.choice import LossOf
from pmlcli.algorithms._learning.validation import SHARE
from pmlcli.algorithms.outcome._rows import counted_rows, folds, rank_by_start
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.outcome.encoding import OutcomePrefixes
from pmlcli.evaluation.ranking import macro_auc_over

JUDGED_IN_FOLDS = 500
"""With fewer cases algorithms are compared by cross-validation, else on the latest fifth alone."""


class Part(NamedTuple):
    """Cases to learn from, and cases to be judged on, ascending."""

    early: Codes
    late: Codes


def judging_parts(data: OutcomePrefixes) -> Iterator[Part]:
    """On which cases algorithms are compared: folds of whole cases in turn where there are few, else the
    latest fifth. Parts that leave one class alone, to learn from or to rank, do not come.

    TrainingError without two outcomes.
    """
    own = np.unique(data.case_of_event[counted_rows(data)])
    rank = rank_by_start(data, own)
    parts = folds(rank) if len(own) < JUDGED_IN_FOLDS else [rank >= len(own) - round(len(own) * SHARE)]
    for is_late in parts:
        part = Part(own[~is_late], own[is_late])
        if all(len(np.unique(data.target[side])) > 1 for side in part):
            yield part


class Judged(NamedTuple):
    """Of each part the class that came, and the place of the case among all that are held out, (rows,)."""

    targets: list[NDArray[np.int64]]
    places: list[NDArray[np.int64]]
    n_cases: int

    @classmethod
    def of(cls, data: OutcomePrefixes, parts: Sequence[Part]) -> Judged:
        """Of the prefixes that count, places in order of start."""
        late = np.concatenate([part.late for part in parts])
        place = np.zeros(data.n_cases, dtype=np.int64)
        place[late[np.argsort(data.starts[late], kind="stable")]] = np.arange(len(late))
        counted = [_counted_cases(data, part.late) for part in parts]
        return cls([data.target[cases] for cases in counted], [place[cases] for cases in counted], len(late))

    def loss_over(self, said: Sequence[Floats]) -> LossOf:
        """1 - AUC, on average over the parts: what is told by different models is not ranked together."""
        each = [
            macro_auc_over(target, shares, place, self.n_cases)
            for target, shares, place in zip(self.targets, said, self.places, strict=True)
        ]

        def loss_of(units: NDArray[np.int64]) -> float:
            found = np.array([one(units) for one in each])
            known = found[np.isfinite(found)]
            return 1.0 - float(known.mean()) if len(known) else float("nan")

        return loss_of


def _counted_cases(data: OutcomePrefixes, cases: NDArray[np.int64]) -> NDArray[np.int64]:
    """The case of each of the prefixes of these cases that count, (rows,)."""
    taken = data.take(cases)
    return np.asarray(cases[taken.case_of_event][taken.is_counted])

"""Ensemble: of median, trees, a network and their mean the cheapest that is good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from pmlcli.algorithms._interface.parameters import InterCase, MemberNames
from pmlcli.algorithms._learning.choice import Choice, LateCases, LossOf, cheapest_tied, rounds_of_means
from pmlcli.algorithms._learning.choosing import ChoosingAlgorithm, with_baseline
from pmlcli.algorithms._learning.recency import Turns
from pmlcli.algorithms._prefixes.request import Rows
from pmlcli.algorithms.remaining_time._quantiles import MIDDLE, ascending
from pmlcli.algorithms.remaining_time._rows import DAY, EarlyAndLate, known_rows, remaining_seconds
from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor
from pmlcli.arrays import Floats
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.evaluation.measurement import mean_over


@dataclass(kw_only=True)
class Ensemble(ChoosingAlgorithm[Prefixes], RemainingTimePredictor[Prefixes]):
    """Tries `median` and its members, cheapest first, on the latest training cases that had time to end. It
    takes the cheapest that the best does not beat beyond chance; the mean of the quantiles of those that are
    close is tried too. No dearer member is trained where the one before it showed no hope of a gain, and none
    on fewer than 100 cases that have ended.
    """

    extra: ClassVar[str | None] = "boost,neural"
    source: ClassVar[str] = (
        "Bates and Granger (1969), The combination of forecasts, Operational Research Quarterly 20(4); "
        "Ratcliff (1979), Group reaction time distributions"
    )

    members: MemberNames = ("boosting", "survival")
    inter_case: InterCase = False

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with attributes, and inter-case features on demand: each member takes what it knows."""
        return PrefixEncoding(inter_case=self.inter_case)

    def member_names(self) -> tuple[str, ...]:
        """The algorithms to try."""
        return with_baseline(self.task.baseline, self.members)

    def choose(self, data: Prefixes) -> Choice:
        """By the mean absolute error of the medians, over prefixes of two events or more if there are any."""
        early, late, is_ripe = EarlyAndLate.of(data)
        names = self.names_by_cost(int((~data.is_running).sum()))
        late = late[np.argsort(data.starts[late], kind="stable")]
        if len(known_rows(data.take(early))) == 0 or len(late) == 0:
            return cheapest_tied((), tuple(self.parts), 0)
        known, asked, turns = data.take(early), data.take(late), Turns("auto" if is_ripe else "off")
        rows = _judged_rows(asked)

        def answer(name: str) -> Floats:
            one = self.parts[name]
            turns.take(one, partial(one.fit, known))
            return ascending(one.quantiles(asked, rows))

        cases = LateCases(len(np.unique(asked.case_of_event[rows])), self.seed)
        rounds = rounds_of_means(
            names, answer, _mean, lambda said: cases.losses(_error_over(asked, rows, said))
        )
        is_short = len(names) < len(self.parts)
        return cheapest_tied(rounds, tuple(self.parts), cases.n_cases, is_short=is_short)

    def say(self, choice: Choice) -> str:
        """With each candidate's error."""
        return choice.sentence("mean absolute error in days", lambda loss: f"{loss:.3g}")

    def quantiles(self, data: Prefixes, rows: Rows) -> Floats:
        """The mean of the quantiles of the members taken."""
        said = [ascending(one.quantiles(data, rows)) for one in self.kept_members().values()]
        return _mean(said)


def _mean(said: Sequence[Floats]) -> Floats:
    total = np.zeros_like(said[0])
    for one in said:
        total += one
    return np.asarray(total / len(said))


def _judged_rows(late: Prefixes) -> Rows:
    """The known prefixes of two events or more, as they are measured; all known ones where there are none."""
    rows = known_rows(late)
    longer = rows[late.position[rows] > 0]
    return longer if len(longer) else rows


def _error_over(late: Prefixes, rows: Rows, said: Floats) -> LossOf:
    errors = np.abs(said[:, MIDDLE] - remaining_seconds(late)[rows]) / DAY
    _cases, place, counts = np.unique(late.case_of_event[rows], return_inverse=True, return_counts=True)
    sums = np.bincount(place, weights=errors).astype(np.float64)
    return mean_over(sums, counts.astype(np.float64))

"""Ensemble: the cheapest of median, XGBoost, survival and a mean that is as good as the best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from pmlcli.algorithms._interface.parameters import InterCase, MemberNames
from pmlcli.algorithms._learning.choice import Choice, LateCases, LossOf, cheapest_tied, rounds_of_means
from pmlcli.algorithms._learning.choosing import ChoosingAlgorithm, with_baseline
from pmlcli.algorithms._learning.recency import Turns
from pmlcli.algorithms._learning.validation import Cut, rolling_cuts
from pmlcli.algorithms.remaining_time._quantiles import MIDDLE, ascending
from pmlcli.algorithms.remaining_time._rows import DAY, EarlyAndLate, known_rows, remaining_seconds
from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.evaluation.measurement import mean_over


@dataclass(kw_only=True)
class Ensemble(ChoosingAlgorithm[Prefixes], RemainingTimePredictor[Prefixes]):
    """Tries `median` and its members, cheapest first, on the latest training cases that had time to end; with
    fewer than 500 also on those before them, each time trained on the earlier ones. It takes the cheapest
    that the best does not beat beyond chance or probably by much. The mean of the quantiles of those that are
    close is tried too. A more expensive member is not trained if the one before it was not likely to gain
    anything; with fewer than 100 ended cases only `survival` is.
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
        names = self.names_by_cost(int((~data.is_running).sum()))
        if not (judged := Judged.cuts(data)):
            return cheapest_tied((), tuple(self.parts), 0)

        def answer(name: str) -> list[Floats]:
            return [one.said(self.parts[name]) for one in judged]

        cases = LateCases(sum(one.n_cases for one in judged), self.seed)
        rounds = rounds_of_means(names, answer, _mean, lambda said: cases.losses(error_over(judged, said)))
        is_short = len(names) < len(self.parts)
        return cheapest_tied(rounds, tuple(self.parts), cases.n_cases, is_short=is_short)

    def say(self, choice: Choice) -> str:
        """With each candidate's error."""
        return choice.sentence("mean absolute error in days", lambda loss: f"{loss:#.3g}")

    def quantiles(self, data: Prefixes, rows: Codes) -> Floats:
        """The mean of the quantiles of the members taken."""
        said = [ascending(one.quantiles(data, rows)) for one in self.kept_members().values()]
        return _mean(said)


def _mean(said: Sequence[Floats]) -> Floats:
    return np.asarray(sum(said)) / len(said)


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

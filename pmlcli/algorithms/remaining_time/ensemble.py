"""Of median, trees, a network and their mean the cheapest that is good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pmlcli.algorithms._interface.parameters import InterCase, MemberNames
from pmlcli.algorithms._learning.choice import Choice, LateCases, cheapest_tied, rounds_of_means
from pmlcli.algorithms._learning.choosing import ChoosingAlgorithm, with_baseline
from pmlcli.algorithms.remaining_time._judged import Judged, error_over
from pmlcli.algorithms.remaining_time._quantiles import ascending
from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes


@dataclass(kw_only=True)
class Ensemble(ChoosingAlgorithm[Prefixes], RemainingTimePredictor[Prefixes]):
    """Tries `median` and its members, cheapest first, on the latest training cases that had time to end; on
    fewer than 500 also on those before them, each time trained on what was earlier. It takes the cheapest
    that the best beats neither beyond chance nor likely by much; the mean of the quantiles of those that are
    close is tried too. No dearer member is trained where the one before it showed no hope of a gain; on fewer
    than 100 ended cases only `survival` is.
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

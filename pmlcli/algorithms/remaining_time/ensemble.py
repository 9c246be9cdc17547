"""Several algorithms together, each as much as it helped to predict the latest training cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from pmlcli.algorithms._interface.base import Algorithm, clone
from pmlcli.algorithms._interface.parameters import InterCase, MemberNames
from pmlcli.algorithms._learning.recency import fit_in_turn
from pmlcli.algorithms._learning.validation import weights_by_error
from pmlcli.algorithms._prefixes.request import Rows
from pmlcli.algorithms.remaining_time._quantiles import LEVELS, MIDDLE, Floats, ascending
from pmlcli.algorithms.remaining_time._rows import EarlyAndLate, known_rows, remaining_seconds
from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes

BASELINE = "median"

Members = dict[str, RemainingTimePredictor[Prefixes]]


@dataclass(kw_only=True)
class Ensemble(RemainingTimePredictor[Prefixes]):
    """Averages the quantiles of its members. A member counts the more the less it erred on the latest fifth
    of the training cases that had time to end, and one that erred much more is left out. Where the median of
    the last activities was clearly better than all others, the median alone it is.
    """

    extra: ClassVar[str | None] = "boost,neural"
    container: ClassVar[str] = "members"
    tolerance: ClassVar[float] = 1e-9
    source: ClassVar[str] = (
        "Bates and Granger (1969), The combination of forecasts, Operational Research Quarterly 20(4); "
        "Ratcliff (1979), Group reaction time distributions"
    )

    members: MemberNames = ("median", "boosting", "survival")
    inter_case: InterCase = False

    weights_: dict[str, float] = field(init=False, repr=False)

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with attributes, and inter-case features on demand: each member takes what it knows."""
        return PrefixEncoding(inter_case=self.inter_case)

    def member_names(self) -> tuple[str, ...]:
        """As the parameter says."""
        return self.members

    def kept_members(self) -> dict[str, Algorithm[Any]]:
        """Members of some weight, in the order in which they are named."""
        return dict(self._helpers())

    def fit(self, data: Prefixes) -> None:
        """Weighs members that know only the earlier cases, then trains those that help on all; what
        the first finds of `recency` holds for the others.
        """
        early, late, is_ripe = EarlyAndLate.of(data)
        if len(known_rows(data.take(early))) == 0 or len(late) == 0:
            early = late = np.arange(data.n_cases)
        tried: Members = {name: clone(one) for name, one in self.parts.items()}
        fit_in_turn(tried.values(), data.take(early), "auto" if is_ripe else "off")
        errors = _errors(tried, data.take(late)) if is_ripe else dict.fromkeys(tried, 1.0)
        self._train(data, weights_by_error(errors, BASELINE), tried)

    def refit(self, data: Prefixes, trial: Self) -> None:
        """Trains the members that helped the trial on everything."""
        self._train(data, dict(trial.weights_), trial.parts)

    def quantiles(self, data: Prefixes, rows: Rows) -> Floats:
        """The weighted mean of the members' quantiles."""
        found = np.zeros((len(rows), len(LEVELS)))
        for name, one in self._helpers().items():
            found += self.weights_[name] * ascending(one.quantiles(data, rows))
        return found

    def _helpers(self) -> Members:
        return {name: one for name, one in self.parts.items() if name in self.weights_}

    def _train(self, data: Prefixes, weights: dict[str, float], guides: Members) -> None:
        self.weights_ = weights
        for name, one in self._helpers().items():
            one.refit(data, guides[name])


def _errors(tried: Members, late: Prefixes) -> dict[str, float]:
    rows = known_rows(late)
    came = remaining_seconds(late)[rows]
    answers = [np.sort(one.quantiles(late, rows), axis=1)[:, MIDDLE] for one in tried.values()]
    errors = np.abs(np.column_stack(answers) - came[:, None]).mean(axis=0)
    return dict(zip(tried, errors.tolist(), strict=True))

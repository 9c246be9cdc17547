"""Several algorithms together, each as much as it helped to predict the latest training cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self

import numpy as np

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.members import fit_in_turn, member, members
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.validation import weights_by_error
from pmlcli.algorithms._prefixes.request import Rows
from pmlcli.algorithms.remaining_time._quantiles import LEVELS, MIDDLE, Floats
from pmlcli.algorithms.remaining_time._rows import HeldOut, known_rows, remaining_seconds
from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes

BASELINE = "median"


@dataclass(kw_only=True)
class Ensemble(RemainingTimePredictor):
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

    members: Annotated[tuple[str, ...], Param("Algorithms to ask.")] = ("median", "boosting", "survival")
    around: Annotated[bool, Param("Also look at open cases, arrivals and work load.")] = False

    weights_: dict[str, float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._members: dict[str, Any] = members(self, self.members)

    @property
    def looks_around(self) -> bool:  # type: ignore[override]
        """As the parameter says."""
        return self.around

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with attributes, and what is around: each member takes what it knows."""
        return PrefixEncoding(around=self.around)

    def kept_members(self) -> dict[str, Algorithm[Any]]:
        """Members of some weight, in the order in which they are named."""
        return {name: one for name, one in self._members.items() if name in self.weights_}

    def fit(self, data: Prefixes) -> None:
        """Weighs members that know only the earlier cases, then trains those that help on all; the first
        that finds the better memory tells the others.
        """
        early, late, is_ripe = HeldOut.of(data)
        if len(known_rows(data.take(early))) == 0 or len(late) == 0:
            early = late = np.arange(data.n_cases)
        fit_in_turn(self._members.values(), data.take(early), "auto" if is_ripe else "long")
        errors = self._errors(data.take(late)) if is_ripe else dict.fromkeys(self._members, 1.0)
        self.weights_ = weights_by_error(errors, BASELINE)
        self._train(data, self._members)

    def refit(self, data: Prefixes, trial: Self) -> None:
        """Trains the members that helped the trial on everything."""
        self.weights_ = dict(trial.weights_)
        self._train(data, trial._members)

    def quantiles(self, data: Prefixes, rows: Rows) -> Floats:
        """The weighted mean of the members' quantiles."""
        found = np.zeros((len(rows), len(LEVELS)))
        for name in self.kept_members():
            own = np.maximum(self._members[name].quantiles(data, rows), 0.0)
            found += self.weights_[name] * np.sort(own, axis=1)
        return found

    def _train(self, data: Prefixes, guides: dict[str, Any]) -> None:
        for name in self.weights_:
            one = member(self, f"{self.task}/{name}")
            one.refit(data, guides[name])
            self._members[name] = one

    def _errors(self, late: Prefixes) -> dict[str, float]:
        rows = known_rows(late)
        came = remaining_seconds(late)[rows]
        answers = [np.sort(one.quantiles(late, rows), axis=1)[:, MIDDLE] for one in self._members.values()]
        errors = np.abs(np.column_stack(answers) - came[:, None]).mean(axis=0)
        return dict(zip(self._members, errors.tolist(), strict=True))

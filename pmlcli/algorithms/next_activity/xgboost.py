"""Boosted trees over counts, last activities, times and attributes of the prefix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

from pmlcli.algorithms._calibration import softmax
from pmlcli.algorithms._next_activity import NextActivityPredictor, late_cases, pooled, targets, unpooled
from pmlcli.algorithms._param import Param
from pmlcli.algorithms._trees import Trees
from pmlcli.encoding.prefix_table import tabulate
from pmlcli.encoding.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.vocabulary import FIRST_CODE

PATIENCE = 8  # rounds without progress on the late cases before training stops
RARE = 20
"""Classes that follow fewer prefixes than this share one class of trees."""


@dataclass(kw_only=True)
class XGBoost(NextActivityPredictor):
    """Each round adds a small tree for each next activity, which corrects those before it. Activities too
    rare to have trees of their own share some, and split their answer as often as each occurred.
    """

    source: ClassVar[str] = "Chen and Guestrin (2016), XGBoost: a scalable tree boosting system, KDD"
    extra: ClassVar[str | None] = "boost"
    container: ClassVar[str] = "xgboost"

    rounds: Annotated[int, Param("Most trees for each activity.", ge=1, le=10_000)] = 100
    learning_rate: Annotated[float, Param("Weight of each tree.", gt=0, le=1)] = 0.15
    max_depth: Annotated[int, Param("Depth of each tree.", ge=1, le=12)] = 5
    most_rows: Annotated[int, Param("Prefixes learned from, the latest.", ge=100)] = 50_000

    rounds_: int = field(init=False, repr=False)
    shares_: NDArray[np.float64] = field(init=False, repr=False)
    """(groups, classes): what each group of trees says of each class; a rare one is a share of its group."""
    booster_: bytes = field(init=False, repr=False)

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def rehearse(self, data: Prefixes) -> None:
        """Learns from the earlier cases until the others are predicted no better."""
        rows = self._taught(data)
        is_late = late_cases(data)[data.case_of_event[rows]]
        self._grow(data, rows[~is_late], rows[is_late])

    def fit(self, data: Prefixes) -> None:
        """Learns from all, as many rounds as were best for the late cases."""
        self.rehearse(data)
        self.refit(data, self)

    def refit(self, data: Prefixes, trial: Self) -> None:
        """As many rounds as were best for `trial`."""
        self.rounds_ = trial.rounds_
        self._grow(data, self._taught(data))

    def restore(self, state: dict[str, Any]) -> None:
        """Reads the trees; their structure was checked when the file was."""
        super().restore(state)
        self._trees = Trees.from_json(self.booster_)

    def probabilities(self, data: Prefixes) -> NDArray[np.float64]:
        """The trees' shares; a rare class's is its part of its group's."""
        found = softmax(self._trees.margins(tabulate(data, np.arange(data.n_events), "rank")))
        return unpooled(found, self.shares_)

    def _taught(self, data: Prefixes) -> NDArray[np.int64]:
        """The prefixes to learn from, and, learned from these, the groups."""
        rows = np.flatnonzero(targets(data) >= FIRST_CODE)[-self.most_rows :]
        self.shares_ = pooled(np.bincount(targets(data)[rows], minlength=data.end_class + 1), RARE)
        return rows

    def _grow(self, data: Prefixes, rows: NDArray[np.int64], late: NDArray[np.int64] | None = None) -> None:
        """Trees from the prefixes `rows`; with `late` until they do not get better at these."""
        settings = {
            "objective": "multi:softprob", "num_class": len(self.shares_), "eta": self.learning_rate,
            "max_depth": self.max_depth, "min_child_weight": 2, "lambda": 2.0, "subsample": 0.7,
            "colsample_bytree": 0.5, "max_bin": 64, "seed": self.seed, "nthread": 1,
        }  # fmt: skip
        if late is None or len(late) == 0:
            self.rounds_ = getattr(self, "rounds_", self.rounds)
            grown = xgboost.train(settings, self._matrix(data, rows), self.rounds_)
        else:
            stop = xgboost.callback.EarlyStopping(rounds=PATIENCE, save_best=True)
            how = {"evals": [(self._matrix(data, late), "late")], "verbose_eval": False, "callbacks": [stop]}
            grown = xgboost.train(settings, self._matrix(data, rows), self.rounds, **how)
            self.rounds_ = grown.num_boosted_rounds()
        self.restore({"booster_": bytes(grown.save_raw("json"))})

    def _matrix(self, data: Prefixes, rows: NDArray[np.int64]) -> xgboost.DMatrix:
        group = self.shares_.argmax(axis=0)
        return xgboost.DMatrix(tabulate(data, rows, "rank"), group[targets(data)[rows]], nthread=1)

"""Boosted trees for quantiles of the time that remains: activities, times, attributes, work load."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import xgboost

from pmlcli.algorithms._param import Param
from pmlcli.algorithms._prefix import Rows
from pmlcli.algorithms._quantiles import OUTER, Floats, filled
from pmlcli.algorithms._remaining_time import DAY, RemainingTimePredictor, learned_rows, remaining_seconds
from pmlcli.algorithms._trees import Trees
from pmlcli.algorithms._validation import latest_rows
from pmlcli.encoding.prefix_table import tabulate
from pmlcli.encoding.prefixes import PrefixEncoding, Prefixes

PATIENCE = 15  # trees of each level without progress on the latest cases before training stops


@dataclass(kw_only=True)
class Boosting(RemainingTimePredictor):
    """Every tree corrects the trees before it where they are too often too high or too low, in logarithms of
    times. It reads counts of activities, the last three, times, attributes, and on demand how busy the
    process is. How many trees are enough is decided on the latest training cases.
    """

    extra: ClassVar[str | None] = "boost"
    container: ClassVar[str] = "xgboost"
    source: ClassVar[str] = (
        "Chen and Guestrin (2016), XGBoost: a scalable tree boosting system; "
        "Koenker and Bassett (1978), Regression quantiles"
    )

    trees: Annotated[int, Param("Most trees for each of three quantiles.", ge=1, le=10_000)] = 300
    learning_rate: Annotated[float, Param("Weight of each tree.", gt=0, le=1)] = 0.08
    max_depth: Annotated[int, Param("Depth of each tree.", ge=1, le=12)] = 6
    around: Annotated[bool, Param("Also look at open cases, arrivals and work load.")] = False
    most_rows: Annotated[int, Param("Prefixes learned from, evenly chosen.", ge=100)] = 20_000

    booster_: bytes = field(init=False, repr=False)
    rounds_: int = field(init=False, repr=False)

    @property
    def looks_around(self) -> bool:  # type: ignore[override]
        """As the parameter says."""
        return self.around

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with attributes, and what is around."""
        return PrefixEncoding(around=self.around)

    def fit(self, data: Prefixes) -> None:
        """Finds on the latest cases how many trees are enough, and grows as many from all."""
        rows = self._chosen(data)
        is_late = latest_rows(data, rows)
        self.rounds_ = self.trees
        if is_late.any() and not is_late.all():
            held_out = self._matrix(data, rows[is_late])
            trial = self._grow(self._matrix(data, rows[~is_late]), held_out)
            self.rounds_ = trial.best_iteration + 1
        self._keep(self._grow(self._matrix(data, rows)))

    def refit(self, data: Prefixes, trial: Self) -> None:
        """As many trees as the trial found enough."""
        self.rounds_ = trial.rounds_
        self._keep(self._grow(self._matrix(data, self._chosen(data))))

    def restore(self, state: dict[str, Any]) -> None:
        """Reads the trees; their structure was checked when the file was."""
        super().restore(state)
        self._trees = Trees.from_json(self.booster_, rounds=self.trees, depth=self.max_depth)

    def quantiles(self, data: Prefixes, rows: Rows) -> Floats:
        """What the trees say."""
        return np.expm1(filled(self._trees.margins(tabulate(data, rows, "rank")))) * DAY

    def _chosen(self, data: Prefixes) -> Rows:
        rows = learned_rows(data)
        return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), self.most_rows)).astype(np.int64))]

    def _matrix(self, data: Prefixes, rows: Rows) -> xgboost.DMatrix:
        logarithms = np.log1p(remaining_seconds(data)[rows] / DAY)
        return xgboost.DMatrix(tabulate(data, rows, "rank"), logarithms, nthread=1)

    def _grow(self, matrix: xgboost.DMatrix, held_out: xgboost.DMatrix | None = None) -> xgboost.Booster:
        settings = {
            "objective": "reg:quantileerror", "quantile_alpha": list(OUTER), "eta": self.learning_rate,
            "max_depth": self.max_depth, "min_child_weight": 10, "subsample": 0.7, "colsample_bytree": 0.7,
            "max_bin": 64, "seed": self.seed, "nthread": 1,
        }  # fmt: skip
        if held_out is None:
            return xgboost.train(settings, matrix, self.rounds_)
        watched, stop = [(held_out, "latest")], {"early_stopping_rounds": PATIENCE, "verbose_eval": False}
        return xgboost.train(settings, matrix, self.trees, evals=watched, **stop)

    def _keep(self, booster: xgboost.Booster) -> None:
        self.restore({"booster_": bytes(booster.save_raw("json"))})

"""XGBoost: boosted trees for quantiles of the remaining time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import xgboost

from pmlcli import runtime
from pmlcli.algorithms._interface.parameters import (
    Estimators,
    InterCase,
    LearningRate,
    MaxDepth,
    MostRows,
    Recency,
)
from pmlcli.algorithms._learning.boosting import grow_median, grow_quantiles
from pmlcli.algorithms._learning.recency import chosen_recency, recency_weights, tried_in_time
from pmlcli.algorithms._learning.trees import Trees
from pmlcli.algorithms._learning.validation import CHOOSING_TIME
from pmlcli.algorithms._prefixes.rows import evenly
from pmlcli.algorithms.remaining_time._quantiles import OUTER, filled
from pmlcli.algorithms.remaining_time._rows import DAY, EarlyAndLate, learned_rows, log_days
from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.table import tabulate


@dataclass(kw_only=True)
class Boosting(RemainingTimePredictor[Prefixes]):
    """Every tree corrects those before it where they are too often too high or too low, in logarithms of
    times. Features are counts of activities, the last three, the time since each activity, times, attributes
    and, on request, how busy the process is. The latest training cases choose the number of trees and whether
    late cases count more.
    """

    extra: ClassVar[str | None] = "boost"
    container: ClassVar[str] = "xgboost"
    can_stop_early: ClassVar[bool] = True
    source: ClassVar[str] = (
        "Chen and Guestrin (2016), XGBoost: a scalable tree boosting system; "
        "Koenker and Bassett (1978), Regression quantiles"
    )

    n_estimators: Estimators = 300
    learning_rate: LearningRate = 0.08
    max_depth: MaxDepth = 6
    inter_case: InterCase = False
    most_rows: MostRows = 20_000
    recency: Recency = "auto"

    booster_: bytes = field(init=False, repr=False)
    n_estimators_: int = field(init=False, repr=False)
    recency_: str = field(init=False, repr=False)

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with attributes, and inter-case features on demand."""
        return PrefixEncoding(inter_case=self.inter_case)

    def fit(self, data: Prefixes) -> None:
        """Finds `recency` and the number of trees for the median on the latest cases; grows these."""
        with runtime.use_part_of_time(CHOOSING_TIME):
            self._choose(data)
        self.refit(data, self)

    def _choose(self, data: Prefixes) -> None:
        rows, held_out = evenly(learned_rows(data), self.most_rows), EarlyAndLate.of(data)
        early, late = (rows[np.isin(data.case_of_event[rows], side)] for side in held_out[:2])
        recencies, self.n_estimators_ = held_out.recencies(self.recency), self.n_estimators
        self.recency_ = recencies[0]
        if not (len(early) and len(late)):
            return
        watched = self._matrix(data, late)
        taught = ((recency, self._matrix(data, early, recency)) for recency in tried_in_time(recencies))
        tried = {m: grow_median(self._settings(), one, self.n_estimators, watched) for m, one in taught}
        self.recency_ = chosen_recency({recency: _days_off(one, watched) for recency, one in tried.items()})
        self.n_estimators_ = tried[self.recency_].num_boosted_rounds()

    def refit(self, data: Prefixes, trial: Self) -> None:
        """With the `recency` and as many trees as were best for the trial."""
        self.n_estimators_, self.recency_ = trial.n_estimators_, trial.recency_
        matrix = self._matrix(data, evenly(learned_rows(data), self.most_rows), self.recency_)
        grown = grow_quantiles(self._settings(), matrix, self.n_estimators_, OUTER)
        self.n_estimators_ = grown.num_boosted_rounds()
        booster = bytes(grown.save_raw("json"))
        self.restore({"n_estimators_": self.n_estimators_, "recency_": self.recency_, "booster_": booster})

    def restore(self, state: dict[str, Any]) -> None:
        """Reads the trees; their structure was checked when the file was."""
        super().restore(state)
        self._trees = Trees.from_json(self.booster_, rounds=self.n_estimators, depth=self.max_depth)

    def quantiles(self, data: Prefixes, rows: Codes) -> Floats:
        """What the trees say."""
        return np.expm1(filled(self._trees.margins(tabulate(data, rows, "rank", ages=True)))) * DAY

    def _matrix(self, data: Prefixes, rows: Codes, recency: str = "off") -> xgboost.DMatrix:
        table, weights = tabulate(data, rows, "rank", ages=True), recency_weights(data, recency)[rows]
        return xgboost.DMatrix(table, log_days(data, rows), weight=weights, nthread=1)

    def _settings(self) -> dict[str, Any]:
        return {"eta": self.learning_rate, "max_depth": self.max_depth, "seed": self.seed}


def _days_off(grown: xgboost.Booster, late: xgboost.DMatrix) -> float:
    return float(np.abs(np.expm1(grown.predict(late)) - np.expm1(late.get_label())).mean())

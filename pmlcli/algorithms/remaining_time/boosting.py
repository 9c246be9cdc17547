"""Boosted trees for quantiles of the time that remains: activities, times, attributes, work load."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import xgboost

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.boosting import grow_median, grow_quantiles
from pmlcli.algorithms._learning.recency import chosen_memory, memory_weights
from pmlcli.algorithms._learning.trees import Trees
from pmlcli.algorithms._prefixes.request import Rows
from pmlcli.algorithms._prefixes.rows import evenly
from pmlcli.algorithms.remaining_time._quantiles import OUTER, Floats, filled
from pmlcli.algorithms.remaining_time._rows import DAY, EarlyAndLate, learned_rows, log_days
from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.table import tabulate


@dataclass(kw_only=True)
class Boosting(RemainingTimePredictor[Prefixes]):
    """Every tree corrects those before it where they are too often too high or low, in logarithms of times.
    It reads counts of activities, the last three, how long ago each was, times, attributes, and on demand how
    busy the process is. The latest training cases tell how many trees are enough, and which memory is better.
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
    memory: Annotated[
        Literal["long", "short", "auto"],
        Param("Whether all samples count alike, or late ones more; auto: what predicts the latest better."),
    ] = "auto"

    booster_: bytes = field(init=False, repr=False)
    rounds_: int = field(init=False, repr=False)
    memory_: str = field(init=False, repr=False)

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with attributes, and what is around."""
        return PrefixEncoding(around=self.around)

    def fit(self, data: Prefixes) -> None:
        """Finds memory and number of trees for the median on the latest cases, and grows as many a level."""
        rows, held_out = evenly(learned_rows(data), self.most_rows), EarlyAndLate.of(data)
        early, late = (rows[np.isin(data.case_of_event[rows], side)] for side in held_out[:2])
        memories, self.rounds_ = held_out.memories(self.memory), self.trees
        self.memory_ = memories[0]
        if len(early) and len(late):
            watched = self._matrix(data, late)
            taught = {memory: self._matrix(data, early, memory) for memory in memories}
            tried = {m: grow_median(self._settings(), one, self.trees, watched) for m, one in taught.items()}
            self.memory_ = chosen_memory({memory: _days_off(one, watched) for memory, one in tried.items()})
            self.rounds_ = tried[self.memory_].num_boosted_rounds()
        self.refit(data, self)

    def refit(self, data: Prefixes, trial: Self) -> None:
        """With the memory and as many trees as were best for the trial."""
        self.rounds_, self.memory_ = trial.rounds_, trial.memory_
        matrix = self._matrix(data, evenly(learned_rows(data), self.most_rows), self.memory_)
        grown = grow_quantiles(self._settings(), matrix, self.rounds_, OUTER)
        booster = bytes(grown.save_raw("json"))
        self.restore({"rounds_": self.rounds_, "memory_": self.memory_, "booster_": booster})

    def restore(self, state: dict[str, Any]) -> None:
        """Reads the trees; their structure was checked when the file was."""
        super().restore(state)
        self._trees = Trees.from_json(self.booster_, rounds=self.trees, depth=self.max_depth)

    def quantiles(self, data: Prefixes, rows: Rows) -> Floats:
        """What the trees say."""
        return np.expm1(filled(self._trees.margins(tabulate(data, rows, "rank", ages=True)))) * DAY

    def _matrix(self, data: Prefixes, rows: Rows, memory: str = "long") -> xgboost.DMatrix:
        table, weights = tabulate(data, rows, "rank", ages=True), memory_weights(data, memory)[rows]
        return xgboost.DMatrix(table, log_days(data, rows), weight=weights, nthread=1)

    def _settings(self) -> dict[str, Any]:
        return {"eta": self.learning_rate, "max_depth": self.max_depth, "seed": self.seed}


def _days_off(grown: xgboost.Booster, late: xgboost.DMatrix) -> float:
    return float(np.abs(np.expm1(grown.predict(late)) - np.expm1(late.get_label())).mean())

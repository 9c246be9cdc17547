"""XGBoost: boosted trees over counts, last events, times and attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

from pmlcli import runtime
from pmlcli.algorithms._interface.parameters import Estimators, LearningRate, MaxDepth
from pmlcli.algorithms._learning.boosting import grow
from pmlcli.algorithms._learning.calibration import softmax
from pmlcli.algorithms._learning.trees import Trees
from pmlcli.algorithms._learning.validation import CHOOSING_TIME
from pmlcli.algorithms.outcome._rows import ASKED_ROWS, Lessons, held_out_parts, lessons
from pmlcli.algorithms.outcome._task import OutcomePredictor
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.table import tabulate
from pmlcli.encoding.outcome.encoding import OutcomePrefixes

FEWEST_TREES = 10
_FOLDS_LEFT_OUT = "the number of trees chosen on {} of the held-out parts"


@dataclass(kw_only=True)
class Boosting(OutcomePredictor):
    """Many small trees, each of which corrects those before it. Held-out cases choose their number. Missing
    attributes stay missing.
    """

    source: ClassVar[str] = "Chen and Guestrin (2016), XGBoost: a scalable tree boosting system, KDD"
    extra: ClassVar[str | None] = "boost"
    container: ClassVar[str] = "xgboost"
    can_stop_early: ClassVar[bool] = True

    n_estimators: Estimators = 300
    learning_rate: LearningRate = 0.05
    max_depth: MaxDepth = 4

    n_estimators_: int = field(init=False, repr=False)
    booster_: bytes = field(init=False, repr=False)
    """The trees, in XGBoost's JSON."""

    def fit(self, data: OutcomePrefixes) -> None:
        """Chooses the number of trees, then learns from all prefixes that count."""
        taught = lessons(data)
        table = tabulate(data, taught.rows, "rank")
        with runtime.use_part_of_time(CHOOSING_TIME):
            self.n_estimators_ = self._choose(data, taught, table)
        self._learn(table, taught.target, data.n_classes)

    def refit(self, data: OutcomePrefixes, trial: Self) -> None:
        """Learns from all, as many trees as the trial chose."""
        taught = lessons(data)
        self.n_estimators_ = trial.n_estimators_
        self._learn(tabulate(data, taught.rows, "rank"), taught.target, data.n_classes)

    def _choose(self, data: OutcomePrefixes, taught: Lessons, table: NDArray[np.float32]) -> int:
        """As many trees as predict held-out cases best, never fewer than ten."""
        losses: list[Floats] = []
        for held_out in runtime.in_time(held_out_parts(data, taught), _FOLDS_LEFT_OUT.format):
            parts = [
                xgboost.DMatrix(table[here], taught.target[here], nthread=1) for here in (~held_out, held_out)
            ]
            found: dict[str, Any] = {}
            grow(
                self._settings(data.n_classes), parts[0], self.n_estimators, evals=[(parts[1], "late")],
                evals_result=found, verbose_eval=False,
            )  # fmt: skip
            losses.append(np.asarray(next(iter(found["late"].values()))))
        # A part whose trees were cut short tells only of the first few, unless there is no other.
        whole = [one for one in losses if len(one) == self.n_estimators] or losses[:1]
        return max(int(np.sum(whole, axis=0).argmin()) + 1, min(FEWEST_TREES, self.n_estimators))

    def _settings(self, n_classes: int) -> dict[str, Any]:
        of_many = {"objective": "multi:softprob", "num_class": n_classes}
        return (of_many if n_classes > 2 else {"objective": "binary:logistic"}) | {
            "eta": self.learning_rate,
            "max_depth": self.max_depth,
            "min_child_weight": 5,
            "subsample": 0.8,
            "colsample_bytree": 0.5,
            "seed": self.seed,
            "nthread": 1,
        }

    def _learn(self, table: NDArray[np.float32], target: Codes, n_classes: int) -> None:
        taught = xgboost.DMatrix(table, target, nthread=1)
        trained = grow(self._settings(n_classes), taught, self.n_estimators_)
        self.n_estimators_ = trained.num_boosted_rounds()
        self.restore({"booster_": bytes(trained.save_raw("json"))})

    def restore(self, state: dict[str, Any]) -> None:
        """Reads the trees; their structure was checked when the file was."""
        super().restore(state)
        self._trees = Trees.from_json(self.booster_, rounds=self.n_estimators, depth=self.max_depth)

    def probabilities(self, data: OutcomePrefixes, rows: Codes) -> NDArray[np.float64]:
        """The trees' shares of each outcome."""
        parts = (rows[at : at + ASKED_ROWS] for at in range(0, len(rows), ASKED_ROWS))
        found = [self._trees.margins(tabulate(data, part, "rank")) for part in parts]
        margins = np.concatenate([np.zeros((0, len(self._trees.start))), *found])
        return softmax(np.column_stack([np.zeros(len(rows)), margins]) if data.n_classes == 2 else margins)

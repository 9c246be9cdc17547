"""XGBoost: boosted trees over lags, rolling means and the calendar, for all series."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from pmlcli.algorithms._interface.parameters import Estimators, LearningRate, MaxDepth
from pmlcli.algorithms._learning.trees import Trees
from pmlcli.algorithms.forecast._boosted import Settings, boosted, corrected
from pmlcli.algorithms.forecast._holidays import HolidaysParameter
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class XGBoost(Forecaster):
    """Many small trees correct the mean of the same weekday, directly for each step ahead.

    Features are the last four weeks, their mean and spread, the calendar and the step. Values are relative to
    the window, so that a trend does no harm. One model learns from all series together.
    """

    extra: ClassVar[str | None] = "boost"
    container: ClassVar[str] = "xgboost"
    can_stop_early: ClassVar[bool] = True
    source: ClassVar[str] = "Chen and Guestrin (2016), XGBoost: a scalable tree boosting system, KDD"
    takes_regressors: ClassVar[bool] = True

    holidays: HolidaysParameter = None
    n_estimators: Estimators = 150
    learning_rate: LearningRate = 0.05
    max_depth: MaxDepth = 4

    booster_: bytes = field(init=False, repr=False)
    """The trees, in XGBoost's JSON."""

    def fit(self, data: tuple[Series, ...]) -> None:
        """Learns from windows of all series, each step ahead a row."""
        settings = Settings(self.n_estimators, self.learning_rate, self.max_depth, self.seed)
        self.restore({"booster_": boosted(data, self.horizon, settings)})

    def restore(self, state: dict[str, Any]) -> None:
        """Reads the trees, whose structure was checked when the file was."""
        super().restore(state)
        self._trees = Trees.from_json(self.booster_, rounds=self.n_estimators, depth=self.max_depth)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """The mean of the same weekday and the trees' corrections."""
        return corrected(self._trees, data, self.horizon)[:horizon]

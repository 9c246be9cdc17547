"""Prophet and XGBoost: boosted trees correct the errors of Prophet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from pmlcli.algorithms._interface.parameters import Estimators, LearningRate, MaxDepth
from pmlcli.algorithms._learning.trees import Trees
from pmlcli.algorithms.forecast._boosted import Lessons, Settings, boosted, corrected, usual_lessons
from pmlcli.algorithms.forecast._each import Learned, learn_each
from pmlcli.algorithms.forecast._holidays import HolidaysParameter
from pmlcli.algorithms.forecast._methods.folds import out_of_fold
from pmlcli.algorithms.forecast._methods.windows import Base
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series

PROPHET = "prophet"


@dataclass(kw_only=True)
class ProphetXGBoost(Forecaster):
    """Prophet forecasts trend, seasons and holidays; trees add the error that they expect from the last
    weeks.

    The trees learn from forecasts of four Prophet models, each of which knew only what came before its part
    of the series, so that they see errors as large as those to come.
    """

    extra: ClassVar[str | None] = "boost,prophet"
    container: ClassVar[str] = "xgboost"
    can_stop_early: ClassVar[bool] = True
    source: ClassVar[str] = "Zhang (2003), Time series forecasting using a hybrid model, Neurocomputing 50"
    takes_regressors: ClassVar[bool] = True

    holidays: HolidaysParameter = None
    n_estimators: Estimators = 150
    learning_rate: LearningRate = 0.05
    max_depth: MaxDepth = 4

    booster_: bytes = field(init=False, repr=False)
    """The trees, in XGBoost's JSON."""
    bases_: dict[str, Learned] = field(init=False, repr=False)
    """Prophet's model of each whole series, by KPI."""

    def member_names(self) -> tuple[str, ...]:
        """What is corrected."""
        return (PROPHET,)

    def fit(self, data: tuple[Series, ...]) -> None:
        """Learns Prophet on each series and the trees on all."""
        self.bases_ = learn_each(self.parts[PROPHET], data)
        settings = Settings(self.n_estimators, self.learning_rate, self.max_depth, self.seed)
        booster = boosted(data, self.horizon, settings, self._lessons)
        self.restore({"booster_": booster, "bases_": self.bases_})

    def _lessons(self, series: Series, most: int) -> Lessons:
        """Forecasts of Prophets that knew only what came before."""
        origins, _base = usual_lessons(series, most)

        def learn(known: Series) -> Base:
            return self._base(self.parts[PROPHET].learn(known))

        return out_of_fold(series, origins, learn, self.horizon)

    def _base(self, learned: Learned) -> Base:
        base: Base = self.parts[PROPHET].base(learned, self.horizon)
        return base

    def restore(self, state: dict[str, Any]) -> None:
        """Reads the trees, whose structure was checked when the file was; Prophet checks its own."""
        super().restore(state)
        self._trees = Trees.from_json(self.booster_, rounds=self.n_estimators, depth=self.max_depth)
        self.parts[PROPHET].restore({"learned_": self.bases_})

    def forecast(self, data: Series, horizon: int) -> Floats:
        """Prophet's forecast and the trees' corrections."""
        return corrected(self._trees, data, self.horizon, self._base(self.bases_[data.kpi]))[:horizon]

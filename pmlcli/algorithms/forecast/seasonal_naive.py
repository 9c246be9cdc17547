"""Seasonal naive: repeats the last season, such as last Monday for next Monday (baseline)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from pmlcli.algorithms.forecast._each import Learned, learn_each
from pmlcli.algorithms.forecast._series import season_of
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class SeasonalNaive(Forecaster):
    """The values of one season before are repeated, season after season.

    A season is 24 hours, 7 days, 52 weeks or 12 months. For weeks and months only the last value is repeated
    if the log covers less than two years of them.
    """

    source: ClassVar[str] = "Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, 5.2"

    learned_: dict[str, Learned] = field(init=False, repr=False)

    def fit(self, data: tuple[Series, ...]) -> None:
        """Each series by itself."""
        self.learned_ = learn_each(self, data)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """The last season's values, repeated."""
        return self.carry_on(self.learned_[data.kpi], data, horizon)

    def learn(self, series: Series, trial: Learned | None = None) -> Learned:
        """Finds the length of the season; there is nothing else to learn."""
        return {"season": season_of(series.frequency, len(series))}

    def carry_on(self, learned: Learned, series: Series, horizon: int) -> Floats:
        """The last season's values, repeated."""
        return np.resize(series.values[-learned["season"] :], horizon)

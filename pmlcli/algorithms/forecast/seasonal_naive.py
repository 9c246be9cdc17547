"""Repeats the last season: last week's Monday for next Monday (baseline)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from pmlcli.algorithms._forecast import Forecaster
from pmlcli.algorithms._series_tools import Floats, season_of
from pmlcli.encoding.series import Series


@dataclass(kw_only=True)
class SeasonalNaive(Forecaster):
    """What came one season before comes again, season after season.

    A season is 24 hours, 7 days, 52 weeks or 12 months; the last value alone is repeated for weeks and
    months when the log covers less than two years of them.
    """

    source: ClassVar[str] = "Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, 5.2"

    season_: int = field(init=False, repr=False)

    def fit(self, data: Series) -> None:
        """Finds the length of the season; there is nothing else to learn."""
        self.season_ = season_of(self.frequency, len(data))

    def forecast(self, data: Series, horizon: int) -> Floats:
        """The last season's values, repeated."""
        return np.resize(data.values[-self.season_ :], horizon)

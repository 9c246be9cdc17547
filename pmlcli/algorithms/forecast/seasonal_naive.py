"""Repeats the last season: last week's Monday for next Monday (baseline)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pmlcli.algorithms.forecast._local import LocalForecaster
from pmlcli.algorithms.forecast._methods import weekday
from pmlcli.algorithms.forecast._series import Floats, season_of
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class SeasonalNaive(LocalForecaster):
    """What came one season before comes again, season after season.

    A season is 24 hours, 7 days, 52 weeks or 12 months; the last value alone is repeated for weeks and
    months when the log covers less than two years of them.
    """

    source: ClassVar[str] = "Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, 5.2"

    def learn(self, series: Series) -> dict[str, Any]:
        """Finds the length of the season; there is nothing else to learn."""
        return {"season": season_of(self.frequency, len(series))}

    def carry_on(self, learned: dict[str, Any], series: Series, horizon: int) -> Floats:
        """The last season's values, repeated."""
        return weekday.repeated(series, horizon, learned["season"])

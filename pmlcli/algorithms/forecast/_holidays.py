"""Forecasters that know public holidays: as a column to learn from, or as days that are like Sundays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.forecast._local import LocalForecaster
from pmlcli.algorithms.forecast._series import Floats
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.encoding.series.encoding import Series, local_times
from pmlcli.encoding.series.kpi import find_kpi

SUNDAY = 6


@dataclass(kw_only=True)
class CalendarForecaster(Forecaster):
    """Sees public holidays, and columns from outside the log."""

    takes_regressors: ClassVar[bool] = True

    holidays: Annotated[str | None, Param("Country whose public holidays count, such as DE.")] = None

    def calendar_country(self) -> str | None:
        """The parameter."""
        return self.holidays


@dataclass(kw_only=True)
class SundayForecaster(LocalForecaster):
    """Looks at its series alone, and forecasts public holidays as the Sunday that follows.

    Only days, and only KPIs that count what happens on them: a duration is not shorter on a Sunday.
    """

    holidays: Annotated[
        str | None, Param("Country whose public holidays are forecast like Sundays, such as DE (days).")
    ] = None

    def calendar_country(self) -> str | None:
        """The parameter."""
        return self.holidays

    def forecast(self, data: Series, horizon: int) -> Floats:
        """Carries a series on, a holiday like the next Sunday."""
        if self.holidays is None or self.frequency != "D" or not find_kpi(data.kpi).is_flow:
            return super().forecast(data, horizon)
        is_holiday = data.outside_values(horizon)[-horizon:, -1] > 0
        if not is_holiday.any():
            return super().forecast(data, horizon)
        weekday = local_times(data.next_starts(horizon), data.timezone).day_of_week.to_numpy()
        like = np.arange(horizon) + np.where(is_holiday, SUNDAY - weekday, 0)
        return super().forecast(data, horizon + SUNDAY)[like]

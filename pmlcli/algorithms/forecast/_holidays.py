"""Public holidays in forecasts: a column to learn from, or days that are like Sundays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np

from pmlcli.algorithms._interface.param import Param
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series, local_times
from pmlcli.encoding.series.kpi import find_kpi

SUNDAY = 6

HolidaysParameter = Annotated[
    str | None,
    Param("Country whose public holidays count, such as DE.", has_option=True, metavar="COUNTRY"),
]
"""The parameter `holidays`: one column more; methods that look at a series alone use `with_sundays`."""


def with_sundays(ahead: Callable[[int], Floats], country: str | None, data: Series, horizon: int) -> Floats:
    """What `ahead` gives for so many buckets after `data`, (horizon,), a holiday like the next Sunday.

    Only days, and only KPIs that count what happens on them: a duration is not shorter on a Sunday.
    """
    if country is None or data.frequency != "D" or not find_kpi(data.kpi).is_flow:
        return ahead(horizon)
    is_holiday = data.exogenous_values(horizon)[-horizon:, -1] > 0
    if not is_holiday.any():
        return ahead(horizon)
    weekday = local_times(data.next_starts(horizon), data.timezone).day_of_week.to_numpy()
    like = np.arange(horizon) + np.where(is_holiday, SUNDAY - weekday, 0)
    return ahead(horizon + SUNDAY)[like]

"""Prophet: a trend with bends, seasons of week and year, and holidays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pmlcli.algorithms.forecast._holidays import CalendarForecaster
from pmlcli.algorithms.forecast._local import LocalForecaster
from pmlcli.algorithms.forecast._methods import prophet
from pmlcli.algorithms.forecast._methods.prophet_text import check_all
from pmlcli.algorithms.forecast._series import Floats
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class ProphetForecaster(CalendarForecaster, LocalForecaster):
    """A line that may bend at a few dates, plus what weekdays, seasons of the year and holidays add.

    It looks at dates alone: what a newer log brings moves the forecast's beginning, not its level. Works
    on square roots.
    """

    extra: ClassVar[str | None] = "prophet"
    source: ClassVar[str] = "Taylor and Letham (2018), Forecasting at scale, The American Statistician 72"

    def learn(self, series: Series) -> dict[str, Any]:
        """The fitted model, as Prophet's JSON."""
        return prophet.learn(series, self.seed, self.holidays)

    def restore(self, state: dict[str, Any]) -> None:
        """Also checks what Prophet will read."""
        super().restore(state)
        check_all(self.learned_, self.holidays)

    def carry_on(self, learned: dict[str, Any], series: Series, horizon: int) -> Floats:
        """The forecast for the dates that follow."""
        return prophet.forecast(learned, series, horizon)

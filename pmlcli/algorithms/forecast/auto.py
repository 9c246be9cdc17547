"""Auto: the methods that erred least lately, weighed against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pmlcli.algorithms.forecast._holidays import SundayForecaster
from pmlcli.algorithms.forecast._methods import combination, members
from pmlcli.algorithms.forecast._series import Floats
from pmlcli.encoding.series.encoding import Series
from pmlcli.eventlog.log import EventLog


@dataclass(kw_only=True)
class Auto(SundayForecaster):
    """Tries seasonal naive, weekday median, theta, Holt-Winters and ARIMA, and averages the best.

    Each learns the first four fifths of the series and forecasts the last fifth from rolling origins; an
    error counts half after four weeks. Those that err by more than 15 % above the best are left out; the
    others weigh the less the more they erred. Training says which were taken and why. A newer log brings
    newer errors, which change the weights.
    """

    source: ClassVar[str] = "Bates and Granger (1969), The combination of forecasts, Oper. Res. Quarterly 20"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._memo: members.Memo = {}

    def learn(self, series: Series) -> dict[str, Any]:
        """Members, their errors and weights."""
        return combination.learn(series, self.horizon)

    def relearn(self, series: Series, trial: dict[str, Any]) -> dict[str, Any]:
        """The trial's members weighed on what came after, and learned again."""
        return combination.relearn(series, trial, self.horizon)

    def carry_on(self, learned: dict[str, Any], series: Series, horizon: int) -> Floats:
        """The weighted mean of the members' forecasts."""
        return combination.forecast(learned, series, horizon, self._memo)

    def remarks(self, data: tuple[Series, ...], log: EventLog) -> list[str]:
        """What was chosen for each series, and why."""
        chosen = [f"'{kpi}': {members.reason(learned)}" for kpi, learned in self.learned_.items()]
        return [*super().remarks(data, log), *chosen]

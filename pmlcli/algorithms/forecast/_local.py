"""Forecasters that learn each series by itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from pmlcli import runtime
from pmlcli.algorithms.forecast._series import Floats
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.encoding.series.encoding import Series


@dataclass(kw_only=True)
class LocalForecaster(Forecaster):
    """Learns each series by itself: `learn` and `carry_on` are all that a method adds."""

    learned_: dict[str, Any] = field(init=False, repr=False)
    """What was learned of each series, JSON-plain, by KPI."""

    @abstractmethod
    def learn(self, series: Series) -> dict[str, Any]:
        """What there is to know of one series, JSON-plain."""

    def relearn(self, series: Series, trial: dict[str, Any]) -> dict[str, Any]:
        """The same of the whole series, guided by what `trial` knows of its first four fifths."""
        return self.learn(series)

    @abstractmethod
    def carry_on(self, learned: dict[str, Any], series: Series, horizon: int) -> Floats:
        """The values of the buckets that follow, (horizon,)."""

    def fit(self, data: tuple[Series, ...]) -> None:
        """Learns each series."""
        self.learned_ = _by_kpi(data, runtime.spread(self.learn, data, "learning"))

    def refit(self, data: tuple[Series, ...], trial: Self) -> None:
        """Learns each series again; one that the trial did not have, anew."""
        again = partial(self._relearn, trial.learned_)
        self.learned_ = _by_kpi(data, runtime.spread(again, data, "learning"))

    def _relearn(self, known: dict[str, Any], series: Series) -> dict[str, Any]:
        return self.relearn(series, known[series.kpi]) if series.kpi in known else self.learn(series)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """Carries a series on."""
        return self.carry_on(self.learned_[data.kpi], data, horizon)


def _by_kpi(data: Sequence[Series], found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {series.kpi: learned for series, learned in zip(data, found, strict=True)}

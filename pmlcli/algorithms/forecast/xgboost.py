"""XGBoost: boosted trees over lags, rolling means and the calendar, over all series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pmlcli.algorithms.forecast._boosted import BoostedForecaster


@dataclass(kw_only=True)
class XGBoost(BoostedForecaster):
    """Many small trees correct the mean of the same weekday, each step ahead directly.

    They read the last four weeks, their mean and spread, the calendar and the step; values count relative
    to the window, so that a trend is no trap. One model learns from all series together.
    """

    source: ClassVar[str] = "Chen and Guestrin (2016), XGBoost: a scalable tree boosting system, KDD"

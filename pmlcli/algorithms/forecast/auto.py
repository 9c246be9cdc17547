"""Auto: averages the methods with the smallest recent errors on this KPI."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, ClassVar, Self

import numpy as np

from pmlcli import runtime
from pmlcli.algorithms._learning.choice import listed
from pmlcli.algorithms.forecast._each import Learned, Method, learn_each
from pmlcli.algorithms.forecast._holidays import HolidaysParameter, with_sundays
from pmlcli.algorithms.forecast._measure import shown_error
from pmlcli.algorithms.forecast._series import (
    HALF_LIFE,
    HALF_LIVES,
    backtest,
    first_test_bucket,
    weight_of_age,
)
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series
from pmlcli.encoding.series.kpi import find_kpi

MEMBERS = ("seasonal-naive", "weekday-median", "theta", "holt-winters", "arima")
NAIVE = "seasonal-naive"
CLOSE, MARGIN = 1.1, 1.15
"""Methods that err by more than so many times the least error are not kept, and later do not count."""
POWER = 2
"""Weights fall with the square of the error."""
MOST_ORIGINS = 60
"""So many origins at most tell the errors of what came after training."""
MOST_REMEMBERED = 20_000

Memo = dict[tuple[Any, ...], Floats]
"""Forecasts of members that were asked for before: rolling origins ask for the same ones again."""


@dataclass(kw_only=True)
class Auto(Forecaster):
    """Tries seasonal naive, weekday median, theta, Holt-Winters and ARIMA, and averages the best.

    Each learns the first four fifths of the series and forecasts the last fifth from rolling origins; an
    error counts half after four weeks. The seasonal naive and those within 10 % of the best are kept. The
    larger its error, the smaller a method's weight; from 15 % above the best on it is zero. So the naive
    stands alone if nothing comes near it. A newer log brings newer errors, which change the weights of the
    kept methods.
    """

    source: ClassVar[str] = "Bates and Granger (1969), The combination of forecasts, Oper. Res. Quarterly 20"
    can_stop_early: ClassVar[bool] = True

    holidays: HolidaysParameter = None

    learned_: dict[str, Learned] = field(init=False, repr=False)
    """What its `members` learned, the mean absolute `errors` of all that were tried, late ones counted more,
    the `weight` of those beside later ones, the `weights` of the members that were kept, and the start of the
    last bucket, `until`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._memo: Memo = {}

    def member_names(self) -> tuple[str, ...]:
        """The methods to weigh."""
        return MEMBERS

    def fit(self, data: tuple[Series, ...]) -> None:
        """Each series by itself."""
        self.learned_ = learn_each(self, data)

    def refit(self, data: tuple[Series, ...], trial: Self) -> None:
        """The trial's members weighed on what came after, and learned again."""
        self.learned_ = learn_each(self, data, trial.learned_)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """The weighted mean of the members' forecasts, a holiday like a Sunday."""
        ahead = partial(self.carry_on, self.learned_[data.kpi], data)
        return with_sundays(ahead, self.holidays, data, horizon)

    def choices(self) -> list[str]:
        """What was chosen for each series, and why."""
        return [f"'{kpi}': {reason(learned, find_kpi(kpi).unit)}" for kpi, learned in self.learned_.items()]

    def learn(self, series: Series, trial: Learned | None = None) -> Learned:
        """Every method learned on the first four fifths and tried on the last; those that are kept learned
        again on all. A trial keeps all that it had time for, so that the whole series may choose anew.
        """
        first = first_test_bucket(series)
        half_life, names = HALF_LIFE[series.frequency], tuple(trial["members"] if trial else self.parts)
        known, tried = {}, {}
        for name in names if trial else runtime.in_time(names, lambda n: f"{listed(names[n:])} left out"):
            one = self.parts[name]
            known[name] = trial["members"][name] if trial else one.learn(series.head(first))
            tried[name] = backtest(partial(_ahead, one, known[name]), series, first, self.horizon)
        errors = {name: one.late_error(half_life, one.forecasts) for name, one in tried.items()}
        weights = kept_weights(errors)
        kept = weights if trial else known
        return {
            "members": {name: self.parts[name].learn(series, known[name]) for name in kept},
            "errors": errors,
            "weight": float(tried[NAIVE].late_weights(half_life).sum()) * tried[NAIVE].stride,
            "weights": weights,
            "until": int(series.starts[-1]),
        }

    def carry_on(self, learned: Learned, series: Series, horizon: int) -> Floats:
        """The weighted mean of the methods' forecasts, summed in one order, for the same bits."""
        weights, ahead = self.weights_now(learned, series, horizon), np.zeros(horizon)
        for name in MEMBERS:
            if weights.get(name, 0.0) > 0:
                ahead += weights[name] * self._of_member(name, learned, series, horizon)
        return ahead

    def weights_now(self, learned: Learned, series: Series, horizon: int) -> dict[str, float]:
        """The weights after the buckets of the series that came since training."""
        known, n = int(np.searchsorted(series.starts, learned["until"], side="right")), len(series)
        span, half_life = HALF_LIVES * HALF_LIFE[series.frequency], HALF_LIFE[series.frequency]
        # One grid for every length of the series, so that rolling origins share its forecasts.
        grid = np.arange(known, n, -(-span // MOST_ORIGINS))
        origins = grid[grid >= n - span]
        kept = [name for name in MEMBERS if name in learned["weights"]]
        if len(origins) == 0 or len(kept) == 1:
            return dict(learned["weights"])
        targets = origins[:, None] + np.arange(horizon)
        came = np.where(targets < n, series.values[np.minimum(targets, n - 1)], np.nan)
        weight = np.where(targets < n, weight_of_age(n - targets, half_life), 0.0)
        before = learned["weight"] * float(weight_of_age(n - known, half_life))
        errors = {}
        for name in kept:
            said = [self._of_member(name, learned, series.head(int(o)), horizon) for o in origins]
            total = np.nansum(weight * np.abs(came - np.array(said))) + before * learned["errors"][name]
            errors[name] = float(total / (weight.sum() + before))
        return weigh(errors)

    def _of_member(self, name: str, learned: Learned, series: Series, horizon: int) -> Floats:
        """One method's forecast of a series, remembered."""
        digest = blake2b(series.values.tobytes() + series.starts[-1:].tobytes(), digest_size=16).digest()
        key = (name, series.kpi, learned["until"], horizon, len(series), digest)
        if len(self._memo) > MOST_REMEMBERED:
            self._memo.clear()
        if key not in self._memo:
            self._memo[key] = _ahead(self.parts[name], learned["members"][name], series, horizon)
        return self._memo[key]


def weigh(errors: dict[str, float]) -> dict[str, float]:
    """The weight of each method; 0 for those that err much more than the best."""
    least = min(errors.values())
    kept = {name: error for name, error in errors.items() if error <= MARGIN * least}
    raw = {name: (least / error) ** POWER if error > 0 else 1.0 for name, error in kept.items()}
    return {name: raw.get(name, 0.0) / sum(raw.values()) for name in errors}


def kept_weights(errors: dict[str, float]) -> dict[str, float]:
    """The weights of the naive and of the methods that err little more than the best."""
    most = CLOSE * min(errors.values())
    return weigh({name: error for name, error in errors.items() if error <= most or name == NAIVE})


def reason(learned: Learned, unit: str) -> str:
    """Which methods were taken, and why, in a sentence without its subject."""
    errors, weights = learned["errors"], learned["weights"]
    order = sorted(errors, key=lambda name: (-weights.get(name, 0.0), errors[name]))
    shown = {name: f"(error {shown_error(errors[name], unit)})" for name in order}
    taken = [f"{name} {weights[name]:.0%} {shown[name]}" for name in order if weights.get(name, 0)]
    left = [f"{name} {shown[name]}" for name in order if not weights.get(name, 0)]
    told = f"mean of {', '.join(taken)}" if len(taken) > 1 else f"{order[0]} alone {shown[order[0]]}"
    return told + (f"; left out: {', '.join(left)}" if left else "")


def _ahead(method: Method, learned: Learned, series: Series, horizon: int) -> Floats:
    """One method's forecast, (horizon,), never negative."""
    return np.maximum(method.carry_on(learned, series, horizon), 0.0)

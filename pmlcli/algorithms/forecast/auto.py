"""Auto: the methods that erred least lately, weighed against each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, ClassVar, Self

import numpy as np

from pmlcli.algorithms.forecast._each import Learned, Method, learn_each
from pmlcli.algorithms.forecast._holidays import HolidaysParameter, with_sundays
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
MARGIN = 1.15
"""Methods that err by more than so many times the least error are left out."""
POWER = 2
"""Weights fall with the square of the error."""
MOST_ORIGINS = 60
"""So many origins at most tell the errors of what came after training."""
MOST_REMEMBERED = 20_000
SHOWN_IN = {"seconds": (86_400.0, "days"), "share": (0.01, "percentage points")}
"""How errors of these units are written."""

Memo = dict[tuple[Any, ...], Floats]
"""Forecasts of members that were asked for before: rolling origins ask for the same ones again."""


@dataclass(kw_only=True)
class Auto(Forecaster):
    """Tries seasonal naive, weekday median, theta, Holt-Winters and ARIMA, and averages the best.

    Each learns the first four fifths of the series and forecasts the last fifth from rolling origins; an
    error counts half after four weeks. Those that err by more than 15 % above the best are left out; the
    others weigh the less the more they erred. Training says which were taken and why. A newer log brings
    newer errors, which change the weights.
    """

    source: ClassVar[str] = "Bates and Granger (1969), The combination of forecasts, Oper. Res. Quarterly 20"

    holidays: HolidaysParameter = None

    learned_: dict[str, Learned] = field(init=False, repr=False)
    """What its members learned, their mean absolute `errors`, late ones counted more, the `weight` of those
    beside later ones, the members' `weights`, and the start of the last bucket, `until`."""

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
        """Every method learned on the first four fifths, weighed on the last, and learned again on all."""
        first, members, errors, weight = first_test_bucket(series), {}, {}, 0.0
        for name, method in self.parts.items():
            known = trial["members"][name] if trial else method.learn(series.head(first))
            errors[name], weight = _tried(method, known, series, first, self.horizon)
            members[name] = method.learn(series, known)
        return {
            "members": members,
            "errors": errors,
            "weight": weight,
            "weights": weigh(errors),
            "until": int(series.starts[-1]),
        }

    def carry_on(self, learned: Learned, series: Series, horizon: int) -> Floats:
        """The weighted mean of the methods' forecasts, summed in one order, for the same bits."""
        weights, ahead = self.weights_now(learned, series, horizon), np.zeros(horizon)
        for name in MEMBERS:
            if weights[name] > 0:
                ahead += weights[name] * self._of_member(name, learned, series, horizon)
        return ahead

    def weights_now(self, learned: Learned, series: Series, horizon: int) -> dict[str, float]:
        """The weights after the buckets of the series that came since training."""
        known, n = int(np.searchsorted(series.starts, learned["until"], side="right")), len(series)
        span, half_life = HALF_LIVES * HALF_LIFE[series.frequency], HALF_LIFE[series.frequency]
        # One grid for every length of the series, so that rolling origins share its forecasts.
        grid = np.arange(known, n, -(-span // MOST_ORIGINS))
        origins = grid[grid >= n - span]
        if len(origins) == 0:
            return dict(learned["weights"])
        targets = origins[:, None] + np.arange(horizon)
        came = np.where(targets < n, series.values[np.minimum(targets, n - 1)], np.nan)
        weight = np.where(targets < n, weight_of_age(n - targets, half_life), 0.0)
        before = learned["weight"] * float(weight_of_age(n - known, half_life))
        errors = {}
        for name in MEMBERS:
            said = [self._of_member(name, learned, series.head(int(o)), horizon) for o in origins]
            total = np.nansum(weight * np.abs(came - np.array(said))) + before * learned["errors"][name]
            errors[name] = float(total / (weight.sum() + before))
        return weigh(errors)

    def _of_member(self, name: str, learned: Learned, series: Series, horizon: int) -> Floats:
        """One method's forecast of a series, (horizon,), never negative."""
        digest = blake2b(series.values.tobytes() + series.starts[-1:].tobytes(), digest_size=16).digest()
        key = (name, series.kpi, learned["until"], horizon, len(series), digest)
        if len(self._memo) > MOST_REMEMBERED:
            self._memo.clear()
        if key not in self._memo:
            ahead = self.parts[name].carry_on(learned["members"][name], series, horizon)
            self._memo[key] = np.maximum(ahead, 0.0)
        return self._memo[key]


def weigh(errors: dict[str, float]) -> dict[str, float]:
    """The weight of each method; 0 for those that err much more than the best."""
    least = min(errors.values())
    kept = {name: error for name, error in errors.items() if error <= MARGIN * least}
    raw = {name: (least / error) ** POWER if error > 0 else 1.0 for name, error in kept.items()}
    return {name: raw.get(name, 0.0) / sum(raw.values()) for name in errors}


def reason(learned: Learned, unit: str) -> str:
    """Which methods were taken, and why, in a sentence without its subject."""
    errors, weights = learned["errors"], learned["weights"]
    scale, shown_unit = SHOWN_IN.get(unit, (1.0, unit))
    shown = {name: _rounded(error / scale) for name, error in errors.items()}
    order = sorted(errors, key=lambda name: (-weights[name], errors[name]))
    taken = [f"{name} {weights[name]:.0%} (error {shown[name]})" for name in order if weights[name] > 0]
    left = [f"{name} ({shown[name]})" for name in order if weights[name] == 0]
    mean = f"mean of {', '.join(taken)}" if len(taken) > 1 else ", ".join(taken)
    return mean + (f"; left out: {', '.join(left)}" if left else "") + f"; errors in {shown_unit}"


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def _tried(method: Method, learned: Learned, series: Series, first: int, horizon: int) -> tuple[float, float]:
    """Mean absolute error from rolling origins, late buckets counted more, and what it weighs."""

    def ahead(data: Series, steps: int) -> Floats:
        return np.maximum(method.carry_on(learned, data, steps), 0.0)

    test = backtest(ahead, series, first, horizon)
    is_known = np.isfinite(test.errors)
    weight = np.where(is_known, weight_of_age(test.n - test.targets, HALF_LIFE[series.frequency]), 0.0)
    error = float((weight * np.abs(np.where(is_known, test.errors, 0.0))).sum() / weight.sum())
    return error, float(weight.sum() * test.stride)

"""Several methods weighed against each other by their errors from rolling origins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from pmlcli.algorithms._forecasting import arima, smoothing, theta, weekday
from pmlcli.algorithms._series_tools import Floats, backtest, first_test_bucket
from pmlcli.encoding.series import Series

MARGIN = 1.15
"""Methods that err by more than so many times the least error are left out."""
POWER = 2
"""Weights fall with the square of the error."""

Learned = dict[str, Any]


class Method(NamedTuple):
    """`learn` a series, learn it again guided by what is known of its beginning, and `forecast` it."""

    learn: Callable[[Series], Learned]
    relearn: Callable[[Series, Learned], Learned]
    forecast: Callable[[Learned, Series, int], Floats]


METHODS = {
    "weekday-median": Method(
        lambda series: {},
        lambda series, known: {},
        lambda learned, series, horizon: weekday.forecast(series, horizon, weekday.methods(4)),
    ),
    "theta": Method(theta.learn, lambda series, known: theta.learn(series), theta.forecast),
    "holt-winters": Method(
        smoothing.learn, lambda series, known: smoothing.learn(series), smoothing.forecast
    ),
    "arima": Method(arima.learn, arima.relearn, arima.forecast),
}


def learn(series: Series, horizon: int) -> Learned:
    """Every method learned on the first four fifths, weighed on the last, and learned again on all."""
    known = series.head(first_test_bucket(series))
    return relearn(series, {"members": {name: one.learn(known) for name, one in METHODS.items()}}, horizon)


def relearn(series: Series, trial: Learned, horizon: int) -> Learned:
    """What `trial` learned on the first four fifths, weighed on the last fifth and learned again on all."""
    first = first_test_bucket(series)
    errors, members = {}, {}
    for name, method in METHODS.items():
        errors[name] = _error(method, trial["members"][name], series, first, horizon)
        members[name] = method.relearn(series, trial["members"][name])
    return {"members": members, "errors": errors, "weights": weigh(errors)}


def weigh(errors: dict[str, float]) -> dict[str, float]:
    """The weight of each method; 0 for those that err much more than the best."""
    least = min(errors.values())
    kept = {name: error for name, error in errors.items() if error <= MARGIN * least}
    raw = {name: (least / error) ** POWER if error > 0 else 1.0 for name, error in kept.items()}
    return {name: raw.get(name, 0.0) / sum(raw.values()) for name in errors}


def forecast(learned: Learned, series: Series, horizon: int) -> Floats:
    """The weighted mean of the methods' forecasts, summed in one order so that no bit depends on another."""
    ahead = np.zeros(horizon)
    for name, method in METHODS.items():
        weight = learned["weights"][name]
        if weight > 0:
            found = method.forecast(learned["members"][name], series, horizon)
            ahead += weight * np.maximum(found, 0.0)
    return ahead


def reason(learned: Learned) -> str:
    """Which methods were taken, and why, in a sentence without its subject."""
    errors, weights = learned["errors"], learned["weights"]
    order = sorted(errors, key=lambda name: (-weights[name], errors[name]))
    taken = [f"{name} {weights[name]:.0%} (error {errors[name]:.3g})" for name in order if weights[name] > 0]
    left = [f"{name} ({errors[name]:.3g})" for name in order if weights[name] == 0]
    return ", ".join(taken) + (f"; left out: {', '.join(left)}" if left else "")


def _error(method: Method, learned: Learned, series: Series, first: int, horizon: int) -> float:
    """Mean absolute error from rolling origins."""

    def ahead(data: Series, steps: int) -> Floats:
        return np.maximum(method.forecast(learned, data, steps), 0.0)

    return float(np.nanmean(np.abs(backtest(ahead, series, first, horizon).errors)))

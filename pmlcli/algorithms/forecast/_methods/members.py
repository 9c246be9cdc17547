"""The methods that are combined, by name, and their forecasts, each made once."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from pmlcli.algorithms.forecast._methods import arima, smoothing, theta, weekday
from pmlcli.algorithms.forecast._series import Floats
from pmlcli.encoding.series.encoding import Series

MOST_REMEMBERED = 20_000

Learned = dict[str, Any]
Memo = dict[tuple[Any, ...], Floats]
"""Forecasts of members that were asked for before: rolling origins ask for the same ones again."""


class Method(NamedTuple):
    """`learn` a series, learn it again guided by what is known of its beginning, and `forecast` it."""

    learn: Callable[[Series], Learned]
    relearn: Callable[[Series, Learned], Learned]
    forecast: Callable[[Learned, Series, int], Floats]


METHODS = {
    "seasonal-naive": Method(
        lambda series: {},
        lambda series, known: {},
        lambda learned, series, horizon: weekday.repeated(series, horizon),
    ),
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


def member(name: str, learned: Learned, series: Series, horizon: int, memo: Memo) -> Floats:
    """One method's forecast of a series, (horizon,), never negative."""
    digest = blake2b(series.values.tobytes() + series.starts[-1:].tobytes(), digest_size=16).digest()
    key = (name, series.kpi, learned["until"], horizon, len(series), digest)
    if len(memo) > MOST_REMEMBERED:
        memo.clear()
    if key not in memo:
        memo[key] = np.maximum(METHODS[name].forecast(learned["members"][name], series, horizon), 0.0)
    return memo[key]


def reason(learned: Learned) -> str:
    """Which methods were taken, and why, in a sentence without its subject."""
    errors, weights = learned["errors"], learned["weights"]
    order = sorted(errors, key=lambda name: (-weights[name], errors[name]))
    taken = [f"{name} {weights[name]:.0%} (error {errors[name]:.3g})" for name in order if weights[name] > 0]
    left = [f"{name} ({errors[name]:.3g})" for name in order if weights[name] == 0]
    return ", ".join(taken) + (f"; left out: {', '.join(left)}" if left else "")

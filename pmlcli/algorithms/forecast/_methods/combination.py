"""Several methods weighed against each other by their errors from rolling origins, the late ones the most."""

from __future__ import annotations

import numpy as np

from pmlcli.algorithms.forecast._methods.members import METHODS, Learned, Memo, Method, member
from pmlcli.algorithms.forecast._series import (
    HALF_LIFE,
    MEMORY,
    Floats,
    backtest,
    first_test_bucket,
    weight_of_age,
)
from pmlcli.encoding.series.encoding import Series

MARGIN = 1.15
"""Methods that err by more than so many times the least error are left out."""
POWER = 2
"""Weights fall with the square of the error."""
MOST_ORIGINS = 60
"""So many origins at most tell the errors of what came after training."""


def learn(series: Series, horizon: int) -> Learned:
    """Every method learned on the first four fifths, weighed on the last, and learned again on all."""
    known = series.head(first_test_bucket(series))
    return relearn(series, {"members": {name: one.learn(known) for name, one in METHODS.items()}}, horizon)


def relearn(series: Series, trial: Learned, horizon: int) -> Learned:
    """What `trial` learned on the first four fifths, weighed on the last fifth and learned again on all.

    `errors` are mean absolute errors, late ones counted more; `weight`, what they weigh beside later ones.
    """
    first, members, errors, weight = first_test_bucket(series), {}, {}, 0.0
    for name, method in METHODS.items():
        errors[name], weight = _tried(method, trial["members"][name], series, first, horizon)
        members[name] = method.relearn(series, trial["members"][name])
    return {
        "members": members,
        "errors": errors,
        "weight": weight,
        "weights": weigh(errors),
        "until": int(series.starts[-1]),
    }


def weigh(errors: dict[str, float]) -> dict[str, float]:
    """The weight of each method; 0 for those that err much more than the best."""
    least = min(errors.values())
    kept = {name: error for name, error in errors.items() if error <= MARGIN * least}
    raw = {name: (least / error) ** POWER if error > 0 else 1.0 for name, error in kept.items()}
    return {name: raw.get(name, 0.0) / sum(raw.values()) for name in errors}


def forecast(learned: Learned, series: Series, horizon: int, memo: Memo) -> Floats:
    """The weighted mean of the methods' forecasts, summed in one order so that no bit depends on another."""
    weights, ahead = weights_now(learned, series, horizon, memo), np.zeros(horizon)
    for name in METHODS:
        if weights[name] > 0:
            ahead += weights[name] * member(name, learned, series, horizon, memo)
    return ahead


def weights_now(learned: Learned, series: Series, horizon: int, memo: Memo) -> dict[str, float]:
    """The weights after the buckets of the series that came since training."""
    known, n = int(np.searchsorted(series.starts, learned["until"], side="right")), len(series)
    memory = MEMORY * HALF_LIFE[series.frequency]
    # One grid for every length of the series, so that rolling origins share its forecasts.
    grid = np.arange(known, n, -(-memory // MOST_ORIGINS))
    origins = grid[grid >= n - memory]
    if len(origins) == 0:
        return dict(learned["weights"])
    targets = origins[:, None] + np.arange(horizon)
    came = np.where(targets < n, series.values[np.minimum(targets, n - 1)], np.nan)
    weight = np.where(targets < n, weight_of_age(n - targets, HALF_LIFE[series.frequency]), 0.0)
    before = learned["weight"] * float(weight_of_age(n - known, HALF_LIFE[series.frequency]))
    errors = {}
    for name in METHODS:
        ahead = np.array([member(name, learned, series.head(int(o)), horizon, memo) for o in origins])
        total = np.nansum(weight * np.abs(came - ahead)) + before * learned["errors"][name]
        errors[name] = float(total / (weight.sum() + before))
    return weigh(errors)


def _tried(method: Method, learned: Learned, series: Series, first: int, horizon: int) -> tuple[float, float]:
    """Mean absolute error from rolling origins, late buckets counted more, and what it weighs."""

    def ahead(data: Series, steps: int) -> Floats:
        return np.maximum(method.forecast(learned, data, steps), 0.0)

    test = backtest(ahead, series, first, horizon)
    is_known = np.isfinite(test.errors)
    weight = np.where(is_known, weight_of_age(test.n - test.targets, HALF_LIFE[series.frequency]), 0.0)
    error = float((weight * np.abs(np.where(is_known, test.errors, 0.0))).sum() / weight.sum())
    return error, float(weight.sum() * test.stride)

"""Seasonal ARIMA models of statsmodels: made from what was learned, fitted, and chosen by AICc."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from statsmodels.tsa.statespace.sarimax import SARIMAX

from pmlcli.algorithms.forecast._series import Floats, aicc

MOST_ORDER, LONGEST_DRIFTING_SEASON = 2, 12
"""Only short seasons may drift, which bounds the time."""

Learned = dict[str, Any]
"""`season`, whether it `drifts`, `order` (p, d, q), `profile`, `scale` of what it leaves, `params`."""


def make_model(learned: Learned, rest: Floats, outside: Floats) -> Any:
    """The model of this order for what the profile leaves; `outside` (n, columns) adds to it linearly.

    ValueError for an order or season longer than training tries: time and memory grow with their square.
    """
    season = learned["season"] if learned["drifts"] else 0
    for number, most in ((season, LONGEST_DRIFTING_SEASON), *((n, MOST_ORDER) for n in learned["order"])):
        if type(number) is not int or not 0 <= number <= most:
            raise ValueError("an order or a season that training does not try")
    seasonal = (0, 1, 1, season) if season else (0, 0, 0, 0)
    exog = outside if outside.shape[1] else None
    return SARIMAX(rest, exog, order=tuple(learned["order"]), seasonal_order=seasonal)


def fit_best(found: Learned, rest: Floats, outside: Floats, orders: list[list[int]]) -> bool:
    """Keeps the order of the lowest AICc with its likeliest parameters; False when none can be fitted."""
    best: tuple[float, list[int], Floats] = np.inf, [0, 0, 0], np.ones(1)
    for order in orders:
        try:
            # What an optimiser that stopped early found serves too, so nobody is warned.
            with warnings.catch_warnings(action="ignore"):
                model = make_model(found | {"order": order}, rest, outside)
                result = model.fit(disp=0, maxiter=50, cov_type="none")
        except (np.linalg.LinAlgError, ValueError):
            continue
        score = aicc(result.llf, len(result.params), len(rest))
        best = min(best, (score, order, result.params), key=lambda candidate: candidate[0])
    _score, found["order"], params = best
    found["params"] = params.tolist()
    return bool(np.isfinite(best[0]) and np.isfinite(params).all())

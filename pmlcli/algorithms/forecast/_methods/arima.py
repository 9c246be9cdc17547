"""ARIMA with a season that is fixed or drifts: the order by AICc, the season by rolling origins."""

from __future__ import annotations

from itertools import product

import numpy as np

from pmlcli.algorithms.forecast._methods.sarimax import (
    LONGEST_DRIFTING_SEASON,
    MOST_ORDER,
    Learned,
    fit_best,
    make_model,
)
from pmlcli.algorithms.forecast._series import (
    Floats,
    backtest,
    first_test_bucket,
    phases,
    profile,
    season_of,
    unit_roots,
)
from pmlcli.encoding.series.encoding import Series

LONGEST = 2000
"""Only the last so many buckets count, which bounds the time."""


def learn(series: Series) -> Learned:
    """Chooses season, differencing and order, then the likeliest parameters."""
    season, known = season_of(series.frequency, len(series)), first_test_bucket(series)
    kinds = [(1, False)]
    if season > 1 and known >= 2 * season:
        kinds += [(season, False)] + [(season, True)] * (season <= LONGEST_DRIFTING_SEASON)
    best: tuple[float, Learned] = np.inf, {}
    for length, drifts in kinds:
        found = relearn(series.head(known), {"season": length, "drifts": drifts})

        def ahead(data: Series, horizon: int, found: Learned = found) -> Floats:
            return forecast(found, data, horizon)

        error = float(np.nanmean(np.abs(backtest(ahead, series, known, season).errors)))
        best = min(best, (error, found), key=lambda candidate: candidate[0])
    return relearn(series, best[1])


def relearn(series: Series, shape: Learned) -> Learned:
    """The likeliest parameters for this `season` that `drifts` or not; for its `order` too if it has one."""
    season, drifts, order = shape["season"], shape["drifts"], shape.get("order")
    roots, phase = np.sqrt(series.values[-LONGEST:]), phases(series, season)[-LONGEST:]
    found: Learned = {"season": season, "drifts": drifts, "scale": 1.0}
    found["profile"] = [0.0] * season if drifts else profile(roots, phase, season).tolist()
    d = order[1] if order else unit_roots(_rest(found, series), season if drifts else 0)
    if d and not drifts:
        found["profile"] = profile(roots, phase, season, differenced=True).tolist()
    scale = float(_rest(found, series).std())
    orders = [order] if order else [[p, d, q] for p, q in product(range(MOST_ORDER + 1), repeat=2)]
    if scale > 1e-9 * (1 + roots.max()):
        found["scale"] = scale
        if fit_best(found, _rest(found, series), series.outside_values()[-LONGEST:], orders):
            return found
    flat = profile(roots, phase, season, differenced=bool(d)).tolist()
    params = [0.0] * series.outside_values().shape[1] + [1.0]
    return found | {"drifts": False, "order": [0, d, 0], "profile": flat, "params": params}


def forecast(learned: Learned, series: Series, horizon: int) -> Floats:
    """Filters the series, carries it on, and squares it."""
    levels = np.asarray(learned["profile"])
    ahead = levels[phases(series, len(levels), horizon)[-horizon:]]
    outside = series.outside_values(horizon)
    model = make_model(learned, _rest(learned, series), outside[:-horizon][-LONGEST:])
    filtered = model.filter(np.asarray(learned["params"]), cov_type="none")
    coming = outside[-horizon:] if outside.shape[1] else None
    roots = filtered.forecast(horizon, exog=coming) * learned["scale"] + ahead
    return np.asarray(np.maximum(roots, 0.0) ** 2, dtype=np.float64)


def _rest(learned: Learned, series: Series) -> Floats:
    """What the profile leaves of the square roots, in units of `scale`."""
    levels = np.asarray(learned["profile"])
    rest: Floats = (np.sqrt(series.values) - levels[phases(series, len(levels))]) / learned["scale"]
    return rest[-LONGEST:]

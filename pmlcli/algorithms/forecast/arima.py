"""ARIMA: autoregression and moving averages with a season, the order chosen by AICc."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from statsmodels.tsa.statespace.sarimax import SARIMAX

from pmlcli.algorithms.forecast._each import Learned, learn_each
from pmlcli.algorithms.forecast._holidays import HolidaysParameter
from pmlcli.algorithms.forecast._methods.windows import Base
from pmlcli.algorithms.forecast._series import (
    aicc,
    backtest,
    first_test_bucket,
    phases,
    profile,
    season_of,
    unit_roots,
)
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series

LONGEST = 2000
"""Only the last so many buckets count, which bounds the time."""
MOST_ORDER, LONGEST_DRIFTING_SEASON = 2, 12
"""Only short seasons may drift, which bounds the time."""


@dataclass(kw_only=True)
class Arima(Forecaster):
    """Forecasts the next value from the last few values, the last few errors, and the season.

    It uses square roots, so that large counts vary less. The season is a fixed profile (for example a level
    for each weekday), or changes over time (seasonal differences, moving average), or is left out: whichever
    forecasts the last fifth of the training series best. KPSS decides about differencing, AICc about the
    order.
    """

    source: ClassVar[str] = "Hyndman and Khandakar (2008), Automatic time series forecasting, J. Stat. Softw."
    takes_regressors: ClassVar[bool] = True

    holidays: HolidaysParameter = None

    learned_: dict[str, Learned] = field(init=False, repr=False)
    """`season`, whether it `drifts`, `order` (p, d, q), `profile`, `scale` of what it leaves, `params`."""

    def fit(self, data: tuple[Series, ...]) -> None:
        """Each series by itself."""
        self.learned_ = learn_each(self, data)

    def refit(self, data: tuple[Series, ...], trial: Self) -> None:
        """New parameters for the trial's seasons and orders."""
        self.learned_ = learn_each(self, data, trial.learned_)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """Carries the series on."""
        return self.carry_on(self.learned_[data.kpi], data, horizon)

    def learn(self, series: Series, trial: Learned | None = None) -> Learned:
        """The trial's season and order, or those chosen here; then the likeliest parameters."""
        return _likeliest(series, trial or self._chosen_season(series))

    def carry_on(self, learned: Learned, series: Series, horizon: int) -> Floats:
        """Filters the series, carries it on, and squares it."""
        levels = np.asarray(learned["profile"])
        ahead = levels[phases(series, len(levels), horizon)[-horizon:]]
        exogenous = series.exogenous_values(horizon)
        model = _model(learned, _rest(learned, series), exogenous[:-horizon][-LONGEST:])
        filtered = model.filter(np.asarray(learned["params"]), cov_type="none")
        coming = exogenous[-horizon:] if exogenous.shape[1] else None
        roots = filtered.forecast(horizon, exog=coming) * learned["scale"] + ahead
        return np.asarray(np.maximum(roots, 0.0) ** 2, dtype=np.float64)

    def base(self, learned: Learned, horizon: int) -> Base:
        """Square roots of its forecasts from several origins, for a learner that corrects them."""

        def base(series: Series, origins: NDArray[np.int64]) -> Floats:
            ahead = [self.carry_on(learned, series.head(int(origin)), horizon) for origin in origins]
            return np.asarray(np.sqrt(np.maximum(ahead, 0.0)), dtype=np.float64)

        return base

    def _chosen_season(self, series: Series) -> Learned:
        """The season, drifting or not, that forecasts the last fifth best."""
        season, known = season_of(series.frequency, len(series)), first_test_bucket(series)
        kinds = [(1, False)]
        if season > 1 and known >= 2 * season:
            kinds += [(season, False)] + [(season, True)] * (season <= LONGEST_DRIFTING_SEASON)
        best: tuple[float, Learned] = np.inf, {}
        for length, drifts in kinds:
            found = _likeliest(series.head(known), {"season": length, "drifts": drifts})
            tried = backtest(partial(self.carry_on, found), series, known, season)
            error = float(np.nanmean(np.abs(tried.errors)))
            best = min(best, (error, found), key=lambda candidate: candidate[0])
        return best[1]


def _likeliest(series: Series, shape: Learned) -> Learned:
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
        if _fit_best(found, _rest(found, series), series.exogenous_values()[-LONGEST:], orders):
            return found
    flat = profile(roots, phase, season, differenced=bool(d)).tolist()
    params = [0.0] * series.exogenous_values().shape[1] + [1.0]
    return found | {"drifts": False, "order": [0, d, 0], "profile": flat, "params": params}


def _rest(learned: Learned, series: Series) -> Floats:
    """What the profile leaves of the square roots, in units of `scale`."""
    levels = np.asarray(learned["profile"])
    rest: Floats = (np.sqrt(series.values) - levels[phases(series, len(levels))]) / learned["scale"]
    return rest[-LONGEST:]


def _model(learned: Learned, rest: Floats, exogenous: Floats) -> Any:
    """The model of this order for what the profile leaves; `exogenous` (n, columns) adds to it linearly.

    ValueError for an order or season longer than training tries: time and memory grow with their square.
    """
    season = learned["season"] if learned["drifts"] else 0
    for number, most in ((season, LONGEST_DRIFTING_SEASON), *((n, MOST_ORDER) for n in learned["order"])):
        if type(number) is not int or not 0 <= number <= most:
            raise ValueError("an order or a season that training does not try")
    seasonal = (0, 1, 1, season) if season else (0, 0, 0, 0)
    exog = exogenous if exogenous.shape[1] else None
    return SARIMAX(rest, exog, order=tuple(learned["order"]), seasonal_order=seasonal)


def _fit_best(found: Learned, rest: Floats, exogenous: Floats, orders: list[list[int]]) -> bool:
    """Keeps the order of the lowest AICc with its likeliest parameters; False when none can be fitted."""
    best: tuple[float, list[int], Floats] = np.inf, [0, 0, 0], np.ones(1)
    for order in orders:
        try:
            # What an optimiser that stopped early found serves too, so nobody is warned.
            with warnings.catch_warnings(action="ignore"):
                model = _model(found | {"order": order}, rest, exogenous)
                result = model.fit(disp=0, maxiter=50, cov_type="none")
        except (np.linalg.LinAlgError, ValueError):
            continue
        score = aicc(result.llf, len(result.params), len(rest))
        best = min(best, (score, order, result.params), key=lambda candidate: candidate[0])
    _score, found["order"], params = best
    found["params"] = params.tolist()
    return bool(np.isfinite(best[0]) and np.isfinite(params).all())

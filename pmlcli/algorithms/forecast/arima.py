"""ARIMA with a season that is fixed or drifts, its order chosen by AICc."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from itertools import product
from typing import Any, ClassVar, Self

import numpy as np
from statsmodels.tsa.statespace.sarimax import SARIMAX

from pmlcli.algorithms._forecast import Forecaster, first_test_bucket
from pmlcli.algorithms._series_tools import Floats, aicc, backtest, phases, profile, season_of, unit_roots
from pmlcli.encoding.series import Series

LONGEST, LONGEST_DRIFTING_SEASON = 2000, 12
"""Only the last so many buckets count, and only short seasons may drift: both bound the time."""


@dataclass(kw_only=True)
class Arima(Forecaster):
    """The next value from the last few values, the last few surprises, and the season.

    Works on square roots, which calms large counts. The season is a fixed profile (a level for each
    weekday, say), or drifts (seasonal differences, moving average), or is left out: whichever forecasts
    the last fifth of the training series best. KPSS decides about differencing, AICc about the order.
    """

    source: ClassVar[str] = "Hyndman and Khandakar (2008), Automatic time series forecasting, J. Stat. Softw."

    shape_: dict[str, Any] = field(init=False, repr=False)
    """`season`, whether it `drifts`, `order` (p, d, q), `scale` of what the profile leaves."""
    profile_: Floats = field(init=False, repr=False)
    params_: Floats = field(init=False, repr=False)

    def fit(self, data: Series) -> None:
        """Chooses season, differencing and order, then the likeliest parameters."""
        season, known = season_of(self.frequency, len(data)), first_test_bucket(data)
        kinds = [(1, False)]
        if season > 1 and known >= 2 * season:
            kinds += [(season, False)] + [(season, True)] * (season <= LONGEST_DRIFTING_SEASON)
        best: tuple[float, dict[str, Any]] = np.inf, {}
        for kind in kinds:
            self._learn(data.head(known), *kind)
            error = float(np.nanmean(np.abs(backtest(self.forecast, data, known, season).errors)))
            best = min(best, (error, self.shape_), key=lambda candidate: candidate[0])
        self._learn(data, best[1]["season"], best[1]["drifts"], best[1]["order"])

    def refit(self, data: Series, trial: Self) -> None:
        """New parameters for the trial's season and order."""
        self._learn(data, trial.shape_["season"], trial.shape_["drifts"], trial.shape_["order"])

    def forecast(self, data: Series, horizon: int) -> Floats:
        """Filters the series, carries it on, and squares it."""
        ahead = phases(data, len(self.profile_), horizon)[-horizon:]
        filtered = self._model(self._rest(data)).filter(self.params_, cov_type="none")
        roots = filtered.forecast(horizon) * self.shape_["scale"] + self.profile_[ahead]
        return np.asarray(np.maximum(roots, 0.0) ** 2, dtype=np.float64)

    def _rest(self, data: Series) -> Floats:
        """What the profile leaves of the square roots, in units of `scale`."""
        phase = phases(data, len(self.profile_))
        rest: Floats = (np.sqrt(data.values) - self.profile_[phase]) / self.shape_["scale"]
        return rest[-LONGEST:]

    def _model(self, rest: Floats) -> Any:
        seasonal = (0, 1, 1, self.shape_["season"]) if self.shape_["drifts"] else (0, 0, 0, 0)
        return SARIMAX(rest, order=tuple(self.shape_["order"]), seasonal_order=seasonal)

    def _learn(self, data: Series, season: int, drifts: bool, order: list[int] | None = None) -> None:
        roots, phase = np.sqrt(data.values[-LONGEST:]), phases(data, season)[-LONGEST:]
        self.shape_ = {"season": season, "drifts": drifts, "scale": 1.0}
        self.profile_ = np.zeros(season) if drifts else profile(roots, phase, season)
        d = order[1] if order else unit_roots(self._rest(data), season if drifts else 0)
        if d and not drifts:
            self.profile_ = profile(roots, phase, season, differenced=True)
        scale = float(self._rest(data).std())
        orders = [order] if order else [[p, d, q] for p, q in product(range(3), repeat=2)]
        is_flat = scale <= 1e-9 * (1 + roots.max())
        self.shape_["scale"] = 1.0 if is_flat else scale
        if is_flat or not self._fit_best(self._rest(data), orders):
            self.shape_ |= {"drifts": False, "order": [0, d, 0]}
            self.profile_, self.params_ = profile(roots, phase, season, differenced=bool(d)), np.ones(1)

    def _fit_best(self, rest: Floats, orders: list[list[int]]) -> bool:
        """Keeps the order of the lowest AICc with its likeliest parameters; False when none can be fitted."""
        best: tuple[float, list[int], Floats] = np.inf, [0, 0, 0], np.ones(1)
        for order in orders:
            self.shape_["order"] = order
            try:
                # What an optimiser that stopped early found serves too, so nobody is warned.
                with warnings.catch_warnings(action="ignore"):
                    result = self._model(rest).fit(disp=0, maxiter=50, cov_type="none")
            except (np.linalg.LinAlgError, ValueError):
                continue
            score = aicc(result.llf, len(result.params), len(rest))
            best = min(best, (score, order, result.params), key=lambda candidate: candidate[0])
        _score, self.shape_["order"], self.params_ = best
        return bool(np.isfinite(best[0]) and np.isfinite(best[2]).all())

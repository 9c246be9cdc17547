"""Theta: a smoothed level, half the long-term trend and the season."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from pmlcli.algorithms.forecast._each import Learned, learn_each
from pmlcli.algorithms.forecast._holidays import HolidaysParameter, with_sundays
from pmlcli.algorithms.forecast._series import phases, profile, season_of, unit_roots
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series

ALPHAS = np.linspace(0.02, 0.98, 49)
LONGEST = 2000
"""Only the last so many buckets count."""


@dataclass(kw_only=True)
class Theta(Forecaster):
    """A level that forgets old values at a rate learned from the series, plus half of its long-term trend.

    It uses square roots. The season is removed first if values one season apart are correlated beyond chance.
    """

    source: ClassVar[str] = "Assimakopoulos and Nikolopoulos (2000), The theta model, Int. J. Forecasting 16"

    holidays: HolidaysParameter = None

    learned_: dict[str, Learned] = field(init=False, repr=False)

    def fit(self, data: tuple[Series, ...]) -> None:
        """Each series by itself."""
        self.learned_ = learn_each(self, data)

    def forecast(self, data: Series, horizon: int) -> Floats:
        """Carries the series on, a holiday like a Sunday."""
        ahead = partial(self.carry_on, self.learned_[data.kpi], data)
        return with_sundays(ahead, self.holidays, data, horizon)

    def learn(self, series: Series, trial: Learned | None = None) -> Learned:
        """The weight of the last value, the slope, and the profile of the season, all on square roots."""
        roots = np.sqrt(series.values[-LONGEST:])
        season = season_of(series.frequency, len(roots))
        levels = _profile(roots, phases(series, season)[-LONGEST:], season)
        rest = _rest(series, levels)
        slope = np.polyfit(np.arange(len(rest)), rest, 1)[0] if len(rest) > 2 else 0.0
        squares = [((rest[1:] - levels_of(rest, alpha)[:-1]) ** 2).sum() for alpha in ALPHAS]
        return {"alpha": float(ALPHAS[np.argmin(squares)]), "slope": float(slope), "profile": levels.tolist()}

    def carry_on(self, learned: Learned, series: Series, horizon: int) -> Floats:
        """The smoothed level, half the slope for each step, the season put back, squared."""
        alpha, levels = learned["alpha"], np.asarray(learned["profile"])
        rest = _rest(series, levels)
        steps = np.arange(horizon) + (1 - (1 - alpha) ** len(rest)) / alpha
        ahead = levels[phases(series, len(levels), horizon)[-horizon:]]
        roots = levels_of(rest, alpha)[-1] + learned["slope"] / 2 * steps + ahead
        return np.asarray(np.maximum(roots, 0.0) ** 2)


def levels_of(values: Floats, alpha: float) -> Floats:
    """The exponentially smoothed level after each value, (n,), beginning at the first."""
    smoothed, _state = lfilter([alpha], [1, alpha - 1], values, zi=[(1 - alpha) * values[0]])
    return np.asarray(smoothed)


def _rest(series: Series, levels: Floats) -> Floats:
    rest: Floats = np.sqrt(series.values) - levels[phases(series, len(levels))]
    return rest[-LONGEST:]


def _profile(roots: Floats, phase: NDArray[np.int64], season: int) -> Floats:
    """The level of each phase, zero on average; all zero where it does not pay by Akaike's criterion.

    Found from the changes, or from the values where those have a level.
    """
    levels = np.zeros(season)
    if season == 1 or len(roots) < 2 * season + 1:
        return levels
    drifts = bool(unit_roots(roots - profile(roots, phase, season)[phase]))
    found = profile(roots, phase, season, differenced=drifts)
    before, after = (np.diff(roots) if drifts else roots), roots - found[phase]
    after = np.diff(after) if drifts else after
    gain = len(before) * np.log(max(before.var(), 1e-12) / max(after.var(), 1e-12))
    return found - found.mean() if gain > 2 * (season - 1) else levels

"""A measured quality, and its comparison with a baseline's by bootstrap over cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 500
NOISE = 1e-9
"""A difference this small, in any unit, is rounding."""
MINIMUM_UNITS = 5
"""Below this many independent units an interval says nothing; the verdict is `unclear`."""


@dataclass(frozen=True)
class Measurement:
    """A metric over independent units (cases, or blocks of time), so that it can be resampled.

    `value_of` takes indices of units (with repetition) and returns the metric over them.
    `about` says in a sentence what was measured and on what.
    """

    metric: str
    unit: str
    higher_is_better: bool
    n_units: int
    value_of: Callable[[NDArray[np.int64]], float]
    about: str

    @property
    def value(self) -> float:
        """The metric over all units."""
        return self.value_of(np.arange(self.n_units))


@dataclass(frozen=True)
class Comparison:
    """An algorithm beside its baseline: values, their difference with a 95 % interval, and a verdict.

    `verdict` is `better`, `worse`, `no better` (the interval holds zero), `unclear` (too few units) or
    `is the baseline`.
    """

    metric: str
    unit: str
    higher_is_better: bool
    value: float
    baseline: str
    baseline_value: float
    difference: float
    lower: float | None
    upper: float | None
    n_units: int
    verdict: str
    about: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form, as it stands in the manifest."""
        return dict(vars(self))


def mean_over(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> Callable[[NDArray[np.int64]], float]:
    """The mean of values that come in units: `sums` and `counts` of each unit, (units,)."""

    def value_of(units: NDArray[np.int64]) -> float:
        return float(sums[units].sum() / counts[units].sum())

    return value_of


def compare(
    ours: Measurement, theirs: Measurement, baseline: str, *, seed: int, is_baseline: bool
) -> Comparison:
    """Both measured on the same units: ours minus theirs, with a 95 % interval bootstrapped over units."""
    difference = ours.value - theirs.value
    lower, upper = (None, None) if is_baseline else _interval(ours, theirs, seed)
    return Comparison(
        metric=ours.metric,
        unit=ours.unit,
        higher_is_better=ours.higher_is_better,
        value=ours.value,
        baseline=baseline,
        baseline_value=theirs.value,
        difference=difference,
        lower=lower,
        upper=upper,
        n_units=ours.n_units,
        verdict="is the baseline" if is_baseline else _verdict(lower, upper, ours.higher_is_better),
        about=ours.about,
    )


def _interval(ours: Measurement, theirs: Measurement, seed: int) -> tuple[float | None, float | None]:
    if ours.n_units < MINIMUM_UNITS:
        return None, None
    rng = np.random.Generator(np.random.PCG64(seed))
    draws = rng.integers(0, ours.n_units, size=(RESAMPLES, ours.n_units))
    differences = np.array([ours.value_of(units) - theirs.value_of(units) for units in draws])
    differences = differences[np.isfinite(differences)]
    if len(differences) < RESAMPLES // 2:
        return None, None
    lower, upper = np.quantile(differences, [0.025, 0.975])
    return float(lower), float(upper)


def _verdict(lower: float | None, upper: float | None, higher_is_better: bool) -> str:
    if lower is None or upper is None:
        return "unclear"
    if lower <= NOISE and upper >= -NOISE:
        return "no better"
    return "better" if (lower > 0) == higher_is_better else "worse"

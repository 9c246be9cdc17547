"""A measured quality over independent units, so that it can be resampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmlcli.arrays import Floats
from pmlcli.evaluation.bootstrap import Units, ValueOf


@dataclass(frozen=True)
class Measurement:
    """A metric over independent units (cases, or blocks of time), so that it can be resampled.

    `value_of` takes indices of units (with repetition) and returns the metric over them.
    `about` says in a sentence what was measured and on what. `parts` are measurements of what this one pools,
    each with a metric of its own name, which get verdicts of their own.
    """

    metric: str
    unit: str
    higher_is_better: bool
    n_units: int
    value_of: ValueOf
    about: str
    parts: tuple[Measurement, ...] = ()

    @property
    def value(self) -> float:
        """The metric over all units."""
        return self.value_of(np.arange(self.n_units))

    @property
    def is_known(self) -> bool:
        """Whether there was anything to measure on."""
        return self.n_units > 0 and bool(np.isfinite(self.value))


def mean_over(sums: Floats, counts: Floats) -> ValueOf:
    """The mean of values that come in units: `sums` and `counts` of each unit, (units,)."""

    def value_of(units: Units) -> float:
        return float(sums[units].sum() / counts[units].sum())

    return value_of

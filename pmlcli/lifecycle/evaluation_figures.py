"""The figures of an evaluation: metrics with intervals, beside training, the baseline and another model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from pmlcli.algorithms._interface.task import BesideTruth
from pmlcli.arrays import Codes, Floats
from pmlcli.errors import ValidationError
from pmlcli.evaluation.assessment import Figure
from pmlcli.evaluation.bootstrap import MINIMUM_UNITS, NOISE, RESAMPLES, ValueOf, bounds, resampled, weighed
from pmlcli.evaluation.quality import Quality

CHANGE = "change_since_training"


@dataclass(frozen=True)
class Judged:
    """Rows of one model beside the truth, and its metrics."""

    rows: BesideTruth
    qualities: tuple[Quality, ...]
    weights: Floats | None = None
    """How much each unit counts, (units,); None: all alike."""

    @cached_property
    def metrics(self) -> list[ValueOf]:
        """Each metric as a function of units drawn."""
        return [self.over(one, self.rows.table) for one in self.qualities]

    def over(self, quality: Quality, table: pd.DataFrame) -> ValueOf:
        """The metric of such a table as a function of units drawn."""
        value_of = quality.over(table, self.rows.units, self.n_units)
        return value_of if self.weights is None else weighed(value_of, self.weights)

    @property
    def main(self) -> Quality:
        """The task's own metric."""
        return self.qualities[0]

    @property
    def n_units(self) -> int:
        """How many cases, or blocks of time, can be resampled."""
        return int(self.rows.units.max()) + 1


def figures_of(
    judged: Judged, others: Mapping[str, Judged], in_training: Mapping[str, object], seed: int
) -> list[Figure]:
    """Of each metric, the main one first; then how it differs from the others', and from training.

    `others`: `baseline` and `against`, as far as there are any; `in_training`: what training measured, by the
    name of the metric. ValidationError where the others predict something else.
    """
    beside = {name: _paired(judged, other) for name, other in others.items()}
    drawn = _drawn([*judged.metrics, *beside.values()], judged.n_units, seed)
    own = _figures(judged, in_training, drawn, beside)
    return [
        *own,
        *_differences(own[0], drawn, beside, len(judged.metrics)),
        *_from_training(in_training, own[0], drawn[:, 0]),
    ]


def change_in(figures: Sequence[Figure]) -> Figure | None:
    """How far the main metric is from training; None where that is not known."""
    return next((one for one in figures if one.name == CHANGE), None)


def verdict_of(figures: Sequence[Figure]) -> tuple[str, bool]:
    """In one word, and whether a person should look at it: worse than in training, or than its baseline."""
    main, change = figures[0], change_in(figures)
    if main.higher_is_better is None:
        return "no truth", False
    is_below = any(_side(one) < 0 for one in figures if one.name == "baseline_difference")
    if main.n is not None and main.n < MINIMUM_UNITS:
        return "unclear", False
    if change is None:
        return ("worse", True) if is_below else ("unknown", False)
    side = _side(change)
    return {-1: "worse", 0: "as in training", 1: "better"}[side], is_below or side < 0


def _paired(judged: Judged, other: Judged) -> ValueOf:
    """The other's own metric over the same units; ValidationError where it is another or of other rows."""
    if not _are_of_the_same(judged.rows, other.rows):
        raise ValidationError(
            "the two models do not predict the same things of this log",
            hint="compare models of the same task, outcome and KPI",
        )
    return judged.over(judged.main, other.rows.table)


def _are_of_the_same(ours: BesideTruth, others: BesideTruth) -> bool:
    """Whether these are the same predictions, of the same thing: what came true is the same."""
    if len(others.table) != len(ours.table) or not np.array_equal(others.events, ours.events):
        return False
    return "truth" not in ours.table or ours.table["truth"].equals(others.table["truth"])


def _drawn(metrics: list[ValueOf], n_units: int, seed: int) -> Floats:
    if n_units < MINIMUM_UNITS:
        return np.full((RESAMPLES, len(metrics)), np.nan)
    return resampled(metrics, n_units, seed)


def _figures(
    judged: Judged, in_training: Mapping[str, object], drawn: Floats, beside: Mapping[str, ValueOf]
) -> list[Figure]:
    everything = np.arange(judged.n_units)
    found = []
    for place, (quality, metric) in enumerate(zip(judged.qualities, judged.metrics, strict=True)):
        lower, upper = bounds(drawn[:, place])
        is_main = place == 0
        found.append(
            Figure(
                quality.name,
                finite(metric(everything)),
                quality.unit,
                judged.n_units,
                lower,
                upper,
                baseline=finite(beside["baseline"](everything)) if is_main and "baseline" in beside else None,
                training=_of_training(in_training, quality) if is_main else quality.training,
                higher_is_better=quality.higher_is_better,
            )
        )
    return found


def _of_training(in_training: Mapping[str, object], quality: Quality) -> float | None:
    """What training measured by the same metric; None where it measured by another, or nothing sound."""
    match _measured(in_training, quality.name):
        case {"value": int() | float() as value} if np.isfinite(value):
            return float(value)
    return quality.training


def _measured(in_training: Mapping[str, object], name: str) -> object:
    """What the model directory says of a metric, whose name may have hyphens there; as it was read."""
    return in_training.get(name.replace("_", "-"), in_training.get(name))


def _from_training(in_training: Mapping[str, object], main: Figure, drawn: Floats) -> list[Figure]:
    """How far it is from training, with an interval: training's units are taken to vary as these do."""
    if main.value is None or main.training is None or main.n is None:
        return []
    known = _measured(in_training, main.name)
    units = known.get("n_units") if isinstance(known, Mapping) else None
    n_before = units if type(units) is int and units > 0 else main.n
    difference = main.value - main.training
    sound = drawn[np.isfinite(drawn)]
    half = None
    if len(sound) > RESAMPLES / 2:
        half = 1.96 * float(sound.std()) * float(np.sqrt(1 + main.n / n_before))
    return [
        Figure(
            CHANGE,
            difference,
            "points" if main.unit == "share" else main.unit,
            main.n,
            None if half is None else difference - half,
            None if half is None else difference + half,
            higher_is_better=main.higher_is_better,
        )
    ]


def _differences(main: Figure, drawn: Floats, beside: Mapping[str, ValueOf], first: int) -> list[Figure]:
    """Ours minus the others', on the same draws of units."""
    found = []
    for place, name in enumerate(beside):
        other = finite(beside[name](np.arange(main.n or 0)))
        lower, upper = bounds(drawn[:, 0] - drawn[:, first + place])
        if other is None or main.value is None:
            continue
        unit = "points" if main.unit == "share" else main.unit
        figure = Figure(f"{name}_difference", main.value - other, unit, main.n, lower, upper)
        found.append(replace(figure, baseline=other, higher_is_better=main.higher_is_better))
    return found


def _side(difference: Figure) -> int:
    """1 where a difference is good beyond chance, -1 where it is bad, 0 where chance may have made it."""
    sign = 0 if difference.higher_is_better is None else 1 if difference.higher_is_better else -1
    lower, upper = difference.lower, difference.upper
    if lower is None or upper is None or lower <= NOISE and upper >= -NOISE:
        return 0
    return sign if lower > 0 else -sign


def finite(value: float) -> float | None:
    """The number, None where it is none."""
    return float(value) if np.isfinite(value) else None


def numbered(units: Codes) -> Codes:
    """The same units, as 0, 1, 2, ..."""
    return np.unique(units, return_inverse=True)[1].astype(np.int64)

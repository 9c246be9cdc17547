"""An algorithm beside its baseline over several cuts of a log: an interval and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from pmlcli.evaluation.bootstrap import MINIMUM_UNITS, NOISE, RESAMPLES, bounds, resampled
from pmlcli.evaluation.measurement import Measurement

COVERAGE = 0.9
"""So often the interval should hold the difference of a further period."""
PRIOR_WEIGHT = 4
PRIOR_NOISE = 0.5
PRIOR_CHANGE = 0.25
"""What is expected of the variation between periods before the cuts show it, see `interval`."""
CHANGED = 0.25
SURE = 3.0
"""A level that moved by more than this share, and so many standard errors, is a changed process."""


_INNER = ("period", "variance", "baseline_variance")


@dataclass(frozen=True)
class CutPeriod:
    """What is known of one cut's test part beside its measurement.

    `since`, `until` are dates (ISO 8601), None without times. `bias` says in a few words why the part tells
    nothing of the cases to come; None where it does.
    """

    n_cases: int
    since: str | None = None
    until: str | None = None
    bias: str | None = None


@dataclass(frozen=True)
class CutComparison:
    """An algorithm beside its baseline on one cut; its interval (95 %) is of resampled cases alone."""

    period: CutPeriod
    n_units: int
    value: float
    baseline_value: float
    difference: float
    lower: float | None
    upper: float | None
    variance: float
    """Of the difference, by resampled units."""
    baseline_variance: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form, as it stands in the manifest."""
        own = {name: value for name, value in vars(self).items() if name not in _INNER}
        return vars(self.period) | own


@dataclass(frozen=True)
class Comparison:
    """An algorithm beside its baseline: values, their difference with a 90 % interval, and a verdict.

    The interval is one of a further period: it holds how much the cuts differ as well as the cases of each.
    `verdict` is `better`, `worse`, `no better` (the interval holds zero), `unclear` (too few units, a biased
    part, periods that contradict each other) or `is the baseline`; `because` says more, a sentence each.
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
    cuts: tuple[CutComparison, ...]
    because: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form, as it stands in the manifest."""
        own = vars(self) | {"cuts": [cut.to_dict() for cut in self.cuts], "because": list(self.because)}
        return dict(own)


class Measured(NamedTuple):
    """One cut's test part: an algorithm and its baseline on the same units, and what the part is."""

    ours: Measurement
    theirs: Measurement
    period: CutPeriod


def compare(
    measured: Sequence[Measured],
    baseline: str,
    *,
    seed: int,
    is_baseline: bool = False,
    doubts: Sequence[str] = (),
) -> Comparison:
    """Ours minus theirs over all cuts, which come in order of time.

    Cuts whose period is biased do not count, as long as there is another; those that another metric was taken
    of are left out. `doubts` are sentences about the log for which no verdict can be given.
    """
    last = measured[-1].ours
    cuts = tuple(_on_cut(one, seed, is_baseline) for one in measured if one.ours.metric == last.metric)
    counted = _counted(cuts)
    sign = 1 if last.higher_is_better else -1
    value, baseline_value, difference = _weights(counted) @ [
        (cut.value, cut.baseline_value, cut.difference) for cut in counted
    ]
    found = Comparison(
        metric=last.metric,
        unit=last.unit,
        higher_is_better=last.higher_is_better,
        value=float(value),
        baseline=baseline,
        baseline_value=float(baseline_value),
        difference=float(difference),
        lower=None,
        upper=None,
        n_units=sum(cut.n_units for cut in counted),
        verdict="is the baseline",
        about="; ".join((last.about, _about(counted, len(cuts)))),
        cuts=cuts,
    )
    return found if is_baseline else _judged(found, counted, sign, [*doubts, *_doubts(counted, sign)])


def _judged(
    found: Comparison, counted: Sequence[CutComparison], sign: int, doubts: Sequence[str]
) -> Comparison:
    lower, upper = interval(counted)
    return replace(
        found,
        lower=lower,
        upper=upper,
        verdict="unclear" if doubts else verdict(counted, lower, upper, sign),
        because=(*doubts, *_left_out(found.cuts, counted), *_changes(counted, sign)),
    )


def interval(cuts: Sequence[CutComparison]) -> tuple[float | None, float | None]:
    """Where the difference of one further period is to be expected, 90 %; None where too little is known.

    The variance of a period's difference is that of its cases (bootstrap) and that between periods. Few cuts
    tell little of the latter, so it is drawn towards a standard deviation of `PRIOR_NOISE` times the former's
    and the share `PRIOR_CHANGE` of the difference, as if `PRIOR_WEIGHT` more cuts had shown so; Student's t
    is taken for so many.
    """
    if any(cut.n_units < MINIMUM_UNITS or not np.isfinite(cut.variance) for cut in cuts):
        return None, None
    weights, differences = _weights(cuts), np.array([cut.difference for cut in cuts])
    middle, cases = float(weights @ differences), float(weights @ [cut.variance for cut in cuts])
    expected = (1 + PRIOR_NOISE**2) * cases + (PRIOR_CHANGE * middle) ** 2
    freedom = PRIOR_WEIGHT + len(cuts) - 1
    spread = 0.0 if len(cuts) == 1 else weights @ (differences - middle) ** 2 / (1 - weights @ weights)
    seen = (PRIOR_WEIGHT * expected + (len(cuts) - 1) * float(spread)) / freedom
    half = float(stdtrit(freedom, 0.5 + COVERAGE / 2)) * np.sqrt(max(seen, cases) * (1 + weights @ weights))
    return middle - float(half), middle + float(half)


def verdict(cuts: Sequence[CutComparison], lower: float | None, upper: float | None, sign: int) -> str:
    """`better`: the interval lies on the good side, most cuts are better, and none is worse beyond its own.

    `sign` is 1 where higher is better, else -1.
    """
    if lower is None or upper is None:
        return "unclear"
    if lower <= NOISE and upper >= -NOISE:
        return "no better"
    if (lower > 0) != (sign > 0):
        return "worse"
    n_better = sum(sign * cut.difference > NOISE for cut in cuts)
    is_worse_once = any(_is_beyond(cut, -sign) for cut in cuts)
    return "unclear" if is_worse_once or 2 * n_better <= len(cuts) else "better"


def _on_cut(measured: Measured, seed: int, is_baseline: bool) -> CutComparison:  # noqa: FBT001
    ours, theirs, period = measured
    value, other = ours.value, theirs.value
    drawn, others = (np.empty(0), np.empty(0)) if is_baseline else _resampled(ours, theirs, seed)
    lower, upper = bounds(drawn)
    return CutComparison(
        period=period,
        n_units=ours.n_units,
        value=value,
        baseline_value=other,
        difference=value - other,
        lower=lower,
        upper=upper,
        variance=float(drawn.var()) if len(drawn) else float("nan"),
        baseline_variance=float(others.var()) if len(drawn) else float("nan"),
    )


def _resampled(
    ours: Measurement, theirs: Measurement, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Differences, and the baseline's values, over units drawn anew; none where there are too few units."""
    if ours.n_units < MINIMUM_UNITS:
        return np.empty(0), np.empty(0)
    values = resampled([ours.value_of, theirs.value_of], ours.n_units, seed)
    values = values[np.isfinite(values).all(axis=1)]
    values = values if len(values) >= RESAMPLES // 2 else values[:0]
    return values[:, 0] - values[:, 1], values[:, 1]


def _counted(cuts: Sequence[CutComparison]) -> list[CutComparison]:
    """The cuts that show how well it does; the last where none does."""
    sound = [cut for cut in cuts if cut.period.bias is None and np.isfinite(cut.difference)]
    return sound or [cuts[-1]]


def _weights(cuts: Sequence[CutComparison]) -> NDArray[np.float64]:
    """How much each cut counts, by its units, (cuts,)."""
    units = np.array([cut.n_units for cut in cuts], dtype=np.float64)
    return np.asarray(units / units.sum())


def _is_beyond(cut: CutComparison, sign: int) -> bool:
    """Whether a cut's own interval lies wholly on this side of zero."""
    if cut.lower is None or cut.upper is None:
        return False
    return cut.lower > NOISE if sign > 0 else cut.upper < -NOISE


def _doubts(cuts: Sequence[CutComparison], sign: int) -> list[str]:
    """Why the counted cuts give no verdict."""
    found = []
    if all(cut.period.bias is not None for cut in cuts):
        found.append(f"no part of the log shows how well it does: {cuts[-1].period.bias}")
    if any(_is_beyond(cut, sign) for cut in cuts) and any(_is_beyond(cut, -sign) for cut in cuts):
        better, worse = (next(cut for cut in reversed(cuts) if _is_beyond(cut, way)) for way in (sign, -sign))
        found.append(
            f"the periods contradict each other: better in {_span(better.period)}, worse in "
            f"{_span(worse.period)}, both by more than chance"
        )
    return found


def _left_out(cuts: Sequence[CutComparison], counted: Sequence[CutComparison]) -> list[str]:
    return [
        f"the period {_span(cut.period)} does not count: {cut.period.bias}"
        for cut in cuts
        if cut.period.bias is not None and cut not in counted
    ]


def _changes(cuts: Sequence[CutComparison], sign: int) -> list[str]:
    """Whether the last period is harder or easier than those before it, by the baseline's error."""
    if len(cuts) == 1:
        return []
    errors = np.array([1 - cut.baseline_value if sign > 0 else cut.baseline_value for cut in cuts])
    variances = np.array([cut.baseline_variance for cut in cuts])
    weights = _weights(cuts[:-1])
    before, last = float(weights @ errors[:-1]), float(errors[-1])
    doubt = float(np.sqrt(weights**2 @ variances[:-1] + variances[-1]))
    if not abs(last - before) > max(SURE * doubt, CHANGED * before):
        return []
    how = "harder" if last > before else "easier"
    return [
        f"the process changed: its last period ({_span(cuts[-1].period)}) is {how} to predict than those "
        f"before (the baseline's error is {last / max(before, NOISE):.2g} times theirs)"
    ]


def _span(period: CutPeriod) -> str:
    """`2012-01-01 to 2012-03-05`, or the number of cases where there are no dates."""
    if period.since is None or period.until is None:
        return f"of {period.n_cases:,} cases"
    return f"{period.since[:10]} to {period.until[:10]}"


def _about(cuts: Sequence[CutComparison], n_cuts: int) -> str:
    n = f"{len(cuts)} of {n_cuts} cuts" if len(cuts) < n_cuts else f"{n_cuts} cut{'s' * (n_cuts != 1)}"
    first, last = cuts[0].period, cuts[-1].period
    dates = CutPeriod(sum(cut.period.n_cases for cut in cuts), first.since, last.until)
    how = "each trained" if len(cuts) > 1 else "trained"
    return f"measured on {n} of the log by time, {_span(dates)}, {how} on what was before"

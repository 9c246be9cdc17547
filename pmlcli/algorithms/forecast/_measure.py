"""How well forecasts did: absolute errors from rolling origins, by independent blocks of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pmlcli.algorithms.forecast._series import BUCKET, Backtest, season_of
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series
from pmlcli.evaluation.measurement import Measurement, mean_over

STILL_LEVEL = 0.001
STILL_SHARE = 0.95
"""A series hardly moves when so many of its values lie within so much of its level from the season before."""
STILL_WORDS = " (the series hardly moves, and is not part of the pooled figure)"


def measurement(data: Sequence[Series], tests: Sequence[Backtest], horizon: int) -> Measurement:
    """Mean absolute error over the steps that the test part is long enough for; MASE for several series."""
    frequency = data[0].frequency
    n_test = len(data[0]) - int(tests[0].origins[0])
    steps = min(horizon, max(1, n_test // 2))
    block = min(season_of(frequency, len(data[0])), -(-n_test // 10))
    found = [_by_block(test, steps, block) for test in tests]
    bucket = BUCKET[frequency]
    how = (
        f", 1 to {steps} {bucket}s ahead, from rolling origins in the last {n_test} of {len(data[0])} "
        f"{bucket}s; intervals resample runs of {bucket}s"
    )
    if len(data) == 1:
        return _measured("mae", data[0].unit, found[0], data[0].kpi + how)
    still = [_hardly_moves(one, test) for one, test in zip(data, tests, strict=True)]
    parts = tuple(
        _measured(f"mae of {one.kpi}", one.unit, part, one.kpi + (STILL_WORDS if is_still else "") + how)
        for one, part, is_still in zip(data, found, still, strict=True)
    )
    pooled = [place for place, is_still in enumerate(still) if not is_still] or list(range(len(data)))
    scaled = [found[place][0] / _seasonal_change(data[place], tests[place]) for place in pooled]
    both = _summed(scaled), _summed([found[place][1] for place in pooled])
    return replace(
        _measured("mase", "mean seasonal changes", both, f"{len(pooled)} series" + how), parts=parts
    )


def shown_error(value: float, unit: str) -> str:
    """An error in its unit with three digits: `1.43 days` of seconds, `5.00 percentage points` of a share."""
    scale, name = {"seconds": (86_400.0, "days"), "share": (0.01, "percentage points")}.get(unit, (1.0, unit))
    number = value / scale
    return f"{f'{number:,.0f}' if number >= 100 else f'{number:#.3g}'} {name}"


def _measured(metric: str, unit: str, part: tuple[Floats, Floats], about: str) -> Measurement:
    """The mean of errors that come as sums and counts by block."""
    sums, counts = part
    return Measurement(
        metric=metric,
        unit=unit,
        higher_is_better=False,
        n_units=int((counts > 0).sum()),
        value_of=mean_over(sums[counts > 0], counts[counts > 0]),
        about=about,
    )


def _hardly_moves(series: Series, test: Backtest) -> bool:
    """Whether what repeats the last season is all but never wrong before the test part: nothing can be
    divided by its error.
    """
    known, season = series.values[: test.origins[0]], season_of(series.frequency, len(series))
    if len(known) <= season:
        return False
    changes = np.abs(known[season:] - known[:-season])
    level = float(np.abs(known).mean())
    return bool((changes <= STILL_LEVEL * level).mean() >= STILL_SHARE)


def _seasonal_change(series: Series, test: Backtest) -> float:
    """Mean absolute difference of values one season apart before the test part; 1 where there is none."""
    known, season = series.values[: test.origins[0]], season_of(series.frequency, len(series))
    change = float(np.abs(known[season:] - known[:-season]).mean()) if len(known) > season else 0.0
    return change or 1.0


def _summed(parts: Sequence[Floats]) -> Floats:
    """The sum block by block; series that end earlier have fewer."""
    longest = max(map(len, parts))
    return np.asarray(np.sum([np.pad(part, (0, longest - len(part))) for part in parts], axis=0))


def _by_block(test: Backtest, steps: int, block: int) -> tuple[Floats, Floats]:
    """Absolute errors of whole windows of so many steps, summed and counted by block of target buckets."""
    whole = test.origins <= max(test.n - steps, int(test.origins[0]))
    size, targets = np.abs(test.errors[whole, :steps]).ravel(), test.targets[whole, :steps].ravel()
    is_known = np.isfinite(size)
    blocks = (targets[is_known] - test.origins[0]) // block
    n_blocks = (test.n - 1 - int(test.origins[0])) // block + 1
    sums = np.bincount(blocks, weights=size[is_known], minlength=n_blocks).astype(np.float64)
    return sums, np.bincount(blocks, minlength=n_blocks).astype(np.float64)

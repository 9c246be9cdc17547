"""How well forecasts did: absolute errors from rolling origins, by independent blocks of time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmlcli.algorithms.forecast._series import BUCKET, Backtest, Floats, season_of
from pmlcli.encoding.series.encoding import Series
from pmlcli.evaluation.measurement import Measurement, mean_over


def measurement(data: Sequence[Series], tests: Sequence[Backtest], horizon: int) -> Measurement:
    """Mean absolute error over the steps that the test part is long enough for; MASE for several series."""
    frequency = data[0].frequency
    n_test = len(data[0]) - int(tests[0].origins[0])
    steps = min(horizon, max(1, n_test // 2))
    block = min(season_of(frequency, len(data[0])), -(-n_test // 10))
    parts = [_by_block(test, steps, block) for test in tests]
    scales = [1.0] if len(data) == 1 else [_seasonal_change(s, t) for s, t in zip(data, tests, strict=True)]
    sums = _summed([part[0] / scale for part, scale in zip(parts, scales, strict=True)])
    counts = _summed([part[1] for part in parts])
    bucket = BUCKET[frequency]
    what = data[0].kpi if len(data) == 1 else f"{len(data)} series"
    return Measurement(
        metric="mae" if len(data) == 1 else "mase",
        unit=data[0].unit if len(data) == 1 else "mean seasonal changes",
        higher_is_better=False,
        n_units=int((counts > 0).sum()),
        value_of=mean_over(sums[counts > 0], counts[counts > 0]),
        about=f"{what}, 1 to {steps} {bucket}s ahead, from rolling origins in the last {n_test} of "
        f"{len(data[0])} {bucket}s; intervals resample runs of {bucket}s",
    )


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

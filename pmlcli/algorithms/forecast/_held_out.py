"""What a forecaster says of the test part of each cut, and the tables of several cuts as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pmlcli.algorithms.forecast._series import Backtest
from pmlcli.encoding.series.encoding import Series


class HeldOut(NamedTuple):
    """Series up to the end of a test part, and forecasts of each from rolling origins within that part."""

    series: tuple[Series, ...]
    tests: tuple[Backtest, ...]


def joined_cuts(held_out: Sequence[HeldOut]) -> HeldOut:
    """The tables of several cuts as one: the series of the last, with the origins of all.

    A series that the last cut does not have is left out. Errors of several cuts about the same bucket both
    count, in the same block of time.
    """
    last = held_out[-1]
    if len(held_out) == 1:
        return last
    pairs = zip(last.series, last.tests, strict=True)
    return HeldOut(last.series, tuple(_of_all_cuts(held_out[:-1], *pair) for pair in pairs))


def _of_all_cuts(earlier: Sequence[HeldOut], series: Series, test: Backtest) -> Backtest:
    parts = [test]
    for table in earlier:
        for known, before in zip(table.series, table.tests, strict=True):
            if known.kpi == series.kpi:
                later = int(np.searchsorted(series.starts, known.starts[0]))
                parts.append(Backtest(before.origins + later, before.forecasts, before.came, before.n))
    origins = np.concatenate([part.origins for part in parts])
    order = np.argsort(origins, kind="stable")
    forecasts = np.concatenate([part.forecasts for part in parts])
    came = np.concatenate([part.came for part in parts])
    return Backtest(origins[order], forecasts[order], came[order], test.n)

"""Methods that learn each series by itself: what they give, and how all series are learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from pmlcli import runtime
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series

Learned = dict[str, Any]
"""What was learned of one series, JSON-plain."""


class Method(Protocol):
    """A forecaster that learns each series by itself, so that others can ask it about a single one."""

    def learn(self, series: Series, trial: Learned | None = None) -> Learned:
        """What there is to know of a series, guided by what a `trial` found on its first four fifths."""

    def carry_on(self, learned: Learned, series: Series, horizon: int) -> Floats:
        """The values of the buckets that follow, (horizon,)."""


def learn_each(
    method: Method, data: Sequence[Series], trial: Mapping[str, Learned] | None = None
) -> dict[str, Learned]:
    """What the method learns of each series, by KPI; one that the trial did not have is learned anew."""
    found = runtime.spread(partial(_learned, method, trial or {}), data, "learning")
    return {series.kpi: learned for series, learned in zip(data, found, strict=True)}


def _learned(method: Method, trial: Mapping[str, Learned], series: Series) -> Learned:
    return method.learn(series, trial.get(series.kpi))

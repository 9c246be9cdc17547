"""Growing boosted trees for many classes or for quantiles, until late cases are predicted no better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xgboost

PATIENCE, MEDIAN_PATIENCE = 8, 15
"""Rounds without progress on the late cases before training stops."""
SETTINGS: dict[str, Any] = {
    "objective": "multi:softprob", "min_child_weight": 2, "lambda": 2.0, "subsample": 0.7,
    "colsample_bytree": 0.5, "max_bin": 64, "nthread": 1,
}  # fmt: skip


def grow_classes(
    settings: dict[str, Any], taught: xgboost.DMatrix, rounds: int, late: xgboost.DMatrix | None = None
) -> xgboost.Booster:
    """At most so many rounds, a tree for each class; with `late` the rounds that were best for it.

    The loss on `late` is the booster's `best_score`.
    """
    watched = {} if late is None else _watched(late, PATIENCE)
    return xgboost.train(SETTINGS | settings, taught, rounds, **watched)


QUANTILES: dict[str, Any] = {
    "objective": "reg:quantileerror", "min_child_weight": 10, "subsample": 0.7, "colsample_bytree": 0.7,
    "max_bin": 64, "nthread": 1,
}  # fmt: skip


def grow_quantiles(
    settings: dict[str, Any], taught: xgboost.DMatrix, rounds: int, levels: Sequence[float]
) -> xgboost.Booster:
    """So many rounds, a tree for each of these levels."""
    return xgboost.train(QUANTILES | settings | {"quantile_alpha": list(levels)}, taught, rounds)


def grow_median(
    settings: dict[str, Any], taught: xgboost.DMatrix, rounds: int, late: xgboost.DMatrix
) -> xgboost.Booster:
    """As many of at most so many trees for the median as were best for `late`."""
    own = QUANTILES | settings | {"quantile_alpha": [0.5]}
    return xgboost.train(own, taught, rounds, **_watched(late, MEDIAN_PATIENCE))


def _watched(late: xgboost.DMatrix, patience: int) -> dict[str, Any]:
    stop = xgboost.callback.EarlyStopping(rounds=patience, save_best=True)
    return {"evals": [(late, "late")], "callbacks": [stop], "verbose_eval": False}

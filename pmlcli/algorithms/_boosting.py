"""Growing boosted trees for many classes, until late cases are predicted no better."""

from __future__ import annotations

from typing import Any

import xgboost

PATIENCE = 8
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
    stop = xgboost.callback.EarlyStopping(rounds=PATIENCE, save_best=True)
    watched = {} if late is None else {"evals": [(late, "late")], "callbacks": [stop]}
    return xgboost.train(SETTINGS | settings, taught, rounds, verbose_eval=False, **watched)

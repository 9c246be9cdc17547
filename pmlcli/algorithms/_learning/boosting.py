"""Growing boosted trees for many classes or for quantiles, until late cases are predicted no better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xgboost

from pmlcli import runtime

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
    return grow(SETTINGS | settings, taught, rounds, **_watched(late, PATIENCE))


QUANTILES: dict[str, Any] = {
    "objective": "reg:quantileerror", "min_child_weight": 10, "subsample": 0.7, "colsample_bytree": 0.7,
    "max_bin": 64, "nthread": 1,
}  # fmt: skip


def grow_quantiles(
    settings: dict[str, Any], taught: xgboost.DMatrix, rounds: int, levels: Sequence[float]
) -> xgboost.Booster:
    """So many rounds, a tree for each of these levels."""
    return grow(QUANTILES | settings | {"quantile_alpha": list(levels)}, taught, rounds)


def grow_median(
    settings: dict[str, Any], taught: xgboost.DMatrix, rounds: int, late: xgboost.DMatrix
) -> xgboost.Booster:
    """As many of at most so many trees for the median as were best for `late`."""
    own = QUANTILES | settings | {"quantile_alpha": [0.5]}
    return grow(own, taught, rounds, **_watched(late, MEDIAN_PATIENCE))


def grow(settings: dict[str, Any], taught: xgboost.DMatrix, rounds: int, **watched: Any) -> xgboost.Booster:
    """So many rounds with these settings, or as many as there is time for, one at least.

    `watched` are further arguments of `xgboost.train`, such as what is measured after each round.
    """
    callbacks = [*watched.pop("callbacks", ()), _InTime(rounds)]
    return xgboost.train(settings, taught, rounds, callbacks=callbacks, **watched)


class _InTime(xgboost.callback.TrainingCallback):
    """Stops before the next round where the time is over. It stands last: the others see every round."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self._rounds = rounds

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Whether to stop after this round, counted from 0."""
        limit, done = runtime.deadline(), epoch + 1
        if done == self._rounds or not limit.is_over:
            return False
        limit.stop(f"boosting stopped after {done} of at most {self._rounds} rounds")
        return True


def _watched(late: xgboost.DMatrix | None, patience: int) -> dict[str, Any]:
    if late is None:
        return {}
    stop = xgboost.callback.EarlyStopping(rounds=patience, save_best=True)
    return {"evals": [(late, "late")], "callbacks": [stop], "verbose_eval": False}

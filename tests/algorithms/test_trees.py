"""Boosted trees walked by numpy answer as XGBoost does."""

from __future__ import annotations

import numpy as np
import pytest

xgboost = pytest.importorskip("xgboost")

from pmlcli.algorithms._trees import CHUNK, Trees  # noqa: E402


@pytest.mark.parametrize(
    ("objective", "classes"), [("reg:squarederror", 1), ("binary:logistic", 1), ("multi:softprob", 3)]
)
def test_trees_answer_as_xgboost_does(objective: str, classes: int) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(CHUNK + 50, 5)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    target = (np.nan_to_num(rows[:, 0]) > 0).astype(int) + (np.nan_to_num(rows[:, 1]) > 1) * (classes > 1)
    settings = {"objective": objective, "max_depth": 4, "nthread": 1, "seed": 0}
    settings |= {"num_class": classes} if classes > 1 else {}
    booster = xgboost.train(settings, xgboost.DMatrix(rows, target, nthread=1), 12)
    trees = Trees.from_json(bytes(booster.save_raw("json")))
    expected = booster.predict(xgboost.DMatrix(rows, nthread=1), output_margin=True).reshape(len(rows), -1)
    found = trees.margins(rows)
    assert found == pytest.approx(expected, abs=1e-4)
    assert (trees.margins(rows[7:8]) == found[7:8]).all()

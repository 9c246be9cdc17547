"""Boosted trees walked by numpy answer as XGBoost does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

xgboost = pytest.importorskip("xgboost")

from pmlcli.algorithms._learning.trees import CHUNK, Trees  # noqa: E402
from pmlcli.errors import UntrustedArtifactError  # noqa: E402
from pmlcli.store.codecs.xgboost import check_xgboost_json  # noqa: E402


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
    trees = Trees.from_json(bytes(booster.save_raw("json")), rounds=12, depth=4)
    expected = booster.predict(xgboost.DMatrix(rows, nthread=1), output_margin=True).reshape(len(rows), -1)
    found = trees.margins(rows)
    assert found == pytest.approx(expected, abs=1e-4)
    assert (trees.margins(rows[7:8]) == found[7:8]).all()


def grown(rounds: int = 6, classes: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3))
    target = (rows[:, 0] > 0).astype(int) + (rows[:, 1] > 1) * (classes > 1)
    objective = "multi:softprob" if classes > 1 else "binary:logistic"
    settings = {"objective": objective, "max_depth": 3, "nthread": 1}
    settings |= {"num_class": classes} if classes > 1 else {}
    booster = xgboost.train(settings, xgboost.DMatrix(rows, target, nthread=1), rounds)
    found: dict[str, Any] = json.loads(bytes(booster.save_raw("json")))
    return found


def parts(document: dict[str, Any]) -> dict[str, Any]:
    model: dict[str, Any] = document["learner"]["gradient_booster"]["model"]
    return model


def chain(document: dict[str, Any], levels: int) -> None:
    """The first tree becomes one that splits its left child again and again: a row takes every step."""
    tree = parts(document)["trees"][0]
    nodes = 2 * levels + 1
    places = np.arange(nodes)
    is_inner = (places == 0) | ((places % 2 == 1) & (places < nodes - 2))
    left = np.where(is_inner, np.where(places == 0, 1, places + 2), -1)
    tree["left_children"], tree["right_children"] = left.tolist(), np.where(is_inner, left + 1, -1).tolist()
    parents = np.where(places < 3, 0, places - 2 - (places % 2 == 0))
    tree["parents"] = [2**31 - 1, *parents[1:].tolist()]
    for name in ("split_indices", "split_type", "default_left"):
        tree[name] = [0] * nodes
    for name in ("split_conditions", "base_weights", "sum_hessian", "loss_changes"):
        tree[name] = [1e30] * nodes
    tree["tree_param"] |= {"num_nodes": str(nodes), "num_deleted": "0"}


def without_a_tree(document: dict[str, Any]) -> None:
    model = parts(document)
    model["trees"].pop()
    model["tree_info"].pop()


def start_of(text: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["learner"]["learner_model_param"].update(base_score=text)


UNTRAINED: dict[str, tuple[Callable[[dict[str, Any]], None], int, str]] = {
    "a chain of levels": (lambda document: chain(document, 5000), 1, "more than 3 levels"),
    "one level more": (lambda document: chain(document, 4), 1, "more than 3 levels"),
    "more trees than rounds": (lambda document: None, 1, "trees for 1 outputs"),
    "an output without its tree": (without_a_tree, 3, "17 trees for 3 outputs"),
    "no tree": (lambda document: parts(document).update(trees=[], tree_info=[]), 1, "0 trees"),
    "a start beyond logistic": (start_of("1"), 1, "no number"),
    "many starts": (start_of(",".join(["0.5"] * 5000)), 1, "trees for 5000"),
}


@pytest.mark.parametrize("name", UNTRAINED)
def test_trees_that_the_parameters_do_not_give_are_refused(name: str) -> None:
    change, classes, told = UNTRAINED[name]
    document = grown(classes=classes)
    rounds = 5 if name == "more trees than rounds" else 6
    assert len(Trees.from_json(json.dumps(document).encode(), rounds=6, depth=3).roots) == 6 * classes
    change(document)
    with pytest.raises(UntrustedArtifactError, match=told):
        Trees.from_json(json.dumps(document).encode(), rounds=rounds, depth=3)


def test_a_tree_as_deep_as_allowed_is_walked() -> None:
    document = grown()
    chain(document, 3)
    check_xgboost_json(json.dumps(document).encode())
    trees = Trees.from_json(json.dumps(document).encode(), rounds=6, depth=3)
    assert np.isfinite(trees.predict(np.zeros((4, 3), dtype=np.float32))).all()


def test_rows_of_another_width_are_refused() -> None:
    trees = Trees.from_json(json.dumps(grown()).encode(), rounds=6, depth=3)
    with pytest.raises(UntrustedArtifactError, match="trees over 3 numbers, of which there are 2"):
        trees.predict(np.zeros((4, 2), dtype=np.float32))


def test_trees_take_no_more_than_their_nodes() -> None:
    """One wide tree among many leaves: a table of trees x widest would take two million cells."""
    document = grown(rounds=2000)
    for tree in parts(document)["trees"][1:]:
        for name, value in tree.items():
            if isinstance(value, list):
                tree[name] = value[:1]
        tree["left_children"], tree["right_children"] = [-1], [-1]
    chain(document, 1000)
    trees = Trees.from_json(json.dumps(document).encode(), rounds=2000, depth=1000)
    assert len(trees.left) == len(trees.limit) == 2001 + 1999

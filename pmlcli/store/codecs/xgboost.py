"""The structure check that an XGBoost JSON model passes before XGBoost may read it.

XGBoost follows the integers of a model file without looking: aimed changes of one integer crash it in
30 % of cases. UBJ is never accepted. Only tree boosters with numerical splits and one number a leaf are.
"""

from __future__ import annotations

import math
from typing import Any

from pmlcli.store import strictjson
from pmlcli.store.codecs._numbers import refuse

MAX_BYTES = 256_000_000
MAX_ITEMS = 20_000_000
_MAX_FEATURES = 1_000_000
_MAX_GROUPS = 10_000
_MAX_FLOAT32 = 3.4028235e38
_NO_PARENT = 2**31 - 1
_LEAF = -1
_OBJECTIVES = {
    "binary:logistic", "binary:logitraw", "count:poisson", "multi:softmax", "multi:softprob",
    "reg:absoluteerror", "reg:gamma", "reg:logistic", "reg:pseudohubererror", "reg:quantileerror",
    "reg:squarederror", "reg:squaredlogerror", "reg:tweedie",
}  # fmt: skip
_NODE_LISTS = ("left_children", "right_children", "parents", "split_indices", "split_type", "default_left")
_NUMBER_LISTS = ("split_conditions", "base_weights", "sum_hessian", "loss_changes")
_CATEGORY_LISTS = ("categories", "categories_nodes", "categories_segments", "categories_sizes")


def check_xgboost_json(data: bytes, *, source: str = "model.json") -> None:
    """Raise `UntrustedArtifactError` when the model is not one that XGBoost can read without harm."""
    document = strictjson.parse(
        data, source=source, max_bytes=MAX_BYTES, max_items=MAX_ITEMS, check_numbers=False
    )
    try:
        _check_document(document)
    except (KeyError, TypeError, IndexError, ValueError, AttributeError, OverflowError) as error:
        raise refuse(f"{source}: xgboost model structure is invalid ({type(error).__name__})") from error
    except _InvalidError as error:
        raise refuse(f"{source}: xgboost model structure is invalid: {error}") from error


class _InvalidError(Exception):
    """What is wrong, in a few words."""


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise _InvalidError(what)


def _check_document(document: Any) -> None:
    _require(document.keys() == {"learner", "version"}, "top-level keys")
    _require(_are_ints(document["version"], 0, 1000) and len(document["version"]) == 3, "version")
    learner = document["learner"]
    n_features, n_groups = _check_parameters(learner["learner_model_param"])
    _check_objective(learner["objective"], n_groups)
    _check_names(learner, n_features)
    booster = learner["gradient_booster"]
    _require(booster.keys() == {"model", "name"} and booster["name"] == "gbtree", "booster is not gbtree")
    _check_model(booster["model"], n_features, n_groups)


def _check_parameters(parameters: dict[str, str]) -> tuple[int, int]:
    """The number of features and of output groups."""
    n_features = _count(parameters["num_feature"], 1, _MAX_FEATURES)
    n_classes = _count(parameters["num_class"], 0, _MAX_GROUPS)
    n_targets = _count(parameters["num_target"], 1, _MAX_GROUPS)
    n_groups = max(n_classes, n_targets)
    scores = parameters["base_score"].strip("[]").split(",")
    _require(len(scores) in (1, n_groups) and all(_is_number(float(score)) for score in scores), "base_score")
    return n_features, n_groups


def _check_objective(objective: dict[str, Any], n_groups: int) -> None:
    _require(objective["name"] in _OBJECTIVES, "objective")
    for key, value in objective.items():
        if key != "name":
            _require(all(isinstance(text, str) and len(text) < 10_000 for text in value.values()), key)
    if "softmax_multiclass_param" in objective:
        _require(
            _count(objective["softmax_multiclass_param"]["num_class"], 1, _MAX_GROUPS) == n_groups,
            "num_class",
        )


def _check_names(learner: dict[str, Any], n_features: int) -> None:
    names, types = learner["feature_names"], learner["feature_types"]
    _require(len(names) in (0, n_features) and all(isinstance(name, str) for name in names), "feature_names")
    _require(
        len(types) in (0, n_features) and all(kind in ("float", "int", "i", "q") for kind in types), "types"
    )
    attributes = learner["attributes"]
    _require(all(isinstance(value, str) for value in attributes.values()), "attributes")


def _check_model(model: dict[str, Any], n_features: int, n_groups: int) -> None:
    trees, groups = model["trees"], model["tree_info"]
    n_trees = _count(model["gbtree_model_param"]["num_trees"], 0, 10**7)
    _count(model["gbtree_model_param"]["num_parallel_tree"], 1, 10**6)
    _require(isinstance(trees, list) and len(trees) == n_trees, "number of trees")
    _require(_are_ints(groups, 0, n_groups - 1) and len(groups) == n_trees, "tree_info")
    starts = model["iteration_indptr"]
    _require(_are_ints(starts, 0, n_trees) and starts == sorted(starts), "iteration_indptr")
    _require(bool(starts) and starts[0] == 0 and starts[-1] == n_trees, "iteration_indptr")
    _require(not any(model.get("cats", {}).values()), "categories")
    for number, tree in enumerate(trees):
        _require(tree["id"] == number, "tree id")
        _check_tree(tree, n_features)


def _check_tree(tree: dict[str, Any], n_features: int) -> None:
    parameters = tree["tree_param"]
    count = _count(parameters["num_nodes"], 1, 2**30)
    _require(_count(parameters["num_feature"], 1, _MAX_FEATURES) == n_features, "features of a tree")
    _count(parameters["size_leaf_vector"], 0, 1)
    _require(not any(tree[name] for name in _CATEGORY_LISTS), "categorical splits")
    for name in _NODE_LISTS:
        _require(len(tree[name]) == count and _are_ints(tree[name], _LEAF, _NO_PARENT), name)
    for name in _NUMBER_LISTS:
        _require(len(tree[name]) == count and _are_numbers(tree[name]), name)
    _require(_are_ints(tree["default_left"], 0, 1) and not any(tree["split_type"]), "kind of split")
    reached = _walk(tree, count, n_features)
    _require(reached + _count(parameters["num_deleted"], 0, count) == count, "nodes outside the tree")


def _walk(tree: dict[str, Any], count: int, n_features: int) -> int:
    """How many nodes the root leads to, each by one way."""
    left, right, parents, features = (
        tree[name] for name in ("left_children", "right_children", "parents", "split_indices")
    )
    _require(parents[0] == _NO_PARENT, "the root has a parent")
    seen = bytearray(count)
    seen[0] = 1
    pending = [0]
    while pending:
        node = pending.pop()
        children = (left[node], right[node])
        if children == (_LEAF, _LEAF):
            continue
        _require(0 <= features[node] < n_features, "feature out of range")
        for child in children:
            _require(0 < child < count and not seen[child] and parents[child] == node, "child out of range")
            seen[child] = 1
            pending.append(child)
    return sum(seen)


def _count(text: Any, low: int, high: int) -> int:
    """The number in a text of plain digits, as XGBoost writes its parameters."""
    _require(isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 12, "a number")
    number = int(text)
    _require(low <= number <= high, "a number out of range")
    return number


def _are_ints(values: Any, low: int, high: int) -> bool:
    if not isinstance(values, list) or not set(map(type, values)) <= {int}:
        return False
    return not values or (low <= min(values) and max(values) <= high)


def _are_numbers(values: Any) -> bool:
    if not isinstance(values, list) or not set(map(type, values)) <= {int, float}:
        return False
    # The parser lets no NaN through, so smallest and largest say it all.
    return not values or (min(values) >= -_MAX_FLOAT32 and max(values) <= _MAX_FLOAT32)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) <= _MAX_FLOAT32

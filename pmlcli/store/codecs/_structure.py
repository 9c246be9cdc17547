"""Looks at every index that scikit-learn's compiled code would follow without looking.

Node arrays, search trees and support vectors are read by C code that trusts them: one child out of range
reads foreign memory, a child that is its own node never ends. Each check is array arithmetic. They reduce
the risk, they prove nothing: the compiled code is not hardened upstream, so `predict` also isolates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pmlcli.store.codecs._numbers import Array, array_bytes, array_from, refuse

_MAX_OUTPUTS = 10_000
_LEAF = -1
_MAX_DEPTH = 10_000
_METRICS = (
    "euclidean",
    "l2",
    "sqeuclidean",
    "manhattan",
    "l1",
    "cityblock",
    "chebyshev",
    "minkowski",
    "cosine",
)
_KERNELS = ("rbf", "linear", "poly", "sigmoid")

# Learned attributes whose every number must be finite, in whichever estimator they stand.
_FINITE = {
    "coef_", "intercept_", "offset_", "_offset", "components_", "mean_", "explained_variance_",
    "normalization_", "cluster_centers_", "dual_coef_", "_dual_coef_", "_intercept_", "support_vectors_",
    "_gamma", "_baseline_prediction", "_fit_X", "_lrd", "_distances_fit_X_", "scale_",
    "noise_variance_", "singular_values_",
}  # fmt: skip


def array_of_bytes(content: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: str) -> Array:
    """An array whose bytes were pickled as one string of exactly its size."""
    if not isinstance(content, bytes) or array_bytes(shape, dtype, len(content)) != len(content):
        raise refuse("array and its bytes differ in length")
    return array_from(content, dtype, shape, order)


# --- decision trees ---


def tree(kind: Any, args: tuple[Any, ...], state: Any) -> Any:
    """A scikit-learn `Tree` from its constructor's arguments and its state, both checked first."""
    if len(args) != 3 or not _is_count(args[0], 2**31) or not _is_count(args[2], _MAX_OUTPUTS):
        raise refuse("tree arguments are malformed")
    n_features, n_classes, n_outputs = args
    if not _is_vector(n_classes, np.int64, n_outputs) or bool((n_classes < 1).any()):
        raise refuse("tree classes are malformed")
    if type(state) is not dict or state.keys() != {"max_depth", "node_count", "nodes", "values"}:
        raise refuse("tree state is malformed")
    nodes, values = state["nodes"], state["values"]
    if not isinstance(nodes, np.ndarray) or nodes.ndim != 1 or not isinstance(values, np.ndarray):
        raise refuse("tree nodes are malformed")
    wanted = (len(nodes), n_outputs, int(n_classes.max()))
    if values.shape != wanted or values.dtype != np.float64 or not bool(np.isfinite(values).all()):
        raise refuse("tree values are malformed")
    if state["node_count"] != len(nodes) or len(nodes) == 0:
        raise refuse("tree structure is invalid: node count")
    made = kind(n_features, np.ascontiguousarray(n_classes), n_outputs)
    _check_nodes(nodes, n_features, state["max_depth"])
    try:
        made.__setstate__(
            {**state, "nodes": np.ascontiguousarray(nodes), "values": np.ascontiguousarray(values)}
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise refuse("tree nodes are of another kind") from error
    return made


def _check_nodes(nodes: Array, n_features: int, max_depth: Any) -> None:
    wanted = {"left_child", "right_child", "feature", "threshold", "weighted_n_node_samples"}
    if nodes.dtype.names is None or not wanted <= set(nodes.dtype.names):
        raise refuse("tree nodes are of another kind")
    left, right = nodes["left_child"], nodes["right_child"]
    inner = left != _LEAF
    if bool((inner != (right != _LEAF)).any()):
        raise refuse("tree structure is invalid: a node with one child")
    depth = _checked_depth(left, right, inner)
    if not isinstance(max_depth, int) or not depth <= max_depth <= len(nodes):
        raise refuse("tree structure is invalid: depth")
    feature, threshold = nodes["feature"][inner], nodes["threshold"][inner]
    if bool(((feature < 0) | (feature >= n_features)).any()):
        raise refuse("tree structure is invalid: feature out of range")
    # Infinity is legitimate: it splits the missing from all others.
    if bool(np.isnan(threshold).any()) or not bool(np.isfinite(nodes["weighted_n_node_samples"]).all()):
        raise refuse("tree structure is invalid: not a number")


def _checked_depth(left: Array, right: Array, inner: Array) -> int:
    """The depth of the tree, after seeing that it is one: children later than parents, one parent each."""
    count = len(inner)
    own = np.flatnonzero(inner)
    children = np.concatenate([left[inner], right[inner]]).astype(np.int64)
    if bool((children <= np.concatenate([own, own])).any()) or bool((children >= count).any()):
        raise refuse("tree structure is invalid: child out of range")
    parents = np.bincount(children, minlength=count)
    if int(parents[0]) != 0 or bool((parents[1:] != 1).any()):
        raise refuse("tree structure is invalid: a node without exactly one parent")
    depth, level = 0, np.zeros(1, dtype=np.int64)
    while len(level := level[inner[level]]):
        if depth >= _MAX_DEPTH:
            raise refuse(f"tree structure is invalid: deeper than {_MAX_DEPTH}")
        level = np.concatenate([left[level], right[level]]).astype(np.int64)
        depth += 1
    return depth


def _check_predictor(predictor: Any) -> None:
    """A tree of histogram gradient boosting."""
    nodes = predictor.__dict__.get("nodes")
    names = nodes.dtype.names if isinstance(nodes, np.ndarray) else None
    wanted = {"left", "right", "feature_idx", "is_leaf", "is_categorical", "value", "num_threshold"}
    if (
        not isinstance(nodes, np.ndarray)
        or nodes.ndim != 1
        or not wanted <= set(names or ())
        or not len(nodes)
    ):
        raise refuse("boosting tree is malformed")
    inner = nodes["is_leaf"] == 0
    _checked_depth(nodes["left"], nodes["right"], inner)
    if bool(nodes["is_categorical"].any()):
        raise refuse("boosting tree with categorical splits (encode categories as numbers instead)")
    if not bool(np.isfinite(nodes["value"]).all()) or bool(np.isnan(nodes["num_threshold"]).any()):
        raise refuse("boosting tree holds no number")


# --- search trees ---


def metric(kind: Any, state: Any) -> Any:
    """A distance without parameters of its own but Minkowski's power."""
    if type(state) is not tuple or len(state) != 3:
        raise refuse("distance is malformed")
    power, vector, matrix = state
    if type(power) is not float or not power >= 1:
        raise refuse("distance is malformed")
    is_plain = isinstance(vector, np.ndarray) and vector.dtype == np.float64 and vector.ndim == 1
    if (
        not is_plain
        or not isinstance(matrix, np.ndarray)
        or matrix.shape != (1, 1)
        or matrix.dtype != np.float64
    ):
        raise refuse("distance is malformed")
    if vector.size > 1 or vector.any() or matrix.any():
        raise refuse("distance with weights")
    made = kind.__new__(kind)
    made.__setstate__(state)
    return made


def search_tree(kind: Any, state: Any) -> Any:
    """A KD or ball tree from its state, checked first."""
    if type(state) is not tuple or len(state) != 13:
        raise refuse("search tree is malformed")
    data, index, node_data, bounds = state[:4]
    counts = state[4:11]
    if not all(_is_count(count, 2**62, low=0) for count in counts) or counts[0] < 1:
        raise refuse("search tree counts are malformed")
    _, n_levels, n_nodes = counts[:3]
    if not _is_matrix(data) or not _is_vector(index, np.int64, len(data)):
        raise refuse("search tree points are malformed")
    if len(data) == 0 or not bool((np.bincount(index.clip(0, len(data)), minlength=len(data)) == 1).all()):
        raise refuse("search tree index is no permutation")
    if int(index.min()) < 0 or n_levels > 60 or n_nodes != 2**n_levels - 1:
        raise refuse("search tree levels are malformed")
    planes = 2 if kind.__name__ == "KDTree" else 1
    if not _is_array(bounds, np.float64, (planes, n_nodes, data.shape[1])) or bool(np.isnan(bounds).any()):
        raise refuse("search tree bounds are malformed")
    _check_search_nodes(node_data, n_nodes, len(data))
    if not type(state[11]).__module__.endswith("._dist_metrics") or state[12] is not None:
        raise refuse("search tree distance is malformed")
    made = kind.__new__(kind)
    made.__setstate__(state)
    return made


def _check_search_nodes(nodes: Any, n_nodes: int, n_points: int) -> None:
    wanted = ("idx_start", "idx_end", "is_leaf", "radius")
    if not isinstance(nodes, np.ndarray) or nodes.shape != (n_nodes,) or nodes.dtype.names != wanted:
        raise refuse("search tree nodes are malformed")
    start, end = nodes["idx_start"], nodes["idx_end"]
    if bool(((start < 0) | (end < start) | (end > n_points)).any()) or bool(np.isnan(nodes["radius"]).any()):
        raise refuse("search tree nodes point outside")
    has_children = 2 * np.arange(n_nodes, dtype=np.int64) + 2 < n_nodes
    if bool(((nodes["is_leaf"] == 0) & ~has_children).any()):
        raise refuse("search tree nodes point outside")


# --- the whole estimator ---


def check_all(built: list[Any]) -> None:
    """Check every object that a load built, together with those it leads to."""
    parameters: dict[type, frozenset[str]] = {}
    for item in built:
        state = getattr(item, "__dict__", None)
        if state is None:
            continue
        _check_parameters(item, state, parameters)
        _check_finite(state)
        if type(item).__name__ == "TreePredictor":
            _check_predictor(item)
        if "tree_" in state:
            _check_owner(state)
        if "estimators_" in state:
            _check_ensemble(state)
        if "_predictors" in state:
            _check_boosting(state)
        if "support_vectors_" in state:
            _check_support_vectors(state, is_classifier="classes_" in state)
        if "_fit_method" in state or "_fit_X" in state:
            _check_neighbors(state)
        if "cluster_centers_" in state:
            _check_centers(state)


def _check_parameters(item: Any, state: dict[str, Any], known: dict[type, frozenset[str]]) -> None:
    """Every parameter of an estimator is there; `known` keeps them by class."""
    kind = type(item)
    if kind not in known:
        names = getattr(kind, "_get_param_names", None)
        known[kind] = frozenset(names() if names is not None else ())
    if not known[kind] <= state.keys():
        raise refuse(f"{kind.__name__} lacks {sorted(known[kind] - state.keys())[0]}")


def _check_finite(state: dict[str, Any]) -> None:
    for name in _FINITE & state.keys():
        value = state[name]
        if isinstance(value, np.ndarray | float | np.generic):
            is_number = np.asarray(value).dtype.kind in "biuf"
            if not is_number or not bool(np.isfinite(value).all()):
                raise refuse(f"{name} must be finite numbers")


def _features(state: dict[str, Any]) -> int:
    count: Any = state.get("n_features_in_")
    if not _is_count(count, 2**31):
        raise refuse("n_features_in_ is malformed")
    return int(count)


def _check_owner(state: dict[str, Any]) -> None:
    if type(state["tree_"]).__name__ != "Tree" or state["tree_"].n_features != _features(state):
        raise refuse("tree and estimator differ in their features")


def _check_ensemble(state: dict[str, Any]) -> None:
    """Every member reads no more columns than it is given."""
    members, n_features = state["estimators_"], _features(state)
    subsets = state.get("estimators_features_")
    if not isinstance(members, list):
        raise refuse("estimators_ is no list")
    if subsets is not None and (not isinstance(subsets, list) or len(subsets) != len(members)):
        raise refuse("estimators_features_ is malformed")
    for position, member in enumerate(members):
        own = getattr(member, "__dict__", {})
        if _features(own) > n_features or "tree_" not in own:
            raise refuse("ensemble member is malformed")
        if subsets is None:
            if _features(own) != n_features:
                raise refuse("ensemble and member differ in their features")
            continue
        subset = subsets[position]
        if not _is_vector(subset, np.int64, _features(own)) or bool(
            ((subset < 0) | (subset >= n_features)).any()
        ):
            raise refuse("estimators_features_ is out of range")


def _check_boosting(state: dict[str, Any]) -> None:
    n_features = _features(state)
    if not _is_count(state.get("n_trees_per_iteration_"), _MAX_OUTPUTS):
        raise refuse("boosting stages are malformed")
    if state.get("_preprocessor") is not None or not isinstance(state["_predictors"], list):
        raise refuse("boosting with a preprocessor")
    mapper = getattr(state.get("_bin_mapper"), "__dict__", {})
    if np.any(mapper.get("is_categorical_", 0)):
        raise refuse("boosting with categorical features")
    for stage in state["_predictors"]:
        if not isinstance(stage, list) or len(stage) != state.get("n_trees_per_iteration_"):
            raise refuse("boosting stage is malformed")
        for predictor in stage:
            if type(predictor).__name__ != "TreePredictor" or "nodes" not in predictor.__dict__:
                raise refuse("boosting stage is malformed")
            feature = predictor.nodes["feature_idx"]
            if bool(((feature < 0) | (feature >= n_features)).any()):
                raise refuse("boosting tree is invalid: feature out of range")


def _check_neighbors(state: dict[str, Any]) -> None:
    """The stored points are as wide as the input will be, and the distance has no arrays of its own."""
    stored = state.get("_fit_X")
    if not isinstance(stored, np.ndarray) or stored.ndim != 2 or stored.dtype not in (np.float64, np.float32):
        raise refuse("stored points are malformed")
    if stored.shape[1] != _features(state) or state.get("n_samples_fit_") != len(stored):
        raise refuse("stored points differ in their features or number")
    if state.get("effective_metric_") not in _METRICS or state.get("metric_params") is not None:
        raise refuse("a distance that is not allowed")
    options = state.get("effective_metric_params_")
    if type(options) is not dict or any(
        type(value) not in (int, float, type(None)) for value in options.values()
    ):
        raise refuse("a distance with arrays")
    if type(state.get("_tree")).__name__ not in ("NoneType", "KDTree", "BallTree"):
        raise refuse("search tree is malformed")


def _check_centers(state: dict[str, Any]) -> None:
    centers = state["cluster_centers_"]
    if not isinstance(centers, np.ndarray) or centers.ndim != 2 or centers.shape[1] != _features(state):
        raise refuse("cluster centres are malformed")
    if state.get("_n_threads", 1) != 1:
        raise refuse("number of threads in a saved estimator")


def _check_support_vectors(state: dict[str, Any], *, is_classifier: bool) -> None:
    vectors, counts = state["support_vectors_"], state.get("_n_support")
    if not _is_matrix(vectors) or vectors.shape[1] != _features(state):
        raise refuse("support vectors are malformed")
    if not isinstance(counts, np.ndarray) or counts.ndim != 1 or not 2 <= len(counts) <= _MAX_OUTPUTS:
        raise refuse("support vector counts are malformed")
    total, classes = len(vectors), len(counts)
    pairs = classes * (classes - 1) // 2
    if counts.dtype != np.int32 or bool((counts < 0).any()) or (is_classifier and int(counts.sum()) != total):
        raise refuse("support vector counts are malformed")
    if not _is_vector(state.get("support_"), np.int32, total):
        raise refuse("support_ is malformed")
    if not _is_array(state.get("_dual_coef_"), np.float64, (classes - 1, total)):
        raise refuse("dual coefficients and support vectors differ")
    if not _is_vector(state.get("_intercept_"), np.float64, pairs):
        raise refuse("intercepts are malformed")
    for name in ("_probA", "_probB"):
        if not _is_vector(state.get(name), np.float64, 0) and not _is_vector(
            state.get(name), np.float64, pairs
        ):
            raise refuse(f"{name} is malformed")
    # The precomputed kernel uses the vectors' numbers as addresses.
    if state.get("kernel") not in _KERNELS or state.get("_sparse") is not False:
        raise refuse("support vectors with a kernel that is not allowed")


def _is_count(value: Any, high: int, *, low: int = 1) -> bool:
    return type(value) is int and low <= value <= high


def _is_array(value: Any, kind: Any, shape: tuple[int, ...]) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == kind and value.shape == shape


def _is_vector(value: Any, kind: Any, length: int) -> bool:
    return _is_array(value, kind, (length,))


def _is_matrix(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype == np.float64

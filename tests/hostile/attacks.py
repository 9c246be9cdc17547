"""Hostile joblib files, made here so that no repository has to carry one."""

# ruff: noqa: E501 - a table reads better than its folds

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib.numpy_pickle import NumpyPickler

FOREST = "sklearn.ensemble._iforest.IsolationForest"
ALLOWED_FOREST = (FOREST, "sklearn.tree._classes.ExtraTreeRegressor", "sklearn.tree._tree.Tree")
COMMAND = "touch marker"


@dataclass(frozen=True)
class Attack:
    """A file, the table it is loaded with, and words of the refusal."""

    data: bytes
    message: str
    expected: str = FOREST
    allowed: tuple[str, ...] = ALLOWED_FOREST
    plain: bool = False


# --- pickle by hand ---

STOP = b"."
DAG = b")\x94" + b"".join(b"h" + bytes([i]) + b"\x86\x94" for i in range(60))
"""A tuple that holds another one twice, sixty deep: 2^60 items to whoever walks or shows it."""
START = b"\x80\x04"


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def glob(full: str) -> bytes:
    module, _, name = full.rpartition(".")
    return text(module) + text(name) + b"\x93"


def number(value: int) -> bytes:
    data = value.to_bytes(max(1, (value.bit_length() + 8) // 8), "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def raw(data: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(data)) + data


def tup(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def dictionary(**items: bytes) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def call(full: str, *args: bytes) -> bytes:
    return glob(full) + tup(*args) + b"R"


NONE, TRUE, FALSE = b"N", b"\x88", b"\x89"


def dtype(
    code: str, order: str = "<", flags: int = 0, names: bytes = NONE, fields: bytes = NONE, size: int = -1
) -> bytes:
    made = call("numpy.dtype", text(code), FALSE, TRUE)
    state = tup(number(3), text(order), NONE, names, fields, number(size), number(-1), number(flags))
    return made + state + b"b"


def wrapper(
    shape: bytes, kind: bytes, *, padding: bytes = b"\x00", content: bytes = b"", order: str = "C"
) -> bytes:
    state = dictionary(
        subclass=glob("numpy.ndarray"),
        shape=shape,
        order=text(order),
        dtype=kind,
        allow_mmap=FALSE,
        numpy_array_alignment_bytes=number(16),
    )
    return glob("joblib.numpy_pickle.NumpyArrayWrapper") + b")\x81" + state + b"b" + padding + content


def reconstructed(shape: bytes, kind: bytes, content: bytes) -> bytes:
    made = call("numpy._core.multiarray._reconstruct", glob("numpy.ndarray"), tup(number(0)), raw(b"b"))
    return made + tup(number(1), shape, kind, FALSE, content) + b"b"


def odd_dtype(code: bytes | None = None, order: bytes | None = None, size: bytes | None = None) -> bytes:
    """A dtype whose code, byte order or size is something else."""
    fields = (NONE, NONE, number(-1)) if size is None else (tup(text("a")), b"}", size)
    state = tup(number(3), order or text("<"), NONE, *fields, number(-1), number(0))
    return call("numpy.dtype", code or text("f8"), FALSE, TRUE) + state + b"b"


def stream(body: bytes, protocol: int = 4) -> bytes:
    return b"\x80" + bytes([protocol]) + body + STOP


def forest_state(**items: bytes) -> bytes:
    return stream(glob(FOREST) + b")\x81" + dictionary(**items) + b"b")


OBJECT = dtype("O8", "|", 63)
DOUBLE = dtype("f8")


# --- real estimators with one thing changed ---


class EditingPickler(NumpyPickler):
    """Writes an estimator as joblib does, with the state of one kind of object edited on the way."""

    def __init__(self, buffer: io.BytesIO, kind: str, edit: Callable[[Any], Any]) -> None:
        super().__init__(buffer, protocol=4)
        self._kind = kind
        self._edit = edit

    def reducer_override(self, obj: Any) -> Any:
        if type(obj).__name__ != self._kind:
            return NotImplemented
        parts = obj.__reduce_ex__(4) if self._kind not in ("Tree", "KDTree") else obj.__reduce__()
        return self._edit(parts)


def dumped(value: Any, kind: str = "", edit: Callable[[Any], Any] = lambda parts: parts) -> bytes:
    buffer = io.BytesIO()
    EditingPickler(buffer, kind, edit).dump(value)
    return buffer.getvalue()


def forest_with(edit: Callable[[dict[str, Any]], None], args: tuple[Any, ...] | None = None) -> bytes:
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=2, random_state=0).fit(points())

    def change(parts: Any) -> Any:
        state = {**parts[2], "nodes": parts[2]["nodes"].copy(), "values": parts[2]["values"].copy()}
        edit(state)
        return parts[0], args or parts[1], state

    return dumped(forest, "Tree", change)


def node(column: str, position: int, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(state: dict[str, Any]) -> None:
        state["nodes"][column][position] = value

    return edit


def forest_attributes(edit: Callable[[Any], None]) -> bytes:
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=2, max_features=0.5, random_state=0).fit(points())
    edit(forest)
    return dumped(forest)


def points() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).normal(size=(60, 4))


def kd_with(position: int, edit: Callable[[Any], Any]) -> Attack:
    from sklearn.neighbors import LocalOutlierFactor

    model = LocalOutlierFactor(novelty=True, n_neighbors=5, leaf_size=10).fit(points())

    def change(parts: Any) -> Any:
        state = list(parts[2])
        state[position] = edit(state[position])
        return parts[0], parts[1], tuple(state)

    base = "sklearn.neighbors._kd_tree."
    metric = "sklearn.metrics._dist_metrics."
    allowed = (base + "KDTree", base + "newObj", metric + "EuclideanDistance64", metric + "newObj")
    expected = "sklearn.neighbors._lof.LocalOutlierFactor"
    return Attack(dumped(model, "KDTree", change), "search tree", expected, allowed)


def changed_array(index: Any, value: Any, column: str | None = None) -> Callable[[Any], Any]:
    def edit(array: Any) -> Any:
        array = array.copy()
        (array if column is None else array[column])[index] = value
        return array

    return edit


def boosting_with(column: str, position: int, value: Any, message: str = "") -> Attack:
    from sklearn.ensemble import HistGradientBoostingClassifier

    from pmlcli.store.codecs.sklearn import globals_of

    data = points()
    model = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5, random_state=0).fit(
        data, data[:, 0] > 0
    )
    model._feature_subsample_rng = None
    allowed = globals_of(model)
    model._predictors[0][0].nodes[column][position] = value
    name = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier"
    return Attack(dumped(model), message or "tree", name, tuple(allowed))


def changed_estimator(model: Any, changes: dict[str, Any]) -> Attack:
    from pmlcli.store.codecs.sklearn import globals_of

    allowed = tuple(globals_of(model))
    for name, change in changes.items():
        setattr(model, name, change(getattr(model, name)) if callable(change) else change)
    return Attack(dumped(model), "", f"{type(model).__module__}.{type(model).__qualname__}", allowed)


def neighbours_with(**changes: Any) -> Attack:
    from sklearn.neighbors import LocalOutlierFactor

    model = LocalOutlierFactor(novelty=True, n_neighbors=5, algorithm="brute").fit(points())
    return changed_estimator(model, changes)


def centres_with(**changes: Any) -> Attack:
    from sklearn.cluster import KMeans

    model = KMeans(n_clusters=3, n_init=1, random_state=0).fit(points())
    model._n_threads = 1
    return changed_estimator(model, changes)


def boosting_attributes(edit: Callable[[Any], None]) -> Attack:
    from sklearn.ensemble import HistGradientBoostingRegressor

    data = points()
    model = HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=5, random_state=0).fit(
        data, data[:, 0]
    )
    model._feature_subsample_rng = None
    attack = changed_estimator(model, {})
    edit(model)
    return Attack(dumped(model), "boosting", attack.expected, attack.allowed)


def support_with(**changes: Any) -> Attack:
    from sklearn.svm import OneClassSVM

    return changed_estimator(OneClassSVM().fit(points()), changes)


class Reduced:
    """Pickles as a call of whatever it is given."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call


def code_attacks() -> dict[str, Attack]:
    import os

    payload = Reduced(os.system, (COMMAND,))
    mark = "is not allowed|not one that joblib writes|protocol|not an uncompressed"
    files = {
        "system-protocol-0": pickle.dumps(payload, 0),
        "system-protocol-2": pickle.dumps(payload, 2),
        "system-protocol-4": pickle.dumps(payload, 4),
        "system-protocol-5": pickle.dumps(payload, 5),
        "system-in-state": forest_state(a=call("os.system", text(COMMAND))),
        "eval": stream(call("builtins.eval", text("open('marker', 'w')"))),
        "exec": stream(call("builtins.exec", text("open('marker', 'w')"))),
        "getattr": stream(call("builtins.getattr", NONE, text("x"))),
        "inst": b"\x80\x04(" + text(COMMAND) + b"ios\nsystem\n.",
        "obj": b"\x80\x04(" + glob("os.system") + text(COMMAND) + b"o.",
        "old-global": b"\x80\x04cos\nsystem\n" + tup(text(COMMAND)) + b"R.",
        "dotted-name": stream(
            text("joblib.numpy_pickle") + text("os.system") + b"\x93" + tup(text(COMMAND)) + b"R"
        ),
        "dotted-class": stream(
            text("sklearn.ensemble._iforest") + text("IsolationForest.fit") + b"\x93" + b")R"
        ),
        "empty-module": stream(text("") + text(FOREST) + b"\x93" + b")R"),
        "joblib-load": stream(call("joblib.numpy_pickle.load", text("evil"))),
        "numpy-load": stream(call("numpy.load", text("evil"), NONE, TRUE)),
        "numpy-runstring": stream(call("numpy.testing._private.utils.runstring", text("1"), b"}")),
        "read-pickle": stream(call("pandas.io.pickle.read_pickle", text("evil"))),
        "old-array-wrapper": stream(call("joblib.numpy_pickle_compat.NDArrayWrapper", text("evil"), NONE)),
        "model-data": stream(glob("statsmodels.base.data.ModelData") + b")\x81" + b"}b"),
        "partial": stream(call("functools.partial", glob("os.system"))),
        "torch": stream(call("torch.storage._load_from_bytes", raw(b""))),
        "object-array": dumped({"a": np.array([payload], dtype=object)}),
        "object-array-nested": stream(
            wrapper(tup(number(1)), OBJECT, padding=b"", content=pickle.dumps(payload, 5))
        ),
        "extension": stream(b"\x82\x01"),
        "persistent": stream(text("x") + b"Q"),
        "new-with-keywords": stream(glob(FOREST) + b")}\x92"),
        "next-buffer": stream(b"\x97", 5),
        "long-4": stream(b"\x8b\x01\x00\x00\x00\x01"),
        "put": stream(b"Nq\x00"),
        "pop": stream(b"NN0"),
    }
    return {name: Attack(data, mark) for name, data in files.items()}


def construction_attacks() -> dict[str, Attack]:
    deep = b"".join([b"]" * 60_000, b"a" * 59_999])
    bomb = b"\x80\x04" + b")" + b"\x86".join([b"2"] * 3)
    nested_key = b")" + b"\x85" * 70
    hashed = tup(nested_key, nested_key)
    evil_names = tup(text("a"), text("b"))
    overlap = b"}(" + b"".join(text(name) + tup(DOUBLE, number(0)) for name in "ab") + b"u"
    files: dict[str, tuple[bytes, str]] = {
        "dtype-lies": (
            stream(wrapper(tup(number(1)), dtype("O8", "|", 0), content=b"AAAAAAAA")), "not an uncompressed|opcode"
        ),
        "dtype-lies-in-state": (
            stream(reconstructed(tup(number(1)), dtype("O8", "|", 0), raw(b"AAAAAAAA"))), "differ in length"
        ),
        "short-object-array": (stream(reconstructed(tup(number(1000)), OBJECT, b"]")), "differ in length"),
        "object-array-of-text": (stream(reconstructed(tup(number(2)), OBJECT, text("ab"))), "differ in length"),
        "dtype-subarray": (
            stream(call("numpy.dtype", text("f8"), FALSE, TRUE)
                   + tup(number(3), text("|"), tup(DOUBLE, tup(number(9))), NONE, NONE, *[number(-1)] * 3) + b"b"),
            "array type of arrays",
        ),
        "dtype-overlap": (
            stream(dtype("V8", "|", names=evil_names, fields=overlap, size=8)), "overlap"
        ),
        "dtype-record-object": (
            stream(dtype("V8", "|", names=tup(text("a")), fields=b"}" + text("a") + tup(OBJECT, number(0)) + b"s", size=8)),
            "not a number",
        ),
        "dtype-expression": (stream(dtype("O,O,O")), "is not allowed"),
        "dtype-built-twice": (stream(DOUBLE + b"}b"), "takes none|malformed"),
        "dtype-unfinished": (stream(call("numpy.dtype", text("f8"), FALSE, TRUE)), "in the middle"),
        "dtype-huge-text": (stream(dtype("U999999999")), "is not allowed"),
        "array-built-again": (stream(wrapper(tup(number(1)), DOUBLE, content=b"\0" * 8) + tup() + b"b"), "takes none"),
        "shape-10-12": (stream(wrapper(tup(number(10**12)), DOUBLE, content=b"\0" * 8)), "bytes, but"),
        "shape-10-10": (stream(wrapper(tup(number(10**10)), DOUBLE, content=b"\0" * 8)), "bytes, but"),
        "shape-overflow": (stream(wrapper(tup(number(2**62), number(8)), DOUBLE, content=b"\0" * 8)), "bytes, but"),
        "shape-negative": (stream(wrapper(tup(number(-1)), DOUBLE)), "shape is malformed"),
        "shape-true": (stream(wrapper(tup(TRUE), DOUBLE, content=b"\0" * 8)), "shape is malformed"),
        "shape-empty-huge": (stream(wrapper(tup(number(10**15), number(0)), DOUBLE)), "huge dimension"),
        "shape-many": (stream(wrapper(tup(*[number(1)] * 40), DOUBLE, content=b"\0" * 8)), "shape is malformed"),
        "padding": (stream(wrapper(tup(number(1)), DOUBLE, padding=b"\xff", content=b"\0" * 999)), "padding"),
        "bool-two": (stream(wrapper(tup(number(1)), dtype("b1", "|"), content=b"\2")), "neither true"),
        "letter": (stream(wrapper(tup(number(1)), dtype("U1"), content=b"\xff\xff\xff\xff")), "impossible letter"),
        "scalar-size": (stream(call("numpy._core.multiarray.scalar", DOUBLE, raw(b"\0"))), "wrong size"),
        "scalar-object": (stream(call("numpy._core.multiarray.scalar", OBJECT, raw(b"\0" * 8))), "not a number"),
        "scalar-alone": (stream(call("numpy._core.multiarray.scalar", DOUBLE)), "not to be called"),
        "matrix-class": (
            stream(call("numpy._core.multiarray._reconstruct", glob(FOREST), tup(number(0)), raw(b"b"))), "another class"
        ),
        "class-patched": (stream(glob(FOREST) + dictionary(fit=NONE) + b"b"), "takes none"),
        "class-patched-by-slots": (stream(glob(FOREST) + tup(NONE, dictionary(fit=NONE)) + b"b"), "takes none"),
        "instance-slots": (stream(glob(FOREST) + b")\x81" + tup(NONE, dictionary(x=NONE)) + b"b"), "is no dict"),
        "class-called": (stream(call(FOREST)), "not to be called"),
        "class-alone": (stream(glob(FOREST)), "expected sklearn"),
        "new-with-arguments": (stream(glob(FOREST) + tup(NONE) + b"\x81"), "with arguments"),
        "new-of-array": (stream(glob("numpy.ndarray") + b")\x81"), "not scikit-learn"),
        "new-of-tree": (stream(glob("sklearn.tree._tree.Tree") + b")\x81"), "no rule"),
        "shadows-method": (forest_state(score_samples=NONE), "shadow a method"),
        "shadows-property": (forest_state(estimators_samples_=NONE), "shadow a method"),
        "dunder": (forest_state(__class__=NONE), "no attribute"),
        "odd-attribute": (forest_state(**{"a b": NONE}), "no attribute"),
        "number-attribute": (
            stream(glob(FOREST) + b")\x81}" + number(1) + NONE + b"sb"), "no attribute"
        ),
        "built-twice": (
            stream(glob(FOREST) + b")\x81" + dictionary(a=NONE) + b"b" + dictionary(b=NONE) + b"b"), "takes none"
        ),
        "never-built": (stream(glob(FOREST) + b")\x81"), ""),
        "threads": (forest_state(n_jobs=number(100_000)), "must be unset"),
        "hash-bomb-key": (stream(b"}" + hashed + NONE + b"s"), "key is not plain"),
        "hash-bomb-set": (stream(b"\x8f(" + hashed + b"\x90"), "not one that joblib"),
        "list-key": (stream(b"}]Ns"), "key is not plain"),
        "odd-items": (stream(b"}(NNNu"), "key is not plain"),
        "deep-lists": (stream(deep), "expected sklearn"),
        "many-dicts": (stream(b"(" + b"}" * 3_000_000 + b"t"), "steps"),
        "own-list": (stream(b"]\x94h\x00a"), "occurs twice"),
        "tuple-dag": (stream(DAG), "occurs twice"),
        "dtype-of-a-dag": (stream(odd_dtype(code=DAG)), "occurs twice"),
        "dtype-order-of-a-dag": (stream(odd_dtype(order=DAG)), "occurs twice"),
        "dtype-size-of-a-dag": (stream(odd_dtype(size=DAG)), "occurs twice"),
        "dtype-of-a-deep-tuple": (stream(odd_dtype(code=b")" + b"\x85" * 100_000)), "array type"),
        "dag-of-lists-filled-later": (stream(b"]\x94]\x94(h\x00h\x00e"), "occurs twice"),
        "version-of-a-dag": (forest_state(_sklearn_version=DAG), "occurs twice"),
        "max-samples-of-a-dag": (forest_state(_max_samples=DAG), "occurs twice"),
        "memo-outside": (stream(b"h\x09"), "refers to nothing"),
        "memo-far-outside": (stream(b"j\xff\xff\xff\xff"), "refers to nothing"),
        "underflow": (stream(b"a"), "stack is empty"),
        "underflow-below-mark": (stream(b"](a"), "stack is empty"),
        "no-mark": (stream(b"e"), "mark is missing"),
        "no-list": (stream(b"N(Ne"), "no list"),
        "open-mark": (stream(b"(N"), "in the middle"),
        "two-results": (stream(b"NN"), "in the middle"),
        "nothing": (stream(b""), "in the middle"),
        "cut": (START + text("x")[:-1], "cut off"),
        "cut-length": (START + b"X\xff\xff\xff\xff", "cut off"),
        "cut-number": (START + b"J\x00", "cut off"),
        "frame": (START + b"\x95" + b"\xff" * 8 + b"N.", "frame exceeds"),
        "long-number": (stream(b"\x8a\xff" + b"\x7f" * 255), "whole number of 255"),
        "not-utf-8": (stream(b"X\x01\x00\x00\x00\xff"), "not UTF-8"),
        "protocol-9": (stream(b"N", 9), "protocol 9"),
        "trailing-byte": (stream(b"N") + b"\0", "after the end"),
        "trailing-stream": (stream(b"N") + pickle.dumps(Reduced(print, ("x",)), 4), "after the end"),
        "empty": (b"", "not an uncompressed"),
        "text": (b"hello", "not an uncompressed"),
        "zlib": (zlib.compress(stream(b"N")), "not an uncompressed"),
        "gzip": (gzip.compress(stream(b"N")), "not an uncompressed"),
        "bz2": (bz2.compress(stream(b"N")), "not an uncompressed"),
        "lzma": (lzma.compress(stream(b"N")), "not an uncompressed"),
        "zlib-bomb": (zlib.compress(b"\0" * 50_000_000, 9), "not an uncompressed"),
        "nested-streams": (nested_streams(8), "nested too deep"),
        "pops": (bomb + STOP, ""),
    }  # fmt: skip
    return {name: Attack(data, message) for name, (data, message) in files.items()}


def nested_streams(depth: int) -> bytes:
    inner = b"N"
    for _ in range(depth):
        inner = wrapper(tup(number(1)), OBJECT, padding=b"", content=stream(inner))
    return stream(inner)


def structure_attacks() -> dict[str, Attack]:
    tree = {
        "tree-child-outside": forest_with(node("left_child", 0, 10**6)),
        "tree-child-itself": forest_with(node("left_child", 0, 0)),
        "tree-child-before": forest_with(node("left_child", 2, 1)),
        "tree-child-negative": forest_with(node("right_child", 0, -5)),
        "tree-one-child": forest_with(node("left_child", 0, -1)),
        "tree-two-parents": forest_with(lambda state: twice_the_child(state["nodes"])),
        "tree-feature-outside": forest_with(node("feature", 0, 4)),
        "tree-feature-negative": forest_with(node("feature", 0, -1)),
        "tree-threshold": forest_with(node("threshold", 0, np.nan)),
        "tree-too-shallow": forest_with(lambda state: state.update(max_depth=0)),
        "tree-too-deep": forest_with(lambda state: state.update(max_depth=10**9)),
        "tree-count": forest_with(lambda state: state.update(node_count=10**6)),
        "tree-count-negative": forest_with(lambda state: state.update(node_count=-1)),
        "tree-empty": forest_with(lambda state: state.update(nodes=state["nodes"][:0], values=state["values"][:0], node_count=0)),
        "tree-values-short": forest_with(lambda state: state.update(values=state["values"][:1])),
        "tree-values-nan": forest_with(lambda state: state["values"].fill(np.nan)),
        "tree-values-float32": forest_with(lambda state: state.update(values=state["values"].astype("f4"))),
        "tree-other-nodes": forest_with(lambda state: state.update(nodes=np.zeros(3))),
        "tree-extra-key": forest_with(lambda state: state.update(extra=1)),
        "tree-other-features": forest_with(lambda state: None, (9, np.array([1]), 1)),
        "tree-huge-outputs": forest_with(lambda state: None, (4, np.array([1]), 10**9)),
        "tree-outputs-differ": forest_with(lambda state: None, (4, np.array([1]), 2)),
        "tree-classes-negative": forest_with(lambda state: None, (4, np.array([-1]), 1)),
        "members-features": forest_attributes(lambda forest: setattr(forest, "n_features_in_", 1)),
        "subset-outside": forest_attributes(lambda forest: forest.estimators_features_[0].fill(10**6)),
        "subset-missing": forest_attributes(lambda forest: forest.estimators_features_.pop()),
        "member-is-text": forest_attributes(lambda forest: forest.estimators_.append("x")),
        "members-in-a-tuple": forest_attributes(lambda forest: setattr(forest, "estimators_", tuple(forest.estimators_))),
        "members-nobody": forest_attributes(lambda forest: setattr(forest, "estimators_", None)),
        "offset-nan": forest_attributes(lambda forest: setattr(forest, "offset_", np.nan)),
        "offset-text": forest_attributes(lambda forest: setattr(forest, "offset_", np.array(["x"]))),
    }  # fmt: skip
    found = {name: Attack(data, "") for name, data in tree.items()}
    found |= {
        "neighbours-narrow": neighbours_with(_fit_X=lambda array: array[:, :1].copy()),
        "neighbours-count": neighbours_with(n_samples_fit_=10**9),
        "neighbours-metric": neighbours_with(effective_metric_="seuclidean"),
        "neighbours-metric-arrays": neighbours_with(effective_metric_params_={"V": np.ones(1)}),
        "neighbours-metric-params": neighbours_with(metric_params={"V": np.ones(1)}),
        "neighbours-object-points": neighbours_with(_fit_X=lambda array: array.astype(object)),
        "neighbours-width": neighbours_with(n_features_in_=9),
        "centres-narrow": centres_with(cluster_centers_=lambda array: array[:, :1].copy()),
        "centres-threads": centres_with(_n_threads=100_000),
        "centres-width": centres_with(n_features_in_=9),
        "centres-nan": centres_with(cluster_centers_=lambda array: array * np.nan),
        "kd-index-outside": kd_with(1, changed_array(0, 10**9)),
        "kd-index-negative": kd_with(1, changed_array(0, -(10**9))),
        "kd-index-twice": kd_with(1, lambda array: np.zeros_like(array)),
        "kd-index-short": kd_with(1, lambda array: array[:3].copy()),
        "kd-node-end": kd_with(2, changed_array(0, 10**6, "idx_end")),
        "kd-node-start": kd_with(2, changed_array(0, -1, "idx_start")),
        "kd-leaf-with-children": kd_with(2, changed_array(-1, 0, "is_leaf")),
        "kd-nodes-short": kd_with(2, lambda array: array[:1].copy()),
        "kd-bounds": kd_with(3, lambda array: array[:, :1].copy()),
        "kd-levels": kd_with(5, lambda levels: levels + 20),
        "kd-node-count": kd_with(6, lambda count: count * 1000),
        "kd-distance": kd_with(11, lambda metric: None),
        "kd-points-flat": kd_with(0, lambda array: array.ravel()),
        "kd-weights": kd_with(12, lambda weights: np.zeros(1)),
        "boosting-child-outside": boosting_with("left", 0, 10**6),
        "boosting-child-itself": boosting_with("left", 0, 0),
        "boosting-feature": boosting_with("feature_idx", 0, 10**6),
        "boosting-feature-negative": boosting_with("feature_idx", 0, -5),
        "boosting-categorical": boosting_with("is_categorical", 0, 1, "categorical"),
        "boosting-value": boosting_with("value", -1, np.inf, "no number"),
        "boosting-categories": boosting_attributes(lambda model: model._bin_mapper.is_categorical_.fill(1)),
        "boosting-no-list": boosting_attributes(
            lambda model: setattr(model, "_predictors", tuple(model._predictors))
        ),
        "boosting-wide-stage": boosting_attributes(
            lambda model: model._predictors[0].append(model._predictors[0][0])
        ),
        "boosting-many-outputs": boosting_attributes(
            lambda model: setattr(model, "n_trees_per_iteration_", 10**9)
        ),
        "boosting-preprocessor": boosting_attributes(lambda model: setattr(model, "_preprocessor", "x")),
        "svm-short-coefficients": support_with(_dual_coef_=lambda array: array[:, :1].copy()),
        "svm-short-vectors": support_with(support_vectors_=lambda array: array[:1].copy()),
        "svm-vectors-narrow": support_with(support_vectors_=lambda array: array[:, :1].copy()),
        "svm-counts": support_with(_n_support=np.array([10**6, 10**6, 5], dtype=np.int32)),
        "svm-no-intercept": support_with(_intercept_=np.zeros(0)),
        "svm-probabilities": support_with(_probA=np.zeros(7)),
        "svm-precomputed": support_with(kernel="precomputed"),
        "svm-sparse": support_with(_sparse=True),
        "svm-nan": support_with(_intercept_=np.array([np.nan])),
        "svm-other-width": support_with(n_features_in_=400),
    }
    return found


def twice_the_child(nodes: Any) -> None:
    nodes["right_child"][0] = nodes["left_child"][0]


def plain_attacks() -> dict[str, Attack]:
    files = {
        "plain-class": stream(glob(FOREST) + b")\x81"),
        "plain-type": stream(glob("numpy.float64")),
        "plain-object-array": dumped({"a": np.array([None])}),
        "plain-set": stream(b"\x8f"),
        "plain-bytes": stream(raw(b"x")),
        "plain-scalar": stream(call("numpy._core.multiarray.scalar", DOUBLE, raw(b"\0" * 8))),
        "plain-dag": stream(
            b"]\x94" + b"".join(b"](h" + bytes([i]) + b"h" + bytes([i]) + b"e\x94" for i in range(50))
        ),
        "plain-own-list": stream(b"]\x94h\x00a"),
        "plain-deep": stream(b"]" * 70 + b"a" * 69),
        "plain-key": stream(b"}NNs"),
        "plain-name": stream(b"]" + glob("numpy.ndarray") + b"a"),
    }
    return {name: Attack(data, "", plain=True) for name, data in files.items()}


def all_attacks() -> dict[str, Attack]:
    return code_attacks() | construction_attacks() | structure_attacks() | plain_attacks()

"""Codecs: exact round trips, the same bytes for the same state, and refusal of anything else."""

from __future__ import annotations

import io
import json
import struct
import warnings
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmlcli.errors import IncompatibleVersionError, PersistenceError, UntrustedArtifactError
from pmlcli.store.codecs import npy, plain
from pmlcli.store.codecs import safetensors as tensors
from pmlcli.store.codecs import sklearn as estimators
from pmlcli.store.codecs.xgboost import check_xgboost_json

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
LABEL = np.where(X[:, 0] > 0, "late", "on time")
THREE = np.digitize(X[:, 1], [-0.5, 0.5])
Y = X[:, 0] + X[:, 1] ** 2


def make_estimators() -> dict[str, Any]:
    from sklearn.cluster import DBSCAN, KMeans
    from sklearn.decomposition import PCA
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        IsolationForest,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression, Ridge, SGDOneClassSVM
    from sklearn.neighbors import BallTree, KDTree, LocalOutlierFactor, NearestNeighbors
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, SVR, OneClassSVM
    from sklearn.tree import DecisionTreeClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "isolation": IsolationForest(n_estimators=10, random_state=0).fit(X),
            "isolation-subset": IsolationForest(n_estimators=5, max_features=0.5, random_state=0).fit(X),
            "one-class-svm": OneClassSVM(nu=0.1).fit(X),
            "svc": SVC().fit(X, THREE),
            "svr": SVR(kernel="poly").fit(X, Y),
            "dbscan": DBSCAN(eps=0.7).fit(X),
            "neighbors-kd": NearestNeighbors(algorithm="kd_tree").fit(X),
            "neighbors-ball": NearestNeighbors(algorithm="ball_tree", metric="manhattan").fit(X),
            "kd": KDTree(X, leaf_size=5),
            "ball": BallTree(X, leaf_size=5, metric="minkowski", p=3),
            "lof": LocalOutlierFactor(novelty=True).fit(X),
            "lof-brute": LocalOutlierFactor(novelty=True, algorithm="brute").fit(X),
            "logistic": LogisticRegression().fit(X, LABEL),
            "logistic-objects": LogisticRegression().fit(X, LABEL.astype(object)),
            "ridge": Ridge().fit(X, Y),
            "boosting": HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(X, LABEL),
            "boosting-3": HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(X, THREE),
            "boosting-absolute": HistGradientBoostingRegressor(max_iter=5, loss="absolute_error").fit(X, Y),
            "boosting-quantile": HistGradientBoostingRegressor(
                max_iter=5, loss="quantile", quantile=0.9, random_state=0
            ).fit(X, Y),
            "forest": RandomForestClassifier(n_estimators=5, random_state=0).fit(X, LABEL),
            "forest-regression": RandomForestRegressor(n_estimators=5, random_state=0).fit(X, Y),
            "extra-trees": ExtraTreesClassifier(n_estimators=5, random_state=0).fit(X, THREE),
            "tree": DecisionTreeClassifier(random_state=0).fit(X, LABEL),
            "stump-of-one": DecisionTreeClassifier().fit(X, np.zeros(len(X))),
            "pca": PCA(n_components=2, random_state=0).fit(X),
            "nystroem": Nystroem(n_components=20, random_state=0).fit(X),
            "sgd-one-class": SGDOneClassSVM(random_state=0).fit(X),
            "k-means": KMeans(n_clusters=3, random_state=0, n_init=1).fit(X),
            "scaler": StandardScaler().fit(X),
        }


@pytest.fixture(scope="module")
def fitted() -> dict[str, Any]:
    return make_estimators()


NAMES = [
    "isolation", "isolation-subset", "one-class-svm", "svc", "svr", "dbscan", "neighbors-kd",
    "neighbors-ball", "kd", "ball", "lof", "lof-brute", "logistic", "logistic-objects", "ridge", "boosting",
    "boosting-3", "boosting-absolute", "boosting-quantile", "forest", "forest-regression", "extra-trees",
    "tree", "stump-of-one", "pca", "nystroem", "sgd-one-class", "k-means", "scaler",
]  # fmt: skip


def name_of(estimator: Any) -> str:
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"


def answers(estimator: Any) -> list[Any]:
    found: list[Any] = []
    for method in (
        "score_samples",
        "decision_function",
        "predict_proba",
        "predict",
        "transform",
        "kneighbors",
    ):
        if hasattr(estimator, method):
            result = getattr(estimator, method)(X[:30])
            found += result if isinstance(result, tuple) else [result]
    if hasattr(estimator, "query"):
        found += estimator.query(X[:30], k=3)
    return found or [estimator.components_, estimator.labels_]


@pytest.mark.parametrize("name", NAMES)
def test_estimator_answers_the_same_bit_for_bit(fitted: dict[str, Any], name: str) -> None:
    estimator = fitted[name]
    data = estimators.encode(estimator)
    again = estimators.decode(data, estimators.globals_of(estimator), name_of(estimator))
    for before, after in zip(answers(estimator), answers(again), strict=True):
        assert np.array_equal(before, after)
    assert type(joblib.load(io.BytesIO(data))) is type(estimator)


def test_every_estimator_is_in_the_list(fitted: dict[str, Any]) -> None:
    assert list(fitted) == NAMES


@pytest.mark.parametrize("name", ["isolation", "boosting", "lof"])
def test_two_trainings_give_the_same_file(fitted: dict[str, Any], name: str) -> None:
    assert estimators.encode(make_estimators()[name]) == estimators.encode(fitted[name])


def test_an_estimator_needs_few_globals(fitted: dict[str, Any]) -> None:
    assert estimators.globals_of(fitted["isolation"]) == {
        "sklearn.ensemble._iforest.IsolationForest",
        "sklearn.tree._classes.ExtraTreeRegressor",
        "sklearn.tree._tree.Tree",
    }


def test_other_class_is_named(fitted: dict[str, Any]) -> None:
    scaler = fitted["scaler"]
    allowed = estimators.globals_of(scaler)
    with pytest.raises(UntrustedArtifactError, match=r"StandardScaler, expected sklearn.*IsolationForest"):
        estimators.decode(estimators.encode(scaler), allowed, "sklearn.ensemble._iforest.IsolationForest")


def test_other_minor_version_of_the_library(fitted: dict[str, Any]) -> None:
    import sklearn

    data = estimators.encode(fitted["scaler"])
    old = sklearn.__version__.encode()
    new = b"0" + old[1:]
    with pytest.raises(IncompatibleVersionError, match=new.decode()):
        estimators.decode(data.replace(old, new), frozenset(), name_of(fitted["scaler"]))


@pytest.mark.parametrize("change", [{"n_jobs": 2}, {"verbose": 3}])
def test_threads_and_chatter_are_not_saved(change: dict[str, int]) -> None:
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(n_estimators=2).fit(X, Y)
    allowed = estimators.globals_of(forest)
    with pytest.raises(UntrustedArtifactError, match="must be unset"):
        estimators.decode(estimators.encode(forest.set_params(**change)), allowed, name_of(forest))


# --- plain state in joblib ---

PLAIN: dict[str, Any] = {
    "vocabulary": {"activities": ["a", "b", "ä", "a"], "7": 7, 5: True},
    "scale": 0.1,
    "none": None,
    "pair": ("a", 1, ()),
    "big": 2**70,
    "matrix": np.arange(6.0).reshape(2, 3),
    "column": np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)),
    "text": np.array(["x", "yy"]),
    "flags": np.array([True, False]),
    "zero": np.array(3.5),
    "empty": np.zeros((0, 4), dtype=np.float32),
}


def assert_same(left: Any, right: Any) -> None:
    assert type(left) is type(right)
    if isinstance(left, dict):
        assert list(left) == list(right)
        for key in left:
            assert_same(left[key], right[key])
    elif isinstance(left, list | tuple):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            assert_same(one, other)
    elif isinstance(left, np.ndarray):
        assert left.dtype == right.dtype
        assert left.shape == right.shape
        assert left.tobytes() == right.tobytes()
    else:
        assert left == right


def test_plain_joblib_round_trip() -> None:
    data = estimators.encode_plain(PLAIN)
    assert_same(estimators.decode_plain(data), PLAIN)
    assert_same(joblib.load(io.BytesIO(data)), PLAIN)


def test_plain_joblib_bytes_do_not_depend_on_identity() -> None:
    shared = [1, 2]
    one = {"a": shared, "b": shared, "c": "x" * 3, "d": "xxx"}
    other = {"a": [1, 2], "b": [1, 2], "c": "".join(["x", "x", "x"]), "d": "xxx"}
    assert estimators.encode_plain(one) == estimators.encode_plain(other)


@pytest.mark.parametrize(
    "bad",
    [
        object(),
        {1.5: 1},
        {("a",): 1},
        {1, 2},
        b"x",
        np.float64(1),
        np.array([None]),
        np.array(["2020"], dtype="M8[D]"),
    ],
)
def test_what_is_not_plain_is_not_saved(bad: Any) -> None:
    with pytest.raises(PersistenceError):
        estimators.encode_plain({"x": bad})


@pytest.mark.parametrize(
    "bad", [{"a": {1}}, {"a": b"x"}, {"a": np.float64(1)}, {"a": np.array(["x"], dtype=object)}]
)
def test_what_is_not_plain_is_not_read(bad: Any) -> None:
    buffer = io.BytesIO()
    joblib.dump(bad, buffer, protocol=4)
    with pytest.raises(UntrustedArtifactError):
        estimators.decode_plain(buffer.getvalue())


def test_containers_that_occur_twice_are_not_read() -> None:
    bomb: Any = []
    for _ in range(40):
        bomb = [bomb, bomb]
    for value in (bomb, {"a": (again := [1]), "b": again}):
        buffer = io.BytesIO()
        joblib.dump(value, buffer, protocol=4)
        with pytest.raises(UntrustedArtifactError, match="occurs twice"):
            estimators.decode_plain(buffer.getvalue())


# --- plain state in JSON and .npy ---

STATE: dict[str, Any] = {
    "order": [1, 0, 1],
    "loglikelihood": -123.45678901234567,
    "labels": ["a", "b"],
    "coef_": np.linspace(0, 1, 7),
    "X": np.arange(4).reshape(2, 2),
    "names": np.array(["ä", "bb"]),
    "mask": np.array([True]),
}


def test_plain_round_trip() -> None:
    files = plain.encode(STATE)
    assert sorted(files) == [
        "model-X.npy",
        "model-coef_.npy",
        "model-mask.npy",
        "model-names.npy",
        "model.json",
    ]
    again = plain.decode(files)
    assert set(again) == set(STATE)
    for key, value in STATE.items():
        assert_same(again[key], value)
    assert plain.encode(again) == files
    assert np.array_equal(np.load(io.BytesIO(files["model-X.npy"]), allow_pickle=False), STATE["X"])


@settings(max_examples=100)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_exact(number: float) -> None:
    again = plain.decode(plain.encode({"x": number}))["x"]
    assert struct.pack("<d", again) == struct.pack("<d", number)


@pytest.mark.parametrize(
    "bad",
    [{"x": float("nan")}, {"x": (1, 2)}, {"a b": 1}, {"../x": 1}, {"x": {1: 2}}, {"x": np.array([None])},
     {"a": np.zeros(1), "A": np.zeros(1)}],
)  # fmt: skip
def test_what_plain_cannot_keep_is_not_saved(bad: Any) -> None:
    with pytest.raises(PersistenceError):
        plain.encode(bad)


BAD_PLAIN: dict[str, dict[str, bytes]] = {
    "absent": {},
    "list": {"model.json": b"[]"},
    "other_keys": {"model.json": b'{"arrays": [], "values": {}, "module": "os"}'},
    "array_absent": {"model.json": b'{"arrays": ["a"], "values": {}}'},
    "array_unlisted": {"model.json": b'{"arrays": [], "values": {}}', "model-a.npy": npy.encode(np.zeros(1))},
    "array_twice": {
        "model.json": b'{"arrays": ["a", "a"], "values": {}}',
        "model-a.npy": npy.encode(np.zeros(1)),
    },
    "array_path": {"model.json": b'{"arrays": ["../a"], "values": {}}'},
    "array_number": {"model.json": b'{"arrays": [1], "values": {}}'},
    "both": {"model.json": b'{"arrays": ["a"], "values": {"a": 1}}', "model-a.npy": npy.encode(np.zeros(1))},
    "not_npy": {"model.json": b'{"arrays": ["a"], "values": {}}', "model-a.npy": b"x"},
}


@pytest.mark.parametrize("item", [b"0", b"[]", b'""', b"{}"])
def test_json_with_millions_of_items_is_refused_unparsed(item: bytes) -> None:
    body = b"[" + b",".join([item] * 2_100_000) + b"]"
    with pytest.raises(PersistenceError, match="more than"):
        plain.decode({"model.json": body})


@pytest.mark.parametrize("case", BAD_PLAIN)
def test_bad_plain_files(case: str) -> None:
    with pytest.raises(UntrustedArtifactError):
        plain.decode(BAD_PLAIN[case])


def npy_of(header: str, body: bytes) -> bytes:
    text = header.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def header(descr: str = "<f8", order: str = "False", shape: str = "(1,)") -> str:
    return f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n"


BAD_NPY: dict[str, bytes] = {
    "empty": b"",
    "magic": b"x" * 200,
    "version_2": b"\x93NUMPY\x02\x00" + b"\0" * 100,
    "cut_header": npy.encode(np.zeros(3))[:20],
    "cut_body": npy.encode(np.zeros(3))[:-1],
    "trailing": npy.encode(np.zeros(3)) + b"x",
    "object": npy_of(header("|O8"), b"\0" * 8),
    "object_bare": npy_of(header("|O"), b"\0" * 8),
    "void": npy_of(header("|V8"), b"\0" * 8),
    "date": npy_of(header("<M8"), b"\0" * 8),
    "huge": npy_of(header(shape="(1000000000000,)"), b"\0" * 8),
    "overflow": npy_of(header(shape="(4294967296, 4294967296)"), b"\0" * 8),
    "empty_huge": npy_of(header(shape="(1000000000000, 0)"), b""),
    "many_dimensions": npy_of(header(shape="(" + "1, " * 60 + ")"), b"\0" * 8),
    "negative": npy_of(header(shape="(-1,)"), b"\0" * 8),
    "call": npy_of(
        "{'descr': __import__('os').system('x'), 'fortran_order': False, 'shape': (1,), }\n", b"\0" * 8
    ),
    "shape_number": npy_of(header(shape="(1)"), b"\0" * 8),
    "shape_syntax": npy_of(header(shape="(1 1)"), b"\0" * 8),
    "other_endian": npy_of(header(">f8"), b"\0" * 8),
    "width_0": npy_of(header("<U0"), b""),
    "bool_2": npy_of(header("|b1"), b"\2"),
    "letter": npy_of(header("<U1"), b"\xff\xff\xff\xff"),
    "surrogate": npy_of(header("<U1"), b"\x00\xd8\x00\x00"),
    "long_header": b"\x93NUMPY\x01\x00\xff\xff" + b" " * 65535,
}


@pytest.mark.parametrize("case", BAD_NPY)
def test_bad_npy(case: str) -> None:
    with pytest.raises(UntrustedArtifactError):
        npy.decode(BAD_NPY[case])


# --- safetensors ---


def test_safetensors_round_trip() -> None:
    arrays = {
        "b": np.arange(6, dtype=np.float32).reshape(2, 3),
        "a": np.array([1, 2]),
        "t": np.ones((3, 2)).T,
    }
    values = {"units": 64, "rate": 0.1}
    files = tensors.encode(arrays, values)
    again, kept = tensors.decode(files)
    assert kept == values
    assert set(again) == set(arrays)
    for name, array in arrays.items():
        assert again[name].dtype == array.dtype
        assert np.array_equal(again[name], array)
        assert again[name].flags.writeable
    assert tensors.encode(dict(reversed(arrays.items())), dict(reversed(values.items()))) == files


def safetensors_of(head: bytes, body: bytes = b"\0" * 8) -> bytes:
    return struct.pack("<Q", len(head)) + head + body


BAD_TENSORS: dict[str, bytes] = {
    "empty": b"",
    "header_length": b"\xff" * 16,
    "not_json": safetensors_of(b"x"),
    "twice": safetensors_of(
        b'{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}'
    ),
    "outside": safetensors_of(b'{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}'),
    "hole": safetensors_of(b'{"a":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}}', b"\0" * 16),
    "trailing": safetensors_of(b'{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}', b"\0" * 9),
    "size": safetensors_of(b'{"a":{"dtype":"F64","shape":[3],"data_offsets":[0,8]}}'),
    "type": safetensors_of(b'{"a":{"dtype":"OBJ","shape":[1],"data_offsets":[0,8]}}'),
    "deep": safetensors_of(b"[" * 100_000),
}


@pytest.mark.parametrize("case", BAD_TENSORS)
def test_bad_safetensors(case: str) -> None:
    with pytest.raises(PersistenceError):
        tensors.decode({"model.safetensors": BAD_TENSORS[case], "state.json": b"{}"})


# --- xgboost ---


@pytest.fixture(scope="module")
def boosters() -> dict[str, bytes]:
    xgboost = pytest.importorskip("xgboost")
    makers = {
        "regression": (xgboost.XGBRegressor(n_estimators=3, max_depth=3, n_jobs=1), Y),
        "classes": (xgboost.XGBClassifier(n_estimators=3, max_depth=3, n_jobs=1), THREE),
        "pruned": (xgboost.XGBRegressor(n_estimators=5, max_depth=6, gamma=5, n_jobs=1), Y),
        "quantiles": (
            xgboost.XGBRegressor(
                n_estimators=3, objective="reg:quantileerror", quantile_alpha=[0.1, 0.9], n_jobs=1
            ),
            Y,
        ),
        "absolute": (xgboost.XGBRegressor(n_estimators=3, objective="reg:absoluteerror", n_jobs=1), Y),
    }
    return {
        name: bytes(model.fit(X, target).get_booster().save_raw("json"))
        for name, (model, target) in makers.items()
    }


@pytest.mark.parametrize("name", ["regression", "classes", "pruned", "quantiles", "absolute"])
def test_xgboost_models_pass(boosters: dict[str, bytes], name: str) -> None:
    check_xgboost_json(boosters[name])


def tree_edit(key: str, position: int, value: Any) -> Any:
    def edit(model: dict[str, Any]) -> None:
        model["learner"]["gradient_booster"]["model"]["trees"][0][key][position] = value

    return edit


def set_at(*path: Any) -> Any:
    *keys, value = path

    def edit(model: dict[str, Any]) -> None:
        place: Any = model
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return edit


MODEL = ("learner", "gradient_booster", "model")
BAD_XGBOOST: dict[str, Any] = {
    "child_outside": tree_edit("left_children", 0, 10**6),
    "child_itself": tree_edit("left_children", 0, 0),
    "child_negative": tree_edit("left_children", 0, -2),
    "one_child": tree_edit("left_children", 0, -1),
    "child_of_two": tree_edit("right_children", 0, 1),
    "child_text": tree_edit("left_children", 0, "1"),
    "child_real": tree_edit("left_children", 0, 1.0),
    "feature_outside": tree_edit("split_indices", 0, 4),
    "feature_negative": tree_edit("split_indices", 0, -1),
    "parent": tree_edit("parents", 1, 2),
    "categorical": tree_edit("split_type", 0, 1),
    "threshold_infinite": tree_edit("split_conditions", 0, 1e39),
    "threshold_text": tree_edit("split_conditions", 0, "nan"),
    "short_list": lambda model: model["learner"]["gradient_booster"]["model"]["trees"][0]["parents"].pop(),
    "num_nodes": set_at(*MODEL, "trees", 0, "tree_param", "num_nodes", "2147483647"),
    "leaf_vector": set_at(*MODEL, "trees", 0, "tree_param", "size_leaf_vector", "3"),
    "tree_features": set_at(*MODEL, "trees", 0, "tree_param", "num_feature", "9"),
    "features": set_at("learner", "learner_model_param", "num_feature", "2"),
    "features_negative": set_at("learner", "learner_model_param", "num_feature", "-1"),
    "classes": set_at("learner", "learner_model_param", "num_class", "99999999999"),
    "base_score": set_at("learner", "learner_model_param", "base_score", "[nan]"),
    "tree_info": set_at(*MODEL, "tree_info", [7, 0, 0]),
    "indptr": set_at(*MODEL, "iteration_indptr", [0, 5, 3]),
    "trees": set_at(*MODEL, "gbtree_model_param", "num_trees", "4"),
    "no_trees": set_at(*MODEL, "trees", {}),
    "booster": set_at("learner", "gradient_booster", "name", "dart"),
    "objective": set_at("learner", "objective", "name", "custom"),
    "names": set_at("learner", "feature_names", ["a"]),
    "version": set_at("version", [3]),
    "extra": set_at("config", {}),
}


@pytest.mark.parametrize("case", BAD_XGBOOST)
def test_bad_xgboost(boosters: dict[str, bytes], case: str) -> None:
    model = json.loads(boosters["regression"])
    BAD_XGBOOST[case](model)
    with pytest.raises(UntrustedArtifactError, match="xgboost model structure is invalid"):
        check_xgboost_json(json.dumps(model).encode())


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"[" * 10**6, b"\x7b\x4c\x00\x00", b'{"learner": {}, "version": 1}']
)
def test_not_an_xgboost_model(data: bytes) -> None:
    with pytest.raises(PersistenceError):
        check_xgboost_json(data)


def plain_file(value: Any) -> bytes:
    """The joblib file of anything, honest or not."""
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


M61 = 2**61 - 1
"""Python's hash of a number is its remainder by this, so that whoever chooses numbers chooses their hash."""
COLLIDING: dict[str, list[Any]] = {
    "whole numbers of one hash": [number * M61 for number in range(1, 300)],
    "negative ones": [-number * M61 for number in range(1, 300)],
    "just too large": [2**31],
    "just too small": [-(2**31)],
    "fractions": [0.5],
    "powers of two": [2.0 ** (61 * number) for number in range(16)],
    "tuples": [((), ())],
}


@pytest.mark.parametrize("name", COLLIDING)
def test_keys_that_can_share_a_hash_are_refused(name: str) -> None:
    with pytest.raises(UntrustedArtifactError, match="a dict key is not plain"):
        estimators.decode_plain(plain_file(dict.fromkeys(COLLIDING[name], 1)))


@pytest.mark.parametrize("key", ["text", "", 0, -1, 2**31 - 1, -(2**31) + 1])
def test_keys_that_training_writes_are_read(key: Any) -> None:
    state = {"table": {key: 1}}
    assert estimators.decode_plain(estimators.encode_plain(state)) == state


@pytest.mark.parametrize("key", [2**31, -(2**31), 2**70, 0.5, (1,), b"x", None, True])
def test_keys_that_cannot_be_read_are_not_written(key: Any) -> None:
    with pytest.raises(PersistenceError, match="no text or small whole number"):
        estimators.encode_plain({"table": {key: 1}})

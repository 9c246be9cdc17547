"""Hostile models of the predictive tasks: ensembles, trees, outcomes, suffixes, times that remain."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from pmlcli.store.codecs import npy
from tests.hostile.directories import DAMAGED, EITHER, Hostile, encoding, file, inner, resealed, value

ENSEMBLE, BOOSTING, PRIOR = "next-activity/ensemble", "outcome/boosting", "outcome/prior"
MEDOID, STATES = "suffix/medoid", "remaining-time/transition-system"
DETECTORS = "anomaly/ensemble"
GOODS_IN_PARTS = {"rule": 'count("Receive Goods") > 1'}
TASK_BASES: dict[str, dict[str, Any]] = {
    ENSEMBLE: {"members": ("linear", "xgboost"), "combine": "always", "n_estimators": 3},
    DETECTORS: {"members": ("likelihood", "temporal-profile")},
    BOOSTING: {"n_estimators": 3, "max_depth": 3, **GOODS_IN_PARTS},
    PRIOR: GOODS_IN_PARTS,
    MEDOID: {"order": 2, "candidates": 5},
    STATES: {"window": 2},
}
Files = dict[str, bytes]
Change = Callable[[Any], Any]
ANY: dict[str, Any] = {"predict": EITHER, "verify": (0, 5)}
"""Values that may be whatever they are: only harm is excluded."""


def array(name: str, change: Change) -> Callable[[Any], Any]:
    """One array of the learned state replaced."""

    def apply(files: Files) -> None:
        files[name] = npy.encode(np.asarray(change(npy.decode(files[name]))))

    return resealed(apply)


def trees(name: str, change: Change) -> Callable[[Any], Any]:
    """The parts of an XGBoost model changed: its trees and what stands beside them."""

    def apply(files: Files) -> None:
        document = json.loads(files[name])
        change(document["learner"]["gradient_booster"]["model"])
        files[name] = json.dumps(document).encode()

    return resealed(apply)


def of_tree(**lists: Any) -> Change:
    """Some lists of the first tree with a split replaced: a value for its root, or the whole list."""

    def change(model: Any) -> None:
        tree = next(tree for tree in model["trees"] if len(tree["left_children"]) > 2)
        for name, new in lists.items():
            if isinstance(new, list):
                tree[name] = new
            else:
                tree[name][0] = new

    return change


def members(
    names: Any,
    *,
    predict: tuple[int, ...] = DAMAGED,
    verify: tuple[int, ...] = DAMAGED,
    base: str = ENSEMBLE,
) -> Hostile:
    return Hostile(value("hyperparameters", "members", to=names), base, predict, verify)


def swapped(files: Files) -> None:
    one, other = "linear-model.json", "xgboost-model.json"
    files[one], files[other] = files[other], files[one]


def renamed(old: str, new: str) -> Callable[[Any], Any]:
    return resealed(lambda files: files.update({new: files.pop(old)}))


def eight_hundred(files: Files) -> None:
    files.update({f"linear-model-a{number}.npy": npy.encode(np.zeros(1)) for number in range(800)})


def detector_cases() -> dict[str, Hostile]:
    named: dict[str, Any] = {
        "the ensemble itself": ["ensemble"],
        "kept in another format": ["likelihood", "isolation-forest"],
        "nobody": ["nobody"],
        "none": [],
        "of another task": ["suffix/medoid"],
        "one twice": ["likelihood", "likelihood"],
        "one fewer": ["likelihood"],
    }
    changes = {
        "a member's state names a method": inner("model.json", "values", "temporal_profile__fit", to="x"),
        "a member's state names a parameter": inner("model.json", "values", "temporal_profile__reach", to=1),
    }
    return {f"detectors: {name}": members(names, base=DETECTORS) for name, names in named.items()} | {
        f"detectors: {name}": Hostile(change, DETECTORS) for name, change in changes.items()
    }


def member_cases() -> dict[str, Hostile]:
    one = "xgboost-model.json"
    changes: dict[str, Callable[[Any], Any]] = {
        "files swapped": resealed(swapped),
        "a file of nobody": file("gru-model.json", b"{}"),
        "a file of a member's member": file("xgboost-xgboost-model.json", b"{}"),
        "a file in no member's name": renamed("linear-model.json", "a--model.json"),
        "a file of another kind": renamed(one, "xgboost-model.safetensors"),
        "a file absent": resealed(lambda files: files.pop(one)),
        "own state absent": resealed(lambda files: files.pop("model.json")),
        "own state names a method": inner("model.json", "values", "probabilities", to="x"),
        "own state takes nobody": inner("model.json", "values", "chosen_", to=["nobody"]),
        "own state takes none": inner("model.json", "values", "chosen_", to=[]),
        "own state takes one twice": inner("model.json", "values", "chosen_", to=["linear", "linear"]),
        "own state takes one that was not kept": inner("model.json", "values", "chosen_", to=["ngram"]),
        "own state takes one of two": inner("model.json", "values", "chosen_", to=["linear"]),
        "own state takes a text": inner("model.json", "values", "chosen_", to="linear"),
        "own state names a parameter": inner("model.json", "values", "n_estimators", to=10**9),
        "a member's state names a method": inner("linear-model.json", "values", "probabilities", to=[]),
        "a member's state names its calibration": inner("linear-model.json", "values", "calibration_", to={}),
        "a member's state names its class": inner("linear-model.json", "values", "__class__", to="x"),
        "a member's trees are deep": trees(one, of_tree(left_children=0)),
        "a member's trees are too many": value("hyperparameters", "n_estimators", to=1),
        "eight hundred files": resealed(eight_hundred),
    }
    return {f"members: {name}": Hostile(change, ENSEMBLE) for name, change in changes.items()} | {
        "members: the ensemble itself": members(["ensemble"]),
        "members: itself and others": members(["linear", "xgboost", "ensemble"]),
        "members: nobody": members(["nobody"]),
        "members: none": members([]),
        "members: a path": members(["../../../etc/passwd"]),
        "members: a module": members(["os.system"]),
        "members: a private module": members(["_base"]),
        "members: of another task": members(["anomaly/likelihood"]),
        "members: by a long name": members(["next-activity/linear", "xgboost"]),
        "members: one twice": members(["linear", "linear", "xgboost"]),
        "members: one 70,000 times": members(["gru"] * 70_000),
        "members: one fewer": members(["linear"]),
        # One that was not taken is not asked: it answers as before.
        "members: one more": members(["linear", "xgboost", "ngram"], predict=(0,), verify=(0,)),
        "members: in lists": members([["linear"], ["xgboost"]]),
        "members: a number": members(5),
        "members: a long text": members("linear," * 100_000),
        "members: an object": members({"linear": "xgboost"}, predict=EITHER),
    }


def tree_cases() -> dict[str, Hostile]:
    name = "model.json"
    changes: dict[str, Change] = {
        "a child is its parent": of_tree(left_children=0),
        "a child is outside": of_tree(right_children=10**6),
        "a child before all": of_tree(left_children=-5),
        "two children are one": of_tree(left_children=2, right_children=2),
        "a feature is outside": of_tree(split_indices=10**5),
        "a feature before all": of_tree(split_indices=-1),
        "a limit is no number": of_tree(split_conditions="NaN"),
        "a limit beyond floats": of_tree(split_conditions=1e300),
        "a limit of a thousand digits": of_tree(split_conditions=10**1000),
        "lists of other lengths": of_tree(split_conditions=[0.0]),
        "splits by category": of_tree(categories=[1]),
        "a tree too many": lambda model: model["trees"].append(model["trees"][0]),
        "no tree": lambda model: model.update(trees=[], tree_info=[]),
        "a group outside": lambda model: model["tree_info"].__setitem__(0, 5),
        "rounds that are text": lambda model: model["gbtree_model_param"].update(num_trees="many"),
    }
    found = {f"trees: {what}": Hostile(trees(name, change), BOOSTING) for what, change in changes.items()}
    return found | {
        "trees: more rounds than the parameter": Hostile(
            value("hyperparameters", "n_estimators", to=1), BOOSTING
        ),
        "trees: deeper than the parameter": Hostile(value("hyperparameters", "max_depth", to=1), BOOSTING),
        "trees: of fewer numbers": Hostile(width("2"), BOOSTING),
        "trees: for a hundred outputs": Hostile(width("99999", "num_target"), BOOSTING),
        "trees: in UBJ": Hostile(file(name, b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner"), BOOSTING),
        "trees: a million brackets": Hostile(file(name, b"[" * 10**6), BOOSTING),
    }


def width(number: str, name: str = "num_feature") -> Callable[[Any], Any]:
    return inner("model.json", "learner", "learner_model_param", name, to=number)


def outcome_cases() -> dict[str, Hostile]:
    rules = {
        "deep": "not " * 240 + "length > 1",
        "brackets": "(" * 490 + "length > 1" + ")" * 490,
        "long": "length > 1 or " * 70_000 + "length > 1",
        "code": "__import__('os').system('touch marker')",
        "of nothing": "",
    }
    cases = {
        f"outcome: a rule {name}": Hostile(value("hyperparameters", "rule", to=rule), PRIOR)
        for name, rule in rules.items()
    }
    cases |= {
        f"outcome: {name}": Hostile(value("hyperparameters", *path, to=to), PRIOR, **codes)
        for name, path, to, codes in (
            ("two sources", ("label_column",), "resource", {}),
            ("a rule that is a list", ("rule",), ["length > 1"], {}),
            ("a positive of no class", ("positive",), "perhaps", {}),
            ("a positive without end", ("positive",), "x" * 800_000, {}),
            ("attributes without end", ("attributes",), ["a"] * 100_000, {}),
            ("numbers beyond all", ("rule",), "length > " + "9" * 900, ANY),
            ("durations beyond all", ("rule",), "duration > " + "9" * 900 + "d", ANY),
        )
    }
    states: dict[str, Change] = {
        "no class": lambda state: state.update(class_names=[]),
        "classes of numbers": lambda state: state.update(class_names=[1, 2]),
        "a hundred thousand classes": lambda state: state.update(class_names=[f"c{n}" for n in range(10**5)]),
        "a source of code": lambda state: state.update(source=["rule", "__import__('os')"]),
        "a source of no kind": lambda state: state.update(source=["__class__", "x"]),
        "a source that is the case": lambda state: state.update(source=["label_column", "case_id"]),
    }
    cases |= {f"outcome: {name}": encoding(change, PRIOR) for name, change in states.items()}
    shares, threshold = "model-shares_.npy", "threshold.json"
    changes: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
        "shares of text": (array(shares, lambda found: np.array(["a", "b"])), {}),
        "shares of no number": (array(shares, lambda found: found * np.nan), ANY),
        "shares in four dimensions": (array(shares, lambda found: np.ones((2, 2, 2, 2))), {}),
        "a million shares": (array(shares, lambda found: np.ones(10**5)), {}),
        "a scale of text": (inner(threshold, "scale", to="x"), {}),
        "a scale beyond all": (inner(threshold, "scale", to=1e308), ANY),
        "offsets in a list": (inner(threshold, "offsets", to=[]), {}),
        "a positive of nobody": (inner(threshold, "positive", to="perhaps"), {}),
        "nothing learned": (file(threshold, b"{}"), {}),
    }
    return cases | {
        f"outcome: {name}": Hostile(change, PRIOR, **codes) for name, (change, codes) in changes.items()
    }


def contexts(files: Files) -> None:
    """One context with forty thousand candidates, each to be compared with each."""
    many = 40_000
    arrays = {
        "keys": np.zeros(1, dtype=np.uint64), "offsets": np.array([0, many]),
        "suffixes": np.arange(many) % 50, "counts": np.ones(many, dtype=np.int64),
        "seconds": np.ones(many), "codes": np.full(50, 3), "ends": np.arange(1, 51),
    }  # fmt: skip
    files.update({f"model-{name}_.npy": npy.encode(array) for name, array in arrays.items()})


def long_suffixes(files: Files) -> None:
    """One context of two suffixes of a million activities, to be compared letter by letter."""
    length, codes = 10**6, np.random.default_rng(0).integers(2, 6, 2 * 10**6)
    arrays = {
        "keys": np.zeros(1, dtype=np.uint64), "offsets": np.array([0, 2]), "suffixes": np.arange(2),
        "counts": np.ones(2, dtype=np.int64), "seconds": np.ones(2), "codes": codes,
        "ends": np.array([length, 2 * length]),
    }  # fmt: skip
    files.update({f"model-{name}_.npy": npy.encode(array) for name, array in arrays.items()})


def suffix_cases() -> dict[str, Hostile]:
    def of(name: str, change: Change) -> Callable[[Any], Any]:
        return array(f"model-{name}_.npy", change)

    changes: dict[str, tuple[Callable[[Any], Any], str, dict[str, Any]]] = {
        "suffix: codes before all": (of("codes", lambda a: a * 0 - 70_000), MEDOID, {}),
        "suffix: codes beyond letters": (of("codes", lambda a: a * 0 + 10**7), MEDOID, {}),
        "suffix: codes of surrogates": (of("codes", lambda a: a * 0 + 0xD800 - 0x10000), MEDOID, {}),
        "suffix: codes of no activity": (of("codes", lambda a: a * 0 + 500), MEDOID, ANY),
        "suffix: ends beyond all": (of("ends", lambda a: a * 10**12), MEDOID, ANY),
        "suffix: ends in halves": (of("ends", lambda a: a + 0.5), MEDOID, {}),
        "suffix: counts of no number": (of("counts", lambda a: a * np.nan), MEDOID, {}),
        "suffix: suffixes in two dimensions": (of("suffixes", lambda a: a[:, None]), MEDOID, {}),
        "suffix: suffixes outside": (of("suffixes", lambda a: a + 10**6), MEDOID, {}),
        "suffix: offsets backwards": (of("offsets", lambda a: a[::-1]), MEDOID, {}),
        "suffix: candidates without end": (resealed(contexts), MEDOID, {}),
        "suffix: suffixes without end": (resealed(long_suffixes), MEDOID, {}),
        "suffix: fewer candidates than kept": (value("hyperparameters", "candidates", to=1), MEDOID, {}),
        "suffix: no context": (of("keys", lambda a: a[:0]), MEDOID, {}),
        "times: no number": (of("seconds", lambda a: a * np.nan), STATES, ANY),
        "times: beyond all": (of("seconds", lambda a: a * 0 + 1e300), STATES, ANY),
        "times: before all": (of("seconds", lambda a: a * 0 - np.inf), STATES, ANY),
        "times: none": (of("seconds", lambda a: a[:0]), STATES, {}),
        "times: no state": (of("states", lambda a: a[:0]), STATES, {}),
        "times: states of text": (of("states", lambda a: a.astype("U3")), STATES, ANY),
        "times: an unknown abstraction": (inner("model.json", "values", "chosen_", to="bag"), STATES, {}),
        "times: factors of text": (inner("threshold.json", "factors", to="x"), STATES, {}),
        "times: factors beyond all": (inner("threshold.json", "factors", to=[1e308] * 3), STATES, ANY),
        "times: a window without end": (value("hyperparameters", "window", to=10**9), STATES, {}),
    }
    return {name: Hostile(change, base, **codes) for name, (change, base, codes) in changes.items()}


def task_cases() -> dict[str, Hostile]:
    """All of them, by name."""
    return member_cases() | detector_cases() | tree_cases() | outcome_cases() | suffix_cases()

"""What each global of a joblib file may do: checked construction of arrays, and of scikit-learn's classes.

A name does something only if the algorithm's exact table lists it *and* a rule here says how it is made.
Objects are made empty and given a checked state; compiled classes get their state only after
`_structure` has looked at every index in it.
"""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any

import numpy as np

from pmlcli.errors import IncompatibleVersionError, UntrustedArtifactError
from pmlcli.store.codecs import _structure
from pmlcli.store.codecs._machine import Draft, Machine, Name
from pmlcli.store.codecs._numbers import (
    checked_shape,
    object_array,
    plain_dtype,
    record_dtype,
    refuse,
    scalar_from,
)
from pmlcli.store.findings import shown

WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
NDARRAY = "numpy.ndarray"
DTYPE = "numpy.dtype"
SCALAR = "numpy._core.multiarray.scalar"
RECONSTRUCT = "numpy._core.multiarray._reconstruct"

# Needed for arrays and numbers, whatever the estimator.
COMMON = frozenset({WRAPPER, NDARRAY, DTYPE, SCALAR, RECONSTRUCT})

# The only classes that may stand as values (encoders have such a parameter).
_TYPES: dict[str, type] = {"numpy.float64": np.float64, "numpy.float32": np.float32, "numpy.int64": np.int64}

_TREE = "sklearn.tree._tree.Tree"
_SEARCH_TREES = ("sklearn.neighbors._kd_tree.KDTree", "sklearn.neighbors._ball_tree.BallTree")
_METRIC = re.compile(
    r"sklearn\.metrics\._dist_metrics\.(?:Euclidean|Manhattan|Chebyshev|Minkowski)Distance(?:64|32)"
)
_NEW_OBJECT = re.compile(r"sklearn\.(?:neighbors\._(?:kd|ball)_tree|metrics\._dist_metrics)\.newObj")
# Compiled losses hold at most one number; scikit-learn rebuilds them by calling the class with it.
_LOSS = re.compile(r"sklearn\._loss\._loss\.Cy[A-Za-z]+|sklearn\.linear_model\._sgd_fast\.[A-Z][A-Za-z]+")
_LOSS_UNPICKLE = re.compile(r"sklearn\._loss\._loss\.__pyx_unpickle_(Cy[A-Za-z]+)")


class EstimatorRules:
    """The rules for one load: `allowed` is the exact table, or None to record what a trusted file uses."""

    def __init__(self, allowed: frozenset[str] | None) -> None:
        self._allowed = allowed
        self.seen: set[str] = set()
        self.built: list[Any] = []
        self._known: set[tuple[type, str]] = set()
        self._classes: dict[str, type] = {}

    def name(self, full: str) -> Any:
        """A `Name`, when the table lists it."""
        if full not in COMMON:
            self.seen.add(full)
            if self._allowed is not None and full not in self._allowed:
                raise UntrustedArtifactError(
                    f"global {shown(full)} is not allowed here",
                    hint="this file was not written by pmlcli for this algorithm; do not use it",
                    context={"global": shown(full)},
                )
        return _TYPES.get(full) or Name(full)

    def call(self, name: Name, args: tuple[Any, ...]) -> Any:
        """The value or draft that a listed callable makes of checked arguments."""
        full = name.full
        if full == DTYPE:
            return Draft("dtype", _dtype_code(args))
        if full == SCALAR and len(args) == 2:
            return scalar_from(*args)
        if full == RECONSTRUCT:
            if len(args) != 3 or not _is(args[0], NDARRAY) or args[1:] != ((0,), b"b"):
                raise refuse("an array of another class")
            return Draft("array", None)
        if full == _TREE:
            return Draft("tree", args)
        if _NEW_OBJECT.fullmatch(full) and len(args) == 1 and type(args[0]) is Name:
            return _search_draft(args[0].full)
        if _LOSS.fullmatch(full) or _LOSS_UNPICKLE.fullmatch(full):
            return _loss(full, args)
        raise refuse(f"{shown(full)} is not to be called")

    def new(self, name: Name) -> Any:
        """An empty instance of a listed scikit-learn class, or the draft of an array."""
        if name.full == WRAPPER:
            return Draft("wrapper", None)
        if name.full not in self._classes:
            self._classes[name.full] = _plain_class(name.full)
        return object.__new__(self._classes[name.full])

    def build(self, target: Any, state: Any, machine: Machine) -> Any:
        """The completed instance, array or dtype."""
        if type(target) is Draft:
            return self._build_draft(target, state, machine)
        if isinstance(target, type | Name) or type(target) in _PLAIN_CLASSES_NOT or target.__dict__:
            raise refuse("a state for something that takes none")
        target.__dict__.update(_checked_state(type(target), state, self._known))
        self.built.append(target)
        return target

    def _build_draft(self, draft: Draft, state: Any, machine: Machine) -> Any:
        if draft.kind == "dtype":
            return _dtype(draft.args, state)
        if draft.kind == "array":
            return _array_from_state(state)
        if draft.kind == "wrapper":
            return _array_from_wrapper(state, machine)
        built: Any
        if draft.kind == "tree":
            built = _structure.tree(_resolve(_TREE), draft.args, state)
        elif draft.kind == "metric":
            built = _structure.metric(_resolve(draft.args), state)
        else:
            built = _structure.search_tree(_resolve(draft.args), state)
        self.built.append(built)
        return built


# Types that the machine itself pushes: BUILD on them would be a trick.
_PLAIN_CLASSES_NOT = (str, int, float, bytes, bool, type(None), dict, list, tuple, set, np.ndarray)


def _is(value: object, full: str) -> bool:
    return type(value) is Name and value.full == full


def _resolve(full: str) -> Any:
    """The class of a name that a table in our own code lists."""
    module, _, name = full.rpartition(".")
    if not module.startswith("sklearn."):
        raise refuse(f"{shown(full)} is not scikit-learn's")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise IncompatibleVersionError(
            f"the installed scikit-learn has no {shown(full)}",
            hint="install the version that the manifest names",
        ) from error
    if not isinstance(found, type):
        raise refuse(f"{shown(full)} is not a class")
    return found


def _plain_class(full: str) -> type:
    """A class whose instances are an ordinary dict of attributes, set without any code of its own."""
    found: type = _resolve(full)
    maker: Any = found.__new__
    setter = getattr(found, "__setstate__", None)
    known = ("BaseEstimator.__setstate__", "TreePredictor.__setstate__")
    if (
        maker is not object.__new__
        or not found.__dictoffset__
        or (setter is not None and getattr(setter, "__qualname__", "") not in known)
    ):
        raise refuse(f"no rule how to make {shown(full)}")
    return found


def _checked_state(owner: type, state: Any, known: set[tuple[type, str]]) -> dict[str, Any]:
    """A copy of the state, its keys checked; `known` remembers what was checked (a forest has many trees)."""
    if type(state) is not dict:
        raise refuse(f"the state of {owner.__name__} is no dict")
    for key in state:
        if type(key) is not str:
            raise refuse(f"{owner.__name__} has no attribute {shown(key)}")
        if (owner, key) not in known:
            _check_attribute(owner, key)
            known.add((owner, key))
    checked: dict[str, Any] = dict(state)
    _check_version(owner, checked.pop("_sklearn_version", None))
    if checked.get("n_jobs") not in (None, 1) or checked.get("verbose", 0) not in (0, False):
        raise refuse("n_jobs and verbose must be unset in a saved estimator")
    return checked


def _check_attribute(owner: type, name: str) -> None:
    if not name.isidentifier() or name.startswith("__"):
        raise refuse(f"{owner.__name__} has no attribute {shown(name)}")
    inherited = getattr(owner, name, None)
    if callable(inherited) or hasattr(inherited, "__get__"):
        raise refuse(f"attribute {shown(name)} would shadow a method of {owner.__name__}")


def _check_version(owner: type, saved: object) -> None:
    """scikit-learn promises nothing across versions: the same major.minor, or not at all."""
    if saved is None:
        return
    here: str = sys.modules["sklearn"].__version__
    if not isinstance(saved, str) or saved.split(".")[:2] != here.split(".")[:2]:
        raise IncompatibleVersionError(
            f"{owner.__name__} was saved by scikit-learn {shown(saved)}, here is {here}",
            hint="install that version, or train the model again",
            context={"expected": shown(saved), "found": here},
        )


def _dtype_code(args: tuple[Any, ...]) -> Any:
    if len(args) != 3 or args[1:] != (False, True):
        raise refuse("array type is malformed")
    return args[0]


def _dtype(code: Any, state: Any) -> np.dtype[Any]:
    if type(state) is not tuple or len(state) != 8 or state[0] != 3:
        raise refuse("array type is malformed")
    _, order, sub_array, names, columns, itemsize = state[:6]
    if sub_array is not None:
        raise refuse("array type of arrays")
    if names is None and columns is None:
        return plain_dtype(code, order, objects=True)
    if type(itemsize) is not int or code != f"V{itemsize}":
        raise refuse("array type is malformed")
    return record_dtype(names, columns, itemsize)


def _array_from_state(state: Any) -> Any:
    """An array that was pickled as such: in memory not contiguous ones, and object arrays."""
    if type(state) is not tuple or len(state) != 5 or state[0] != 1:
        raise refuse("array state is malformed")
    _, shape, dtype, is_fortran, content = state
    order = "F" if is_fortran is True else "C"
    shape = checked_shape(shape)
    if not isinstance(dtype, np.dtype):
        raise refuse("array without a type")
    if dtype.hasobject:
        return object_array(content, shape, order)
    return _structure.array_of_bytes(content, dtype, shape, order)


def _array_from_wrapper(state: Any, machine: Machine) -> Any:
    keys = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
    if type(state) is not dict or state.keys() != keys or not _is(state["subclass"], NDARRAY):
        raise refuse("array description is malformed")
    if state["order"] not in ("C", "F") or state["numpy_array_alignment_bytes"] != 16:
        raise refuse("array description is malformed")
    dtype, shape = state["dtype"], checked_shape(state["shape"])
    if not isinstance(dtype, np.dtype):
        raise refuse("array without a type")
    if not dtype.hasobject:
        return machine.read_array(dtype, shape, state["order"])
    nested = machine.read_nested()
    if not isinstance(nested, np.ndarray) or nested.dtype != object or nested.shape != shape:
        raise refuse("object array differs from its description")
    return nested


def _search_draft(full: str) -> Draft:
    if full in _SEARCH_TREES:
        return Draft("search tree", full)
    if _METRIC.fullmatch(full):
        return Draft("metric", full)
    raise refuse(f"no rule how to make {shown(full)}")


def _loss(full: str, args: tuple[Any, ...]) -> Any:
    """A compiled loss: made by its class from nothing or one finite number."""
    unpickled = _LOSS_UNPICKLE.fullmatch(full)
    if unpickled:
        wanted = f"sklearn._loss._loss.{unpickled[1]}"
        if len(args) != 3 or not _is(args[0], wanted) or args[2] not in ((), None):
            raise refuse("loss is malformed")
        return _resolve(wanted)()
    if len(args) > 1 or not all(type(arg) is float and np.isfinite(arg) for arg in args):
        raise refuse("loss is malformed")
    try:
        return _resolve(full)(*args)
    except TypeError as error:
        raise refuse("loss is malformed") from error

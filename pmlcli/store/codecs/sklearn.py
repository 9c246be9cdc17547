"""scikit-learn estimators and plain state in joblib files, read by our own loader.

`joblib.load` opens what is written here. The reverse does not hold: of a joblib file only what the
algorithm's exact table of globals allows is built, and every index in it is checked.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import numpy as np

from pmlcli.errors import PersistenceError, PmlError, UntrustedArtifactError
from pmlcli.store.codecs import _structure
from pmlcli.store.codecs._machine import MOST_KEY, Machine
from pmlcli.store.codecs._numbers import refuse
from pmlcli.store.codecs._rules import COMMON, EstimatorRules
from pmlcli.store.findings import shown

MAX_DEPTH = 64
MAX_TEXT = 1_000_000
"""Characters: what a log's value may have at most."""

# A fixed protocol: the same bytes from every Python version.
_PROTOCOL = 4
# What continued training alone would need (without it four numpy constructors need not be allowed), and
# the threads of the training machine.
_RESET: dict[str, Any] = {"_feature_subsample_rng": None, "_n_threads": 1}
_SEARCH_TREES = ("KDTree", "BallTree")


def encode(estimator: Any) -> bytes:
    """The joblib file of a fitted estimator, uncompressed; the same state gives the same bytes.

    The caller sets `n_jobs` to None before; `decode` refuses anything else.
    """
    return _dump(_without_traces(estimator))


def decode(data: bytes, allowed: frozenset[str], expected: str, *, source: str = "model.joblib") -> Any:
    """The estimator in `data`, of exactly the class `expected` ("module.Class").

    `allowed` is the algorithm's exact table of "module.name" globals; those of arrays and numbers are
    always allowed. Raises `UntrustedArtifactError` for whatever pmlcli never writes, and
    `IncompatibleVersionError` for a file of another scikit-learn major.minor version.
    """

    def read() -> Any:
        rules = EstimatorRules(allowed | {expected})
        value = _run(data, rules)
        found = f"{type(value).__module__}.{type(value).__qualname__}"
        if found != expected:
            raise refuse(f"holds {found}, expected {expected}")
        if not any(value is item for item in rules.built):
            raise refuse(f"holds an empty {expected}")
        _structure.check_all(rules.built)
        return value

    return _located(source, read)


def globals_of(estimator: Any) -> frozenset[str]:
    """The table of globals that `decode` needs for this estimator, beside those of arrays and numbers."""
    rules = EstimatorRules(None)
    _run(encode(estimator), rules)
    return frozenset(rules.seen) - COMMON


def encode_plain(state: Any) -> bytes:
    """The joblib file of dicts, lists, tuples, text, numbers and arrays; equal states give equal bytes.

    Dict keys are text or whole numbers and keep their order. Raises `PersistenceError` for anything else.
    """
    return _dump(_Fresh().copy(state, 0))


def decode_plain(data: bytes, *, source: str = "feature_extractor.joblib") -> Any:
    """The state that `encode_plain` wrote; no class at all is allowed in it."""

    def read() -> Any:
        value = _run(data, EstimatorRules(frozenset()))
        _check_plain(value)
        return value

    return _located(source, read)


def _without_traces(estimator: Any) -> Any:
    """The estimator without what says how it was trained or used, not what it learned.

    A search tree counts the queries it answered; two equal models would differ by what they were asked.
    """
    if type(estimator).__name__ in _SEARCH_TREES:
        kind: Any = type(estimator)
        fresh = kind.__new__(kind)
        state = estimator.__getstate__()
        fresh.__setstate__((*state[:7], 0, 0, 0, 0, *state[11:]))
        return fresh
    attributes = getattr(estimator, "__dict__", {})
    changed = {name: value for name, value in _RESET.items() if name in attributes}
    if type(attributes.get("_tree")).__name__ in _SEARCH_TREES:
        changed["_tree"] = _without_traces(attributes["_tree"])
    if changed:
        estimator = copy.copy(estimator)
        estimator.__dict__.update(changed)
    return estimator


def _dump(value: Any) -> bytes:
    import joblib  # only where an estimator is saved

    buffer = io.BytesIO()
    joblib.dump(value, buffer, compress=0, protocol=_PROTOCOL)
    return buffer.getvalue()


def _run(data: bytes, rules: EstimatorRules) -> Any:
    machine = Machine(data, rules)
    value = machine.run()
    if machine.position != len(data):
        raise refuse(f"{len(data) - machine.position} bytes after the end")
    return value


def _located(source: str, read: Callable[[], Any]) -> Any:
    """The result of `read`, with the file named in its errors.

    Hostile state can make numpy or a compiled constructor object in ways of their own; those errors too
    mean that the file is not one that pmlcli wrote.
    """
    try:
        return read()
    except PmlError as error:
        context = {**error.context, "path": source}
        raise type(error)(f"{source}: {error.message}", hint=error.hint, context=context) from error
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        BufferError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise UntrustedArtifactError(
            f"{source}: malformed ({type(error).__name__})",
            hint="train the model again, or get it from somebody you trust",
            context={"path": source},
        ) from error


class _Fresh:
    """A copy of plain state in which equal text is one object and no container occurs twice.

    pickle writes a reference for an object that it has seen, so without this two equal states could give
    different bytes.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._types: dict[str, np.dtype[Any]] = {}

    def copy(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise PersistenceError(f"state nested deeper than {MAX_DEPTH}")
        kind = type(value)
        if kind in (bool, int, float, type(None)):
            return value
        if kind is str:
            return self._texts.setdefault(value, value)
        if kind is dict:
            return {self._key(key): self.copy(item, depth + 1) for key, item in value.items()}
        if kind in (list, tuple):
            return kind([self.copy(item, depth + 1) for item in value])
        if kind is np.ndarray:
            return self._array(value)
        raise PersistenceError(
            f"state holds a {kind.__module__}.{kind.__qualname__}",
            hint="plain state is dicts, lists, tuples, text, numbers and arrays",
        )

    def _key(self, key: Any) -> Any:
        if type(key) is str:
            return self._texts.setdefault(key, key)
        if type(key) is int and abs(key) < MOST_KEY:
            return key
        raise PersistenceError(f"state has a key that is no text or small whole number: {shown(key)}")

    def _array(self, value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if value.dtype.kind not in "biufUS" or value.dtype.itemsize == 0:
            raise PersistenceError(
                f"state holds an array of {value.dtype}", hint="use numbers or fixed-width text"
            )
        kind = self._types.setdefault(value.dtype.str, np.dtype(value.dtype.str))
        return np.array(value, dtype=kind, order="C", copy=True)


def _check_plain(state: Any) -> None:
    """Refuse whatever is not plain, and containers that occur twice (they could expand without end)."""
    seen: set[int] = set()
    pending = [(state, 0)]
    while pending:
        value, depth = pending.pop()
        kind = type(value)
        if kind in (bool, int, float, type(None)):
            continue
        if kind is str:
            if len(value) > MAX_TEXT:
                raise refuse(f"a text of {len(value)} characters")
            continue
        if kind is np.ndarray:
            if value.dtype.kind not in "biufUS":
                raise refuse(f"an array of {value.dtype}")
            continue
        if kind not in (dict, list, tuple) or depth > MAX_DEPTH:
            raise refuse(f"a {kind.__name__} in plain state")
        if value and id(value) in seen:
            raise refuse("a container that occurs twice")
        seen.add(id(value))
        if kind is dict and not all(type(key) in (str, int) for key in value):
            raise refuse("a key that is no text or whole number")
        pending.extend((item, depth + 1) for item in (value.values() if kind is dict else value))

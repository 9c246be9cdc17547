"""Named arrays in `model.safetensors`, sizes and options in `state.json`; no torch needed to read either."""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from pmlcli.errors import MissingDependencyError, PersistenceError
from pmlcli.store import strictjson
from pmlcli.store.codecs._numbers import refuse
from pmlcli.store.codecs.plain import MAX_JSON_BYTES

_MAX_HEADER_BYTES = 10_000_000
_TENSOR_KEYS = {"dtype", "shape", "data_offsets"}


def encode(arrays: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, bytes]:
    """The two files of named arrays (numbers only) and JSON-plain values; equal states, equal bytes.

    Raises `MissingDependencyError` without safetensors.
    """
    library = _library()
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            raise PersistenceError(f"'{name}' cannot be saved: it is no array of numbers")
    # The library reads the memory as it lies, and sorts by type and name itself.
    tensors = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    return {"model.safetensors": library.save(tensors), "state.json": strictjson.dump(dict(values))}


def decode(files: Mapping[str, bytes]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays and the values that `encode` wrote.

    The library refuses holes, overlaps, wrong sizes and trailing bytes; the header's JSON is checked
    here first. Raises `UntrustedArtifactError` for whatever `encode` never writes.
    """
    library = _library()
    for name in ("model.safetensors", "state.json"):
        if name not in files:
            raise refuse(f"{name}: absent")
    data = files["model.safetensors"]
    values = strictjson.parse(files["state.json"], source="state.json", max_bytes=MAX_JSON_BYTES)
    if not isinstance(values, dict):
        raise refuse("state.json: expected an object")
    _check_header(data)
    from safetensors import SafetensorError  # present: `_library` imported its package

    try:
        arrays: dict[str, Any] = library.load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise refuse(f"model.safetensors: malformed ({type(error).__name__})") from error
    return {name: array.copy() for name, array in arrays.items()}, values


def _check_header(data: bytes) -> None:
    if len(data) < 8:
        raise refuse("model.safetensors: cut off")
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(_MAX_HEADER_BYTES, len(data) - 8):
        raise refuse("model.safetensors: header is cut off or too long")
    header = strictjson.parse(data[8 : 8 + length], source="model.safetensors", max_bytes=_MAX_HEADER_BYTES)
    is_known = isinstance(header, dict) and all(
        isinstance(tensor, dict) and tensor.keys() == _TENSOR_KEYS for tensor in header.values()
    )
    if not is_known:
        raise refuse("model.safetensors: its header holds other things than tensors")


def _library() -> Any:
    if importlib.util.find_spec("safetensors") is None:
        raise MissingDependencyError("safetensors", extra="neural", needed_by="this model")
    import safetensors.numpy  # optional

    return safetensors.numpy

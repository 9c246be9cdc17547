"""dtypes, scalars and arrays, always rebuilt by us from checked parts.

numpy's own `__setstate__` is never called: a dtype whose object flag is cleared, or an object array with a
list shorter than its shape, crashes the process there.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from pmlcli.errors import UntrustedArtifactError
from pmlcli.store.findings import shown

MAX_DIMENSIONS = 8
MAX_EMPTY_LENGTH = 1_000_000
_MAX_ITEM_BYTES = 1_000_000
_PLAIN_CODE = re.compile(r"b1|[iu][1248]|f[248]|[SU][1-9]\d{0,5}", re.ASCII)
_NATIVE = "<" if sys.byteorder == "little" else ">"
_LAST_CODE_POINT = 0x10FFFF

Array = np.ndarray[Any, np.dtype[Any]]


def refuse(what: str) -> UntrustedArtifactError:
    """The error for something that pmlcli never writes."""
    return UntrustedArtifactError(what, hint="train the model again, or get it from somebody you trust")


def plain_dtype(code: object, order: object, *, objects: bool = False) -> np.dtype[Any]:
    """The dtype of a code such as `f8` and a byte order, fixed-width kinds only (and `O8` when `objects`)."""
    if objects and code == "O8" and order == "|":
        return np.dtype(object)
    if not isinstance(code, str) or not _PLAIN_CODE.fullmatch(code):
        raise refuse(f"array type {shown(code)} is not allowed")
    if order not in ("|", "=", _NATIVE):
        raise refuse(f"byte order {shown(order)} is not this machine's")
    return np.dtype(_NATIVE + code)


def record_dtype(names: object, columns: object, itemsize: object) -> np.dtype[Any]:
    """The dtype of records with these fields: `columns` maps a name to its (dtype, offset)."""
    if not isinstance(names, tuple) or not isinstance(columns, dict) or set(names) != set(columns):
        raise refuse("record fields do not match their names")
    if not isinstance(itemsize, int) or not 0 < itemsize <= 1000 or not 0 < len(names) <= 64:
        raise refuse("record size out of range")
    formats, offsets = [], []
    end = 0
    for name in names:
        column = columns[name]
        if not isinstance(name, str) or not isinstance(column, tuple) or len(column) != 2:
            raise refuse("record field is malformed")
        kind, offset = column
        if not isinstance(kind, np.dtype) or kind.kind not in "biuf" or not isinstance(offset, int):
            raise refuse("record field is not a number")
        if offset < end:
            raise refuse("record fields overlap")
        end = offset + kind.itemsize
        formats.append(kind)
        offsets.append(offset)
    if end > itemsize:
        raise refuse("record fields exceed the record")
    return np.dtype({"names": list(names), "formats": formats, "offsets": offsets, "itemsize": itemsize})


def checked_shape(shape: object) -> tuple[int, ...]:
    """`shape` as a tuple of plain, non-negative ints that numpy can hold."""
    if not isinstance(shape, tuple | list) or len(shape) > MAX_DIMENSIONS:
        raise refuse("array shape is malformed")
    if not all(type(length) is int and 0 <= length <= sys.maxsize for length in shape):
        raise refuse("array shape is malformed")
    if math.prod(shape) == 0 and any(length > MAX_EMPTY_LENGTH for length in shape):
        raise refuse("empty array with a huge dimension")
    return tuple(shape)


def array_bytes(shape: tuple[int, ...], dtype: np.dtype[Any], available: int) -> int:
    """How many bytes the array takes; refused before anything is allocated when fewer are there."""
    needed = math.prod(shape) * dtype.itemsize
    if not 0 < dtype.itemsize <= _MAX_ITEM_BYTES:
        raise refuse(f"array items of {dtype.itemsize} bytes")
    if needed > available:
        raise refuse(f"array of {needed} bytes, but {available} are left")
    return needed


def array_from(data: memoryview | bytes, dtype: np.dtype[Any], shape: tuple[int, ...], order: str) -> Array:
    """A new, writable array with exactly these bytes."""
    flat = np.frombuffer(data, dtype=dtype).copy()
    _check_items(flat)
    if order == "F":
        return flat.reshape(shape[::-1]).transpose()
    return flat.reshape(shape)


def _check_items(flat: Array) -> None:
    """Bit patterns that no array has that numpy wrote: other booleans than 0 and 1, impossible letters."""
    if flat.dtype.kind == "b" and flat.size and int(flat.view(np.uint8).max()) > 1:
        raise refuse("a boolean that is neither true nor false")
    if flat.dtype.kind == "U" and flat.size:
        points = flat.view(np.uint32)
        if int(points.max()) > _LAST_CODE_POINT or bool(((points >= 0xD800) & (points <= 0xDFFF)).any()):
            raise refuse("text with an impossible letter")


def scalar_from(dtype: object, data: object) -> Any:
    """A numpy scalar of a number or boolean."""
    if not isinstance(dtype, np.dtype) or dtype.kind not in "biuf" or not isinstance(data, bytes):
        raise refuse("scalar is not a number")
    if len(data) != dtype.itemsize:
        raise refuse("scalar has the wrong size")
    return array_from(data, dtype, (1,), "C")[0]


def object_array(items: object, shape: tuple[int, ...], order: str) -> Array:
    """An array of the objects in a list that is exactly as long as the shape says."""
    if not isinstance(items, list) or len(items) != math.prod(shape):
        raise refuse("object array and its list differ in length")
    flat: Array = np.empty(len(items), dtype=object)
    for index, item in enumerate(items):
        flat[index] = item
    return array_from_objects(flat, shape, order)


def array_from_objects(flat: Array, shape: Sequence[int], order: str) -> Array:
    """A flat object array in its shape."""
    if order == "F":
        return flat.reshape(tuple(shape)[::-1]).transpose()
    return flat.reshape(tuple(shape))

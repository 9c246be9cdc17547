"""A strict reader and writer of `.npy` files: numbers and fixed-width text, no objects, no slack."""

from __future__ import annotations

import io
import re
import struct

import numpy as np

from pmlcli.store.codecs._numbers import Array, array_bytes, array_from, checked_shape, plain_dtype, refuse

_MAGIC = b"\x93NUMPY\x01\x00"
_MAX_HEADER = 1000
_HEADER = re.compile(
    r"\{'descr': '([<>|=])([a-zA-Z]\d{1,6})', 'fortran_order': (True|False), "
    r"'shape': (\([\d, ]{0,200}\)), \} *\n"
)


def encode(array: Array) -> bytes:
    """The `.npy` bytes of an array of numbers, booleans or fixed-width text; equal arrays, equal bytes."""
    if array.dtype.kind not in "biufUS" or array.dtype.itemsize == 0 or array.ndim > 8:
        raise refuse(f"cannot be saved: an array of {array.dtype}")
    buffer = io.BytesIO()
    native = np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")
    np.lib.format.write_array(buffer, native, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def decode(data: bytes) -> Array:
    """The array in `.npy` bytes: version 1.0, exactly as long as its header says, nothing behind it."""
    if data[:8] != _MAGIC or len(data) < 10:
        raise refuse("not an .npy file of version 1.0")
    (length,) = struct.unpack("<H", data[8:10])
    if length > _MAX_HEADER or len(data) < 10 + length:
        raise refuse("header is cut off or too long")
    header = _HEADER.fullmatch(data[10 : 10 + length].decode("latin-1"))
    if header is None:
        raise refuse("header is malformed")
    order, code, is_fortran, shape_text = header.groups()
    shape = checked_shape(_sizes(shape_text))
    dtype = plain_dtype(code, order)
    body = memoryview(data)[10 + length :]
    if array_bytes(shape, dtype, len(body)) != len(body):
        raise refuse(f"{len(body)} bytes of content do not make the shape {shape}")
    return array_from(body, dtype, shape, "F" if is_fortran == "True" else "C")


def _sizes(text: str) -> tuple[int, ...]:
    """The tuple in `(3, 4)`, `(3,)` or `()`; parsed by hand, as evaluating text needs a compiler."""
    inner = text[1:-1].strip()
    parts = inner.removesuffix(",").split(",") if inner else []
    if len(parts) == 1 and not inner.endswith(","):
        raise refuse("shape is malformed")
    try:
        return tuple(int(part) for part in parts)
    except ValueError as error:
        raise refuse("shape is malformed") from error

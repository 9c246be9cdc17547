"""Headers of safetensors that no pmlcli writes: refused, before anything that they ask for is allocated."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("safetensors")

from pmlcli.errors import PersistenceError
from pmlcli.store.codecs import safetensors

Header = dict[str, Any]
FILES = safetensors.encode(
    {"weight:a": np.arange(6, dtype=np.float32), "weight:b": np.ones((2, 3), dtype=np.float32)}, {"n": 1}
)


def parts() -> tuple[Header, bytes]:
    data = FILES["model.safetensors"]
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def decoded(header: bytes, body: bytes) -> dict[str, Any]:
    data = struct.pack("<Q", len(header)) + header + body
    return safetensors.decode(FILES | {"model.safetensors": data})[0]


def first(**changes: Any) -> Callable[[Header], None]:
    return lambda header: header["weight:a"].update(changes)


ODD: dict[str, Callable[[Header], Any]] = {
    "shape of another size": first(shape=[7]),
    "no shape": first(shape=[]),
    "shape below zero": first(shape=[-1]),
    "shape in halves": first(shape=[1.5]),
    "shape of 2^80": first(shape=[2**40, 2**40]),
    "shape that overflows to its size": first(shape=[2**62, 4, 6]),
    "shape of text": first(shape=["6"]),
    "shape of nothing, far away": first(shape=[0, 2**62], data_offsets=[2**50, 2**50]),
    "offsets outside": first(data_offsets=[0, 2**40]),
    "offsets backwards": first(data_offsets=[24, 0]),
    "offsets below zero": first(data_offsets=[-24, 0]),
    "offsets in halves": first(data_offsets=[0.5, 24.5]),
    "offsets of one": first(data_offsets=[24]),
    "offsets of another": first(data_offsets=[24, 48]),
    "offsets that overlap": first(data_offsets=[12, 36]),
    "a hole": lambda header: header["weight:b"].update(data_offsets=[28, 52]),
    "a tensor fewer": lambda header: header.pop("weight:a"),
    "a tensor more": lambda header: header.update(x={"dtype": "F32", "shape": [1], "data_offsets": [48, 52]}),
    "a tensor that is a list": lambda header: header.update({"weight:a": []}),
    "a tensor of more keys": first(code="import os"),
    "no type": lambda header: header["weight:a"].pop("dtype"),
    "metadata": lambda header: header.update(__metadata__={"format": "pt"}),
    "metadata of numbers": lambda header: header.update(__metadata__={"x": 5}),
    "metadata that is a list": lambda header: header.update(__metadata__=[]),
} | {
    f"type {name}": first(dtype=name)
    for name in ("BF16", "F16", "F64", "I64", "BOOL", "F8_E4M3", "U16", "C64", "F4", "O", "", 5, None)
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_header_is_refused(name: str) -> None:
    header, body = parts()
    assert set(decoded(json.dumps(header).encode(), body)) == {"weight:a", "weight:b"}
    ODD[name](header)
    with pytest.raises(PersistenceError) as caught:
        decoded(json.dumps(header).encode(), body)
    assert caught.value.exit_code == 5


RAW: dict[str, Callable[[bytes], bytes]] = {
    "a name twice": lambda text: text[:-1] + b"," + text[1:],
    "a list": lambda text: b"[]",
    "nothing": lambda text: b"",
    "cut off": lambda text: text[:-5],
    "deep": lambda text: b"[" * 100_000,
    "text behind it": lambda text: text + b"x",
    "no UTF-8": lambda text: text.replace(b"weight:a", b"weight:\xff"),
    "numbers without end": lambda text: text.replace(b"[6]", b"[" + b"9" * 5000 + b"]"),
    "tensors without end": lambda text: text[:-1] + b"".join(
        b',"e%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % n for n in range(200_000)
    ) + b"}",
}  # fmt: skip


@pytest.mark.parametrize("name", RAW)
def test_a_header_of_another_form_is_refused(name: str) -> None:
    header, body = parts()
    with pytest.raises(PersistenceError):
        decoded(RAW[name](json.dumps(header).encode()), body)


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 47, b"x" * 49, b"x" * 10_000])
def test_a_body_of_another_length_is_refused(body: bytes) -> None:
    with pytest.raises(PersistenceError):
        decoded(json.dumps(parts()[0]).encode(), body)

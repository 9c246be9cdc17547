"""State of JSON-plain values and numpy arrays: `model.json` and one `model-KEY.npy` for each array.

Floats round-trip exactly (JSON keeps the shortest text that reads back as the same number). In
`model.json` an array is `{"array": "KEY"}` under its key in `arrays`, so it reads without the arrays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from pmlcli.errors import PersistenceError, PmlError
from pmlcli.store import strictjson
from pmlcli.store.codecs import npy
from pmlcli.store.codecs._numbers import refuse
from pmlcli.store.findings import shown

MAX_JSON_BYTES = 64_000_000
_KEY = re.compile(r"[A-Za-z0-9_]{1,80}", re.ASCII)


def encode(state: Mapping[str, Any], *, stem: str = "model") -> dict[str, bytes]:
    """The files of a state whose top-level values are JSON-plain or arrays; equal states, equal bytes.

    Raises `PersistenceError` for NaN and infinity outside arrays, tuples, and keys that are no identifier.
    """
    arrays = {key: value for key, value in state.items() if isinstance(value, np.ndarray)}
    for key in state:
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise PersistenceError(f"state has a key that cannot be saved: {shown(key)}")
    if len({key.casefold() for key in arrays}) != len(arrays):
        raise PersistenceError("state has two arrays whose names differ in case only")
    values = {key: value for key, value in state.items() if key not in arrays}
    data = strictjson.dump({"arrays": sorted(arrays), "values": values})
    if strictjson.parse(data, source=f"{stem}.json", max_bytes=MAX_JSON_BYTES)["values"] != values:
        raise PersistenceError(
            "state would not read back as it was written", hint="use lists for tuples, and text for keys"
        )
    return {f"{stem}.json": data} | {_filename(stem, key): npy.encode(array) for key, array in arrays.items()}


def decode(
    files: Mapping[str, bytes],
    *,
    stem: str = "model",
    max_bytes: int = MAX_JSON_BYTES,
    max_items: int = strictjson.MAX_ITEMS,
) -> dict[str, Any]:
    """The state that `encode` wrote; `files` may hold other artifacts too. The bounds are of its JSON.

    Raises `UntrustedArtifactError` for whatever `encode` never writes.
    """
    source = f"{stem}.json"
    if source not in files:
        raise refuse(f"{source}: absent")
    document = strictjson.parse(files[source], source=source, max_bytes=max_bytes, max_items=max_items)
    if not isinstance(document, dict) or document.keys() != {"arrays", "values"}:
        raise refuse(f"{source}: expected the keys arrays and values")
    names, values = document["arrays"], document["values"]
    if not isinstance(values, dict) or not _are_keys(names) or set(names) & set(values):
        raise refuse(f"{source}: malformed")
    wanted = {_filename(stem, key) for key in names}
    present = {name for name in files if name.startswith(f"{stem}-") and name.endswith(".npy")}
    if wanted != present:
        raise refuse(f"{source}: its arrays and the .npy files differ: {shown(sorted(wanted ^ present))}")
    return values | {key: _array(files[_filename(stem, key)], _filename(stem, key)) for key in names}


def _are_keys(names: object) -> bool:
    return (
        isinstance(names, list)
        and all(isinstance(key, str) and _KEY.fullmatch(key) for key in names)
        and names == sorted(set(names))
    )


def _array(data: bytes, source: str) -> Any:
    try:
        return npy.decode(data)
    except PmlError as error:
        raise refuse(f"{source}: {error.message}") from error


def _filename(stem: str, key: str) -> str:
    return f"{stem}-{key}.npy"

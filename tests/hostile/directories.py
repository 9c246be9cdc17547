"""Hostile model directories: a small honest model with one thing changed, made here."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.preprocessing import StandardScaler

from pmlcli.lifecycle.model import Model
from pmlcli.store.artifacts import ArtifactStore, seal
from pmlcli.store.codecs import npy
from pmlcli.store.codecs.sklearn import encode_plain
from pmlcli.store.manifest import Manifest
from tests.hostile import attacks
from tests.logs import purchase_events

FOREST, NGRAM, GRU = "anomaly/isolation-forest", "next-activity/ngram", "next-activity/gru"
BASES: dict[str, dict[str, Any]] = {
    FOREST: {"n_estimators": 2},
    NGRAM: {"order": 2},
    GRU: {"max_epochs": 1},
}
DAMAGED, UNUSABLE = (5,), (4,)
REFUSED = (4, 5)
"""The manifest vouches for it: refused on reading (5), or what it holds cannot be asked (4)."""
EITHER = (0, 4, 5)
"""Nothing there is read to predict, or what is read may be any value; only harm is excluded."""


@dataclass(frozen=True)
class Hostile:
    """A change of a copy of the base model; the exit codes that `predict` and `verify` may have."""

    change: Callable[[Path], Any]
    base: str = NGRAM
    predict: tuple[int, ...] = REFUSED
    verify: tuple[int, ...] = DAMAGED


def make_bases(directory: Path, bases: Mapping[str, dict[str, Any]] = BASES) -> dict[str, Path]:
    """One honest model of each base, saved."""
    found = {}
    for name, parameters in bases.items():
        model = Model(name, **parameters)
        model.train(purchase_events(40))
        found[name] = model.save(directory / name.replace("/", "-")).path
    return found


# --- changes of the manifest's text and of the directory


def text(change: Callable[[bytes], bytes]) -> Callable[[Path], Any]:
    def apply(model: Path) -> None:
        manifest = model / "manifest.json"
        manifest.write_bytes(change(manifest.read_bytes()))

    return apply


def value(*path: Any, to: Any) -> Callable[[Path], Any]:
    """One value of the manifest, the file's bytes not canonical after."""

    def change(data: bytes) -> bytes:
        document = json.loads(data)
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to
        return json.dumps(document).encode()

    return text(change)


def replaced(old: str, new: str) -> Callable[[Path], Any]:
    return text(lambda data: data.replace(old.encode(), new.encode(), 1))


def swap(model: Path) -> None:
    one, other = model / "artifacts/threshold.json", model / "artifacts/reference.json"
    first = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(first)


def instead(name: str, make: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """Another kind of thing in the place of a file or directory."""

    def apply(model: Path) -> None:
        place = model / name
        aside = model.parent / "aside"
        place.rename(aside)
        make(place)

    return apply


def secret(place: Path) -> None:
    place.symlink_to("/etc/passwd")


def aside(place: Path) -> None:
    """A link to the honest thing itself, moved out of the directory."""
    model = place.parent if place.parent.name != "artifacts" else place.parent.parent
    place.symlink_to(model.parent / "aside")


def added(name: str, data: bytes = b"x") -> Callable[[Path], Any]:
    def apply(model: Path) -> None:
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_bytes(data)

    return apply


def flipped(model: Path) -> None:
    file = next((model / "artifacts").glob("*.json"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


# --- changes of artifacts that the manifest vouches for


def resealed(change: Callable[[dict[str, bytes]], Any]) -> Callable[[Path], Any]:
    """The artifacts changed, and a manifest that vouches for what they are now."""

    def apply(model: Path) -> None:
        stored = ArtifactStore().load(model)
        files = dict(stored.files)
        change(files)
        kept = {f.name: getattr(stored.manifest, f.name) for f in fields(Manifest) if f.name != "artifacts"}
        manifest = seal(kept, files)
        shutil.rmtree(model / "artifacts")
        (model / "artifacts").mkdir()
        for name, data in files.items():
            (model / "artifacts" / name).write_bytes(data)
        (model / "manifest.json").write_bytes(manifest)

    return apply


def file(name: str, data: bytes) -> Callable[[Path], Any]:
    return resealed(lambda files: files.__setitem__(name, data))


def inner(name: str, *path: Any, to: Any) -> Callable[[Path], Any]:
    """One value inside a JSON artifact."""

    def change(files: dict[str, bytes]) -> None:
        document = json.loads(files[name])
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to
        files[name] = json.dumps(document).encode()

    return resealed(change)


def forest(data: bytes, *, predict: tuple[int, ...] = REFUSED) -> Hostile:
    return Hostile(file("model.joblib", data), FOREST, predict)


def encoding(change: Callable[[dict[str, Any]], Any], base: str = FOREST) -> Hostile:
    """The fitted encoding's state, changed and written as pmlcli writes it."""

    def apply(files: dict[str, bytes]) -> None:
        from pmlcli.store.codecs.sklearn import decode_plain

        state = decode_plain(files["feature_extractor.joblib"])
        change(state)
        files["feature_extractor.joblib"] = encode_plain(state)

    return Hostile(resealed(apply), base)


def dumped(obj: Any, **options: Any) -> bytes:
    import io

    buffer = io.BytesIO()
    joblib.dump(obj, buffer, **options)
    return buffer.getvalue()


def all_weights(number: float) -> Callable[[dict[str, bytes]], Any]:
    def change(files: dict[str, bytes]) -> None:
        data = files["model.safetensors"]
        (length,) = struct.unpack("<Q", data[:8])
        body = np.full((len(data) - 8 - length) // 4, number, dtype="<f4").tobytes()
        files["model.safetensors"] = data[: 8 + length] + body

    return change


def header(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, bytes]], Any]:
    def apply(files: dict[str, bytes]) -> None:
        data = files["model.safetensors"]
        (length,) = struct.unpack("<Q", data[:8])
        found = json.loads(data[8 : 8 + length])
        change(found)
        text = json.dumps(found).encode()
        files["model.safetensors"] = struct.pack("<Q", len(text)) + text + data[8 + length :]

    return apply


def sparse_record(number: int, size: int) -> dict[str, Any]:
    name = f"model-a{number}"
    kind = {"name": name, "filename": f"{name}.npy", "artifact_type": "npy"}
    return kind | {"checksum": "0" * 64, "size_bytes": size}


def manifest_cases() -> dict[str, Hostile]:
    changes: dict[str, Callable[[Path], Any]] = {
        "empty directory": lambda model: (shutil.rmtree(model), model.mkdir()),
        "no manifest": lambda model: (model / "manifest.json").unlink(),
        "empty manifest": text(lambda data: b""),
        "cut manifest": text(lambda data: data[: len(data) // 2]),
        "no JSON": text(lambda data: b"\x80\x04cos\nsystem\n."),
        "a list": text(lambda data: b"[]"),
        "null": text(lambda data: b"null"),
        "byte order mark": text(lambda data: b"\xef\xbb\xbf" + data),
        "not UTF-8": text(lambda data: data.replace(b"ngram", b"ngr\xff", 1)),
        "duplicate key": text(lambda data: data.replace(b"{", b'{"seed": 1, ', 1)),
        "NaN": replaced('"seed": 0', '"seed": NaN'),
        "huge number": replaced('"seed": 0', '"seed": 1e999'),
        "5000 digits": replaced('"seed": 0', '"seed": ' + "9" * 5000),
        "deep brackets": text(lambda data: b"[" * 100_000),
        "deep inside": replaced('"platform": {', '"platform": {"x": ' + "[" * 500 + "]" * 500 + ", "),
        "more than 1 MB": text(lambda data: data + b" " * 2_000_000),
        "half a surrogate": replaced('"version": "1"', '"version": "\\ud800"'),
        "unknown key": value("module", to="os.system"),
        "missing key": text(lambda data: data.replace(b'"platform"', b'"platfrm"', 1)),
        "schema 2": value("schema_version", to=2),
        "schema 0": value("schema_version", to=0),
        "schema true": value("schema_version", to=True),
        "schema huge": value("schema_version", to=10**60),
        "schema text": value("schema_version", to="1"),
        "unknown algorithm": value("model_type", to="anomaly/os-system"),
        "module as algorithm": value("model_type", to="os.system"),
        "path as algorithm": value("model_type", to="../../etc"),
        "other algorithm": value("model_type", to="anomaly/isolation-forest"),
        "private algorithm": value("model_type", to="anomaly/_base"),
        "control characters": value("model_id", to="\x1b]0;owned\x07"),
        "samples negative": value("training_samples", to=-1),
        "time": value("trained_at", to="yesterday"),
        "path ../secret": value("artifacts", 0, "filename", to="../secret"),
        "absolute path": value("artifacts", 0, "filename", to="/etc/passwd"),
        "NUL in a path": value("artifacts", 0, "filename", to="a\0b.json"),
        "file type": value("artifacts", 0, "artifact_type", to="so"),
        "size 10^12": value("artifacts", 0, "size_bytes", to=10**12),
        "size 2 GB": value("artifacts", 0, "size_bytes", to=2**31),
        "size negative": value("artifacts", 0, "size_bytes", to=-1),
        "size off by one": value("artifacts", 0, "size_bytes", to=1),
        "other checksum": value("artifacts", 0, "checksum", to="0" * 64),
        "checksum short": value("artifacts", 0, "checksum", to="00"),
        "listed twice": text(lambda data: listed_twice(data)),
        "100,000 artifacts": value("artifacts", to=[{}] * 100_000),
        "60,000 dependencies": value("dependencies", to={f"p{i}": "1" for i in range(20_000)}),
        "larger than memory together": value("artifacts", to=[sparse_record(i, 10**9) for i in range(3)]),
        "JSON of 900 MB": value("artifacts", 0, "size_bytes", to=900_000_000),
        "artifacts null": value("artifacts", to=None),
        "no artifacts": value("artifacts", to=[]),
    }
    here = ("empty directory", "schema 2", "schema huge", "unknown algorithm")
    return {name: unusable_here(change, name in here) for name, change in changes.items()}


def unusable_here(change: Callable[[Path], Any], is_so: bool = True) -> Hostile:
    """No damage where it is so: no model is there, or one that another pmlcli may read."""
    codes = UNUSABLE if is_so else DAMAGED
    return Hostile(change, predict=codes, verify=codes)


def listed_twice(data: bytes) -> bytes:
    document = json.loads(data)
    document["artifacts"].append(document["artifacts"][0])
    return json.dumps(document).encode()


def directory_cases() -> dict[str, Hostile]:
    changes: dict[str, Callable[[Path], Any]] = {
        "a file instead": lambda model: (shutil.rmtree(model), model.write_text("x")),
        "a pipe instead": lambda model: (shutil.rmtree(model), os.mkfifo(model)),
        "manifest is a link": instead("manifest.json", aside),
        "manifest leads to a secret": instead("manifest.json", secret),
        "manifest is a pipe": instead("manifest.json", os.mkfifo),
        "manifest is a directory": instead("manifest.json", Path.mkdir),
        "manifest is a device": instead("manifest.json", lambda place: place.symlink_to("/dev/zero")),
        "artifacts is a link": instead("artifacts", aside),
        "artifacts is a file": instead("artifacts", lambda place: place.write_text("x")),
        "artifacts is a pipe": instead("artifacts", os.mkfifo),
        "artifacts absent": instead("artifacts", lambda place: None),
        "artifact is a link": instead("artifacts/model.json", aside),
        "artifact leads to a secret": instead("artifacts/model.json", secret),
        "artifact is endless": instead("artifacts/model.json", lambda place: place.symlink_to("/dev/zero")),
        "artifact is a pipe": instead("artifacts/model.json", os.mkfifo),
        "artifact is a directory": instead("artifacts/model.json", Path.mkdir),
        "artifact absent": instead("artifacts/model.json", lambda place: None),
        "signature is a pipe": lambda model: os.mkfifo(model / "manifest.json.sig"),
        "signature is a link": lambda model: secret(model / "manifest.json.sig"),
        "unlisted artifact": added("artifacts/extra.json"),
        "unlisted library": added("artifacts/model.so", b"\x7fELF"),
        "unlisted file": added("setup.py", b"import os; os.system('touch marker')"),
        "unlisted directory": added(".git/config"),
        "two thousand files": lambda model: [added(f"artifacts/x{i}.json")(model) for i in range(2000)],
        "a bit flipped": flipped,
        "contents swapped": swap,
        "compressed in place": added("artifacts/model.json", gzip.compress(b"{}")),
    }  # fmt: skip
    here = ("a file instead", "a pipe instead")
    return {name: unusable_here(change, name in here) for name, change in changes.items()}


def pickle_cases() -> dict[str, Hostile]:
    code, built, structure = (
        attacks.code_attacks(),
        attacks.construction_attacks(),
        attacks.structure_attacks(),
    )
    names = (
        "system-protocol-0", "system-protocol-4", "system-in-state", "eval", "exec", "inst", "dotted-name",
        "joblib-load", "numpy-load", "old-array-wrapper", "model-data", "partial", "object-array-nested",
        "extension", "persistent",
    )  # fmt: skip
    cases = {f"pickle: {name}": forest(code[name].data) for name in names}
    names = (
        "dtype-lies", "short-object-array", "shape-10-12", "hash-bomb-key", "tuple-dag", "deep-lists",
        "shadows-method", "class-patched", "trailing-stream", "zlib-bomb", "frame", "never-built",
    )  # fmt: skip
    cases |= {f"pickle: {name}": forest(built[name].data) for name in names}
    names = (
        "tree-child-outside", "tree-child-itself", "tree-feature-outside", "tree-huge-outputs", "offset-nan",
        "subset-outside", "members-nobody",
    )  # fmt: skip
    cases |= {f"forest: {name}": forest(structure[name].data) for name in names}
    cases |= {
        "another class": forest(dumped(StandardScaler().fit(np.eye(3)))),
        "compressed joblib": forest(dumped({"a": 1}, compress=3)),
        "zlib bomb of 1 GB": forest(zlib.compress(bytes(200_000_000), 9)),
        "empty joblib": forest(b""),
        "forest: its samples hold themselves": forest(
            attacks.forest_attributes(lambda found: setattr(found, "_max_samples", holding_itself(40)))
        ),
        "forest: its samples are many": forest(
            attacks.forest_attributes(lambda found: setattr(found, "_max_samples", [[1.0, 2.0], [3.0, 4.0]])),
            predict=EITHER,
        ),
        "other number of features": forest(attacks.dumped(other_forest())),
        "encoding runs code": Hostile(
            file("feature_extractor.joblib", code["system-protocol-4"].data), FOREST
        ),
        "encoding holds a class": Hostile(file("feature_extractor.joblib", dumped(StandardScaler())), FOREST),
        "encoding is a list": Hostile(file("feature_extractor.joblib", encode_plain([1])), FOREST),
        "encoding of nothing": encoding(dict.clear),
        "encoding of numbers": encoding(lambda state: state.update(dict.fromkeys(state, 7))),
        "encoding of texts": encoding(lambda state: state.update(dict.fromkeys(state, "x" * 10_000))),
        "encoding of a long text": encoding(in_its_vocabulary("x" * 8_000_000 + "\U0001f600"), NGRAM),
        "encoding of a dtype without end": Hostile(
            file("feature_extractor.joblib", built["dtype-of-a-dag"].data), FOREST
        ),
        "encoding of lists": encoding(lambda state: state.update(dict.fromkeys(state, [])), NGRAM),
    }
    return cases


def holding_itself(depth: int) -> list[Any]:
    """A list that holds another one twice, so deep: 2^depth items to whoever walks it."""
    found: list[Any] = [1.0, 2.0]
    for _ in range(depth):
        found = [found, found]
    return found


def in_its_vocabulary(text: str) -> Callable[[dict[str, Any]], Any]:
    """One of the longest list of texts in the encoding's state replaced."""

    def change(state: dict[str, Any]) -> None:
        lists = [value for value in nested(state) if isinstance(value, list) and value]
        longest = max((found for found in lists if isinstance(found[0], str)), key=len)
        longest[0] = text

    return change


def nested(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(found for item in inner for found in nested(item))]


def other_forest() -> Any:
    from sklearn.ensemble import IsolationForest

    return IsolationForest(n_estimators=2, random_state=0).fit(
        np.random.default_rng(0).normal(size=(50, 400))
    )


def artifact_cases() -> dict[str, Hostile]:
    either, held = {"predict": EITHER, "verify": (0, 5)}, ("threshold.json", "held_out", "scores")
    replayed = {"predict": (0,)}
    changes: dict[str, tuple[Callable[[Path], Any], str, dict[str, Any]]] = {
        "threshold is NaN": (file("threshold.json", b'{"threshold": NaN}'), FOREST, {}),
        "threshold is text": (inner("threshold.json", "threshold", to="high"), FOREST, {}),
        "threshold is a list": (file("threshold.json", b"[]"), FOREST, {}),
        "threshold absent": (file("threshold.json", b"{}"), FOREST, {}),
        "threshold is huge": (file("threshold.json", b'{"threshold": 1e999}'), FOREST, {}),
        "scores are texts": (inner(*held, to=["a", "b"]), FOREST, {}),
        "scores are none": (inner(*held, to=None), FOREST, {}),
        "scores are nested": (inner(*held, to=[[1, 2], [3]]), FOREST, {}),
        "no scores": (inner(*held, to=[]), FOREST, either),
        "half a case": (inner("threshold.json", "held_out", "count", to="many"), FOREST, {}),
        "cases too few": (inner("threshold.json", "held_out", "count", to=-1), FOREST, either),
        "counts are short": (inner("threshold.json", "held_out", "above", to=[1]), FOREST, either),
        "canary is a list": (file("canary.json", b"[]"), NGRAM, either),
        "canary of nothing": (file("canary.json", b"{}"), NGRAM, either),
        "canary of numbers": (inner("canary.json", "events", to=[1, 2]), NGRAM, either),
        "canary of objects": (inner("canary.json", "events", 0, "activity", to={"a": []}), NGRAM, either),
        "canary of a bomb": (inner("canary.json", "events", 0, "timestamp", to="9" * 100_000), NGRAM, either),
        "canary lies": (inner("canary.json", "predictions", "probability", 0, to=7.0), NGRAM, replayed),
        "canary is short": (inner("canary.json", "predictions", "probability", to=[]), NGRAM, replayed),
        "reference is a list": (file("reference.json", b"[]"), NGRAM, either),
        "model is a list": (file("model.json", b"[]"), NGRAM, {}),
        "model of nothing": (file("model.json", b'{"arrays": [], "values": {}}'), NGRAM, {}),
        "model is deep": (file("model.json", b"[" * 100_000), NGRAM, {}),
        "model of a million items": (file("model.json", b"[" + b"0," * 3_000_000 + b"0]"), NGRAM, {}),
        "artifact of another library": (file("other.safetensors", b""), NGRAM, {}),
        "artifact that nobody writes": (file("z0.json", b"{}"), NGRAM, {}),
        "estimator that nobody reads": (file("other.joblib", encode_plain({})), NGRAM, {}),
        "artifact too many": (file("model-extra.npy", npy.encode(np.zeros(3))), NGRAM, {}),
        "arrays of objects": (resealed(each_array(lambda data: data.replace(b"<i8", b"|O8"))), NGRAM, {}),
        "arrays are short": (resealed(each_array(lambda data: data[:-1])), NGRAM, {}),
        "arrays are empty": (resealed(each_array(lambda data: npy.encode(np.zeros(0, np.int64)))), NGRAM, {}),
        "arrays point outside": (
            resealed(each_array(lambda data: npy.encode(npy.decode(data) * 0 + 10**6))), NGRAM, either
        ),
        "arrays point before": (
            resealed(each_array(lambda data: npy.encode(npy.decode(data) * 0 - 10**6))), NGRAM, either
        ),
        "arrays of texts": (resealed(each_array(lambda data: npy.encode(np.array(["x"])))), NGRAM, {}),
        "sizes are huge": (resealed(sizes(10**9)), GRU, {}),
        "sizes are negative": (resealed(sizes(-1)), GRU, {}),
        "sizes are zero": (resealed(sizes(0)), GRU, {}),
        "sizes are texts": (resealed(sizes("x")), GRU, {}),
        "sizes beyond whole numbers": (resealed(sizes(10**30)), GRU, {}),
        "layers of a network that has none": (resealed(layers), GRU, either),
        "weights are nan": (resealed(all_weights(float("nan"))), GRU, either),
        "weights are huge": (resealed(all_weights(3e38)), GRU, either),
        "tensor absent": (resealed(header(lambda found: found.pop(sorted(found)[0]))), GRU, {}),
        "tensor overlaps": (resealed(header(overlap)), GRU, {}),
        "tensor of 10^15": (resealed(header(lambda found: first(found).update(shape=[10**15]))), GRU, {}),
        "header is endless": (file("model.safetensors", b"\xff" * 16), GRU, {}),
        "weights are a pickle": (
            file("model.safetensors", attacks.code_attacks()["system-protocol-2"].data), GRU, {}
        ),
    }  # fmt: skip
    return {name: Hostile(change, base, **codes) for name, (change, base, codes) in changes.items()}


def each_array(change: Callable[[bytes], bytes]) -> Callable[[dict[str, bytes]], Any]:
    def apply(files: dict[str, bytes]) -> None:
        for name in [name for name in files if name.endswith(".npy")]:
            files[name] = change(files[name])

    return apply


def sizes(number: Any) -> Callable[[dict[str, bytes]], Any]:
    def apply(files: dict[str, bytes]) -> None:
        document = json.loads(files["state.json"])
        # A list stays a list, so that what is refused is the number.
        document["sizes_"] = {
            name: [number] * len(found) if isinstance(found, list) else number
            for name, found in document["sizes_"].items()
        }
        files["state.json"] = json.dumps(document).encode()

    return apply


def layers(files: dict[str, bytes]) -> None:
    document = json.loads(files["state.json"])
    document["sizes_"]["layers"] = 10**8
    files["state.json"] = json.dumps(document).encode()


def first(found: Mapping[str, Any]) -> Any:
    return found[sorted(found)[0]]


def overlap(found: dict[str, Any]) -> None:
    one, other = sorted(found)[:2]
    found[one]["data_offsets"] = found[other]["data_offsets"]


def plausible_cases() -> dict[str, Hostile]:
    """A well-formed manifest whose inner values are not what pmlcli writes."""
    either, harmless = {"predict": EITHER, "verify": (0, 5)}, {"predict": (0,), "verify": (0,)}
    lacking = {"predict": (0,), "verify": UNUSABLE}
    changes: dict[str, tuple[Callable[[Path], Any], dict[str, Any]]] = {
        "unknown parameter": (value("hyperparameters", "x", to=1), {}),
        "parameter hooks": (value("hyperparameters", "hooks", to=["os.system"]), {}),
        "parameter model_type": (value("hyperparameters", "model_type", to=FOREST), {}),
        "parameter self": (value("hyperparameters", "self", to=1), {}),
        "parameter out of range": (value("hyperparameters", "order", to=-5), {}),
        "parameter is an object": (value("hyperparameters", "order", to={"a": 1}), {}),
        "parameters without end": (
            value("hyperparameters", to={"a" * 300_000: 1} | {f"p{i}": 1 for i in range(30_000)}), {}
        ),
        "parameter is huge": (value("hyperparameters", "order", to=10**60), {}),
        "schema of nothing": (value("input_schema", to={}), {}),
        "required is a list": (value("input_schema", "required", to=[]), {}),
        "required of objects": (value("input_schema", "required", "case_id", to={}), {}),
        "required of nothing": (value("input_schema", "required", to={}), {}),
        "columns is a list": (value("input_schema", "columns", to=["a"]), {}),
        "columns of numbers": (value("input_schema", "columns", "activity", to=5), {}),
        "column of no role": (value("input_schema", "columns", "x", to="y"), {}),
        "classifier without end": (
            value("input_schema", "columns", "activity", to="classifier:" + "activity+" * 50_000), {}
        ),
        "classifier of one column": (
            value("input_schema", "columns", "activity", to="classifier:activity+activity"), {}
        ),
        "order without end": (value("input_schema", "order", to="x" * 100_000), {}),
        "lifecycles without end": (value("input_schema", "lifecycle", to=["x"] * 100_000), {}),
        "required without end": (
            value("input_schema", "required", to={f"c{i}": "text" for i in range(30_000)}), {}
        ),
        "no activity": (value("input_schema", "columns", "activity", to="none"), {}),
        "zone is a path": (value("input_schema", "timezone", to="../../../../etc/passwd"), {}),
        "zone is a number": (value("input_schema", "timezone", to=5), {}),
        "order is a list": (value("input_schema", "order", to=[]), either),
        "log is nothing": (value("training_log", to={}), harmless),
        "threads by the million": (value("determinism", "threads", to=10**6), harmless),
        "versions of 2099": (value("dependencies", "numpy", to="99.0"), {"predict": (0,), "verify": (0, 5)}),
        "a library of lies": (value("dependencies", "../../x", to="1"), lacking),
        "escapes in its card": (
            value("training_log", "name", to="\x1b[31m[/foo][link=x]\u202e=1+1"), harmless
        ),
        "odd metrics": (
            value("performance_metrics", to={"[red]": {"value": "\x1b"}, "b": None}), harmless
        ),
    }  # fmt: skip
    return {name: Hostile(change, **codes) for name, (change, codes) in changes.items()}


@cache
def all_cases() -> dict[str, Hostile]:
    """Every hostile directory by name; made once a process, since the forests in it take seconds."""
    return manifest_cases() | directory_cases() | pickle_cases() | artifact_cases() | plausible_cases()

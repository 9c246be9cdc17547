"""Feeds the parsers of a model directory what no pmlcli wrote: python tests/fuzz/fuzz_models.py [seconds].

Coverage-guided, by atheris (`make fuzz-models`). Any input must give a value or a `PersistenceError`; a
traceback, a hang of ten seconds or a gigabyte of memory ends the run, and the input stays in
`fuzz-findings/`. The parsers are those that see a stranger's bytes first: of the manifest and signature,
of JSON models with their arrays, of joblib files, and of the answers of a confined child.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(include=["pmlcli.store", "pmlcli.lifecycle.answer"]):
    from pmlcli.errors import PersistenceError
    from pmlcli.lifecycle import answer
    from pmlcli.store import manifest, strictjson
    from pmlcli.store.codecs import npy, plain
    from pmlcli.store.codecs.sklearn import decode, decode_plain, encode_plain
    from pmlcli.store.codecs.xgboost import check_xgboost_json

SECONDS = 300
FOREST = "sklearn.ensemble._iforest.IsolationForest"
TABLE = frozenset({FOREST, "sklearn.tree._classes.ExtraTreeRegressor", "sklearn.tree._tree.Tree"})


def as_json_model(data: bytes) -> object:
    """A model.json and one array, divided at the first NUL."""
    text, _, array = data.partition(b"\0")
    return plain.decode({"model.json": text, "model-a.npy": array})


PARSERS = (
    manifest.parse,
    lambda data: strictjson.parse(data, source="x", max_bytes=1 << 20),
    as_json_model,
    npy.decode,
    decode_plain,
    lambda data: decode(data, TABLE, FOREST),
    check_xgboost_json,
    lambda data: answer.decode({"answer.json": data}, most_characters=1 << 20),
)
"""The first byte of an input chooses among these; the rest is the file."""


def seeds(folder: Path) -> None:
    """Small honest files for every parser."""
    state = {"a": np.arange(3), "b": [1, "x", None], "c": {"d": 0.5}}
    files = plain.encode(state)
    honest = [
        files["model.json"] + b"\0" + files["model-a.npy"],
        files["model-a.npy"],
        encode_plain(state),
        b'{"schema_version": 1, "artifacts": [{"name": "a", "filename": "a.json", "size_bytes": 1}]}',
        b'{"learner": {"learner_model_param": {"num_feature": "1"}}, "version": [3, 0, 0]}',
    ]
    for number, data in enumerate(honest):
        for choice in range(len(PARSERS)):
            (folder / f"{number}-{choice}").write_bytes(bytes([choice]) + data)


def one_input(data: bytes) -> None:
    """What must hold for every input."""
    if not data:
        return
    try:
        PARSERS[data[0] % len(PARSERS)](data[1:])
    except PersistenceError as error:
        assert error.message


def main() -> None:
    """Fuzz for the seconds given."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    findings = Path("fuzz-findings")
    findings.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        seeds(Path(corpus))
        limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024", "-max_len=8192"]
        atheris.Setup([sys.argv[0], corpus, *limits, f"-artifact_prefix={findings}/"], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

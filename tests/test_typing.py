"""What a type checker and `help` see of the library: real types, not Any."""

from __future__ import annotations

import ast
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pmlcli
from pmlcli import Model

SCRIPT = """
from pathlib import Path
from pmlcli import EventLog, Model, PredictRequest, ReadOptions, read_log, verify_model

log = read_log("log.csv", ReadOptions(timezone="UTC"))
model = Model("anomaly/isolation-forest", contamination=0.05)
reveal_type(model.train(log))
reveal_type(model.save(Path("m")))
loaded = Model.load("m", trusted=True)
reveal_type(loaded)
reveal_type(loaded.load("m"))
reveal_type(loaded.predict(log, request=PredictRequest()))
reveal_type(log)
reveal_type(verify_model)
"""
WRONG = """
import pmlcli
from pmlcli import Model

Model.load()
Model.load("m", isolatd=True)
Model.load("m", trusted="yes")
pmlcli.Modle
"""


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of its own, which begins with what `make lint` has found out already where that has run."""
    cache, known = tmp_path_factory.mktemp("mypy") / "cache", Path(__file__).parents[1] / ".mypy_cache"
    if known.is_dir():
        shutil.copytree(known, cache)
    return cache


def mypy(tmp_path: Path, types: Path, script: str) -> str:
    """mypy's complaints about a user's script that lies elsewhere."""
    (tmp_path / "script.py").write_text(script)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(types), "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    return done.stdout + done.stderr


def test_a_user_s_script_is_typed_through(tmp_path: Path, types: Path) -> None:
    shown = mypy(tmp_path, types, SCRIPT)
    assert "error" not in shown, shown
    revealed = [line.partition("Revealed type is ")[2] for line in shown.splitlines() if "Revealed" in line]
    assert len(revealed) == 7
    kinds = ("TrainingResult", "SavedModel", "Model", "Model", "PredictionResult", "EventLog", "Verification")
    for kind, found in zip(kinds, revealed, strict=True):
        assert kind in found, found
        assert found != '"Any"'


def test_wrong_calls_are_found(tmp_path: Path, types: Path) -> None:
    wrong = [
        line.partition(": ")[0] for line in mypy(tmp_path, types, WRONG).splitlines() if ": error:" in line
    ]
    assert wrong == [f"script.py:{line}" for line in (5, 6, 7, 8)]


def test_help_shows_what_a_caller_gives() -> None:
    parameters = list(inspect.signature(Model.load).parameters)
    assert parameters[0] == "path"
    assert {"hooks", "check_seal"} <= set(parameters)
    assert not {"args", "kwargs", "cls", "instance"} & set(parameters)
    assert Model.load.__name__ == "load"
    assert (Model.load.__doc__ or "").startswith("The model in a directory")


def test_the_names_for_type_checkers_are_the_names_there_are() -> None:
    tree = ast.parse(Path(pmlcli.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    stated = {alias.asname: node.module for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    assert stated == pmlcli._HOMES

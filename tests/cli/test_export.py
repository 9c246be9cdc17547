"""An exported model: what MLflow reads of it, what it answers, and what becomes of a changed byte."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pmlcli import Model
from pmlcli.errors import PersistenceError
from tests.cli.conftest import Run


def served(place: Path) -> Any:
    """As mlflow.pyfunc.load_model does it: the loader and the data that MLmodel names."""
    text = (place / "MLmodel").read_text()
    named = dict(re.findall(r"^    (data|loader_module): (\S+)$", text, re.MULTILINE))
    assert text.startswith("flavors:\n  python_function:\n")
    return importlib.import_module(named["loader_module"])._load_pyfunc(str(place / named["data"]))


@pytest.fixture
def exported(run: Run, model: Path, place: Path) -> Path:
    done = run("export", model, "--mlflow", "served")
    assert (done.exit_code, done.stdout) == (0, "served\n"), done.stderr
    return place / "served"


def test_what_is_served_answers_as_the_model(exported: Path, model: Path, csv_log: Path) -> None:
    log = pd.read_csv(csv_log)
    sent = pd.DataFrame(json.loads(log.to_json(orient="records")))
    pd.testing.assert_frame_equal(served(exported).predict(sent), Model.load(model).predict(log).predictions)
    every = served(exported).predict(log, params={"cases": "all"})
    assert len(every) > len(served(exported).predict(log))
    assert "next-activity/ngram" in (exported / "MLmodel").read_text()
    assert re.search(r"^pmlcli==", (exported / "requirements.txt").read_text(), re.MULTILINE)


def test_a_changed_byte_fails_when_it_is_loaded(exported: Path) -> None:
    files = [one for one in sorted((exported / "model").rglob("*")) if one.is_file()]
    assert len(files) > 3
    for file in files:
        whole = file.read_bytes()
        file.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
        with pytest.raises(PersistenceError):
            served(exported)
        file.write_bytes(whole)
    served(exported)


def test_another_model_in_its_place_fails_too(exported: Path, run: Run, csv_log: Path) -> None:
    run("train", csv_log, "-a", "next-activity/ngram", "-p", "order=1", "-o", exported / "model", "--force")
    with pytest.raises(PersistenceError, match="which MLmodel names"):
        served(exported)


def test_nothing_is_replaced_and_a_damaged_model_is_not_exported(
    exported: Path, run: Run, model: Path
) -> None:
    again = run("export", model, "--mlflow", exported)
    assert again.exit_code == 2
    assert "there already" in again.stderr
    (exported / "model" / "manifest.json").write_text("{}")
    assert run("export", exported / "model", "--mlflow", "other").exit_code == 5
    assert not Path("other").exists()
    assert json.loads(run("export", model, "--mlflow", "third", "--json").stdout)["path"] == "third"

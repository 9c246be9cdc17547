"""The example of docs/adding-a-task.md, tried as its reader would: one new folder, no edit elsewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.logs import purchase_events
from tests.test_adding_an_algorithm import ROOT, run

TASK, ALGORITHM = "case-length", "case-length/median"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the example's folder added."""
    copy = tmp_path_factory.mktemp("house")
    for folder in ("pmlcli", "tests/contract"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "tests/__init__.py", "tests/conftest.py", "tests/logs.py"):
        shutil.copy(ROOT / file, copy / file)
    page = (ROOT / "docs" / "adding-a-task.md").read_text(encoding="utf-8")
    blocks: list[str] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    folder = copy / "pmlcli" / "algorithms" / "case_length"
    folder.mkdir()
    for name, text in zip(("__init__.py", "_task.py", "median.py"), blocks, strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    pd.DataFrame(purchase_events(60)).to_csv(copy / "log.csv", index=False)
    return copy


def test_the_task_trains_predicts_and_verifies(house: Path) -> None:
    run("-m", "pmlcli", "train", "log.csv", "-t", TASK, "-o", "m", cwd=house)
    shown = run("-m", "pmlcli", "predict", "m", "log.csv", "--longer-than", "6", "-o", "-", cwd=house)
    assert shown.splitlines()[0] == (
        "case_id,current_activity,current_resource,age_days,expected_events,is_longer,"
        "model_id,root_digest,predicted_at"
    )
    assert "verified" in run("-m", "pmlcli", "verify", "m", cwd=house).lower()


def test_the_task_appears_in_help_algorithms_and_completion(house: Path) -> None:
    assert "--longer-than N" in run("-m", "pmlcli", "predict", "--help", cwd=house)
    shown = run("-m", "pmlcli", "algorithms", cwd=house)
    assert "as many events as half of the training cases had" in shown
    assert "already" in run("-m", "pmlcli", "algorithms", ALGORITHM, cwd=house)
    offered = run("-c", "from pmlcli.cli import _complete; print(_complete.tasks())", cwd=house)
    assert TASK in offered


def test_python_asks_for_what_the_task_declares(house: Path) -> None:
    program = (
        "from pmlcli import Model, PredictRequest; model = Model('case-length/median'); "
        "model.train('log.csv'); "
        "print(list(model.predict('log.csv', request=PredictRequest(longer_than=6)).predictions))"
    )
    assert "is_longer" in run("-c", program, cwd=house)


def test_the_task_passes_the_contract_suite(house: Path) -> None:
    shown = run(
        "-m", "pytest", "tests/contract", "-k", TASK, "-p", "no:cacheprovider", "-p", "no:xdist", cwd=house
    )  # fmt: skip
    passed = re.search(r"(\d+) passed", shown)
    assert passed
    assert int(passed.group(1)) >= 15

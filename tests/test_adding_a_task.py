"""The examples of docs/adding-a-task.md, tried as its reader would: one new folder, no edit elsewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.logs import purchase_events
from tests.test_adding_an_algorithm import ROOT, run

TASK, ALGORITHM = "case-length", "case-length/median"
PREDICTIVE = "events-left"
FILES = {
    "case_length": ("__init__.py", "_task.py", "median.py"),
    "events_left": ("__init__.py", "_task.py", "last_activity.py"),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the examples' folders added."""
    copy = tmp_path_factory.mktemp("house")
    for folder in ("pmlcli", "tests/contract"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "tests/__init__.py", "tests/conftest.py", "tests/logs.py"):
        shutil.copy(ROOT / file, copy / file)
    page = (ROOT / "docs" / "adding-a-task.md").read_text(encoding="utf-8")
    blocks: list[str] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    places = [copy / "pmlcli" / "algorithms" / task / name for task in FILES for name in FILES[task]]
    for place, text in zip(places, blocks, strict=True):
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, encoding="utf-8")
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
    shown = run("-m", "pmlcli", "algorithms", "--json", cwd=house)
    assert "the median number of events of the training cases" in shown
    assert "the length so far" in run("-m", "pmlcli", "algorithms", ALGORITHM, cwd=house)
    offered = run("-c", "from pmlcli.cli import _complete; print(_complete.tasks())", cwd=house)
    assert TASK in offered


def test_python_asks_for_what_the_task_declares(house: Path) -> None:
    program = (
        "from pmlcli import Model, PredictRequest; model = Model('case-length/median'); "
        "model.train('log.csv'); "
        "print(list(model.predict('log.csv', request=PredictRequest(longer_than=6)).predictions))"
    )
    assert "is_longer" in run("-c", program, cwd=house)


def test_a_predictive_task_answers_for_every_prefix_and_explains(house: Path) -> None:
    program = (
        "from pmlcli import Model, PredictRequest; model = Model('events-left/last-activity'); "
        "model.train('log.csv'); request = PredictRequest(every_prefix=True, explain=True); "
        "table = model.predict('log.csv', request=request).predictions; left = table['events_left']; "
        "is_last = ~table['case_id'].duplicated(keep='last'); "
        "print(*table, (left >= 0).all(), left[is_last].mean() < left.mean(), any(table['because']))"
    )
    shown = run("-c", program, cwd=house).split()
    assert shown[:3] == ["case_id", "prefix_length", "events_left"]
    assert shown[-3:] == ["True"] * 3


def test_the_tasks_pass_the_contract_suite(house: Path) -> None:
    both = f"{TASK} or {PREDICTIVE}"
    shown = run(
        "-m", "pytest", "tests/contract", "-k", both, "-p", "no:cacheprovider", "-p", "no:xdist", cwd=house
    )  # fmt: skip
    passed = re.search(r"(\d+) passed", shown)
    assert passed
    assert int(passed.group(1)) >= 30

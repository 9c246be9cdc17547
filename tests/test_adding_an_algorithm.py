"""The example of docs/adding-an-algorithm.md, tried as its reader would: one new file, no edit elsewhere."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.logs import purchase_log

ROOT = Path(__file__).parent.parent
EXAMPLE = "anomaly/trace-length"


def run(*arguments: str, cwd: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(cwd)}
    shown = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, env=environment
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    return shown.stdout


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the example's file added."""
    copy = tmp_path_factory.mktemp("house")
    for folder in ("pmlcli", "tests/contract"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "tests/__init__.py", "tests/logs.py"):
        shutil.copy(ROOT / file, copy / file)
    page = (ROOT / "docs" / "adding-an-algorithm.md").read_text(encoding="utf-8")
    blocks: list[str] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (copy / "pmlcli" / "algorithms" / "anomaly" / "trace_length.py").write_text(blocks[0], encoding="utf-8")
    assert len(blocks[0].splitlines()) < 100
    return copy


def test_the_network_of_the_docs_learns_is_kept_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    page = (ROOT / "docs" / "adding-an-algorithm.md").read_text(encoding="utf-8")
    text = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[1]
    (tmp_path / "lstm_of_the_docs.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    network = importlib.import_module("lstm_of_the_docs").Lstm
    one, other = (network(max_epochs=2, hidden_size=4, recency="off") for _ in range(2))
    log = purchase_log(30)
    data = one.make_encoding().fit(log).transform(log)
    one.fit(data)
    said = one.probabilities(data)
    assert said.shape == (data.n_events, data.end_class + 1)
    assert said.sum(axis=1) == pytest.approx(1)
    other.restore(one.state())
    assert (other.probabilities(data) == said).all()


def test_the_example_is_found_and_described(house: Path) -> None:
    shown = run("-m", "pmlcli", "algorithms", EXAMPLE, cwd=house)
    assert "Counts a case's events." in shown
    assert "least_spread" in shown


def test_the_example_passes_the_contract_suite(house: Path) -> None:
    shown = run(
        "-m",
        "pytest",
        "tests/contract",
        "-k",
        "trace-length",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        cwd=house,
    )
    passed = re.search(r"(\d+) passed", shown)
    assert passed
    assert int(passed.group(1)) >= 15

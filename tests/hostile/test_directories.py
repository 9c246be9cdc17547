"""Hostile model directories against every command: nothing runs, nothing crashes, the right exit code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import write_csv
from tests.hostile.directories import BASES, NGRAM, all_cases, make_bases
from tests.hostile.task_directories import TASK_BASES, task_cases

pytest.importorskip("torch")
pytest.importorskip("xgboost")

ROOT = Path(__file__).parents[2]
CASES = all_cases() | task_cases()
SECONDS_EACH = 5
MORE_MB = 250
"""Beyond what an honest prediction takes, which with all libraries loaded is half a gigabyte."""
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def folder(case: str) -> str:
    return re.sub(r"\W+", "-", case)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    place = tmp_path_factory.mktemp("hostile")
    bases = make_bases(tmp_path_factory.mktemp("bases"), BASES | TASK_BASES)
    for name, case in CASES.items():
        parent = place / folder(name)
        parent.mkdir()
        shutil.copytree(bases[case.base], parent / "model")
        case.change(parent / "model")
    write_csv(place / "log.csv", 20, seed=3)
    shutil.copytree(bases[NGRAM], place / "honest")
    (place / "cases.json").write_text(json.dumps([f"{folder(name)}/model" for name in CASES]))
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.command_child", place],
        capture_output=True,
        timeout=1200,
        check=False,
        cwd=ROOT,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    (place / "outcomes.json").write_text(json.dumps(lines))
    assert done.returncode == 0, (done.returncode, lines[-1:], done.stderr[-2000:])
    assert [line for line in lines if "audit" in line] == []
    assert not list(place.rglob("marker"))
    assert not list(ROOT.glob("marker"))
    assert not (place / "new").exists()
    return {(line["case"], line["command"]): line for line in lines if "code" in line}


def test_there_are_enough_directories() -> None:
    assert len(CASES) >= 300


@pytest.mark.parametrize("command", ["predict", "inspect", "verify", "upgrade"])
@pytest.mark.parametrize("case", CASES)
def test_it_does_no_harm(outcomes: dict[tuple[str, str], dict[str, Any]], case: str, command: str) -> None:
    found = outcomes[f"{folder(case)}/model", command]
    expected = {
        "predict": CASES[case].predict,
        "verify": CASES[case].verify,
        # A file is a log to `inspect`.
        "inspect": (0, 3, 4) if "instead" in case else (0, 4, 5),
        "upgrade": (0, 4, 5),
    }[command]
    assert found["fault"] == "", found
    assert found["code"] in expected, found
    assert "Traceback" not in found["stderr"]
    assert not UNSAFE.search(found["stdout"] + found["stderr"])
    assert found["seconds"] < SECONDS_EACH
    assert found["more_mb"] < MORE_MB
    # `inspect` shows the card of what is damaged, and `verify` its report.
    is_shown = found["stdout"] != "" and found["code"] == 5 and command == "inspect"
    if found["code"] in (3, 4, 5) and command != "verify" and not is_shown:
        assert found["stdout"] == ""
        last = [line for line in found["stderr"].splitlines() if line.startswith("error: ")]
        assert len(last) == 1, found["stderr"]
        assert found["stderr"].splitlines()[-1].startswith(("error: ", "hint: "))

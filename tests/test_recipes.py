"""docs/recipes.md: its commands run, its services answer, and what only runs elsewhere parses."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pmlcli.cli import sample as of_sample
from pmlcli.cli.app import app
from tests.runner import COMMAND

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "docs/recipes.md").read_text(encoding="utf-8"), re.DOTALL)
EVERY = 10


def blocks(*languages: str) -> list[str]:
    return [block for language, block in BLOCKS if language in languages]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which all the shell commands of the page have run, on a tenth of the sample log."""
    work = tmp_path_factory.mktemp("recipes")
    kept = work / "kept"
    kept.mkdir()
    for name in of_sample.SAMPLES:
        table = pd.read_csv(of_sample.packaged(name), dtype=str, keep_default_na=False)
        some = table["case_id"].unique()[:: EVERY if name == "purchase-to-pay" else 1]
        table[table["case_id"].isin(some)].to_csv(kept / f"{name}.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work)
        patch.setattr(of_sample, "packaged", lambda name: kept / f"{name}.csv")
        for line in "".join(blocks("sh")).splitlines():
            done = CliRunner().invoke(app, shlex.split(line)[1:])
            assert done.exit_code == 0, f"{line}\n{done.output}"
    return work


def test_a_log_comes_back_from_xes_with_its_predictions(place: Path) -> None:
    back = pd.read_csv(place / "back.csv")
    assert len(back) == len(pd.read_csv(place / "purchase-to-pay.csv"))
    assert any("score" in column for column in back.columns)


def test_the_notebook_runs(place: Path) -> None:
    notebook = blocks("python")[0]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", notebook], cwd=place, capture_output=True, text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "training of anomaly/likelihood" in done.stdout


def test_the_web_service_answers(place: Path) -> None:
    service = blocks("python")[1]
    assert sum(bool(line.strip()) for line in service.splitlines()) <= 21
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = datetime.now(UTC) - timedelta(days=2)
    events = [
        {"case_id": "new", "activity": activity, "timestamp": (began + timedelta(hours=n)).isoformat(),
         "resource": "x", "lifecycle": "complete"}
        for n, activity in enumerate(["Create Requisition", "Approve Requisition"])
    ]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", service, str(port)], cwd=place, env={"PYTHONPATH": str(ROOT), "PATH": ""},
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            (answer,) = posted(port, events)
        finally:
            process.kill()
    assert answer["case_id"] == "new"
    assert answer["remaining_seconds"] > 0


def posted(port: int, events: list[dict[str, str]]) -> list[dict[str, object]]:
    """The service's answer, once it is up."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}", json.dumps(events).encode(), method="POST")
    for _ in range(120):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return list(json.loads(answer.read()))
        except (ConnectionError, urllib.error.URLError):
            time.sleep(0.5)
    raise AssertionError("the service did not come up")


ELSEWHERE = [
    command
    for block in blocks("cron", "ini", "yaml")
    for command in re.findall(r"(?:^|\s|=)(pmlcli [a-z].*)$", block, re.MULTILINE)
]


@pytest.mark.parametrize("line", ELSEWHERE)
def test_what_runs_elsewhere_has_options_that_exist(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    command = COMMAND.commands[name]  # type: ignore[attr-defined]
    command.make_context(name, arguments)


def test_the_dockerfile_is_short_and_copies_what_is_there() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 20
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert all((ROOT / name).exists() for name in copied)
    assert {"pmlcli", "sample_logs", "pyproject.toml"} <= set(copied)
    assert len(ELSEWHERE) >= 6

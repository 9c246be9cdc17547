"""`pmlcli inspect LOG`: findings, --strict, and outputs that cannot show everything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run, write_csv


@pytest.fixture
def future_log(place: Path) -> Path:
    """A log with one event in the year 2185, in its third line."""
    path = write_csv(place / "future.csv", 30)
    lines = path.read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace(",2024-", ",2185-")
    path.write_text("".join(lines))
    return path


def test_a_serious_finding_fails_only_when_strict(run: Run, future_log: Path) -> None:
    assert run("inspect", future_log).exit_code == 0
    strict = run("inspect", future_log, "--strict")
    assert strict.exit_code == 3
    assert "serious  1 event in the future" in strict.stdout
    assert "line 3, case PO-0000" in strict.stdout
    assert strict.stderr == ""


def test_findings_in_json(run: Run, future_log: Path) -> None:
    result = run("inspect", future_log, "--strict", "--json")
    assert result.exit_code == 3
    document = json.loads(result.stdout)
    assert document["schema"] == "pmlcli/log/1"
    finding = document["profile"]["findings"][0]
    assert (finding["code"], finding["severity"], finding["count"]) == ("times.future", "serious", 1)
    assert finding["examples"][0]["line"] == 3
    assert finding["fix"]


def test_strict_passes_a_log_without_serious_findings(run: Run, csv_log: Path) -> None:
    result = run("inspect", csv_log, "--strict")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Data quality (0 findings)" in result.stdout


def test_strict_is_not_for_models(run: Run, model: Path) -> None:
    result = run("inspect", model, "--strict")
    assert result.exit_code == 2
    assert "pmlcli verify" in result.stderr


@pytest.mark.parametrize(("encoding", "has_bars"), [("utf-8", True), ("cp1252", False), ("ascii", False)])
def test_arrivals_in_the_signs_that_the_output_has(csv_log: Path, encoding: str, has_bars: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pmlcli", "inspect", str(csv_log)],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert ("█".encode() in done.stdout) == has_bars
    assert b"each bar 1 day from 2024-01-08 on" in done.stdout


def test_a_hostile_log_cannot_steer_the_terminal(run: Run, place: Path) -> None:
    log = write_csv(place / "hostile.csv", 30)
    text = log.read_text(encoding="utf-8").replace("Approve", "\x1b[2J\x07[/red]\u202eevorppA\u200b")
    log.write_text(text, encoding="utf-8")
    for arguments in ((), ("--json",), ("-v",)):
        result = run("inspect", log, *arguments)
        assert result.exit_code == 0
        assert not set("\x1b\x07\u202e\u200b") & set(result.stdout + result.stderr)
    assert "\\x1b[2J\\x07[/red]\\u202eevorppA\\u200b" in run("inspect", log).stdout
    assert "\x1b[2J\x07[/red]\u202eevorppA\u200b" in {
        a["name"] for a in json.loads(run("inspect", log, "--json").stdout)["profile"]["activities"]
    }

"""`pmlcli monitor`: its exit codes, its history, and what a nightly run prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import FAST, Run
from tests.logs_drifting import simulated


@pytest.fixture
def trained(run: Run, place: Path) -> Path:
    simulated(400, 1).frame.to_csv(place / "old.csv", index=False)
    simulated(300, 2, start="2024-08-05").frame.to_csv(place / "calm.csv", index=False)
    simulated(300, 3, start="2024-08-05", extra=0.5).frame.to_csv(place / "changed.csv", index=False)
    assert run("train", "old.csv", "-a", FAST, "-o", "m").exit_code == 0
    return place / "m"


def test_exit_codes_and_history(trained: Path, run: Run, place: Path) -> None:
    calm = run("monitor", trained, "calm.csv", "--history", "runs.jsonl", "--fail-on", "drift", "-q")
    assert (calm.exit_code, calm.stdout, calm.stderr) == (0, "", "")
    changed = run("monitor", trained, "changed.csv", "--history", "runs.jsonl")
    assert changed.exit_code == 0
    assert "`Ask again` " in changed.stdout
    assert "% of cases since 2024-08-" in changed.stdout
    failed = run(
        "monitor", trained, "changed.csv", "--fail-on", "serious", "--json", "--history", "runs.jsonl"
    )
    assert failed.exit_code == 6
    verdicts = [json.loads(line)["verdict"] for line in (place / "runs.jsonl").read_text().splitlines()]
    assert verdicts == ["stable", "serious", "serious"]
    crossed = run(
        "monitor", trained, "changed.csv", "--fail-if", "largest_change>20%", "--history", "runs.jsonl"
    )
    assert crossed.exit_code == 6
    assert len((place / "runs.jsonl").read_text().splitlines()) == 4, "a run that fails is kept too"
    told = json.loads(failed.stdout)
    evaluated = json.loads(run("evaluate", trained, "changed.csv", "--json").stdout)
    for fact in ("model", "log", "root_digest", "measured_at"):
        assert told[fact] == evaluated[fact], fact
    frame = simulated(100, 4).frame
    frame.assign(activity="x" + frame["activity"]).to_csv(place / "other.csv", index=False)
    assert run("monitor", trained, "other.csv").exit_code == 3


def test_what_cannot_be_meant_is_refused_with_nothing_written(trained: Path, run: Run, place: Path) -> None:
    (place / "runs.jsonl").write_text('{"root_digest": "ab"}\n')
    (place / "poem.jsonl").write_text("roses\n")
    for given in (
        ["--history", "runs.jsonl"],
        ["--history", "poem.jsonl"],
        ["--window", "soon"],
        ["--window", "0d"],
        ["--min-effect", "2"],
        ["--fail-on", "rain"],
        ["--fail-if", "rain>1"],
    ):
        done = run("monitor", trained, "calm.csv", *given)
        assert (done.exit_code, done.stdout) == (2, ""), given
        assert len(done.stderr.splitlines()) <= 3
    assert (place / "runs.jsonl").read_text() == '{"root_digest": "ab"}\n'

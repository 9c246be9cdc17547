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


def test_a_run_is_in_the_history_where_its_results_were_written_and_else_not(
    trained: Path, run: Run, place: Path
) -> None:
    crossed = run("monitor", trained, "calm.csv", "--history", "runs.jsonl", "--fail-if", "cases>1")
    assert crossed.exit_code == 6
    before = (place / "runs.jsonl").read_bytes()
    assert before.count(b"\n") == 1
    (place / "blocked").mkdir()
    for refused in (
        ["--metrics", "blocked"],
        ["-o", "blocked/runs.json/x.json", "--metrics", "/dev/full"],
    ):
        failed = run("monitor", trained, "calm.csv", "--history", "runs.jsonl", *refused)
        assert failed.exit_code in (2, 74), failed.stderr
        assert (place / "runs.jsonl").read_bytes() == before
        assert run("monitor", trained, "calm.csv", "--history", "new.jsonl", *refused).exit_code != 0
        assert not (place / "new.jsonl").exists()
    full = run("monitor", trained, "calm.csv", "--history", "/dev/full", "-o", "out.json")
    assert full.exit_code == 74
    assert not (place / "out.json").exists()


def test_predict_says_what_changed_and_fails_only_where_it_shall(
    trained: Path, run: Run, place: Path
) -> None:
    calm = run("predict", trained, "calm.csv", "--drift", "fail", "-o", "calm-out.csv")
    assert calm.exit_code == 0, calm.stderr
    warned = run("predict", trained, "changed.csv", "-o", "warned.csv")
    assert warned.exit_code == 0
    assert [line for line in warned.stderr.splitlines() if "has changed since training: `" in line]
    failed = run("predict", trained, "changed.csv", "--drift", "fail", "-o", "failed.csv")
    assert failed.exit_code == 6
    assert (place / "failed.csv").exists()
    off = run("predict", trained, "changed.csv", "--drift", "off", "--json")
    assert off.exit_code == 0
    assert "drift" not in json.loads(off.stdout)
    assert run("predict", trained, "calm.csv", "--drift", "perhaps").exit_code == 2

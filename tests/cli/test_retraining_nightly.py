"""`train` where a model stands already: up to date, a sample of cases, replaced or kept."""

from __future__ import annotations

import itertools
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pmlcli.cli import train as cli_train
from pmlcli.eventlog.writers import write_log
from pmlcli.lifecycle import unchanged
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.replacing import as_of
from pmlcli.runtime import Deadline
from tests.cli.conftest import FAST, Run, write_csv
from tests.logs_drifting import simulated

TRAIN = ("train", "log.csv", "-a", FAST, "-o", "m")
SKIP = (*TRAIN, "--skip-unchanged")


def state(place: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its time of writing and its bytes."""
    return {
        str(path.relative_to(place)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def trained(place: Path, model: Path, csv_log: Path) -> Path:
    shutil.copytree(model, place / "m")
    shutil.copy(csv_log, place / "log.csv")
    return place


def test_what_is_up_to_date_is_not_trained_again(trained: Path, run: Run) -> None:
    before = state(trained)
    result = run(*SKIP)
    assert result.exit_code == 0, result.output
    assert "m is up to date" in result.stderr
    assert result.stdout == "m\n"
    assert run(*SKIP, "-q").output == ""
    document = json.loads(run(*SKIP, "--force", "--json").stdout)
    assert document["outcome"] == "up to date"
    assert document["root_digest"] == json.loads(run("inspect", "m", "--json").stdout)["root_digest"]
    assert state(trained) == before


OTHERWISE: list[tuple[tuple[str, ...], str]] = [
    (("-p", "order=2"), "a parameter"),
    (("--seed", "5"), "a parameter"),
    (("-a", "next-activity/linear"), "the algorithm"),
    (("--model-id", "other"), "the model's id"),
    (("--min-events", "2"), "how the log is read"),
    (("--where", "activity=Approve"), "how the log is read"),
    (("--resource", "none"), "how the log is read"),
    (("--timezone", "Europe/Rome"), "how the log is read"),
    (("--known-at-start", "amount"), "the choice of columns"),
    (("--hindsight", "amount"), "the choice of columns"),
    (("--sample-cases", "30"), "the sample of cases"),
]


@pytest.mark.parametrize(("options", "what"), OTHERWISE)
def test_every_option_that_counts_is_noticed(
    options: tuple[str, ...], what: str, trained: Path, run: Run
) -> None:
    before = state(trained)
    result = run(*SKIP, *options)
    assert result.exit_code == 2, result.output
    assert f"not up to date: {what} changed" in result.stderr
    assert "--force" in result.stderr
    assert state(trained) == before


def test_another_log_and_another_version_are_noticed_and_force_replaces(
    trained: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(trained / "log.csv", 61)
    assert "the log is another" in run(*SKIP).stderr
    assert run(*SKIP, "--force").exit_code == 0
    monkeypatch.setattr(unchanged, "installed_version", lambda name: "9.9")
    assert "and here is 9.9" in run(*SKIP).stderr


def test_a_sample_of_all_cases_is_no_sample_and_a_name_is_no_log(trained: Path, run: Run) -> None:
    (trained / "log.csv").rename(trained / "renamed.csv")
    assert "is up to date" in run(*SKIP[:1], "renamed.csv", *SKIP[2:], "--sample-cases", "60").stderr


def test_a_damaged_model_is_never_up_to_date(trained: Path, run: Run) -> None:
    next((trained / "m" / "artifacts").iterdir()).write_bytes(b"{}")
    before = state(trained)
    result = run(*SKIP, "--force")
    assert result.exit_code == 5, result.output
    assert state(trained) == before


def test_what_comes_from_stdin_cannot_be_looked_at_twice(place: Path, run: Run) -> None:
    result = run("train", "-", "-a", FAST, "-o", "m", "--skip-unchanged", input="")
    assert result.exit_code == 2
    assert "needs a log that is a file" in result.stderr


def test_a_signature_that_is_asked_for_and_is_not_there_is_noticed(trained: Path, run: Run) -> None:
    pytest.importorskip("cryptography")
    for name in ("me", "you"):
        assert run("keygen", name).exit_code == 0
    assert "not signed with this key" in run(*SKIP, "--sign", "me.key").stderr
    assert run("sign", "m", "--private-key", "me.key").exit_code == 0
    assert "is up to date" in run(*SKIP, "--sign", "me.key").stderr
    assert "is up to date" in run(*SKIP).stderr
    assert "not signed with this key" in run(*SKIP, "--sign", "you.key").stderr


def test_a_sample_is_said_everywhere_and_trains_the_same_again(place: Path, run: Run) -> None:
    write_csv(place / "log.csv")
    result = run(*TRAIN, "--sample-cases", "40", "--json")
    assert result.exit_code == 0, result.output
    assert "learned from a sample of 40 of 60 cases" in result.stderr
    metric = next(iter(json.loads(result.stdout)["metrics"].values()))
    assert metric["about"].endswith("on a sample of 40 of 60 cases")
    assert "learned from a sample of 40 of 60 cases" in run("inspect", "m").stdout
    kept = json.loads((place / "m" / "manifest.json").read_text())["training_log"]["sample"]
    assert (kept["cases"], kept["of_cases"]) == (40, 60)
    assert "is up to date" in run(*SKIP, "--sample-cases", "40").stderr
    again = run("verify", "m", "--retrain", "log.csv")
    assert again.exit_code == 0, again.output


def test_a_series_is_not_made_of_a_sample(place: Path, run: Run) -> None:
    write_csv(place / "log.csv")
    result = run("train", "log.csv", "-a", "forecast/weekday-median", "-o", "m", "--sample-cases", "40")
    assert result.exit_code == 2, result.output
    assert "needs all cases" in result.stderr
    assert not (place / "m").exists()


NO_DURATION = (
    "0s",
    "0",
    "-5m",
    "soon",
    "nan",
    "inf",
    "infs",
    "1e3s",
    "10",
    "",
    "9" * 400 + "s",
    "10 min",
    "5M",
)


@pytest.mark.parametrize("text", NO_DURATION)
def test_what_is_no_duration_is_refused_alike_by_both_options_that_take_one(
    text: str, place: Path, run: Run
) -> None:
    told = []
    for command in (
        (*TRAIN, "--time-limit", text),
        ("compare", "log.csv", "-t", "next-activity", "--budget", text),
    ):
        result = run(*command)
        assert result.exit_code == 2, result.output
        told.append(result.stderr.replace("--budget", "--time-limit"))
    assert told[0] == told[1]
    assert "time for --time-limit" in told[0] and "30m, 12h" in told[0]
    assert list(place.iterdir()) == []


def test_without_time_there_is_no_model_and_an_old_one_stays(trained: Path, run: Run) -> None:
    before = state(trained)
    for more in (("--force",), ("--force", "-o", "other")):
        result = run(*TRAIN, "--time-limit", "0.000001s", "-q", *more)
        assert result.exit_code == 8, result.output
        assert "the time limit of 1e-06 s was over before anything was learned" in result.stderr
        assert state(trained) == before
    error = json.loads(run(*TRAIN, "--force", "--time-limit", "0.000001s", "--json").stdout)["error"]
    assert (error["code"], error["exit_code"], error["kind"]) == ("time-limit", 8, "TimeLimitError")


def test_what_was_cut_short_is_said_everywhere(
    trained: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(trained / "log.csv", 200)
    ticks = itertools.count()
    monkeypatch.setattr(cli_train, "Deadline", partial(Deadline, clock=lambda: float(next(ticks))))
    result = run(*TRAIN, "--time-limit", "11s", "--force", "--json")
    assert result.exit_code == 0, result.output
    assert "cut short by the time limit of 11 s: measured on 1 of 3 cuts" in result.stderr
    metric = next(iter(json.loads(result.stdout)["metrics"].values()))
    assert metric["about"].endswith("cut short by the time limit")
    assert "cut short by the time limit of 11 s" in " ".join(run("inspect", "m").stdout.split())
    again = run("verify", "m", "--retrain", "log.csv", "--json")
    assert again.exit_code == 0, again.output
    assert "cut short by a time limit" in again.stdout
    assert "now there is more time" in run(*SKIP, "--time-limit", "12s").stderr
    assert "is up to date" in run(*SKIP, "--time-limit", "11s").stderr


MONTHLY = (*TRAIN, "--replace-if", "not-worse")


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that grew, its beginning, and the model of that beginning."""
    place = tmp_path_factory.mktemp("months")
    log = simulated(300, 5)
    write_log(log, place / "log.csv")
    beginning = as_of(log, int(np.sort(log.starts)[200]) - 1)
    write_log(beginning, place / "old.csv")
    old = Model(FAST, model_id="next-activity-ngram")
    old.train(place / "old.csv")
    old.save(place / "m", check=False)
    return place


@pytest.fixture
def monthly(place: Path, months: Path) -> Path:
    shutil.copytree(months, place, dirs_exist_ok=True)
    return place


def test_a_model_that_is_not_worse_takes_the_place_and_keeps_why(monthly: Path, run: Run) -> None:
    old = json.loads(run("inspect", "m", "--json").stdout)["root_digest"]
    result = run(*MONTHLY, "--json")
    assert result.exit_code == 0, result.output
    assert "m is replaced: the new model is" in result.stderr
    document = json.loads(result.stdout)
    assert document["outcome"] == "replaced"
    kept = json.loads((monthly / "m" / "manifest.json").read_text())["training_log"]["replaced"]
    assert kept == document["decision"]
    assert kept["root_digest"] == old != document["root_digest"]
    assert kept["rule"] == "not-worse"
    assert old in run("inspect", "m").stdout
    assert run("verify", "m").exit_code == 0


def test_what_is_kept_is_one_line_and_nothing_is_written(monthly: Path, run: Run) -> None:
    before = state(monthly)
    result = run(*TRAIN, "--replace-if", "better")
    assert result.exit_code == 0, result.output
    assert "m is kept: the new model is neither better nor worse" in result.stderr
    assert result.stdout == "m\n"
    result = run(*TRAIN, "--replace-if", "better", "--fail-if-kept", "-q")
    assert result.exit_code == 6
    assert len(result.stderr.strip().splitlines()) == 1
    result = run("train", "old.csv", *MONTHLY[2:])
    assert "no case began after its log ended" in result.stderr
    assert state(monthly) == before


BAD: list[tuple[tuple[str, ...], int, str]] = [
    (("--replace-if", "beter"), 2, "did you mean 'better'?"),
    (("--replace-if", "better", "--force"), 2, "exclude each other"),
    (("--fail-if-kept",), 2, "--fail-if-kept is for --replace-if"),
    (("--labels", "l.csv"), 2, "--labels is for --replace-if"),
    (("--replace-if", "better", "--labels", "l.csv"), 3, "no case 'nobody'"),
    (("--replace-if", "better", "-a", "remaining-time/median"), 2, "is of the task next-activity"),
    (
        ("--replace-if", "better", "--activity", "resource"),
        3,
        "no column 'resource', which the model was trained on",
    ),
]


@pytest.mark.parametrize(("options", "code", "told"), BAD)
def test_what_cannot_be_judged_is_an_error_and_the_old_one_stays(
    options: tuple[str, ...], code: int, told: str, monthly: Path, run: Run
) -> None:
    (monthly / "l.csv").write_text("case_id,label\nnobody,yes\n")
    before = state(monthly)
    result = run(*TRAIN, *options)
    assert result.exit_code == code, result.output
    assert told in result.stderr
    assert state(monthly) == before


def test_a_damaged_old_model_is_never_replaced(monthly: Path, run: Run) -> None:
    next((monthly / "m" / "artifacts").iterdir()).write_bytes(b"{}")
    before = state(monthly)
    assert run(*MONTHLY).exit_code == 5
    assert state(monthly) == before


def test_where_no_model_stands_it_is_trained_plainly(monthly: Path, run: Run) -> None:
    shutil.rmtree(monthly / "m")
    document = json.loads(run(*MONTHLY, "--skip-unchanged", "--fail-if-kept", "--json").stdout)
    assert document["outcome"] == "new"
    assert "decision" not in document
    assert "is up to date" in run(*MONTHLY, "--skip-unchanged").stderr

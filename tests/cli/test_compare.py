"""`pmlcli compare` on the command line: algorithms, two models, two logs, groups of a log."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli import registry
from pmlcli.cli.compare import RaceOptions, candidates
from pmlcli.evaluation.choosing import Draws
from pmlcli.lifecycle.leaderboard import Candidate, Row, ranked
from pmlcli.lifecycle.leaderboard_words import Board, assessed
from tests.cli.conftest import Run, write_csv

RACE = ("compare", "a.csv", "-t", "next-activity", "-a", "ngram", "-p", "order=1,2")


@pytest.fixture
def logs(place: Path) -> Path:
    """Two logs of one process, the second later."""
    write_csv(place / "a.csv", 60)
    later = pd.read_csv(write_csv(place / "b.csv", 60, 5))
    later["timestamp"] = pd.to_datetime(later["timestamp"]) + pd.Timedelta(days=60)
    later.to_csv(place / "b.csv", index=False)
    return place


def document_of(run: Run, *arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def board(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    section = next(one for one in document["sections"] if one["title"] == "Leader board")
    return {row["algorithm"]: row for row in section["rows"]}


def test_a_board_says_what_evaluate_says_of_a_model_trained_then(logs: Path, run: Run) -> None:
    found = document_of(run, *RACE)
    rows = board(found)
    assert set(rows) == {"ngram", "ngram order=1", "ngram order=2"}
    # The same by hand: train on what had happened when the last fifth began, and evaluate on all of it.
    log = pd.read_csv(logs / "a.csv", parse_dates=["timestamp"])
    starts = log.groupby("case_id")["timestamp"].min().sort_values()
    since = starts.iloc[48]
    log[log["timestamp"] < since].to_csv(logs / "then.csv", index=False)
    assert run("train", "then.csv", "-a", "next-activity/ngram", "-p", "order=1", "-o", "m").exit_code == 0
    evaluated = document_of(run, "evaluate", "m", "a.csv", "--only-new")
    assert rows["ngram order=1"]["value"] == pytest.approx(evaluated["figures"][0]["value"], abs=1e-12)
    assert evaluated["units"] == 12
    best = max(row["value"] for row in rows.values())
    named = {one["name"]: one for one in found["figures"] if "group" not in one}
    assert named["accuracy"]["value"] == best
    assert 0 <= named["choosing"]["value"] <= best
    assert "Tsamardinos" in json.dumps(found["sections"])


def test_a_run_that_was_stopped_is_taken_up_and_the_best_is_saved(logs: Path, run: Run) -> None:
    first = document_of(run, *RACE, "--resume", "r.json", "--budget", "0.001s")
    assert "not tried" in first["warnings"][0]
    assert [name for name, row in board(first).items() if "not tried" in row["remark"]] == [
        "ngram order=1",
        "ngram order=2",
    ]
    kept = (logs / "r.json").read_bytes()
    second = document_of(run, *RACE, "--resume", "r.json", "--save-best", "best")
    assert "taken from an earlier run: ngram" in json.dumps(second["sections"])
    assert board(second)["ngram"]["value"] == board(first)["ngram"]["value"]
    assert (logs / "best" / "manifest.json").is_file()
    third = document_of(run, *RACE, "--resume", "r.json")
    assert board(third)["ngram order=1"]["fit_seconds"] == board(second)["ngram order=1"]["fit_seconds"]
    (logs / "r.json").write_bytes(kept)
    refused = run("compare", "b.csv", *RACE[2:], "--resume", "r.json")
    assert refused.exit_code == 2
    assert "another log" in refused.stderr
    (logs / "r.json").write_bytes(kept.replace(b'"value": 0', b'"value": "x'))
    assert run(*RACE, "--resume", "r.json").exit_code == 2


def test_two_models_are_held_against_cases_that_are_new_to_both(logs: Path, run: Run) -> None:
    for order in (1, 3):
        made = run("train", "a.csv", "-a", "next-activity/ngram", "-p", f"order={order}", "-o", f"m{order}")
        assert made.exit_code == 0
    found = document_of(run, "compare", "m1", "m3", "b.csv")
    assert found["verdict"] in {"first", "second", "alike"}
    assert found["models"] == ["m1", "m3"]
    values = {one["group"]["model"]: one["value"] for one in found["figures"] if "group" in one}
    alone = document_of(run, "evaluate", "m3", "b.csv", "--only-new")["figures"][0]["value"]
    assert values["m3"] == pytest.approx(alone, abs=1e-12)
    difference = next(one for one in found["figures"] if one["name"] == "difference")
    assert difference["value"] == pytest.approx(values["m1"] - values["m3"])
    seen = run("compare", "m1", "m3", "a.csv")
    assert seen.exit_code == 3
    assert "no case began after the training log ended" in seen.stderr
    assert run("train", "a.csv", "-a", "remaining-time/median", "-o", "r").exit_code == 0
    other = run("compare", "m1", "r", "b.csv")
    assert other.exit_code == 2
    assert "different tasks" in other.stderr


def changed(path: Path, seed: int, share: float) -> pd.DataFrame:
    """A log in which some cases have a step more, with a column that says so."""
    log = pd.read_csv(write_csv(path, 200, seed), parse_dates=["timestamp"])
    rng = np.random.Generator(np.random.PCG64(seed))
    cases = log["case_id"].unique()
    some = set(cases[rng.random(len(cases)) < share])
    extra = log[log["case_id"].isin(some)].groupby("case_id", as_index=False).last()
    extra = extra.assign(activity="Audit", timestamp=extra["timestamp"] + pd.Timedelta(minutes=1))
    return pd.concat([log, extra]).sort_values(["case_id", "timestamp"])


def test_logs_and_groups_differ_where_something_was_planted_and_nowhere_else(place: Path, run: Run) -> None:
    old, new = changed(place / "a.csv", 1, 0.1), changed(place / "b.csv", 2, 0.6)
    old.to_csv(place / "a.csv", index=False)
    new.to_csv(place / "b.csv", index=False)
    found = document_of(run, "compare", "a.csv", "b.csv")
    assert found["verdict"] == "differ"
    assert "`Audit`" in found["sentence"]
    both = [old.assign(site="north"), new.assign(site="south")]
    both[1]["case_id"] = "S" + both[1]["case_id"]
    pd.concat(both).to_csv(place / "both.csv", index=False)
    grouped = document_of(run, "compare", "both.csv", "--by", "site")
    assert "`Audit`" in grouped["sentence"]
    assert all("site" not in row["what"] for row in grouped["sections"][0]["rows"])
    write_csv(place / "c.csv", 200, 5)
    write_csv(place / "d.csv", 200, 6)
    same = document_of(run, "compare", "c.csv", "d.csv")
    assert same["verdict"] == "alike", same["sentence"]


def test_months_are_compared_each_with_the_one_before(place: Path, run: Run) -> None:
    log = pd.read_csv(write_csv(place / "a.csv", 400), parse_dates=["timestamp"])
    log["timestamp"] = log["timestamp"].min() + (log["timestamp"] - log["timestamp"].min()) * 2
    log.to_csv(place / "a.csv", index=False)
    found = document_of(run, "compare", "a.csv", "--by", "month")
    groups = [one["group"]["group"] for one in found["figures"] if "group" in one]
    assert groups == sorted(groups)
    assert groups[0] == "2024-02"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("compare", "a.csv"), 2, "one log alone"),
        (("compare", "a.csv", "b.csv", "b.csv"), 2, "cannot be compared"),
        (("compare", "a.csv", "-t", "next-activity", "-a", "ngram"), 2, "nothing to be compared with"),
        (("compare", "a.csv", "-t", "next-activity", "-a", "ngrm"), 2, "did you mean"),
        (("compare", "a.csv", "-t", "outcme"), 2, "did you mean 'outcome'"),
        (("compare", "a.csv", "-t", "next-activity", "-p", "ordr=1,2"), 2, "did you mean 'order'"),
        ((*RACE[:-1], "order=1,x"), 2, "order"),
        ((*RACE, "--budget", "soon"), 2, "time for --budget"),
        ((*RACE, "--fail-if", "acuracy<0.5"), 2, "did you mean 'accuracy'"),
        (("compare", "a.csv", "b.csv", "--fail-if", "diferences>1"), 2, "did you mean 'differences'"),
        (("compare", "a.csv", "b.csv", "--budget", "5m"), 2, "takes no --budget"),
        (("compare", "a.csv", "--by", "resorce"), 2, "did you mean 'resource'"),
        (("compare", "a.csv", "-t", "anomaly", "-a", "histogram"), 3, "--labels"),
        (("compare", "a.csv", "other.csv"), 3, "another process"),
        (("compare", "a.csv", "empty.csv"), 3, "empty.csv"),
    ],
)
def test_what_cannot_be_compared_is_one_error_and_nothing_is_written(
    arguments: tuple[str, ...], code: int, told: str, logs: Path, run: Run
) -> None:
    pd.read_csv(logs / "a.csv").assign(activity="Else").to_csv(logs / "other.csv", index=False)
    (logs / "empty.csv").write_text("case_id,activity,timestamp\n")
    before = sorted(logs.iterdir())
    result = run(*arguments, "-o", "out.json")
    assert result.exit_code == code, result.output
    assert told in result.stderr
    assert sorted(logs.iterdir()) == before


@pytest.mark.parametrize("task", registry.tasks())
def test_the_baseline_comes_first_and_once_wherever_it_is_named(task: str) -> None:
    """The first row is what the others are held against, and is measured whatever the budget."""
    baseline = registry.card(registry.resolve(None, task)).baseline
    others = [name for name in registry.names(task) if name != baseline][:2]
    for names in ([baseline, *others], [*others, baseline], [others[0], baseline, others[1]]):
        found = candidates(task, RaceOptions(task=task, algorithm=[",".join(names)]), {})
        assert [one.name for one in found][0] == baseline
        assert sorted(one.name for one in found) == sorted(names)
        assert [one.name for one in found[1:]] == [name for name in names if name != baseline]


@pytest.mark.parametrize("higher", [True, False])
def test_what_predicts_something_else_than_the_baseline_is_never_the_best(higher: bool) -> None:
    """Another horizon or KPI has another truth: its figure says nothing beside the others."""
    sign = 1 if higher else -1
    board = Board(
        [
            row("baseline", sign * 5, "same", higher),
            row("much", sign * 9, "other", higher),
            row("some", sign * 6, "same", higher),
            row("little", sign * 4, "other", higher),
        ],
        "baseline",
        "by guessing",
        is_about_cases=False,
    )
    assert [one.label for one in ranked(board.rows)] == ["some", "baseline", "much", "little"]
    found = assessed(board, SimpleNamespace(training=SimpleNamespace(n_cases=3)), {})  # type: ignore[arg-type]
    assert found.sentence.startswith("some is best")
    assert "better than baseline" in found.sentence or "no better than baseline" in found.sentence
    lines = {str(one["algorithm"]): one for one in found.sections[0].rows}
    assert "not ranked" in str(lines["much"]["remark"])
    assert "not ranked" not in str(lines["baseline"]["remark"])
    assert "ms_per_forecast" in lines["some"]
    assert "the same blocks of time" in " ".join(found.sections[1].sentences)
    alone = Board([board.rows[0], board.rows[1]], "baseline", "by guessing")
    found = assessed(alone, SimpleNamespace(training=SimpleNamespace(n_cases=3)), {})  # type: ignore[arg-type]
    assert "much" not in found.sentence


def row(name: str, value: float, evidence: str, higher: bool) -> Row:
    drawn = np.full(20, float(value))
    return Row(
        Candidate(f"forecast/{name}"),
        metric="figure",
        higher_is_better=higher,
        phrase="{}",
        as_percent=False,
        value=float(value),
        n_units=9,
        evidence=evidence,
        draws=Draws(drawn, drawn),
    )


def test_two_models_without_new_cases_get_a_hint_that_compare_has(logs: Path, run: Run) -> None:
    for name, order in (("m1", 1), ("m2", 2)):
        made = run("train", "b.csv", "-a", "next-activity/ngram", "-p", f"order={order}", "-o", name)
        assert made.exit_code == 0, made.output
    refused = run("compare", "m1", "m2", "a.csv")
    assert refused.exit_code == 3
    assert "after both models were trained" in refused.stderr
    assert "--only-new" not in refused.stderr

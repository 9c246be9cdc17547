"""What `pmlcli train -t outcome` asks for before it reads a log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.logs import purchase_events

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "but got none"),
        (["--slower-than", "3d", "--rule", "length > 3"], "but got --slower-than and --rule"),
        (["--rule", 'count("a" > 2'], "character 11"),
        (["--slower-than", "soon"], "'soon' is no duration"),
        (["--slower-than", "3d", "--positive", "slow"], "no outcome is called 'slow'"),
        (["--label-column", "timestamp"], "'timestamp' cannot be the label"),
    ],
)
def test_a_wrong_outcome_is_a_usage_error_before_the_log_is_read(
    run: Run, options: list[str], said: str
) -> None:
    result = run("train", "no-such-log.csv", "-a", "outcome/prior", *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_shorthand_may_not_contradict_a_parameter(run: Run) -> None:
    given = ["-p", "slower_than=2d", "--slower-than", "3d"]
    result = run("train", "no-such-log.csv", "-a", "outcome/prior", *given)
    assert result.exit_code == 2
    assert "contradicts --slower-than 3d" in result.stderr


@pytest.mark.parametrize("task", ["remaining-time", "outcome", "suffix"])
def test_a_deadline_in_training_is_shown_its_place(run: Run, task: str) -> None:
    result = run("train", "no-such-log.csv", "-t", task, "--sla", "5d")
    assert result.exit_code == 2
    assert "training of forecast takes it" in result.stderr
    assert "`pmlcli predict MODEL LOG --sla` asks a model of remaining-time" in result.stderr


def test_a_misspelt_choice_is_told_before_the_model_is_loaded(run: Run) -> None:
    result = run("predict", "no-such-model", "no-such-log.csv", "--unseen", "maybe")
    assert result.exit_code == 2
    assert "there are: fail, flag, ignore" in result.stderr


def test_inspect_shows_how_early_outcomes_are_told(run: Run, tmp_path: Path) -> None:
    log, model = tmp_path / "log.csv", tmp_path / "m"
    pd.DataFrame(purchase_events(120)).to_csv(log, index=False)
    told = ("-a", "outcome/logistic", "--slower-than", "2d", "-o", str(model))
    assert run("train", str(log), *told).exit_code == 0
    shown = run("inspect", str(model))
    assert "How early its warnings come, on held-out cases" in shown.stdout
    found = json.loads(run("inspect", "--json", str(model)).stdout)["calibration"]
    assert found["auc_by_prefix_length"][0]["prefix_length"] == 1
    assert len(found["earliness"]) == 4
    threshold = model / "artifacts" / "threshold.json"
    threshold.write_bytes(threshold.read_bytes().replace(b"earliness", b"earlinexx"))
    changed = run("inspect", "--json", str(model))
    assert changed.exit_code == 5  # damaged, and shown all the same
    assert json.loads(changed.stdout)["calibration"] is None

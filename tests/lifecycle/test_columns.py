"""Columns of hindsight are left out of every training, and what a user decides about them is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.cli.app import app
from pmlcli.encoding.hindsight import ColumnChoice
from pmlcli.errors import LogError, ValidationError
from pmlcli.eventlog.log import CANONICAL_COLUMNS
from pmlcli.lifecycle.columns import choice_of
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.verification import retraining_on, verify_model
from tests.encoding.test_hindsight import cases, is_over, log_of


def frame() -> pd.DataFrame:
    """A log with a column that is known, one of hindsight, and one of each beside the events."""
    table = cases(200)
    status = np.where(is_over(table), "closed", "open")
    made = log_of(table, status=status, kind=table["kind"].map(str).to_numpy()).frame
    return made.assign(state=made["case:status"], branch=made["case:kind"])


@pytest.mark.parametrize("name", ["remaining-time/median", "suffix/medoid", "anomaly/likelihood"])
def test_what_was_left_out_is_said_and_kept(name: str, tmp_path: Path) -> None:
    model = Model(name)
    result = model.train(frame())
    told = result.metadata["hindsight"]["left_out"]
    assert sorted(told) == ["case:status", "state"]
    assert all("still running" in reason for reason in told.values())
    remarks = [remark for remark in result.metadata["remarks"] if "is left out" in remark]
    assert [f"--known-at-start '{name}'" in remark for name, remark in zip(told, remarks, strict=True)]
    assert "state" not in model.manifest_fields["input_schema"]["required"]
    kept = json.loads((model.save(tmp_path / "m").path / "manifest.json").read_text())
    assert kept["training_log"]["hindsight"]["left_out"] == told
    shown = CliRunner().invoke(app, ["inspect", str(tmp_path / "m")], env={"COLUMNS": "400"}).stdout
    shown = " ".join(shown.split())
    assert all(f"{column} {reason}" in shown for column, reason in told.items()), shown
    # Predictions neither need nor read these columns.
    new = frame()
    request = PredictRequest(cases="all")
    pd.testing.assert_frame_equal(
        model.predict(new, request=request).predictions,
        model.predict(new.drop(columns=["case:status", "state"]), request=request).predictions,
    )


def test_a_forecast_looks_at_no_column_and_says_nothing() -> None:
    model = Model("forecast/seasonal-naive", horizon=7)
    assert model.train(frame()).metadata["hindsight"] == {}


@pytest.mark.parametrize("choice", [{"hindsight": ("state",)}, {"known_at_start": ("state",)}])
def test_a_choice_of_columns_is_refused_where_none_is_learned_from(
    choice: dict[str, tuple[str, ...]],
) -> None:
    model = Model("forecast/seasonal-naive", horizon=7)
    with pytest.raises(ValidationError, match="forecast does not learn from the log's columns"):
        model.train(frame(), columns=ColumnChoice(**choice))


def test_what_a_parameter_names_stays() -> None:
    model = Model("outcome/logistic", label_column="case:status", attributes=("state",))
    assert sorted(model.train(frame()).metadata["hindsight"]) == []
    with pytest.raises(ValidationError, match="'case:status' is named by a parameter"):
        Model("outcome/logistic", label_column="case:status").train(
            frame(), columns=ColumnChoice(hindsight=("case:status",))
        )


def test_a_column_that_tells_the_outcome_stays_where_the_user_knows_better() -> None:
    table = frame().drop(columns="branch")
    table["twin"] = table["case:kind"].map({"0": "a", "1": "b", "2": "c"})
    for columns, is_left_out in ((None, True), (ColumnChoice(("twin",)), False)):
        model = Model("outcome/logistic", label_column="case:kind")
        remarks = model.train(table, columns=columns).metadata["remarks"]
        assert any("'twin' is left out: it tells the outcome" in remark for remark in remarks) == is_left_out


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_options_decide_and_are_kept_for_retraining(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    frame().to_csv("log.csv", index=False)
    done = run("train", "log.csv", "-a", "remaining-time/boosting", "-p", "n_estimators=3", "-o", "m",
               "--known-at-start", "state", "--hindsight", "branch", "--hindsight", "case:kind")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "column 'case:status' is left out: cases that are still running" in done.stderr
    assert "column 'branch' is left out: you said" in done.stderr
    manifest = json.loads(Path("m/manifest.json").read_text())
    hindsight = manifest["training_log"]["hindsight"]
    assert (hindsight["known_at_start"], hindsight["by_hand"]) == (["state"], ["branch", "case:kind"])
    assert "state" in manifest["input_schema"]["required"]
    assert not {"branch", "case:kind", "case:status"} & {*manifest["input_schema"]["required"]}
    climbed = verify_model(Path("m"), retrain=retraining_on(Path("log.csv"))).results[-1]
    assert climbed.verdict == "pass", climbed
    wrong = run("train", "log.csv", "-a", "next-activity/ngram", "-o", "n", "--hindsight", "stat")
    assert wrong.exit_code == 3
    assert "did you mean 'state'?" in wrong.stderr


@pytest.mark.parametrize("option", ["known_at_start", "hindsight"])
def test_either_option_takes_attributes_alone(option: str) -> None:
    for role in CANONICAL_COLUMNS:
        with pytest.raises(ValidationError, match=f"'{role}' is no attribute"):
            ColumnChoice(**{option: (role,)})
    with pytest.raises(LogError, match=f"'nope', which {option} names"):
        Model("next-activity/ngram").train(frame(), columns=ColumnChoice(**{option: ("nope",)}))


@pytest.mark.parametrize("told", ["state", {"by_hand": "state"}, {"known_at_start": [1]}])
def test_what_no_training_writes_is_refused(told: Any) -> None:
    with pytest.raises(ValidationError):
        choice_of({"hindsight": told})

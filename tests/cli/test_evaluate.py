"""`pmlcli evaluate` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.conftest import Run, write_csv

TRAIN = ("train", "old.csv", "-t", "next-activity", "-a", "ngram", "-o", "m")


@pytest.fixture
def model(run: Run, place: Path) -> Path:
    write_csv(place / "old.csv")
    newer = pd.read_csv(write_csv(place / "new.csv", 40, 5))
    newer["timestamp"] = pd.to_datetime(newer["timestamp"]) + pd.Timedelta(days=40)
    newer.to_csv(place / "new.csv", index=False)
    assert run(*TRAIN).exit_code == 0
    return place / "m"


def test_it_says_a_verdict_and_writes_everything_before_a_gate_ends_it(
    model: Path, run: Run, place: Path
) -> None:
    result = run("evaluate", model, "new.csv", "--only-new", "--by", "activity", "--errors", "e.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("right ")
    assert "in training" in result.stdout
    assert "By activity, the worst first" in result.stdout
    errors = pd.read_csv(place / "e.csv")
    document = json.loads(run("evaluate", model, "new.csv", "--json").stdout)
    accuracy = next(one for one in document["figures"] if one["name"] == "accuracy")
    assert accuracy["value"] == pytest.approx((errors["next_activity"] == errors["truth"]).mean())
    crossed = run("evaluate", model, "new.csv", "--fail-if", "accuracy<0.999", "--metrics", "m.prom")
    assert crossed.exit_code == 6
    assert "accuracy" in (place / "m.prom").read_text()


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--by", "activty"), 2, "did you mean 'activity'?"),
        (("--errors", "e.xes"), 2, "cannot be written as '.xes'"),
        (("--labels", "l.csv"), 2, "labels are for the tasks outcome and anomaly"),
        (("--labels", "none.csv"), 74, "none.csv"),
        (("--fail-if", "acuracy<1%"), 2, "did you mean 'accuracy'?"),
    ],
)
def test_what_cannot_be_meant_is_one_error_and_nothing_is_written(
    options: tuple[str, ...], code: int, told: str, model: Path, run: Run, place: Path
) -> None:
    (place / "l.csv").write_text("case_id,label\nPO-0001,yes\n")
    before = sorted(place.iterdir())
    result = run("evaluate", model, "new.csv", *options)
    assert result.exit_code == code, result.output
    assert told in result.stderr
    assert sorted(place.iterdir()) == before


def test_figures_have_titles_axes_and_units_and_replace_nothing_unasked(
    model: Path, run: Run, place: Path
) -> None:
    asked = ("evaluate", model, "new.csv", "--by", "activity", "--by", "resource", "--figures", "drawn")
    assert run(*asked).exit_code == 0
    drawn = {path.name: path.read_text() for path in (place / "drawn").iterdir()}
    assert set(drawn) == {"figure.svg", "by-activity.svg", "by-resource.svg", "calibration.svg"}
    for name, text in drawn.items():
        assert text.startswith("<?xml"), name
        assert "accuracy (share)" in text or "predictions that were right (share)" in text, name
    assert "in training" in drawn["figure.svg"]
    assert "Pay Invoice" in drawn["by-activity.svg"]
    refused = run(*asked)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert run(*asked, "--force").exit_code == 0
    assert {path.name: path.read_text() for path in (place / "drawn").iterdir()} == drawn


def test_figures_of_errors_have_their_unit(model: Path, run: Run, place: Path) -> None:
    assert run("train", "old.csv", "-a", "remaining-time/median", "-o", "r").exit_code == 0
    assert run("evaluate", "r", "new.csv", "--figures", "drawn").exit_code == 0
    assert "absolute error (days)" in (place / "drawn" / "errors.svg").read_text()
    (place / "taken").write_text("")
    assert run("evaluate", "r", "new.csv", "--figures", "taken").exit_code == 2

"""No file of a model is emptied unnoticed, not even under a manifest that vouches for it."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pmlcli.errors import PersistenceError
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.verification import verify_model
from tests.hostile.directories import resealed
from tests.logs import purchase_events

MODELS: dict[str, dict[str, Any]] = {
    "anomaly/variant-frequency": {},
    "anomaly/isolation-forest": {"n_estimators": 5},
    "next-activity/ngram": {},
    "outcome/prior": {"outcome_activity": "Change Order"},
    "outcome/logistic": {"outcome_activity": "Change Order"},
    "remaining-time/median": {},
    "remaining-time/transition-system": {},
    "suffix/medoid": {},
}
"""Of each task of cases the baseline, which keeps none beside it, and another."""
GOLDEN = Path(__file__).parents[1] / "golden" / "models" / "schema-1"
KEPT = ("forecast-seasonal-naive", "next-activity-gru")


@cache
def trained(name: str) -> Model:
    model = Model(name, cuts=1, **MODELS[name])
    model.train(purchase_events(60))
    return model


@pytest.mark.parametrize("name", [*MODELS, *KEPT])
def test_an_emptied_file_fails_the_verification(name: str, tmp_path: Path) -> None:
    whole = GOLDEN / name / "model"
    if name in MODELS:
        whole = tmp_path / "whole"
        trained(name).save(whole)
    files = sorted(file.name for file in (whole / "artifacts").glob("*.json"))
    assert {"canary.json", "reference.json", "threshold.json"} <= set(files)
    for file in files:
        shutil.copytree(whole, tmp_path / file)
        resealed(lambda held, file=file: held.update({file: b"{}"}))(tmp_path / file)
        report = verify_model(tmp_path / file, trusted=True)
        assert not report.passed, file
        if file not in ("canary.json", "reference.json") and not file.startswith("baseline-"):
            with pytest.raises(PersistenceError) as caught:
                Model.load(tmp_path / file, trusted=True).predict(purchase_events(5))
            assert caught.value.exit_code in (4, 5)


def test_the_baseline_is_named_by_its_file(tmp_path: Path) -> None:
    trained("remaining-time/transition-system").save(tmp_path / "m")
    resealed(lambda held: held.update({"baseline-threshold.json": b"{}"}))(tmp_path / "m")
    for is_trusted in (True, False):
        report = verify_model(tmp_path / "m", trusted=is_trusted)
        assert "baseline-threshold.json" in str(report.results[-1])

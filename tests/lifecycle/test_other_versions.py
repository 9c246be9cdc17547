"""Under other versions of its libraries a model is judged by its answers, and `predict` says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pmlcli.lifecycle.artifacts import CANARY_FILE
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.verification import verify_model
from pmlcli.store import strictjson
from pmlcli.store.artifacts import ArtifactStore
from tests.logs import purchase_events


@pytest.fixture(scope="module")
def trained() -> Model:
    model = Model("anomaly/variant-frequency")
    model.train(purchase_events(40))
    return model


def saved(model: Model, place: Path, dependencies: dict[str, str], files: dict[str, bytes]) -> Path:
    """The model as another machine would have written it."""
    known = model.manifest_fields["dependencies"]
    fields = {**model.manifest_fields, "dependencies": known | dependencies}
    ArtifactStore().save(place / "model", fields, {**model.files, **files})
    return place / "model"


def verdicts(path: Path) -> dict[str, str]:
    return {check.check: check.verdict for check in verify_model(path).results}


@pytest.mark.parametrize(
    ("dependencies", "environment", "replay"),
    [
        ({}, "pass", "pass"),
        ({"scikit-learn": "0.1"}, "warn", "pass"),
        ({"no-library": "1"}, "fail", "skipped"),
    ],
)
def test_replay_decides_where_versions_differ(
    trained: Model, tmp_path: Path, dependencies: dict[str, str], environment: str, replay: str
) -> None:
    path = saved(trained, tmp_path, dependencies, {})
    found = verdicts(path)
    assert (found["environment"], found["replay"]) == (environment, replay)
    assert verify_model(path).passed == (environment != "fail")


def test_other_answers_fail_under_another_version(trained: Model, tmp_path: Path) -> None:
    canary: dict[str, Any] = strictjson.parse(trained.files[CANARY_FILE], source="canary", max_bytes=10**7)
    canary["predictions"]["score"] = [score + 1 for score in canary["predictions"]["score"]]
    path = saved(trained, tmp_path, {"scikit-learn": "0.1"}, {CANARY_FILE: strictjson.dump(canary)})
    assert verdicts(path)["replay"] == "fail"


@pytest.mark.parametrize("isolated", [False, True])
def test_predict_says_that_the_model_was_not_verified_here(
    trained: Model, tmp_path: Path, isolated: bool
) -> None:
    path = saved(trained, tmp_path, {"scikit-learn": "0.1", "numpy": "0.1"}, {})
    told = Model.load(path, trusted=not isolated).predict(purchase_events(5)).metadata["warnings"]
    assert len(told) == 1
    assert "scikit-learn '0.1' (here " in told[0]
    assert "not verified here" in told[0]
    assert "numpy" not in told[0]
    usual = Model.load(trained.save(tmp_path / "usual").path, trusted=not isolated)
    assert usual.predict(purchase_events(5)).metadata["warnings"] == []

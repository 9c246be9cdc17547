"""Models of every released schema: each later pmlcli verifies them and gives their answers."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from pmlcli import registry
from pmlcli.errors import IncompatibleVersionError
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.verification import verify_model
from pmlcli.store.migration import upgraded
from pmlcli.store.schema import OLDEST_SCHEMA, SCHEMA_VERSION, STEPS
from tests.contract.cases import is_installed
from tests.golden.make_models import PLACE, answers

GOLDEN = sorted(path.parent for path in PLACE.glob("schema-*/*/answers.json"))
TOLERANCE = 1e-6
"""What other versions of numeric libraries may change; on the machine that made them nothing does."""

every_model = pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.name}")


def test_every_released_schema_is_kept() -> None:
    kept = {path.parent.name for path in GOLDEN}
    assert kept >= {f"schema-{number}" for number in range(OLDEST_SCHEMA, SCHEMA_VERSION + 1)}
    assert sum(path.stat().st_size for path in PLACE.rglob("*") if path.is_file()) < 3_000_000


def test_there_is_a_step_from_each_released_schema_to_the_next() -> None:
    assert sorted(STEPS) == list(range(OLDEST_SCHEMA, SCHEMA_VERSION))


def same(found: Any, recorded: Any) -> bool:
    if isinstance(recorded, float):
        return math.isclose(found, recorded, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(found == recorded)


@every_model
def test_it_is_verified(golden: Path) -> None:
    report = verify_model(golden / "model", "checksums")
    assert report.passed, report.results


@every_model
def test_it_gives_its_answers(golden: Path) -> None:
    manifest = json.loads((golden / "model/manifest.json").read_text())
    name = manifest["model_type"]
    if not is_installed(name):
        pytest.skip(f"the extra '{registry.card(name).extra}' is not installed")
    try:
        model = Model.load(golden / "model", trusted=True)
    except IncompatibleVersionError as error:
        # Another scikit-learn may read its own estimators only; any other refusal is a broken promise.
        assert "scikit-learn" in error.message
        return
    found, recorded = answers(model, name), json.loads((golden / "answers.json").read_text())
    assert sorted(found) == sorted(recorded)
    for column, cells in recorded.items():
        assert len(found[column]) == len(cells)
        assert all(map(same, found[column], cells)), column
    assert model.replay().findings == ()


@every_model
def test_it_can_be_upgraded(golden: Path, tmp_path: Path) -> None:
    result = upgraded(golden / "model", tmp_path / "new")
    assert result.schema == SCHEMA_VERSION
    assert result.is_changed == (result.from_schema < SCHEMA_VERSION)
    if result.is_changed:
        assert verify_model(tmp_path / "new", "checksums").passed

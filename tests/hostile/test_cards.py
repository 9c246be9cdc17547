"""Manifests as large as one may be: `inspect` shows a card of bounded size, soon."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.hostile.test_charts import soon

MOST_CHARACTERS = 400_000
NAMES = {str(number): "1" for number in range(30_000)}
LONG = "a" * 400_000
WIDE = {LONG: "1", **NAMES}
Change = Callable[[dict[str, Any]], Any]


def to(value: Any, *path: str) -> Change:
    def change(manifest: dict[str, Any]) -> None:
        for name in path[:-1]:
            manifest = manifest[name]
        manifest[path[-1]] = value

    return change


CARDS: dict[str, Change] = {
    "parameters": to(WIDE, "hyperparameters"),
    "a parameter of its own length": to({"order": LONG * 2}, "hyperparameters"),
    "required columns": to(WIDE, "input_schema", "required"),
    "a required column": to({LONG: LONG}, "input_schema", "required"),
    "sources of columns": to({"case_id": LONG, "activity": LONG}, "input_schema", "columns"),
    "zone": to(LONG, "input_schema", "timezone"),
    "dependencies": to({name[:200]: version for name, version in WIDE.items()}, "dependencies"),
    "a version": to({"numpy": LONG}, "dependencies"),
    "metrics": to(WIDE, "performance_metrics"),
    "a measurement": to(
        {
            "auc": {
                "metric": LONG[:150_000], "baseline": LONG[:150_000], "verdict": LONG[:150_000],
                "unit": "share",
                "value": 1, "baseline_value": 1, "difference": 0, "lower": None, "upper": None,
                "about": LONG[:300_000],
            }
        },
        "performance_metrics",
    ),
    "name of the log": to(LONG * 2, "training_log", "name"),
    "identifier": to(LONG * 2, "model_id"),
    "version of the model": to(LONG * 2, "version"),
    "moment": to(LONG * 2, "trained_at"),
    "samples": to(10**60, "training_samples"),
    "brackets": to([["["] * 1000] * 100, "hyperparameters", "order"),
    "control characters": to({"\x1b\u202e" * 30_000: "\x9b" * 30_000}, "hyperparameters"),
}  # fmt: skip


@pytest.mark.parametrize("width", ["100", None])
@pytest.mark.parametrize("name", CARDS)
def test_a_large_manifest_makes_a_small_card(
    name: str, width: str | None, run: Run, model: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if width is None:
        monkeypatch.delenv("COLUMNS")
    shutil.copytree(model, place / "m")
    manifest = json.loads((place / "m/manifest.json").read_bytes())
    CARDS[name](manifest)
    data = json.dumps(manifest, separators=(",", ":")).encode()
    assert len(data) <= 1_000_000
    (place / "m/manifest.json").write_bytes(data)
    with soon():
        done = run("inspect", "m")
    assert done.exit_code in (0, 5), done.stderr[:1000]
    assert len(done.stdout) + len(done.stderr) < MOST_CHARACTERS
    assert "\x1b" not in done.output
    with soon():
        assert run("inspect", "m", "--json").exit_code == done.exit_code


def test_many_findings_make_a_short_report(run: Run, model: Path, place: Path) -> None:
    shutil.copytree(model, place / "m")
    for number in range(400):
        (place / f"m/artifacts/{number}{'x' * 200}.json").write_bytes(b"")
    done = run("verify", "m", "--level", "structure")
    assert done.exit_code == 5
    assert "and 100 more" in done.stdout
    assert len(done.stdout) < MOST_CHARACTERS
    assert len(json.loads(run("verify", "m", "--level", "structure", "--json").stdout)["models"]) == 1

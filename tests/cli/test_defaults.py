"""What a task takes where no algorithm is named, with and without the extras."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pmlcli import registry
from tests.cli.conftest import Run, write_csv

LIBRARIES = registry._LIBRARIES


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Hides the libraries of these extras from this process."""

    def hide(*extras: str) -> None:
        hidden = {LIBRARIES[extra] for extra in extras}
        is_missing = registry._is_missing
        monkeypatch.setattr(registry, "_is_missing", lambda one: one in hidden or is_missing(one))

    return hide


@pytest.mark.parametrize("task", registry.tasks())
def test_each_task_has_a_default_that_the_core_install_can_build(
    task: str, without: Callable[..., None]
) -> None:
    """Every member that needs an extra is left out, and no other; all extras are named at once."""
    without(*LIBRARIES)
    found = registry.default(task)
    members = str(found.parameters.get("members", "")).split(",") if found.parameters else []
    used = [found.name] if not members else [f"{task}/{member}" for member in members]
    assert all(not registry.card(name).extra for name in used), used
    needed = {e for name in found.left_out for e in (registry.card(name).extra or "").split(",")}
    assert needed == set(found.extras)
    assert bool(found.left_out) == (found != registry.Default(registry.resolve(None, task)))


@pytest.mark.parametrize("task", registry.tasks())
def test_with_every_library_nothing_is_left_out(task: str) -> None:
    assert registry.default(task) == registry.Default(registry.resolve(None, task), {}, (), ())


def test_what_is_asked_for_by_name_is_never_left_out(without: Callable[..., None]) -> None:
    without("neural")
    assert registry.default("outcome", ["members"]) == registry.Default("outcome/ensemble")
    # The medoid has no draws: rather an error that names the extra than a parameter that is not heeded.
    assert registry.default("suffix", ["draws"]) == registry.Default("suffix/ensemble")


@pytest.mark.parametrize(
    ("task", "hidden", "taken"),
    [
        ("next-activity", ["boost", "neural"], "next-activity/ensemble"),
        ("suffix", ["neural"], "suffix/medoid"),
    ],
)
def test_a_default_without_its_extras_says_so_and_records_it(
    task: str, hidden: list[str], taken: str, tmp_path: Path, run: Run, without: Callable[..., None]
) -> None:
    log = write_csv(tmp_path / "log.csv")
    without(*hidden)
    done = run("train", log, "-t", task, "-o", tmp_path / "m")
    assert done.exit_code == 0, done.output
    assert f"pip install 'pmlcli[{','.join(hidden)}]'" in done.stderr
    manifest = json.loads((tmp_path / "m" / "manifest.json").read_bytes())
    assert manifest["model_type"] == taken
    assert manifest["training_log"]["went_without"]["extras"] == hidden
    assert "went without" in run("inspect", tmp_path / "m").stdout
    assert run("verify", tmp_path / "m", "--retrain", log).exit_code == 0

"""What a command imports before it has anything to compute: nothing heavy. Counted, not timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "pandas", "sklearn", "scipy", "torch", "statsmodels", "xgboost", "prophet", "rich", "lxml"}

PROGRAM = """
import sys
from pmlcli.cli.app import main
try:
    main()
finally:
    loaded = {name.partition(".")[0] for name in sys.modules}
    print("LOADED", *sorted(loaded), file=sys.stderr)
"""


def loaded_by(*arguments: object, code: int = 0) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return set(done.stderr.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "arguments",
    [
        "--help",
        "--version",
        "train --help",
        "predict --help",
        "algorithms",
        "algorithms --json",
        "algorithms ngram",
    ],
)
def test_help_and_algorithms_import_nothing_heavy(arguments: str) -> None:
    assert not loaded_by(*arguments.split()) & HEAVY


@pytest.mark.parametrize("arguments", ["train x.csv -a ngrm", "train x.csv -a ngram -p x=1"])
def test_a_misspelt_name_is_told_before_anything_heavy_is_imported(arguments: str) -> None:
    assert not loaded_by(*arguments.split(), code=2) & HEAVY


def test_inspecting_a_model_imports_nothing_heavy(model: Path) -> None:
    assert not loaded_by("inspect", model) & HEAVY
    assert not loaded_by("inspect", model, "--json") & HEAVY


@pytest.mark.parametrize("level", ["structure", "checksums", "environment"])
def test_verifying_below_replay_imports_nothing_heavy(model: Path, level: str) -> None:
    assert not loaded_by("verify", model, "--level", level) & HEAVY

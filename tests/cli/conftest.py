"""A runner that knows nothing of the tester's environment, small logs, and one trained model."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from pmlcli.cli.app import app
from tests.logs import purchase_events
from tests.runner import build_once

build_once()

Run = Callable[..., Result]

FAST = "next-activity/ngram"
"""An algorithm that trains in no time and needs no extra."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, with no PMLCLI_ variable set and no configuration of the tester's."""
    for name in [name for name in os.environ if name.startswith("PMLCLI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1717200000")  # 2024-06-01: two runs say the same time
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def run(place: Path) -> Run:
    """Runs a command line in `place`; anything but an exit is a failure of the test."""

    def invoke(*arguments: object, **options: object) -> Result:
        return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False, **options)  # type: ignore[arg-type]

    return invoke


def write_csv(path: Path, cases: int = 60, seed: int = 0) -> Path:
    """A purchasing log as CSV."""
    pd.DataFrame(purchase_events(cases, seed)).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def csv_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("logs") / "orders.csv")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, csv_log: Path) -> Path:
    """A model directory; a test that damages it works on a copy."""
    target = tmp_path_factory.mktemp("models") / "orders"
    result = CliRunner().invoke(app, ["train", str(csv_log), "-a", FAST, "-o", str(target)])
    assert result.exit_code == 0, result.output
    return target

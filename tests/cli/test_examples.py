"""The examples that each help begins with run; `sample`, `doctor` and `config` say what they promise."""

from __future__ import annotations

import importlib
import json
import shlex
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import pmlcli
from pmlcli import registry
from pmlcli.cli import doctor as of_doctor
from pmlcli.cli import sample as of_sample
from pmlcli.cli._examples import EXAMPLES, START
from pmlcli.cli.app import app
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ORDER = ["keygen", "sample", "inspect", "train", "predict", "report", "sign", *EXAMPLES]
EVERY = 10


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample logs, of the first one case in so many: what `pmlcli sample` then writes."""
    whole = of_sample.packaged("purchase-to-pay")
    table = pd.read_csv(whole, dtype=str, keep_default_na=False)
    table[table["case_id"].isin(table["case_id"].unique()[::EVERY])].to_csv(
        tmp_path / whole.name, index=False
    )
    (tmp_path / "purchase-to-pay-new.csv").write_bytes(of_sample.packaged("purchase-to-pay-new").read_bytes())
    monkeypatch.setattr(of_sample, "packaged", lambda name: tmp_path / f"{name}.csv")
    return tmp_path


def test_every_example_runs(place: Path, small: Path) -> None:
    """Each once, in an order in which what one needs has been made by another."""
    pytest.importorskip("cryptography")
    lines = dict.fromkeys(line for command in ORDER for line in EXAMPLES[command])
    assert set(START) <= lines.keys() | {START[2]}
    for line in [*lines, START[2]]:
        fewer = ["--cuts", "1"] if line.startswith("pmlcli train") else []  # more only take longer
        done = CliRunner().invoke(app, [*shlex.split(line)[1:], *fewer])
        assert done.exit_code == 0, f"{line}\n{done.output}"


def test_sample_writes_the_logs_and_replaces_none(run: Run, place: Path) -> None:
    done = run("sample")
    assert done.stdout.split() == ["purchase-to-pay.csv", "purchase-to-pay-new.csv"]
    for name in done.stdout.split():
        assert (place / name).read_bytes() == (ROOT / "sample_logs" / name).read_bytes()
    assert run("sample", "purchase-to-pay").exit_code == 2
    assert run("sample", "purchase-to-pay", "--force", "-q").stdout == ""
    assert json.loads(run("sample", "purchase-to-pay-new", "-o", "x.csv", "--json").stdout)["paths"] == [
        "x.csv"
    ]
    assert run("sample", "-o", "x.csv").exit_code == 2
    assert "did you mean 'purchase-to-pay'" in run("sample", "purchase-to-pa").stderr


def test_the_wheel_holds_the_sample_logs() -> None:
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {Path(source).stem for source in included} == set(of_sample.SAMPLES)
    for source, target in included.items():
        assert (ROOT / source).is_file()
        assert target == f"pmlcli/samples/{Path(source).name}"


def test_an_installation_without_its_samples_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pmlcli, "__file__", str(tmp_path / "pmlcli" / "__init__.py"))
    done = run("sample")
    assert done.exit_code == 74
    assert "lacks the sample log" in done.stderr


def test_doctor_knows_every_extra_and_every_algorithm_that_needs_one(run: Run) -> None:
    extras = PROJECT["project"]["optional-dependencies"].keys() - {"all", "test", "fuzz"}
    assert of_doctor.EXTRAS.keys() == extras
    for modules in of_doctor.EXTRAS.values():
        for module in modules:
            assert importlib.util.find_spec(module), module
    found = {one["extra"]: one for one in json.loads(run("doctor", "--json").stdout)["extras"]}
    for name in registry.names():
        for extra in (registry.card(name).extra or "").split(","):
            assert not extra or name in found[extra]["algorithms"]
    assert all(one["is_installed"] and (one["algorithms"] or one["also"]) for one in found.values())


def test_doctor_names_what_is_missing_and_what_cannot_be_written(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = of_doctor._is_there
    monkeypatch.setattr(
        of_doctor, "_is_there", lambda module: module not in ("torch", "xgboost") and there(module)
    )
    monkeypatch.setattr(of_doctor.os, "access", lambda *_: False)
    done = run("doctor")
    assert done.exit_code == 0
    assert "pip install 'pmlcli[boost,neural]' brings what is missing" in done.stdout
    assert done.stdout.count("(cannot be written to)") == 3


def test_config_says_the_value_that_counts_and_its_source(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nothing is set" in run("config").stdout
    (place / "pmlcli.toml").write_text('timezone = "Europe/Rome"\n[train]\ntask = "anomaly"\n')
    (place / "mine.toml").write_text("threads = 2\n")
    monkeypatch.setenv("PMLCLI_TASK", "forecast")
    found = json.loads(run("config", "--json").stdout)
    by_option = {(one["option"], one["source"]): one for one in found["settings"]}
    assert by_option["--timezone", "pmlcli.toml"]["value"] == "Europe/Rome"
    assert "convert" in by_option["--timezone", "pmlcli.toml"]["commands"]
    assert by_option["--task", "PMLCLI_TASK"]["value"] == "forecast"  # the variable beats the file
    assert ("--task", "pmlcli.toml") not in by_option
    assert [one["sets"] for one in found["sources"]] == [["PMLCLI_TASK"], ["timezone", "train"], []]
    named = json.loads(run("config", "sign", "--config", "mine.toml", "--json").stdout)["settings"]
    threads = {"option": "--threads", "value": "2", "source": "mine.toml", "commands": ["sign"]}
    assert threads in named
    assert {one["source"] for one in named} == {"default", "mine.toml"}
    assert run("config", "sgin").exit_code == 2

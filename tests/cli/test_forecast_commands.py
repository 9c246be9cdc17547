"""Forecasts from the command line: several KPIs, limits, series of a log, charts."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from tests.cli.conftest import Run
from tests.contract.cases import daily_events


def daily_log(place: Path) -> Path:
    path = place / "daily.csv"
    pd.DataFrame(daily_events(40)).to_csv(path, index=False)
    return path


def test_several_kpis_a_limit_and_a_chart(run: Run, place: Path) -> None:
    path = daily_log(place)
    kpis = ("--kpi", "arrivals", "--kpi", "sla-breach-rate", "--sla", "1h")
    done = run("train", path, "-a", "forecast/theta", *kpis, "--horizon", 3, "-o", "m")
    assert done.exit_code == 0, done.output
    done = run("predict", "m", "--chart", "fan.svg", "-o", "ahead.csv")
    assert done.exit_code == 0, done.output
    table = pd.read_csv(place / "ahead.csv")
    assert table["kpi"].tolist() == ["arrivals"] * 3 + ["sla-breach-rate:1h"] * 3
    assert (place / "fan.svg").read_bytes().startswith(b"<?xml")
    done = run("predict", "m", "--chart", "fan.svg")
    assert done.exit_code == 74
    assert "--force" in done.output


def test_what_cannot_be_asked(run: Run, place: Path) -> None:
    path = daily_log(place)
    done = run("train", path, "-a", "forecast/theta", "--kpi", "sla-breach-rate", "-o", "m")
    assert done.exit_code == 2
    assert "--sla 5d" in done.output
    done = run("train", path, "-a", "forecast/theta", "--sla", "5d", "-o", "m")
    assert done.exit_code == 2
    assert "--kpi sla-breach-rate" in done.output
    assert run("predict", "m", "--chart", "fan.gif").exit_code == 2


def test_a_constant_series_is_told(run: Run, place: Path) -> None:
    done = run("train", daily_log(place), "-a", "forecast/theta", "--kpi", "rework-rate", "-o", "m")
    assert done.exit_code == 0, done.output
    assert "'rework-rate' is 0 in every day of the log: so is its forecast" in done.output


def test_the_series_of_a_log(run: Run, place: Path) -> None:
    path = daily_log(place)
    shown = run("inspect", path, "--kpi", "arrivals").output
    assert "cases whose first event lies in the bucket" in shown
    found = json.loads(run("inspect", path, "--kpi", "arrivals", "--frequency", "W", "--json").stdout)
    (one,) = found["series"]
    assert one["unit"] == "cases"
    assert len(one["starts"]) == len(one["values"]) == 4
    assert one["starts"][0] == "2024-01-08T00:00:00+00:00"

"""Forecasts from the command line: several KPIs, limits, series of a log, charts."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

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
    assert done.exit_code == 2
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
    assert "cases that begin in the bucket" in shown
    found = json.loads(run("inspect", path, "--kpi", "arrivals", "--frequency", "W", "--json").stdout)
    (one,) = found["series"]
    assert one["unit"] == "cases"
    assert len(one["starts"]) == len(one["values"]) == 4
    assert one["starts"][0] == "2024-01-08T00:00:00+00:00"


def exogenous_file(place: Path, name: str, first: str, days: int) -> str:
    dates = pd.date_range(first, periods=days)
    pd.DataFrame({"date": dates.strftime("%Y-%m-%d"), "promo": [i % 3 for i in range(days)]}).to_csv(
        place / name, index=False
    )
    return name


def test_exogenous_columns_are_asked_for_again(run: Run, place: Path) -> None:
    path, past = daily_log(place), exogenous_file(place, "past.csv", "2024-01-01", 40)
    train = ("train", path, "-a", "forecast/arima", "--horizon", 3)
    done = run(*train, "--regressor", past, "-o", "m")
    assert done.exit_code == 0, done.output
    manifest = json.loads((place / "m" / "manifest.json").read_text())
    assert manifest["input_schema"]["regressors"] == ["promo"]
    assert manifest["training_log"]["regressors"]["name"] == "past.csv"
    done = run("predict", "m")
    assert done.exit_code == 2
    assert "no promo for the day 2024-02-10 and 1 more" in done.output
    later = exogenous_file(place, "later.csv", "2024-02-09", 6)
    assert run("predict", "m", "--regressor", later, "-o", "ahead.csv").exit_code == 0
    assert len(pd.read_csv(place / "ahead.csv")) == 3
    assert run("verify", "m").exit_code == 0
    done = run("verify", "m", "--retrain", path)
    assert done.exit_code == 5
    assert "regressors: expected SHA-256" in done.output
    done = run("verify", "m", "--retrain", path, "--regressor", past)
    assert done.exit_code == 0, done.output
    done = run(*train, "--regressor", later, "-o", "other")
    assert done.exit_code == 2
    assert "later.csv: no promo for the day 2024-01-0" in done.output


def test_who_takes_no_exogenous_columns(run: Run, place: Path) -> None:
    path, past = daily_log(place), exogenous_file(place, "past.csv", "2024-01-01", 42)
    for name, said in (
        ("forecast/theta", "those that do: arima"),
        ("anomaly/likelihood", "is for the task forecast"),
    ):
        done = run("train", path, "-a", name, "--regressor", past, "-o", "m")
        assert done.exit_code == 2
        assert said in done.output
    assert run("train", path, "-a", "forecast/theta", "-o", "m").exit_code == 0
    done = run("predict", "m", "--regressor", past)
    assert done.exit_code == 2
    assert "was trained without exogenous columns" in done.output
    assert run("verify", "m", "--regressor", past).exit_code == 2


def test_more_jobs_give_the_same_model(run: Run, place: Path) -> None:
    path, kpis = daily_log(place), ("--kpi", "arrivals", "--kpi", "events")
    for jobs in (1, 2):
        done = run(
            "train", path, "-a", "forecast/auto", *kpis, "--horizon", 3, "--jobs", jobs, "-o", f"m{jobs}"
        )
        assert done.exit_code == 0, done.output
    one, two = (
        {file.name: file.read_bytes() for file in (place / name / "artifacts").iterdir()}
        for name in ("m1", "m2")
    )
    assert one == two


def test_public_holidays_are_a_column(run: Run, place: Path) -> None:
    pytest.importorskip("holidays")
    path = daily_log(place)
    train = ("train", path, "-a", "forecast/arima", "--horizon", 3)
    assert run(*train, "--holidays", "DE", "-o", "m").exit_code == 0
    assert run("predict", "m").exit_code == 0
    done = run(*train, "--holidays", "XX", "-o", "n")
    assert done.exit_code == 2
    assert "no public holidays are known for country 'XX'" in done.output

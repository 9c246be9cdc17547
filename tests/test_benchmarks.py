"""The benchmarks of the predictive tasks and of forecasts: figures of logs whose truth is plain."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli import Model, registry
from pmlcli.algorithms.anomaly._values import EventDetector
from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.split import split_by_start, split_strictly

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The models that were loaded; the benchmarks' modules can be imported meanwhile."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    found, load = [], Model.load

    def noted(path: Path, **options: Any) -> Model:
        found.append(path)
        return load(path, **options)

    monkeypatch.setattr(Model, "load", noted)
    return found


def regular_log() -> EventLog:
    """100 cases, one a day, each a, b, c, d a day apart, labelled in turn."""
    begin = np.datetime64("2024-01-01T09:00")
    case = np.repeat(np.arange(100), 4)
    step = np.tile(np.arange(4), 100)
    return read_log(
        pd.DataFrame(
            {
                "case_id": [f"c{n:03}" for n in case],
                "activity": np.array(list("abcd"))[step],
                "timestamp": begin + (case + step) * np.timedelta64(1, "D"),
                "label": np.where(case % 3 == 0, "late", "in time"),
            }
        )
    )


@pytest.mark.parametrize("cut", [split_by_start, split_strictly])
@pytest.mark.parametrize(
    ("task", "baseline", "column", "figure"),
    [
        ("next-activity", "ngram", "accuracy", "1.0000"),
        ("remaining-time", "median", "MAE, days", "0.00"),
        ("suffix", "medoid", "per trace", "1.0000"),
        ("outcome", "prior", "AUC", "0.500"),
    ],
)
def test_a_row_is_measured_on_the_answers_of_a_loaded_model(
    loads: list[Path], task: str, baseline: str, column: str, figure: str, cut: Any
) -> None:
    how = importlib.import_module(f"_tasks.{task.replace('-', '_')}")
    parts = importlib.import_module("_tasks._parts")
    log = getattr(how, "prepared", lambda log: log)(regular_log())
    cells = how.cells(parts.Part("regular", "literature", cut(log), f"{task}/{baseline}"))
    assert cells[column].startswith(f"{figure} [")
    assert len(loads) == 1


def test_each_case_counts_as_finished_where_the_protocol_says_so(loads: list[Path]) -> None:
    parts = importlib.import_module("_tasks._parts")
    log = regular_log()
    cut = log.take_cases(np.arange(100), np.full(100, 2))
    assert not parts.finished(cut).running_rule.find(cut).any()


def test_a_forecast_knows_the_log_as_it_was_that_day(loads: list[Path]) -> None:
    forecasting = importlib.import_module("forecasting")
    starts = pd.date_range("2024-01-01", periods=120, tz="UTC").as_unit("us").asi8
    counts = 5 + np.arange(120) % 7
    series = forecasting.Series("pair 1", "D", "UTC", "events", starts, counts.astype(np.float64))
    known = forecasting.Known(f"activity:{forecasting.FOLLOWED}", forecasting.log_of(starts, counts), series)
    assert known.log_at(100).n_events == counts[:100].sum() + 100 + 1
    (row,) = forecasting.measured("seasonal-naive", known, step=5)
    assert (row["mae"], row["held_80"], row["days"]) == (0.0, 1.0, 120)
    assert len(loads) == 1


def labelled_directory(directory: Path) -> Path:
    """100 cases a, b, c, d by two people; every tenth has a step of its own put in, and no time."""
    rows, labels = [], []
    for case in range(100):
        is_odd, steps = case % 10 == 3, list("abcd")
        if is_odd:
            steps.insert(2, f"odd {case}")
        rows += [(f"c{case:02}", step, f"person {'ab'.find(step) >= 0}") for step in steps]
        labels.append((f"c{case:02}", int(is_odd), *(("Insert", '{"indices": [2]}') if is_odd else ("", ""))))
    names = ["case_id", "is_anomaly", "anomaly", "detail"]
    pd.DataFrame(labels, columns=names).to_csv(directory / "made__Receipt-0.1-1.labels.csv", index=False)
    columns = ["case_id", "activity", "org:resource"]
    pd.DataFrame(rows, columns=columns).to_csv(directory / "made__Receipt-0.1-1.csv.gz", index=False)
    return directory


@pytest.mark.parametrize(
    ("detector", "has_values"), [("variant-frequency", False), ("resource", True), ("likelihood", True)]
)
def test_detectors_are_measured_on_the_answers_of_a_loaded_model(
    loads: list[Path], tmp_path: Path, detector: str, has_values: bool
) -> None:
    anomaly = importlib.import_module("anomaly")
    found = anomaly.run_one(detector, "same:Receipt-0.1-1", labelled_directory(tmp_path))
    assert (found["true_share"], len(set(loads))) == (0.1, 1)
    assert ("value_ap" in found, "event_ap" in found) == (has_values, has_values)
    if detector != "resource":  # which looks at people, and nobody did anything odd
        assert (found["ap"], found["Insert"]) == (1.0, 1.0)
        assert found.get("event_ap", 1.0) > 0.9


@pytest.mark.parametrize("name", registry.names("anomaly"))
def test_every_column_of_the_scores_of_values_has_a_name(loads: list[Path], name: str) -> None:
    anomaly = importlib.import_module("anomaly")
    log = regular_log()
    own = {"epochs": 1} if "epochs" in registry.build(name, {}).parameters() else {}
    detector = registry.build(name, own)
    if not isinstance(detector, EventDetector):
        return
    if "resource" in name:
        log = read_log(log.frame.assign(resource=log.frame["activity"].str.upper()))
    data = detector.make_encoding().fit(log).transform(log)
    detector.fit(data)
    judged = detector.judge(data)
    columns = anomaly.attributes_of(judged)
    assert len(columns) == judged.values.shape[1]
    assert {*columns} <= {*log.frame.columns, "duration", "case duration"}


def test_the_names_of_a_list_are_told_apart(loads: list[Path]) -> None:
    parts = importlib.import_module("_tasks._parts")
    assert parts.listed("a > b c > <end>", " > ") == ["a", "b c", "<end>"]


ROWS = """
log                           split  seen algorithm                        accuracy published   ECE
some                     literature   63% ngram             0.8000 [0.7500, 0.8500]     0.656 0.072
some                     literature   63% gru               0.9000 [0.8500, 0.9500]     0.656 0.072
some                     literature   63% transformer       0.9900 [0.9800, 0.9999]     0.656 0.072
some                     literature   63% ensemble          0.8800 [0.8700, 0.8900]     0.656 0.072
some                     literature   63% ensemble          0.1000 [0.0500, 0.1500]     0.656 0.072
some                         strict   63% ngram             0.8000 [0.7500, 0.8500]     0.656 0.072
log                           split  seen algorithm                    MAE, days published  held
some                     literature   63% median               4.00 [3.50, 4.50]     15.71  0.91
some                     literature   63% boosting             2.00 [1.50, 2.50]     15.71  0.91
some                     literature   63% ensemble             1.90 [1.50, 2.50]     15.71  0.91
log                           split  seen algorithm           cases                  AUC published
some                         strict   59% prior             626/156 0.500 [0.500, 0.500]         -
some                         strict   59% logistic          626/156 0.400 [0.300, 0.450]         -
some                         strict   59% ensemble          626/156 0.450 [0.400, 0.460]         -
"""


def test_regret_is_a_share_of_what_the_best_member_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    regret = importlib.import_module("regret")
    found: dict[str, Any] = {}
    regret.rows_of(ROWS.splitlines(), found)
    (next_activity,) = regret.regrets("next-activity", found["next-activity"])
    assert (next_activity.best, next_activity.regret) == ("gru", pytest.approx(0.2))
    assert next_activity.beyond == pytest.approx(0.1)
    (remaining,) = regret.regrets("remaining-time", found["remaining-time"])
    assert (remaining.best, remaining.regret) == ("boosting", pytest.approx(-0.05))
    (outcome,) = regret.regrets("outcome", found["outcome"])
    assert (outcome.best, outcome.regret, outcome.beyond) == (
        "prior",
        pytest.approx(0.1),
        pytest.approx(0.08),
    )

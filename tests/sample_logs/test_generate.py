"""The sample logs: reproducible, one content in two formats, and labels that add up and give nothing away."""

from __future__ import annotations

import csv
import gzip
import importlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

FOLDER = Path(__file__).parents[2] / "sample_logs"
NAMES = ("purchase-to-pay", "purchase-to-pay-new")
KINDS = {"skip", "rework", "early", "late", "insert", "attribute"}
XES = "{http://www.xes-standard.org/}"
DRIFT = "2024-09-02"

Row = dict[str, str]


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_case(rows: list[Row]) -> dict[str, list[Row]]:
    cases: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        cases[row["case_id"]].append(row)
    return dict(cases)


@pytest.fixture(scope="module")
def simulator() -> Any:
    sys.path.insert(0, str(FOLDER))
    try:
        module: ModuleType = importlib.import_module("simulator")
        yield module
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module", params=NAMES)
def log(request: pytest.FixtureRequest) -> tuple[dict[str, list[Row]], dict[str, Row]]:
    """The events by case, and the labels by case."""
    name = str(request.param)
    labels = {row["case_id"]: row for row in read(FOLDER / f"{name}.labels.csv")}
    return by_case(read(FOLDER / f"{name}.csv")), labels


def content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_rerunning_gives_the_committed_bytes(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    command = [sys.executable, str(FOLDER / "generate.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, env=environment, timeout=60)
    made = {path.name: content(path) for path in tmp_path.iterdir()}
    kept = {path.name: content(path) for path in FOLDER.iterdir() if path.suffix in {".csv", ".gz"}}
    assert made.keys() == kept.keys() and len(made) == 5
    assert [name for name in made if made[name] != kept[name]] == []


def test_gzip_file_carries_no_time_and_no_name() -> None:
    header = (FOLDER / "purchase-to-pay.xes.gz").read_bytes()[:10]
    assert header[3:8] == b"\0\0\0\0\0"


def test_folder_stays_small() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 2_000_000


def test_seed_and_number_of_cases_matter(simulator: ModuleType) -> None:
    (log, later), (other, _) = simulator.simulate(cases=200, seed=1), simulator.simulate(cases=200, seed=2)
    assert len(log.cases) == 200 and len(later.cases) == 10
    assert log.events.time.tolist() != other.events.time.tolist()
    assert log.events.time.tolist() == simulator.simulate(cases=200, seed=1)[0].events.time.tolist()


@pytest.mark.parametrize("cases", [1, 2, 25])
def test_tiny_logs_can_be_simulated(simulator: ModuleType, cases: int) -> None:
    log, later = simulator.simulate(cases=cases)
    assert len(log.cases) == cases == len(log.outcomes)
    assert len(later.cases) == 1


def test_csv_and_xes_hold_the_same_events() -> None:
    with gzip.open(FOLDER / "purchase-to-pay.xes.gz") as file:
        root = ElementTree.parse(file).getroot()
    assert root is not None
    from_xes = []
    for trace in root.findall(f"{XES}trace"):
        case = {child.attrib["key"]: child.attrib["value"] for child in trace if child.tag != f"{XES}event"}
        for event in trace.findall(f"{XES}event"):
            values = {child.attrib["key"]: child.attrib["value"] for child in event}
            from_xes.append(row_of(case, values))
    from_csv = read(FOLDER / "purchase-to-pay.csv")
    assert from_xes == from_csv


def row_of(case: Row, event: Row) -> Row:
    return {
        "case_id": case["concept:name"],
        "activity": event["concept:name"],
        "timestamp": event["time:timestamp"].replace(".000+", "+"),
        "resource": event["org:resource"],
        "lifecycle": event["lifecycle:transition"],
        "cost_centre": event["cost_centre"],
        **{f"case:{key}": value for key, value in case.items() if key != "concept:name"},
    }


def test_xes_declares_what_it_uses() -> None:
    with gzip.open(FOLDER / "purchase-to-pay.xes.gz") as file:
        root = ElementTree.parse(file).getroot()
    assert root is not None
    assert {node.attrib["prefix"] for node in root.findall(f"{XES}extension")} == {
        "concept",
        "time",
        "org",
        "lifecycle",
    }
    scopes = {
        node.attrib["scope"]: {child.attrib["key"] for child in node} for node in root.findall(f"{XES}global")
    }
    trace = root.find(f"{XES}trace")
    assert trace is not None
    event = trace.find(f"{XES}event")
    assert event is not None
    assert scopes["event"] == {child.attrib["key"] for child in event}
    assert scopes["trace"] == {child.attrib["key"] for child in trace if child.tag != f"{XES}event"}
    assert root.findall(f"{XES}classifier")[0].attrib == {"name": "Activity", "keys": "concept:name"}


def test_times_rise_within_each_case(log: tuple[dict[str, list[Row]], dict[str, Row]]) -> None:
    for rows in log[0].values():
        times = [datetime.fromisoformat(row["timestamp"]) for row in rows]
        assert all(a < b for a, b in zip(times, times[1:], strict=False))


def test_labels_name_every_case_once_and_add_up(log: tuple[dict[str, list[Row]], dict[str, Row]]) -> None:
    cases, labels = log
    assert list(cases) == list(labels)
    for label in labels.values():
        assert (label["is_anomaly"] == "true") == (label["anomaly"] in KINDS) == (label["detail"] != "")
        assert (label["is_running"] == "true") == (label["outcome"] == "")
        assert (label["event_index"] != "") == (label["is_anomaly"] == "true")
    counts = Counter(label["anomaly"] for label in labels.values() if label["anomaly"])
    assert counts.keys() == KINDS and max(counts.values()) == min(counts.values())


def test_event_index_points_at_what_was_changed(log: tuple[dict[str, list[Row]], dict[str, Row]]) -> None:
    cases, labels = log
    for case_id, label in labels.items():
        if label["is_anomaly"] == "true" and label["anomaly"] != "skip":
            assert label["detail"].startswith(cases[case_id][int(label["event_index"])]["activity"])
        if label["anomaly"] == "skip":
            assert label["detail"].removesuffix(" left out") not in {
                row["activity"] for row in cases[case_id]
            }


def test_outcome_follows_from_the_events(log: tuple[dict[str, list[Row]], dict[str, Row]]) -> None:
    cases, labels = log
    for case_id, label in labels.items():
        activities = [row["activity"] for row in cases[case_id]]
        if label["outcome"] == "rejected":
            assert activities[-1].startswith("Reject ")
        elif label["outcome"]:
            assert label["outcome"] == payment_outcome(cases[case_id])
        else:
            assert "Pay Invoice" not in activities or label["is_anomaly"] == "true"


def payment_outcome(rows: list[Row]) -> str:
    first = {row["activity"]: datetime.fromisoformat(row["timestamp"]).date() for row in reversed(rows)}
    days = (first["Pay Invoice"] - first["Receive Invoice"]).days
    return "paid on time" if days <= int(rows[0]["case:payment_terms"]) else "paid late"


def test_sizes_of_the_first_log() -> None:
    cases, labels = by_case(read(FOLDER / "purchase-to-pay.csv")), read(FOLDER / "purchase-to-pay.labels.csv")
    assert len(cases) == 1200
    assert sum(label["is_anomaly"] == "true" for label in labels) == 60
    assert 50 <= sum(label["is_running"] == "true" for label in labels) <= 120
    outcomes = Counter(label["outcome"] for label in labels)
    assert outcomes["paid on time"] > outcomes["paid late"] > outcomes["rejected"] > 30


def test_anomalies_use_no_name_of_their_own(log: tuple[dict[str, list[Row]], dict[str, Row]]) -> None:
    cases, labels = log
    for column in ("activity", "resource", "lifecycle", "cost_centre", "case:vendor"):
        normal, strange = set(), set()
        for case_id, rows in cases.items():
            (strange if labels[case_id]["is_anomaly"] == "true" else normal).update(
                row[column] for row in rows
            )
        assert strange <= normal, column


def test_anomalies_of_order_are_no_normal_variant(simulator: ModuleType) -> None:
    log, _ = simulator.simulate(cases=4000, seed=3)
    bounds = log.events.offsets.tolist()
    traces = [tuple(log.events.activity[a:b].tolist()) for a, b in zip(bounds, bounds[1:], strict=False)]
    normal = {trace for case, trace in enumerate(traces) if case not in log.anomalies}
    alike = {
        anomaly.detail
        for case, anomaly in log.anomalies.items()
        if anomaly.kind != "attribute" and traces[case] in normal
    }
    assert alike <= {"Approve Payment left out"}  # which small amounts leave out by right


def test_everyone_works_when_on_duty(simulator: ModuleType) -> None:
    log, _ = simulator.simulate(cases=1000, seed=4)
    work = importlib.import_module("simulator.worktime").WorkTime()
    rows = log.events.activity != 0  # requisitions come in at any hour
    assert work.is_at_work(log.events.resource[rows], log.events.time[rows]).all()


def test_drift_adds_the_budget_check_from_one_day_on() -> None:
    checked = Counter()
    for rows in by_case(read(FOLDER / "purchase-to-pay.csv")).values():
        has_check = any(row["activity"] == "Check Budget" for row in rows)
        checked[rows[0]["timestamp"] >= DRIFT, has_check] += len(rows) > 3
    assert checked[False, True] == 0 and checked[True, False] == 0
    assert min(checked[False, False], checked[True, True]) > 400


def test_new_log_comes_later_with_running_cases_and_unseen_values() -> None:
    old, new = (read(FOLDER / f"{name}.csv") for name in NAMES)
    assert max(row["timestamp"] for row in old) < min(row["timestamp"] for row in new)
    assert not by_case(old).keys() & by_case(new).keys()
    assert len(by_case(new)) == 60
    assert {row["activity"] for row in new} - {row["activity"] for row in old} == {"Scan Delivery Note"}
    assert {row["resource"] for row in new} - {row["resource"] for row in old} == {"Sigrún"}
    labels = read(FOLDER / "purchase-to-pay-new.labels.csv")
    assert sum(label["is_running"] == "true" for label in labels) >= 5
    assert sum(label["is_anomaly"] == "true" for label in labels) == 6


def test_gzip_with_the_same_content_is_left_alone(simulator: ModuleType, tmp_path: Path) -> None:
    writing = importlib.import_module("simulator.writing")
    path = tmp_path / "log.xes.gz"
    path.write_bytes(gzip.compress(b"<log/>", compresslevel=1, mtime=1))
    before = path.read_bytes()
    writing.write_gzip(path, ["<log/>"])
    assert path.read_bytes() == before
    writing.write_gzip(path, ["<log></log>"])
    assert gzip.decompress(path.read_bytes()) == b"<log></log>"


def test_wrong_options_are_refused() -> None:
    run = subprocess.run(
        [sys.executable, str(FOLDER / "generate.py"), "--cases", "0"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 2 and "--cases" in run.stderr

"""`verify --retrain` with a manifest that says of its log what no reading writes: a verdict, never a bug."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pmlcli.errors import ValidationError
from pmlcli.eventlog import ReadOptions
from pmlcli.eventlog.selection import Selection
from pmlcli.lifecycle.contract import reading_facts, reading_options
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.verification import retraining_on, verify_model
from tests.cli.conftest import write_csv

ODD: list[tuple[str, Any]] = [
    ("encoding", []), ("encoding", 5), ("encoding", "x" * 100_000), ("format", 5), ("format", "../x"),
    ("columns", [1]), ("columns", {"case_id": 5}), ("columns", {"case_id": "x" * 100_000}),
    ("columns", {"x": "y"}), ("preferred_columns", "abc"), ("timezone", 5), ("timezone", "../../etc/passwd"),
    ("timezone", "x\0y"), ("on_bad_row", "x"), ("on_bad_row", None), ("order", []), ("order", "x" * 100_000),
    ("day_first", "x"), ("day_first", 1), ("timestamp_format", 5), ("timestamp_format", "%Y" * 50_000),
    ("delimiter", 5), ("delimiter", "ab"), ("delimiter", ["a"]), ("decimal", "x"), ("decimal", []),
    ("classifier", "activity+" * 50_000), ("classifier", 5), ("pair_lifecycle", "x"), ("pair_lifecycle", 1),
    ("lifecycle", ["x"] * 100_000), ("lifecycle", "abc"), ("lifecycle", [5]), ("object_type", 5),
    ("fill_globals", []), ("max_input_bytes", "x"), ("max_input_bytes", True), ("max_ratio", None),
    ("max_ratio", 1.5), ("selection", 5), ("selection", {"x": 1}),
    ("selection", {"where": "x"}), ("selection", {"where": [["a", "b", "c"]]}),
    ("selection", {"where": [[1, 2]]}), ("selection", {"where": [["activity", "x"]] * 50_000}),
    ("selection", {"since": 5}), ("selection", {"start_activity": ["x" * 900_000]}),
    ("selection", {"start_activity": "abc"}), ("selection", {"min_events": "x"}),
    ("selection", {"min_events": True}), ("selection", {"idle": []}), ("self", 1), ("__class__", "x"),
]  # fmt: skip

WELL_FORMED: list[tuple[str, Any]] = [
    ("encoding", "punycode"), ("encoding", "unicode_escape"), ("encoding", "utf-7"), ("encoding", "utf-32"),
    ("format", "ocel-sqlite"), ("format", "xes"), ("format", "parquet"), ("columns", {"case_id": "none"}),
    ("columns", {"case_id": "../../etc/passwd"}), ("timestamp_format", "%" * 900),
    ("timestamp_format", "(" * 900), ("timestamp_format", "nanoseconds"), ("delimiter", "\n"),
    ("delimiter", "\""), ("delimiter", "\0"), ("delimiter", "\ud7ff"), ("decimal", ","),
    ("classifier", "activity+" * 100 + "activity"), ("classifier", "+"), ("order", "no such column"),
    ("lifecycle", ["x"] * 1000), ("object_type", "x"), ("pair_lifecycle", True), ("day_first", True),
    ("max_input_bytes", -1), ("max_input_bytes", 10**60), ("max_ratio", -5), ("max_ratio", 10**60),
    ("selection", {"since": "yesterday"}), ("selection", {"until": "9" * 900}),
    ("selection", {"min_events": 10**60}), ("selection", {"variants_top": 10**60}),
    ("selection", {"idle": "9" * 500 + "d", "running": "mark"}),
    ("selection", {"idle": "nand", "running": "only"}),
    ("selection", {"end_activity": [str(number) for number in range(9000)]}),
    ("selection", {"where": [["activity", "\u001b[31m"]]}),
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("retrain")
    log = write_csv(place / "log.csv", 30)
    model = Model("next-activity/ngram")
    model.train(str(log))
    return model.save(place / "m").path, log


def retrained(model: Path, log: Path, reading: Any, place: Path) -> Any:
    shutil.copytree(model, place / "m")
    document = json.loads((place / "m/manifest.json").read_bytes())
    document["training_log"]["reading"] = reading
    (place / "m/manifest.json").write_text(json.dumps(document))
    return verify_model(place / "m", retrain=retraining_on(log)).results[-1]


@pytest.mark.parametrize(("name", "value"), ODD)
def test_a_reading_that_nobody_writes_is_refused(
    name: str, value: Any, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises((ValidationError, TypeError, ValueError, AttributeError)):
        reading_options({name: value})
    found = retrained(*trained, {name: value}, tmp_path)
    assert (found.check, found.verdict) == ("retrain", "fail")


@pytest.mark.parametrize(("name", "value"), WELL_FORMED)
def test_a_reading_that_does_not_fit_its_log_is_a_verdict(
    name: str, value: Any, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    found = retrained(*trained, {name: value}, tmp_path)
    assert found.check == "retrain"
    assert found.verdict in ("fail", "pass")


@pytest.mark.parametrize("reading", [None, 5, [], "x", [["encoding", "utf-8"]]])
def test_a_reading_that_is_no_object_is_refused(
    reading: Any, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    assert retrained(*trained, reading, tmp_path).verdict == "fail"


def test_what_was_written_reads_back() -> None:
    options = ReadOptions(
        columns={"case_id": "x"}, day_first=True, lifecycle=("complete",), max_ratio=0,
        selection=Selection(where=(("a", "b"),), since="2024-01-01", min_events=2, running="mark", idle="3d"),
    )  # fmt: skip
    assert reading_options(json.loads(json.dumps(reading_facts(options)))) == options
    assert reading_options({}) == ReadOptions()
    assert {field.name for field in dataclasses.fields(ReadOptions)} >= {"encoding", "selection"}

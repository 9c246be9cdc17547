"""The order of rows says nothing where times decide: shuffled events are the same log and the same model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pmlcli.cli.app import app
from pmlcli.eventlog import read_log, write_log
from pmlcli.eventlog.log import EventLog
from pmlcli.lifecycle.model import Model
from tests.contract.cases import QUICK, events_for, is_installed

NAMES = ("anomaly/isolation-forest", "anomaly/duration", "forecast/seasonal-naive", "next-activity/ngram",
         "next-activity/linear", "remaining-time/boosting", "outcome/logistic", "suffix/medoid")  # fmt: skip


def shuffled(events: list[dict[str, Any]], seed: int = 0) -> list[dict[str, Any]]:
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(events))
    return [events[place] for place in order]


def distinct(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events no two of which share case and time."""
    frame = pd.DataFrame(events)
    return frame[~frame.duplicated(["case_id", "timestamp"])].to_dict("records")


def assert_same_log(one: EventLog, other: EventLog) -> None:
    pd.testing.assert_frame_equal(one.frame, other.frame)
    assert (one.offsets == other.offsets).all()
    assert one.activities == other.activities
    assert (one.activity_codes == other.activity_codes).all()


@pytest.mark.parametrize("name", NAMES)
def test_shuffled_events_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    if not is_installed(name):
        pytest.skip("its extra is not installed")
    events = distinct(events_for(name))
    for place, some in (("one", events), ("other", shuffled(events))):
        model = Model(name, **QUICK.get(name, {}))
        model.train(some)
        model.save(tmp_path / place)
    artifacts = sorted(path.name for path in (tmp_path / "one" / "artifacts").iterdir())
    assert len(artifacts) > 2
    for artifact in artifacts:
        one, other = ((tmp_path / place / "artifacts" / artifact).read_bytes() for place in ("one", "other"))
        assert one == other, artifact


@pytest.mark.parametrize("ending", ["csv", "xes", "parquet", "memory", "frame"])
def test_shuffled_files_are_the_same_log(ending: str, tmp_path: Path) -> None:
    events = distinct(events_for("next-activity/ngram"))
    logs = []
    for place, some in (("one", events), ("other", shuffled(events))):
        if ending in ("memory", "frame"):
            logs.append(read_log(some if ending == "memory" else pd.DataFrame(some)))
            continue
        path = tmp_path / f"{place}.{ending}"
        write_log(read_log(some, order="row"), path)
        logs.append(read_log(path))
    assert_same_log(*logs)
    # By first time, then by case id: not by the names alone.
    starts = logs[0].starts
    assert (np.diff(starts) >= 0).all()


def test_row_order_keeps_appearance() -> None:
    events = [
        dict(case_id=case, activity="a", timestamp=f"2024-01-{day:02}T00:00:00Z")
        for case, day in (("z", 3), ("b", 1), ("a", 1), ("b", 2))
    ]
    assert read_log(events).case_ids.tolist() == ["a", "b", "z"]
    assert read_log(events, order="row").case_ids.tolist() == ["z", "b", "a"]
    without = [{"case_id": e["case_id"], "activity": e["activity"]} for e in events]
    assert read_log(without).case_ids.tolist() == ["z", "b", "a"]


def test_a_model_is_trained_again_from_shuffled_rows(tmp_path: Path) -> None:
    events = distinct(events_for("next-activity/ngram"))
    pd.DataFrame(events).to_csv(tmp_path / "one.csv", index=False)
    pd.DataFrame(shuffled(events)).to_csv(tmp_path / "other.csv", index=False)
    model = str(tmp_path / "model")
    for command in (
        ["train", str(tmp_path / "one.csv"), "-a", "next-activity/ngram", "-o", model],
        ["verify", model, "--retrain", str(tmp_path / "other.csv")],
    ):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output

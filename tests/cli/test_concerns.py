"""What `train` says of a log before it begins."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from tests.cli.conftest import FAST, Run
from tests.logs import purchase_events


def test_train_warns_once_of_a_case_far_from_all_others(run: Run, place: Path) -> None:
    log = pd.DataFrame(purchase_events(60))
    log.loc[len(log)] = {
        **log.iloc[-1],
        "case_id": "K9999",
        "timestamp": pd.Timestamp("2025-08-01", tz="UTC"),
    }
    log.to_csv(place / "x.csv", index=False)
    result = run("train", "x.csv", "-a", FAST, "-o", "m")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("[times.far-events]") == 1
    assert "case K9999" in result.stderr
    assert result.stderr.index("far-events") < result.stderr.index("training next-activity")
    told = json.loads(run("train", "x.csv", "-a", FAST, "-o", "n", "--json", "-q").stdout)
    assert len(told["warnings"]) == 1

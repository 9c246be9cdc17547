"""Predictions written back into the log they are of, and read again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmlcli.errors import ValidationError
from pmlcli.eventlog import read_log, write_log
from pmlcli.eventlog.annotate import annotate

LOG = read_log(
    [
        {"case_id": case, "activity": activity, "timestamp": f"2024-01-0{day}T00:00:00Z"}
        for case, activity, day in [("2", "a", 1), ("1", "a", 2), ("2", "b", 3), ("3", "a", 4)]
    ]
)


def test_predictions_of_cases() -> None:
    table = pd.DataFrame(
        {
            "case_id": ["1", "2", "x"],
            "score": [0.5, 0.25, 9.0],
            "is_anomaly": [True, False, True],
            "reason": ["rare", "", "?"],
        }
    )
    frame = annotate(LOG, table).frame
    assert frame["case_id"].tolist() == ["2", "2", "1", "3"]
    assert frame["case:pmlcli:score"].tolist()[:3] == [0.25, 0.25, 0.5]
    assert np.isnan(frame["case:pmlcli:score"].iloc[3])
    assert frame["case:pmlcli:is_anomaly"].tolist() == [False, False, True, pd.NA]
    assert frame["case:pmlcli:reason"].fillna("-").tolist() == ["-", "-", "rare", "-"]
    assert list(LOG.frame.columns) == ["case_id", "activity", "timestamp"]


@pytest.mark.parametrize(("key", "first"), [("event_index", 0), ("prefix_length", 1)])
def test_predictions_of_events_and_prefixes(key: str, first: int) -> None:
    table = pd.DataFrame({"case_id": ["2", "2", "3"], key: [first, first + 1, first], "rank": [7, 8, 9]})
    frame = annotate(LOG, table).frame
    assert frame["pmlcli:rank"].tolist() == [7, 8, pd.NA, 9]
    if key == "prefix_length":
        assert frame["pmlcli:prefix_length"].tolist() == [1, 2, pd.NA, 1]


def test_predictions_of_running_cases_are_of_cases() -> None:
    table = pd.DataFrame({"case_id": ["2"], "prefix_length": [2], "next_activity": ["<end>"]})
    frame = annotate(LOG, table).frame
    assert frame["case:pmlcli:next_activity"].fillna("").tolist() == ["<end>", "<end>", "", ""]


def test_an_earlier_annotation_is_replaced() -> None:
    first = annotate(LOG, pd.DataFrame({"case_id": ["1"], "score": [1.0]}))
    again = annotate(first, pd.DataFrame({"case_id": ["1"], "score": [2.0]}))
    assert again.frame["case:pmlcli:score"].dropna().tolist() == [2.0]


def test_forecasts_have_no_cases() -> None:
    with pytest.raises(ValidationError, match="not of cases"):
        annotate(LOG, pd.DataFrame({"timestamp": [1], "value": [2]}))


@pytest.mark.parametrize("ending", ["csv", "xes", "parquet"])
def test_it_reads_again(tmp_path: Path, ending: str) -> None:
    table = pd.DataFrame({"case_id": ["1", "2"], "score": [0.5, 0.25], "is_anomaly": [True, False]})
    annotated = annotate(LOG, table)
    write_log(annotated, tmp_path / f"x.{ending}")
    again = read_log(tmp_path / f"x.{ending}").frame
    pd.testing.assert_frame_equal(again[annotated.frame.columns], annotated.frame)

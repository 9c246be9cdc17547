"""Events know the line of the source that they came from, wherever they are moved."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd

from pmlcli.eventlog import read_log

CSV = """case_id,activity,timestamp,note
1,b,2024-01-01T12:00:00Z,"two
lines"

2,a,2024-01-02T12:00:00Z,
1,a,2024-01-01T10:00:00Z,
"""


def test_lines_of_a_csv_follow_their_events(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(CSV)
    log = read_log(path)
    assert log.lines is not None
    assert (log.lines.tolist(), log.line_unit) == ([6, 2, 5], "line")
    assert log.take_cases(np.array([1, 0])).lines.tolist() == [5, 6, 2]  # type: ignore[union-attr]
    packed = tmp_path / "log.csv.gz"
    packed.write_bytes(gzip.compress(CSV.encode()))
    assert read_log(packed).lines.tolist() == [6, 2, 5]  # type: ignore[union-attr]


def test_lines_of_xes_are_those_of_the_events() -> None:
    log = read_log(Path(__file__).parent / "xes_edge" / "01_plain.xes")
    text = (Path(__file__).parent / "xes_edge" / "01_plain.xes").read_text().splitlines()
    assert log.lines is not None
    assert all("<event" in text[line - 1] for line in log.lines.tolist())


def test_rows_of_a_frame_are_counted_from_one() -> None:
    log = read_log(pd.DataFrame({"case_id": ["1", "2", "1"], "activity": ["a", "b", "c"]}, index=[9, 8, 7]))
    assert log.lines is not None
    assert (log.lines.tolist(), log.line_unit) == ([1, 3, 2], "row")

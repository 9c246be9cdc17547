"""A column of the time that is empty in every row, beside one that holds times, is never passed over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pmlcli.errors import LogError
from pmlcli.eventlog import EventLog, ReadOptions, read_log


def rows(times: bool) -> list[dict[str, Any]]:
    return [
        {
            "case_id": f"c{i}",
            "activity": activity,
            "timestamp": None,
            "happened": f"2024-01-{i + 1:02}T1{k}:00:00" if times else f"x{i % 3}",
            "n": i % 5,
        }
        for i in range(20)
        for k, activity in enumerate("ab")
    ]


def as_csv(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False)
    return path


def as_parquet(table: pd.DataFrame, path: Path) -> Path:
    table.to_parquet(path)
    return path


READERS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "csv": as_csv,
    "parquet": as_parquet,
    "frame": lambda table, path: table,
    "dicts": lambda table, path: table.to_dict("records"),
}


def read(reader: str, tmp_path: Path, *, times: bool = True, **how: Any) -> EventLog:
    return read_log(READERS[reader](pd.DataFrame(rows(times)), tmp_path / "log"), ReadOptions(**how))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("named", [False, True])
def test_it_is_an_error_that_names_the_other_column(reader: str, named: bool, tmp_path: Path) -> None:
    how: dict[str, Any] = {"columns": {"timestamp": "timestamp"}} if named else {}
    with pytest.raises(LogError, match="'timestamp'.*empty in every row.*'happened'") as caught:
        read(reader, tmp_path, **how)
    assert "--columns timestamp=happened" in str(caught.value.hint)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("reader", READERS)
def test_what_settles_it_reads_the_log(reader: str, tmp_path: Path) -> None:
    assert read(reader, tmp_path, columns={"timestamp": "happened"}).times is not None
    assert read(reader, tmp_path, columns={"timestamp": "none"}).times is None
    assert read(reader, tmp_path, order="row").times is None


@pytest.mark.parametrize("reader", READERS)
def test_without_any_times_rows_keep_their_order(reader: str, tmp_path: Path) -> None:
    log = read(reader, tmp_path, times=False)
    assert log.times is None
    assert any("rows keep their order" in kind for kind, _ in log.ledger.notes)

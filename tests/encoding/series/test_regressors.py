"""Exogenous columns: what is read, what is refused and where, how buckets get their numbers."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmlcli.encoding.series import regressors
from pmlcli.encoding.series.exogenous import Exogenous
from pmlcli.encoding.series.holidays import check_country, holiday_share
from pmlcli.encoding.series.regressors import Regressors, read_regressors
from pmlcli.errors import OutputError, ValidationError

GOOD = "date,price,promo\n2024-05-02,3.5,1\n2024-05-01,2,0\n"


def read(place: Path, text: str | bytes) -> Regressors:
    path = place / "exogenous.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_regressors(path)


def test_rows_are_ordered_by_date(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    assert found.columns == ("price", "promo")
    assert pd.to_datetime(found.dates, unit="us").day.tolist() == [1, 2]
    assert found.values.tolist() == [[2, 0], [3.5, 1]]
    assert found.facts()["size_bytes"] == len(GOOD)
    semicolons = read(tmp_path, "\ufeff" + GOOD.replace(",", ";") + "\n\n")
    assert semicolons.values.tolist() == found.values.tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("date,price\n", "no row below the header"),
        ("price,date\n1,2024-05-01\n", "line 1: the first column is 'price'"),
        ("date\n2024-05-01\n", "line 1: no column beside the date"),
        ("date,a,a\n2024-05-01,1,2\n", "line 1: two columns 'a'"),
        ("date,a,\n2024-05-01,1,2\n", "line 1: column 3 has no name"),
        ("date,a\n2024-05-01,1\n\n01/05/2024,1\n", "line 4, column 'date': '01/05/2024' is no date"),
        ("date,a\n2024-05-01T00:00:00Z,1\n", "line 2, column 'date': '2024-05-01T00:00:00Z' has a zone"),
        ("date,a\n2024-05-01,1\n2024-05-02,x1\n", "line 3, column 'a': 'x1' is no number"),
        ("date;a\n2024-05-01;1,5\n", "line 2, column 'a': '1,5' is no number"),
        ("date,a\n2024-05-01,\n", "line 2, column 'a': empty"),
        ("date,a\n2024-05-01,nan\n", "line 2, column 'a': 'nan' is no number"),
        ("date,a\n2024-05-01,1,2\n", "line 2: 3 cells, but the header has 2"),
        ("date,a\n2024-05-01,1\n2024-05-02,1\n2024-05-01,2\n", "lines 2 and 4: the same date twice"),
        (b"date,a\n2024-05-01,1\n\xff\n", "line 3: not UTF-8"),
    ],
)
def test_a_bad_file_is_told_with_its_place(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(ValidationError, match=r"exogenous\.csv") as caught:
        read(tmp_path, text)
    assert said in caught.value.message
    assert caught.value.hint


def test_what_is_no_file(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "none.csv", "no such file"), (tmp_path, "not a regular file")):
        with pytest.raises(OutputError, match=said):
            read_regressors(path)


def days(first: str, n: int) -> pd.DatetimeIndex:
    return pd.date_range(first, periods=n, tz="Europe/Berlin")


def test_buckets_get_the_mean_of_their_rows_in_units_of_training(tmp_path: Path) -> None:
    table = read(tmp_path, "date,a\n2024-05-06,1\n2024-05-08,3\n2024-05-13,6\n")
    weeks = Exogenous.of(table, "W", None)
    assert weeks.values[:, 0].tolist() == [2, 6]
    mondays = days("2024-05-06", 22)[::7]
    assert weeks.is_known(mondays).tolist() == [True, True, False, False]
    assert weeks.at(mondays)[:, 0].tolist() == [-1, 1, 1, 1]
    assert Exogenous.from_state(weeks.state()).at(mondays).tolist() == weeks.at(mondays).tolist()


def test_newer_rows_win_and_must_have_the_same_columns(tmp_path: Path) -> None:
    known = Exogenous.of(read(tmp_path, GOOD), "D", None)
    newer = known.updated(read(tmp_path, "date,promo,price\n2024-05-02,0,9\n2024-05-03,1,4\n"))
    assert newer.values.tolist() == [[2, 0], [9, 0], [4, 1]]
    assert newer.middle.tolist() == known.middle.tolist()
    with pytest.raises(ValidationError, match="trained on price, promo"):
        known.updated(read(tmp_path, "date,cost\n2024-05-03,1\n"))


def test_public_holidays() -> None:
    pytest.importorskip("holidays")
    week = days("2024-04-29", 7)
    assert Exogenous.of(None, "D", "DE").at(week)[:, 0].tolist() == [0, 0, 1, 0, 0, 0, 0]
    hours = pd.DatetimeIndex(["2024-05-01 13:00", "2024-05-02 13:00"])
    assert holiday_share(hours, "H", "DE").tolist() == [1, 0]
    assert holiday_share(pd.DatetimeIndex(["2024-04-29"]), "W", "DE") == pytest.approx(1 / 7)
    assert holiday_share(pd.DatetimeIndex(["2024-05-01"]), "M", "DE") == pytest.approx(3 / 31)
    with pytest.raises(ValidationError, match="no public holidays are known for country 'XX'"):
        check_country("XX")


def test_columns_that_never_change_do_no_harm() -> None:
    table = Regressors(("a",), np.array([0, 86_400_000_000]), np.array([[5.0], [5.0]]))
    assert Exogenous.of(table, "D", None).at(days("1970-01-01", 2)).tolist() == [[0], [0]]


def test_bytes_rows_and_columns_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regressors, "MOST_ROWS", 1)
    with pytest.raises(ValidationError, match="line 3: more than 1 rows"):
        read(tmp_path, GOOD)
    monkeypatch.setattr(regressors, "MOST_ROWS", 2)
    assert len(read(tmp_path, GOOD).dates) == 2
    monkeypatch.setattr(regressors, "MOST_COLUMNS", 1)
    with pytest.raises(ValidationError, match="line 1: 2 columns, but 1 at most"):
        read(tmp_path, GOOD)
    monkeypatch.setattr(regressors, "MOST_BYTES", len(GOOD) - 1)
    with pytest.raises(ValidationError, match="more than .* bytes"):
        read(tmp_path, GOOD)


def test_a_file_larger_than_it_says_is_not_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that grows while it is read: what it says of its size before is no bound."""
    monkeypatch.setattr(regressors, "MOST_BYTES", 50)
    grown = GOOD + "2024-05-03,1,1\n" * 10
    stat = Path.stat

    def smaller(path: Path, **how: bool) -> os.stat_result:
        found = stat(path, **how)
        return os.stat_result([*found[:6], 1, *found[7:]])

    monkeypatch.setattr(Path, "stat", smaller)
    with pytest.raises(ValidationError, match="more than 50 bytes"):
        read(tmp_path, grown)


@pytest.mark.slow
def test_many_numbers_take_little_more_than_the_file(tmp_path: Path) -> None:
    days = pd.date_range("1900-01-01", periods=20_000).strftime("%Y-%m-%d")
    text = ",".join(["date", *(f"c{i}" for i in range(100))]) + "\n"
    text += "".join(f"{day}{',1' * 100}\n" for day in days)
    tracemalloc.start()
    found = read(tmp_path, text)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.values.shape == (20_000, 100)
    assert peak < 16 * len(text)


@pytest.mark.parametrize("cell", ["1_000", "nan", "inf", "1e999", "0x10", "1,5"])
def test_what_python_would_read_as_a_number_is_none(cell: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="line 2"):
        read(tmp_path, f"date;price\n2024-05-01;{cell}\n")

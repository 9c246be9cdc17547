"""Excel workbooks: the same log as from CSV, errors with row and column, and hostile archives."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pmlcli import read_log
from pmlcli.errors import LogError, ValidationError
from tests.logs import purchase_events

openpyxl = pytest.importorskip("openpyxl")

HEADER = ["case_id", "activity", "timestamp", "amount"]
ROWS = [["a", "Pay", datetime(2024, 1, 5, 10), 12.5], ["a", "Close", datetime(2024, 1, 6, 10), None]]


def workbook(path: Path, *rows: list[Any], sheet: str = "Log", more: str | None = None) -> Path:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    if more:
        book.create_sheet(more).append(["nothing"])
    book.save(path)
    return path


def repacked(path: Path, change: dict[str, bytes]) -> Path:
    """The workbook with some members' bytes exchanged, or added."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()} | change
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_workbook_gives_the_log_that_csv_gives(tmp_path: Path) -> None:
    frame = pd.DataFrame(purchase_events(30, 0))
    frame.to_csv(tmp_path / "log.csv", index=False)
    typed = frame.assign(timestamp=pd.to_datetime(frame["timestamp"], utc=True).dt.tz_localize(None))
    rows = typed.astype(object).where(typed.notna(), None).to_numpy().tolist()
    for row in rows:
        row[typed.columns.get_loc("timestamp")] = row[typed.columns.get_loc("timestamp")].to_pydatetime()
    book = read_log(workbook(tmp_path / "log.xlsx", list(frame.columns), *rows))
    csv = read_log(tmp_path / "log.csv")
    assert book.source.format == "xlsx"
    assert book.source.sha256
    pd.testing.assert_frame_equal(book.frame, csv.frame)
    accounts = [log.ledger.to_dict() for log in (book, csv)]
    notes = accounts[0].pop("notes")
    assert [note["kind"] for note in notes] == ["times without a zone, read as UTC"]  # Excel knows no zones
    assert accounts[0] == {key: value for key, value in accounts[1].items() if key != "notes"}


def test_cells_keep_their_types_and_rows_their_numbers(tmp_path: Path) -> None:
    header = [*HEADER, "count", "is_new", "day", "at", "mixed"]
    more = [[3, True, date(2024, 1, 5), time(8, 30), "x"], [4, False, date(2024, 1, 6), time(9), 7]]
    path = workbook(tmp_path / "x.xlsx", [], header, *([*a, *b] for a, b in zip(ROWS, more, strict=True)))
    frame = read_log(path).frame
    assert frame["amount"].tolist()[0] == 12.5
    assert frame["count"].tolist() == [3, 4]
    assert frame["is_new"].tolist() == [True, False]
    assert frame["mixed"].tolist() == ["x", "7"]
    bad = workbook(tmp_path / "y.xlsx", [], HEADER, ROWS[0], [None, "Pay", ROWS[0][2], 1])
    with pytest.raises(LogError, match=r"row 4"):
        read_log(bad)
    assert read_log(bad, on_bad_row="drop").ledger.to_dict()["refused"][0]["lines"] == [4]


def test_the_first_sheet_or_the_one_that_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", HEADER, *ROWS, more="Notes")
    assert read_log(path).n_events == read_log(path, sheet="Log").n_events == 2
    with pytest.raises(LogError, match="no sheet 'Lgo'") as caught:
        read_log(path, sheet="Lgo")
    assert caught.value.hint == "did you mean 'Log'?"
    (tmp_path / "log.csv").write_text("case_id,activity\n1,Pay\n")
    with pytest.raises((LogError, ValidationError), match="sheet"):
        read_log(tmp_path / "log.csv", sheet="Log")


FAULTS: dict[str, tuple[list[list[Any]], str]] = {
    "error in a cell": ([HEADER, ["a", "Pay", ROWS[0][2], "#REF!"]], r"row 2, column 'amount': #REF!"),
    "a cell that waits for its data": (
        [HEADER, ["a", "Pay", ROWS[0][2], "#GETTING_DATA"]],
        "#GETTING_DATA, an",
    ),
    "a column twice": ([["case_id", "case_id"], ["a", "b"]], "two columns named 'case_id'"),
    "a value without a name": ([HEADER, [*ROWS[0], "lost"]], "row 2, column 5: a value in a column without"),
    "nothing": ([], "the sheet is empty"),
    "too many columns": ([[f"c{n}" for n in range(2_001)]], "more than 2,000 columns"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_say_where_they_are(fault: str, tmp_path: Path) -> None:
    rows, said = FAULTS[fault]
    with pytest.raises(LogError, match=said):
        read_log(workbook(tmp_path / "x.xlsx", *rows))


def test_hostile_archives_end_with_an_error(tmp_path: Path) -> None:
    good = workbook(tmp_path / "good.xlsx", HEADER, *ROWS).read_bytes()
    sheet = "xl/worksheets/sheet1.xml"
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    changes = {
        "inflates too much": {"xl/media/x.xml": b"\0" * (64 << 20)},
        "declares entities": {sheet: entity},
        "damaged workbook|cannot be read|is empty": {sheet: b"<worksheet"},
    }
    for said, change in changes.items():
        path = tmp_path / "bad.xlsx"
        path.write_bytes(good)
        with pytest.raises(LogError, match=said):
            read_log(repacked(path, change))
    for size in (40, len(good) // 2, len(good) - 30):
        (tmp_path / "cut.xlsx").write_bytes(good[:size])
        with pytest.raises(LogError):
            read_log(tmp_path / "cut.xlsx")
    assert read_log(write(tmp_path / "still.xlsx", good)).n_events == 2


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_declared_dimensions_are_not_believed(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", HEADER, *ROWS)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        text = archive.read("xl/worksheets/sheet1.xml")
    far = text.replace(b'<dimension ref="A1:D3"', b'<dimension ref="A1:XFD1048576"')
    assert far != text
    assert read_log(repacked(path, {"xl/worksheets/sheet1.xml": far})).n_events == 2

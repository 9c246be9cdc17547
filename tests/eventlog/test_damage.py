"""What power cuts and other programs leave: NULs at the end, databases in use, empty gzip members."""

from __future__ import annotations

import gzip
import sqlite3
import time
from pathlib import Path

import pytest

from pmlcli.errors import LogError
from pmlcli.eventlog import Refusal, read_log
from tests.eventlog.ocel.test_ocel import sqlite_2

HEAD = "case_id,activity,note\n"
ROWS = "".join(f"{i // 4},a,é {i}\n" for i in range(40))


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
@pytest.mark.parametrize("lines", [1, 40_000])
@pytest.mark.parametrize("nuls", [1, 4_096, 600_000])
@pytest.mark.parametrize("cut", ["", "3", "3,a", "3,a,whole"])
def test_nuls_to_the_end_cost_one_line(
    tmp_path: Path, encoding: str, lines: int, nuls: int, cut: str
) -> None:
    path = tmp_path / "x.csv"
    text = HEAD + ROWS * (lines // 40) + cut
    half = "é".encode()[:1] if cut and encoding == "utf-8" else b""
    path.write_bytes(text.encode(encoding) + half + b"\0" * nuls)
    whole = HEAD.count("\n") + ROWS.count("\n") * (lines // 40)
    with pytest.raises(LogError, match=f"line {whole + 1}: NUL byte") as caught:
        read_log(path, encoding=encoding)
    assert "--on-bad-row drop" in str(caught.value.hint)
    if lines == 1:
        return
    log = read_log(path, encoding=encoding, on_bad_row="drop")
    assert log.n_events == whole - 1
    assert log.ledger.refused == (Refusal("NULs to the end of the file", 1, (whole + 1,)),)
    assert log.frame["note"].iloc[0] == "é 0"


def test_nuls_before_more_text_are_an_error_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes((HEAD + ROWS).encode() + b"\0" * 300_000 + b"9,a,x\n")
    with pytest.raises(LogError, match="line 42: NUL byte"):
        read_log(path, on_bad_row="drop")


def _in_wal_mode(path: Path) -> sqlite3.Connection:
    sqlite_2(path)
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    return database


def test_a_database_in_wal_mode_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    _in_wal_mode(path).close()
    assert path.read_bytes()[18:20] == b"\2\2"
    assert read_log(path, object_type="order").n_events == 3


def test_a_database_with_changes_beside_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    database = _in_wal_mode(path)
    database.execute("UPDATE event SET ocel_type = 'other'")
    database.commit()
    with pytest.raises(LogError, match=r"changes of this database are in log.sqlite-wal") as caught:
        read_log(path, object_type="order")
    assert "wal_checkpoint" in str(caught.value.hint)
    database.close()


def test_a_database_with_a_hot_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    sqlite_2(path)
    Path(f"{path}-journal").write_bytes(b"\0" * 28)
    assert read_log(path, object_type="order").n_events == 3
    Path(f"{path}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\0" * 20)
    with pytest.raises(LogError, match="log.sqlite-journal"):
        read_log(path, object_type="order")


@pytest.mark.parametrize("size", [1, 7, 1_000, 100_000])
def test_gzip_members_of_any_size_are_one_text(tmp_path: Path, size: int) -> None:
    path = tmp_path / "x.csv.gz"
    text = (HEAD + ROWS * (200 if size > 7 else 2)).encode()
    path.write_bytes(b"".join(gzip.compress(text[i : i + size]) for i in range(0, len(text), size)))
    assert read_log(path).n_events == text.count(b"\n") - 1
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(LogError, match="cut off"):
        read_log(path)


def test_empty_gzip_members_are_passed_over_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    nothing, text = gzip.compress(b""), gzip.compress((HEAD + ROWS).encode())
    path.write_bytes(nothing * 9_000 + text + nothing)
    assert read_log(path).n_events == 40
    path.write_bytes(text + nothing * 1_000_000)
    start = time.process_time()
    with pytest.raises(LogError, match="more than 10,000 empty gzip members"):
        read_log(path)
    assert time.process_time() - start < 5


def test_many_small_gzip_members_take_time_in_proportion(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    member = gzip.compress(b"1,a,x\n")
    path.write_bytes(gzip.compress(HEAD.encode()) + member * 100_000)
    start = time.process_time()
    assert read_log(path).n_events == 100_000
    assert time.process_time() - start < 10

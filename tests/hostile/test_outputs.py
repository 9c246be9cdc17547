"""What is written goes where it was asked to go, whatever somebody put at that name or beside it before."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pmlcli import read_log
from pmlcli.errors import OutputError, ValidationError
from pmlcli.eventlog import write_log
from pmlcli.store.publish import write_file
from tests.cli.conftest import Run

PRECIOUS = "somebody's words\n"
Write = Callable[[bool], int]


WAYS = ("predict -o", "annotate", "convert", "write_log", "write_file")


@pytest.fixture(params=WAYS)
def write(
    request: pytest.FixtureRequest, run: Run, model: Path, csv_log: Path, place: Path
) -> Callable[[bool], int]:
    """Writes `out.csv` in one of the ways there are; returns the exit code."""
    predict = ("predict", model, csv_log, "--cases", "all", "-q")

    def api(force: bool) -> int:
        try:
            if request.param == "write_log":
                write_log(read_log(csv_log), place / "out.csv")
            else:
                write_file(place / "out.csv", b"case_id\n", force=force)
        except (OutputError, ValidationError) as error:
            return error.exit_code
        return 0

    def command(force: bool) -> int:
        forced = ["--force"] * force
        arguments = {
            "predict -o": (*predict, "-o", "out.csv", *forced),
            "annotate": (*predict, "-o", "table.csv", "--annotate", "out.csv", "--force"),
            "convert": ("convert", csv_log, "-o", "out.csv", "-q", *forced),
        }[request.param]
        return run(*arguments).exit_code

    return api if request.param.startswith("write_") else command


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    (tmp_path / "precious").write_text(PRECIOUS)
    return tmp_path / "precious"


def is_table(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith((b"case_id", b"\xef\xbb\xbf"))


def test_beside_it_nothing_stays(write: Write, place: Path) -> None:
    assert write(False) == 0
    assert is_table(place / "out.csv")
    assert [path.name for path in place.iterdir() if path.name.startswith(".")] == []
    assert stat.S_IMODE((place / "out.csv").stat().st_mode) & 0o600 == 0o600


def test_links_beside_it_are_not_written_through(write: Write, place: Path, precious: Path) -> None:
    for name in (".out.csv.part", ".out.csv.tmp", ".out.csv.tmp-1-0000000000000000", ".out.csv.old"):
        (place / name).symlink_to(precious)
    os.link(precious, place / "out.csv.part")
    assert write(False) == 0
    assert precious.read_text() == PRECIOUS
    assert is_table(place / "out.csv")


def test_a_lock_that_is_another_file_stays_what_it_is(write: Write, place: Path, precious: Path) -> None:
    os.link(precious, place / ".out.csv.lock")
    write(False)
    assert precious.read_text() == PRECIOUS


def test_another_name_of_what_stands_there_keeps_it(write: Write, place: Path, precious: Path) -> None:
    os.link(precious, place / "out.csv")
    assert write(True) == 0
    assert precious.read_text() == PRECIOUS
    assert is_table(place / "out.csv")


def test_a_directory_is_not_replaced(write: Write, place: Path, request: pytest.FixtureRequest) -> None:
    (place / "out.csv").mkdir()
    # `write_log` replaces what stands there, as far as it is a file.
    assert write(True) == (74 if request.node.callspec.params["write"] == "write_log" else 2)
    assert list((place / "out.csv").iterdir()) == []


def test_a_link_is_followed(write: Write, place: Path, tmp_path: Path) -> None:
    (place / "out.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert write(True) == 0
    assert (place / "out.csv").is_symlink()
    assert is_table(tmp_path / "elsewhere.csv")


def test_a_pipe_is_written_to_and_stays_one(write: Write, place: Path) -> None:
    os.mkfifo(place / "out.csv")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((place / "out.csv").read_bytes()))
    reader.start()
    assert write(False) == 0
    reader.join()
    assert read[0].startswith(b"case_id")
    assert stat.S_ISFIFO((place / "out.csv").stat().st_mode)


def test_a_link_that_somebody_else_put_into_a_shared_directory_is_not_followed(
    write: Write, place: Path, precious: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.chmod(0o1777)
    (place / "out.csv").symlink_to(precious)
    honest = place.stat().st_uid
    lstat = Path.lstat

    def of_another(path: Path) -> os.stat_result:
        found = list(lstat(path))
        return os.stat_result([*found[:4], honest + 1, *found[5:]])

    monkeypatch.setattr(Path, "lstat", of_another)
    assert write(True) == 74
    assert precious.read_text() == PRECIOUS
    place.chmod(0o777)
    assert write(True) == 0
    assert is_table(precious)

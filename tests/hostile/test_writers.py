"""Every option that names a file or directory to write: what another user planted there leads nowhere."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from pmlcli import read_log, write_log, writing
from pmlcli.cli._group import PLACE, concern_of
from pmlcli.cli.app import app
from pmlcli.errors import OutputError
from pmlcli.store.publish import write_file
from tests.cli.conftest import Run, write_csv

COMMANDS: dict[str, Any] = dict(get_command(app).commands)  # type: ignore[attr-defined]
READ = {
    "regressor", "regressors", "sign", "private_key", "retrain", "force", "new_since", "accept", "labels",
    "against", "replace_if", "compare",
}  # fmt: skip
"""Options about files that write none."""
PRECIOUS = "somebody's words\n"

ARGUMENTS: dict[str, list[str]] = {
    "train": ["LOG", "-a", "next-activity/ngram"],
    "predict": ["FORECAST", "LOG"],
    "evaluate": ["MODEL", "LOG"],
    "monitor": ["MODEL", "LOG"],
    "compare": ["LOG", "LOG"],
    "report": ["LOG", "--sections", "map", "--force"],
    "inspect": ["LOG"],
    "verify": ["MODEL"],
    "sign": ["MODEL", "--private-key", "none.key"],
    "keygen": ["me"],
    "upgrade": ["MODEL", "-o", "new"],
    "convert": ["LOG", "-o", "out.csv"],
    "algorithms": [],
    "export": ["MODEL", "--mlflow", "served"],
    "sample": [],
    "doctor": [],
    "config": [],
}
BOARD = ["compare", "LOG", "-t", "remaining-time", "-a", "median,transition-system"]
ALONE = {
    "train --output": ["train", *ARGUMENTS["train"], "-o"],
    "predict --output": ["predict", "FORECAST", "--force", "-o"],
    "predict --chart": ["predict", "FORECAST", "--force", "--chart"],
    "predict --annotate": ["predict", "MODEL", "LOG", "--cases", "all", "--force", "--annotate"],
    "predict --keep-all": ["predict", "MODEL", "LOG", "--cases", "all", "--force", "--keep-all"],
    "predict --metrics": ["predict", "MODEL", "LOG", "--cases", "all", "--metrics"],
    "evaluate --output": ["evaluate", "MODEL", "LOG", "--force", "-o"],
    "evaluate --errors": ["evaluate", "MODEL", "LOG", "--force", "--errors"],
    "evaluate --metrics": ["evaluate", "MODEL", "LOG", "--metrics"],
    "evaluate --figures": ["evaluate", "MODEL", "LOG", "--force", "--figures"],
    "compare --output": ["compare", "LOG", "LOG", "--force", "-o"],
    "compare --metrics": ["compare", "LOG", "LOG", "--metrics"],
    "compare --save-best": [*BOARD, "--save-best"],
    "compare --resume": [*BOARD, "--resume"],
    "monitor --output": ["monitor", "MODEL", "LOG", "--force", "-o"],
    "monitor --metrics": ["monitor", "MODEL", "LOG", "--metrics"],
    "monitor --history": ["monitor", "MODEL", "LOG", "--history"],
    "convert --output": ["convert", "LOG", "--force", "-o"],
    "sample --output": ["sample", "purchase-to-pay", "--force", "-o"],
    "export --mlflow": ["export", "MODEL", "--mlflow"],
    "upgrade --output": ["upgrade", "MODEL", "-o"],
    "report --output": ["report", "LOG", "--sections", "map", "--force", "-o"],
    "report --figures": ["report", "LOG", "--sections", "map", "--force", "--figures"],
}
NO_PIPES = {
    "train --output", "upgrade --output", "compare --save-best", "compare --resume", "evaluate --figures",
    "export --mlflow",
    "report --figures",
}  # fmt: skip
"""A pipe is no place for a model directory, for pictures, nor for a file that is read again."""
WRITERS = [
    f"{name} {option.opts[0]}"
    for name, command in COMMANDS.items()
    for option in command.params
    if concern_of(command, option.name) is PLACE and option.name not in {*READ, "config"}
]
"""Found by walking all options, so that a new one is asked here too."""


@pytest.fixture(scope="module")
def forecast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("models") / "arrivals"
    log = write_csv(target.parent / "long.csv", cases=600)
    arguments = ["train", str(log), "-a", "forecast/seasonal-naive", "-o", str(target)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return target


Write = Callable[[str], int]


@pytest.fixture(params=[*WRITERS, "keygen NAME", "write_log", "write_file"])
def write(
    request: pytest.FixtureRequest, run: Run, model: Path, forecast: Path, csv_log: Path, place: Path
) -> Write:
    """Writes to this path, in one of all ways there are; returns the exit code."""
    places = {"LOG": csv_log, "MODEL": model, "FORECAST": forecast}
    writer: str = request.param

    def api(path: str) -> int:
        try:
            if writer == "write_log":
                write_log(read_log(csv_log), place / path)
            else:
                write_file(place / path, b"case_id\n", force=True)
        except OutputError as error:
            return error.exit_code
        return 0

    def command(path: str) -> int:
        if writer == "keygen NAME":
            arguments = ["keygen", path.removesuffix(".pub")]
        elif writer.endswith("--log-file"):
            name = writer.split()[0]
            arguments = [name, *ARGUMENTS[name], "--log-file", path]
        else:
            arguments = [*ALONE[writer], path]
        return run(*[places.get(a, a) for a in arguments]).exit_code

    if writer == "keygen NAME":
        pytest.importorskip("cryptography")
    return command if " " in writer else api


def name_of(write: Write, request: pytest.FixtureRequest) -> str:
    """A file name with an ending that this writer takes."""
    writer = request.node.callspec.params["write"]
    if writer == "report --output":
        return "t.html"
    return "t.svg" if "chart" in writer else "t.pub" if "keygen" in writer else "t.csv"


@pytest.fixture
def another(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes a path look as if another user had made it."""
    theirs: set[str] = set()
    lstat = Path.lstat

    def pretended(path: Path) -> os.stat_result:
        found = lstat(path)
        return os.stat_result([*found[:4], found[4] + 7, *found[5:]]) if str(path) in theirs else found

    monkeypatch.setattr(Path, "lstat", pretended)
    return lambda path: theirs.add(str(path))


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    (tmp_path / "precious").write_text(PRECIOUS)
    return tmp_path / "precious"


@pytest.fixture
def shared(place: Path) -> Path:
    """A directory like /tmp, below the working directory."""
    (place / "shared").mkdir()
    (place / "shared").chmod(0o1777)
    return place / "shared"


def test_a_planted_link_is_not_followed(
    write: Write, shared: Path, precious: Path, another: Any, request: pytest.FixtureRequest
) -> None:
    link = shared / name_of(write, request)
    link.symlink_to(precious)
    another(link)
    assert write(f"shared/{link.name}") != 0
    assert precious.read_text() == PRECIOUS
    assert link.is_symlink()


def test_a_planted_link_to_nothing_makes_nothing(
    write: Write, shared: Path, tmp_path: Path, another: Any, request: pytest.FixtureRequest
) -> None:
    link = shared / name_of(write, request)
    link.symlink_to(tmp_path / "new")
    another(link)
    assert write(f"shared/{link.name}") != 0
    assert not (tmp_path / "new").exists()


def test_a_planted_link_on_the_way_is_not_followed(
    write: Write, shared: Path, tmp_path: Path, another: Any, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "home").mkdir()
    (shared / "way").symlink_to(tmp_path / "home")
    another(shared / "way")
    assert write(f"shared/way/{name_of(write, request)}") != 0
    assert list((tmp_path / "home").iterdir()) == []


def test_a_planted_pipe_or_file_is_not_opened(
    write: Write, shared: Path, another: Any, request: pytest.FixtureRequest
) -> None:
    pipe = shared / name_of(write, request)
    os.mkfifo(pipe)
    another(pipe)
    started = time.monotonic()
    assert write(f"shared/{pipe.name}") != 0
    pipe.unlink()
    pipe.write_text(PRECIOUS)
    assert write(f"shared/{pipe.name}") != 0
    assert pipe.read_text() == PRECIOUS
    assert time.monotonic() - started < 60


def test_a_pipe_that_nobody_reads_is_not_waited_for(
    write: Write, place: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(writing, "_PIPE_SECONDS", 0.1)
    pipe = place / name_of(write, request)
    os.mkfifo(pipe)
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(write(pipe.name)), daemon=True)
    thread.start()
    thread.join(60)
    assert done
    assert done[0] != 0


def test_a_pipe_whose_reader_leaves_is_named(
    write: Write,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def left(path: Path | str) -> int:
        reading, writes = os.pipe()
        os.close(reading)
        return writes

    monkeypatch.setattr(writing, "open_special", left)
    pipe = place / name_of(write, request)
    os.mkfifo(pipe)
    try:
        code = write(pipe.name)
        # Some commands have nothing to say to a log file, and some here fail by themselves.
        writer = request.node.callspec.params["write"]
        if writer.endswith("--log-file"):
            assert code not in (1, 141)
        else:
            assert code == (2 if writer in NO_PIPES else 74)
    except OutputError as error:
        assert pipe.name in error.message


@pytest.mark.parametrize("content", ["runs of this model", "nothing"])
@pytest.mark.parametrize("planted", ["link", "file"])
def test_a_planted_history_that_reads_well_is_not_added_to(
    run: Run, model: Path, csv_log: Path, place: Path, shared: Path, another: Any, planted: str, content: str
) -> None:
    """Its content gives no reason to refuse it, so only the rule about other users' files does."""

    def monitor(path: str) -> int:
        return run("monitor", model, csv_log, "--history", path).exit_code

    own = place / "own.jsonl"
    assert [monitor("own.jsonl"), monitor("own.jsonl")] == [0, 0]
    assert len(own.read_text().splitlines()) == 2
    if content == "nothing":
        own.write_text("")
    before = own.read_bytes()
    there = shared / "h.jsonl"
    if planted == "link":
        there.symlink_to(own)
    else:
        there.write_bytes(before)
    another(there)
    assert monitor("shared/h.jsonl") == 74
    assert own.read_bytes() == there.read_bytes() == before


def test_a_log_file_that_fails_is_named(run: Run, place: Path, csv_log: Path) -> None:
    done = run("train", csv_log, "-a", "next-activity/ngram", "-o", "m", "--log-file", "/dev/full")
    assert done.exit_code == 74
    assert "/dev/full: cannot write the log file: No space left" in done.stderr
    # What went wrong first is what is told.
    assert run("algorithms", "no-such", "--log-file", "/dev/full").exit_code == 2


def test_one_s_own_link_is_followed_by_the_log_file(run: Run, place: Path, tmp_path: Path) -> None:
    (place / "log").symlink_to(tmp_path / "kept.log")
    for _ in range(2):
        assert run("algorithms", "no-such", "--log-file", "log").exit_code == 2
    kept = (tmp_path / "kept.log").read_text().splitlines()
    assert [("unknown algorithm" in line, "ended with exit code 2" in line) for line in kept] == [
        (True, False), (False, True),
    ] * 2  # fmt: skip
    assert (place / "log").is_symlink()


def test_a_log_file_may_be_a_device_or_a_pipe_that_is_read(run: Run, place: Path) -> None:
    assert run("algorithms", "--log-file", "/dev/null").exit_code == 0
    os.mkfifo(place / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((place / "pipe").read_text()))
    reader.start()
    assert run("algorithms", "no-such", "--log-file", "pipe").exit_code == 2
    reader.join(30)
    assert "error: unknown algorithm" in read[0]


def test_resolved_is_what_the_system_makes_of_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "up").symlink_to("../c")
    (tmp_path / "c").mkdir()
    (tmp_path / "absolute").symlink_to(tmp_path / "a" / "up")
    monkeypatch.chdir(tmp_path / "a")
    for path in (
        "x",
        "./b/../x",
        "up/x",
        "up/../x",
        "../absolute/../a/up/new/x",
        str(tmp_path),
        "/",
        "/..",
        ".",
    ):
        assert writing.resolved(path) == Path(os.path.realpath(path)), path
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        writing.resolved(tmp_path / "loop")

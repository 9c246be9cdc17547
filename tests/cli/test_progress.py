"""Bars are there while something runs, and gone before anything else is printed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from pmlcli import runtime
from pmlcli.cli._progress import bars
from pmlcli.eventlog import read_log
from pmlcli.lifecycle.model import Model
from tests.cli.conftest import write_csv


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=80)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_nothing_is_shown_before_the_first_step() -> None:
    console = terminal()
    with bars(console):
        assert written(console) == ""
    assert written(console) == ""


def test_a_bar_is_shown_and_removed_after_its_last_step() -> None:
    console = terminal()
    with bars(console) as sink, runtime.use(progress=sink):
        assert list(runtime.track(range(3), "training [red]\x1b", 3)) == [0, 1, 2]
        shown = written(console)
        assert "training [red]\\x1b" in shown
        # The cursor is back: whoever prints now prints on a clean line.
        assert shown.rstrip().endswith("\x1b[2K")
        assert list(runtime.track(range(2), "again", 2)) == [0, 1]
    assert "again" in written(console)


def test_a_bar_without_a_known_end_is_removed_at_the_end() -> None:
    console = terminal()
    with bars(console) as sink, runtime.use(progress=sink):
        list(runtime.track(range(3), "reading"))
    assert written(console).count("\x1b[?25l") == written(console).count("\x1b[?25h") == 1


def test_a_training_says_its_phases_in_order_and_each_comes_to_its_end(tmp_path: Path) -> None:
    """A bar that came to its end is gone, so that no message meets it."""
    steps: list[tuple[str, int, int | None]] = []
    log = write_csv(tmp_path / "log.csv", 100)
    with runtime.use(progress=lambda *step: steps.append(step)):
        model = Model("next-activity/linear", cuts=2)
        model.train(log)
        model.save(tmp_path / "m", check=True)
    assert list(dict.fromkeys(label for label, _done, _total in steps)) == [
        "reading",
        "learning",
        "measuring",
        "checking",
    ]
    last = {label: (done, total) for label, done, total in steps}
    assert all(done == total for done, total in last.values())
    assert last["reading"][1] == log.stat().st_size
    learning = [(done, total) for label, done, total in steps if label == "learning"]
    assert learning[:3] == [(0, 2), (1, 2), (2, 2)]


def test_a_log_that_comes_through_a_pipe_has_no_bar_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    data = write_csv(tmp_path / "log.csv").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    with runtime.use(progress=lambda label, _done, _total: steps.append(label)):
        read_log("-")
    assert steps == []

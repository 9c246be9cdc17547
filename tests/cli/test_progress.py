"""Bars are there while something runs, and gone before anything else is printed."""

from __future__ import annotations

import io

from rich.console import Console

from pmlcli import runtime
from pmlcli.cli._progress import bars


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

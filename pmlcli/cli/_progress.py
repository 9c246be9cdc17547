"""Progress bars on stderr; only imported where there is a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pmlcli.escape import visible
from pmlcli.runtime import ProgressSink


class _Bars:
    """One bar a label; shown from the first step to the last, so that messages never meet a bar."""

    def __init__(self, console: Console) -> None:
        self._columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
        self._console = console
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def step(self, label: str, done: int, total: int | None) -> None:
        """Called with (label, steps done, steps in all or None)."""
        if self._progress is None:
            self._progress = Progress(*self._columns, console=self._console, transient=True)
            self._progress.start()
        if label not in self._tasks:
            self._tasks[label] = self._progress.add_task(visible(label), total=total)
        self._progress.update(self._tasks[label], completed=done, total=total)
        if self._progress.finished:
            self.close()

    def close(self) -> None:
        """Takes the bars off the screen; the next step shows new ones."""
        if self._progress is not None:
            self._progress.stop()
        self._progress, self._tasks = None, {}


@contextmanager
def bars(console: Console | None = None) -> Iterator[ProgressSink]:
    """A sink that shows bars on stderr, and takes them away at the end."""
    shown = _Bars(console or Console(stderr=True))
    try:
        yield shown.step
    finally:
        shown.close()

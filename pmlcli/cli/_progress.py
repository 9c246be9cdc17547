"""Progress bars on stderr; only imported where there is a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from pmlcli.render.escape import visible
from pmlcli.runtime import ProgressSink


@contextmanager
def bars() -> Iterator[ProgressSink]:
    """A sink that shows one bar a label, and removes them at the end."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def sink(label: str, done: int, total: int | None) -> None:
            if label not in tasks:
                tasks[label] = progress.add_task(Text(visible(label)).plain, total=total)
            progress.update(tasks[label], completed=done, total=total)

        yield sink

"""One run of a command: where data, messages and progress go, and how many threads there are.

stdout carries data only; messages go to stderr, and to the log file when there is one.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import typer

from pmlcli import runtime, writing
from pmlcli.cli import _config, _failure
from pmlcli.errors import OutputError, PmlError, PmlWarning, SeriousWarning
from pmlcli.escape import shown_line, visible
from pmlcli.render import json, number
from pmlcli.render.block import Block, plain

QUIET, NORMAL, VERBOSE = 0, 1, 2
_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")


def is_coloured(stream: TextIO) -> bool:
    """Whether colours may go to this stream: a terminal, and nobody asked for none (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@dataclass
class LogFile:
    """Where messages are kept too: a file, device or pipe, written without a buffer, so nothing is left to
    fail when it is closed.
    """

    path: Path
    stream: io.FileIO

    @property
    def is_json(self) -> bool:
        """Whether each line is a JSON object, by the file's name."""
        return self.path.suffix.lower() in _JSON_ENDINGS

    def write(self, text: str) -> None:
        """Appends the text; OutputError when it cannot be written, as when the reader of a pipe has left."""
        left = text.encode("utf-8")
        try:
            while left:
                left = left[self.stream.write(left) or 0 :]
        except OSError as error:
            is_left = isinstance(error, BrokenPipeError)
            why = "its reader has left" if is_left else error.strerror
            raise _unwritable(self.path, str(why)) from error


@dataclass
class Session:
    """What a command says and returns, and how."""

    as_json: bool = False
    level: int = NORMAL
    log_file: LogFile | None = None
    warned: list[str] = field(default_factory=list)
    run_id: str = field(default_factory=lambda: secrets.token_hex(6))
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return round(time.monotonic() - self.started, 3)

    def note(self, text: str) -> None:
        """Tells what is going on; silent with -q."""
        self._say(text, NORMAL)

    def detail(self, text: str) -> None:
        """Tells more, with -v."""
        self._say(text, VERBOSE)

    def warn(self, text: str, *, is_serious: bool = False) -> None:
        """Tells what the user should know about a result; also in the JSON document as `warnings`.

        -q does not silence what is serious.
        """
        self.warned.append(text)
        self._say(text, QUIET if is_serious else NORMAL, "warning")

    def record(self, text: str, kind: str = "note", **facts: object) -> None:
        """Puts a line into the log file, if there is one; `facts` stand in its JSON form alone."""
        if self.log_file is None:
            return
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        try:
            if self.log_file.is_json:
                told = {"time": stamp, "run_id": self.run_id, "kind": kind, "text": text, **facts}
                self.log_file.write(f"{json.line(told)}\n")
            else:
                self.log_file.write(f"{stamp} {_marked(kind)}{visible(text)}\n")
        except OutputError:
            self.log_file = None  # the error itself is not written there
            raise

    def record_error(self, error: PmlError) -> None:
        """Puts what went wrong into the log file."""
        hint = f" ({error.hint})" if error.hint else ""
        self.record(f"{error.message}{hint}", "error", code=error.code)

    def record_end(self, exit_code: int) -> None:
        """Puts the run's last line into the log file: its exit code, and how long it took."""
        took = number.duration(self.seconds)
        text = f"run {self.run_id} ended with exit code {exit_code} after {took}"
        self.record(text, "end", exit_code=exit_code, seconds=self.seconds)

    def _say(self, text: str, level: int, kind: str = "note") -> None:
        self.record(text, kind)
        if self.level >= level:
            typer.echo(shown_line(f"{_marked(kind)}{text}"), err=True)

    def result(self, kind: str, body: Mapping[str, Any], blocks: Callable[[], Sequence[Block]]) -> None:
        """Data that was asked for: the document with --json, else the blocks as text."""
        if self.as_json:
            typer.echo(json.document(kind, {**body, "warnings": self.warned}))
        elif is_coloured(sys.stdout):
            # rich takes time to import, and only a terminal needs it.
            from pmlcli.render.terminal import coloured

            typer.echo(coloured(blocks(), shutil.get_terminal_size().columns), color=True)
        else:
            typer.echo(plain(blocks()))

    def outcome(self, kind: str, body: Mapping[str, Any], blocks: Callable[[], Sequence[Block]]) -> None:
        """Data about something that was done; -q prints none of it."""
        if self.level > QUIET or self.as_json:
            self.result(kind, body, blocks)


@contextmanager
def opened(
    session: Session, *, threads: int, log_file: Path | None, show_progress: bool
) -> Iterator[Session]:
    """The session with its log file open, and threads and progress set for all code inside."""
    _failure.keeps_its_own_record()
    with ExitStack() as stack:
        if log_file is not None:
            session.log_file = stack.enter_context(log_file_at(log_file))
        sink = None
        if show_progress and session.level > QUIET and sys.stderr.isatty():
            # rich takes time to import, and only a terminal needs it.
            from pmlcli.cli._progress import bars

            sink = stack.enter_context(bars())
        stack.enter_context(runtime.use(threads=threads, progress=sink))
        stack.enter_context(_warnings_to(session))
        for text in _config.told.get():
            session.note(text)
        try:
            yield session
        except BaseException as error:
            with suppress(OutputError):  # what went wrong first is what is told
                if isinstance(error, PmlError):
                    session.record_error(error)
                session.record_end(_failure.code_of(error))
            raise
        session.record_end(0)


def _marked(kind: str) -> str:
    """How a line of text begins: what it is, unless it is a note."""
    return f"{kind}: " if kind in ("warning", "error") else ""


@contextmanager
def _warnings_to(session: Session) -> Iterator[None]:
    """Prints what the library warns of as the command's own warnings; those of others stay as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", PmlWarning)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **options: Any) -> None:
            if issubclass(category, PmlWarning):
                session.warn(str(message), is_serious=issubclass(category, SeriousWarning))
            else:
                others(message, category, *where, **options)

        warnings.showwarning = show
        yield


@contextmanager
def log_file_at(path: Path) -> Iterator[LogFile]:
    """The log file opened to append; OutputError where it cannot be."""
    try:
        stream = io.FileIO(writing.open_to_append(path), "ab")
    except OSError as error:
        raise _unwritable(path, str(error.strerror)) from error
    with stream:
        yield LogFile(path, stream)


def _unwritable(path: Path, why: str) -> OutputError:
    return OutputError(
        f"{path}: cannot write the log file: {why}",
        hint="give --log-file another name, or leave it out",
        context={"path": str(path)},
    )

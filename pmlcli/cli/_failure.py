"""How a run ends: every foreseen failure becomes one line, a hint, and an exit code."""

from __future__ import annotations

import os
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import typer

from pmlcli.cli import _config
from pmlcli.errors import GateError, OutputError, PmlError, Terminated, ValidationError
from pmlcli.escape import visible
from pmlcli.render.json import error_document

LONGEST_MESSAGE = 4000
_NUMBERS = {"int": "is no whole number", "float": "is no number"}
EXIT_BUG = 1
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_TERMINATED = 143


@dataclass
class Mode:
    """How errors are to be told; known before and after the options are."""

    json: bool = False
    debug: bool = False
    arguments: tuple[str, ...] = ()
    is_recorded: bool = False
    """Whether the run's own log file, if it has one, says how it ended."""
    told: PmlError | None = None
    """What went wrong."""


_running: ContextVar[Mode | None] = ContextVar("running", default=None)


def keeps_its_own_record() -> None:
    """From here on the run that is guarded writes its end into its log file itself."""
    mode = _running.get()
    if mode is not None:
        mode.is_recorded = True


def mode_of(arguments: list[str], environment: Mapping[str, str]) -> Mode:
    """How errors are to be told, guessed before anything is parsed."""
    given = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return Mode(
        json="--json" in given or _is_on(environment.get("PMLCLI_JSON")),
        debug="--debug" in given or _is_on(environment.get("PMLCLI_DEBUG")),
        arguments=tuple(arguments),
    )


def _is_on(value: str | None) -> bool:
    return (value or "").strip().lower() in ("1", "true", "yes", "on", "t", "y")


def guarded(call: Callable[[], Any], mode: Mode) -> int:
    """Runs a command and returns its exit code; what it raised has been told by then."""
    token = _running.set(mode)
    try:
        return _guarded(call, mode)
    finally:
        _running.reset(token)


def _guarded(call: Callable[[], Any], mode: Mode) -> int:
    try:
        code = int(call() or 0)
    except PmlError as error:
        return tell(error, mode)
    except typer.TyperException as error:
        return tell(usage_error(error), mode)
    except typer.Abort:
        code = EXIT_INTERRUPTED
    except Terminated:
        code = EXIT_TERMINATED
    except MemoryError:
        return tell(OutputError("out of memory", hint="use a smaller log", code="memory"), mode)
    except OSError as error:
        return tell(_io_error(error), mode)
    if code in (EXIT_INTERRUPTED, EXIT_TERMINATED):
        word = "interrupted" if code == EXIT_INTERRUPTED else "terminated"
        _tell_stopped(f"{word}; nothing half-written is left", code, mode)
    return code


def code_of(error: BaseException) -> int:
    """The exit code with which a run ends that raised this."""
    codes: tuple[tuple[type[BaseException], int], ...] = (
        (BrokenPipeError, EXIT_BROKEN_PIPE),
        (OSError, OutputError.exit_code),
        (MemoryError, OutputError.exit_code),
        (KeyboardInterrupt, EXIT_INTERRUPTED),
        (typer.Abort, EXIT_INTERRUPTED),
        (Terminated, EXIT_TERMINATED),
    )
    own = getattr(error, "exit_code", None)
    if isinstance(own, int):
        return own
    return next((code for kind, code in codes if isinstance(error, kind)), EXIT_BUG)


def _tell_stopped(what: str, code: int, mode: Mode) -> None:
    if not (mode.json and _told_as_json(error_document(PmlError(what, code="stopped"), exit_code=code))):
        with suppress(OSError):  # the terminal may be gone
            typer.echo(what, err=True)


def _told_as_json(document: str) -> bool:
    """Prints it on stdout, unless stdout is what failed."""
    try:
        typer.echo(document)
    except OSError:
        silence_stdout()
        return False
    return True


def _io_error(error: OSError) -> OutputError:
    where = f"{error.filename}: " if error.filename else ""
    return OutputError(f"{where}{error.strerror or error}", context={"path": str(error.filename or "")})


def usage_error(error: typer.TyperException) -> ValidationError:
    """Typer's complaint about the command line in our words: what, and what to do."""
    message = error.format_message().strip()
    near = re.search(r"[.,]? ?Did you mean (.+?)\?$", message)
    possible = list(getattr(error, "possibilities", None) or ())
    hint = _help_hint(error)
    if near:
        message, hint = message[: near.start()], f"did you mean {near.group(1)}?"
    elif possible:
        message = message.partition(" (Possible options")[0]
        hint = f"did you mean {possible[0]}?"
    message = message.rstrip(".").replace("Invalid value for ", "", 1)
    message = re.sub(r"is not a valid (int|float)( range)?$", lambda found: _NUMBERS[found[1]], message)
    return ValidationError(f"{_source(error)}{message[:1].lower()}{message[1:]}", hint=hint)


def _source(error: typer.TyperException) -> str:
    """Which variable or file a bad value came from, as a message begins; nothing for the command line."""
    context, parameter = getattr(error, "ctx", None), getattr(error, "param", None)
    if context is None or parameter is None:
        return ""
    source = getattr(context.get_parameter_source(parameter.name), "name", "")
    if source == "ENVIRONMENT":
        return f"variable {parameter.envvar}: "
    file = _config.source_of(context, parameter.name) if source == "DEFAULT_MAP" else None
    return f"{file}: " if file else ""


def _help_hint(error: typer.TyperException) -> str | None:
    context = getattr(error, "ctx", None)
    return None if context is None else f"`{context.command_path} --help` lists what it takes"


def _one_line(text: str) -> str:
    """The text made safe, and cut where no reader follows: what it quotes may come from a hostile file."""
    return visible(text if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + "...")


def tell(error: PmlError, mode: Mode) -> int:
    """Prints the error as the mode says and returns its exit code."""
    mode.told = error
    if mode.debug:
        typer.echo("".join(traceback.format_exception(error)), err=True)
    # A gate is crossed by a result, and that is the one document already; its line goes to stderr.
    if mode.json and not isinstance(error, GateError) and _told_as_json(error_document(error)):
        return error.exit_code
    typer.echo(f"error: {_one_line(error.message)}", err=True)
    if error.hint:
        typer.echo(f"hint: {_one_line(error.hint)}", err=True)
    added = error.context.get("add_options")
    if added and mode.arguments:
        typer.echo(f"hint: {_one_line(_finished(mode.arguments, added))}", err=True)
    for failed in error.context.get("failed_hooks", ()):
        typer.echo(f"warning: {visible(str(failed))}", err=True)
    return error.exit_code


def _finished(arguments: tuple[str, ...], added: list[str]) -> str:
    """The command line with the options that settle what the error says."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return shlex.join(["pmlcli", *arguments[:end], *added, *arguments[end:]])


class UnforeseenError(PmlError):
    """What nobody foresaw, dressed for `tell`."""

    default_code = "bug"


def tell_bug(error: BaseException, mode: Mode) -> int:
    """Prints one line about an unforeseen exception, or its traceback in debug mode."""
    if mode.debug:
        typer.echo("".join(traceback.format_exception(error)), err=True)
    what = f"a bug in pmlcli: {type(error).__name__}: {error}"
    return tell(
        UnforeseenError(what, hint="run it again with --debug to see where; please report that"),
        Mode(json=mode.json),
    )


def silence_stdout() -> None:
    """Lets the interpreter's last flush of stdout go nowhere, once nothing can be written to it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

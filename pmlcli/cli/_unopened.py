"""The log file of a run that failed before its options were read: a cron job looks for the failure there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pmlcli.cli import _config_file, _failure
from pmlcli.cli._group import VARIABLE_PREFIX
from pmlcli.cli._session import Session, log_file_at
from pmlcli.errors import OutputError, ValidationError

_LOG_FILE, _CONFIG = "log-file", "config"


def record(mode: _failure.Mode, code: int, environment: Mapping[str, str]) -> None:
    """Appends the error and the exit code to the log file, wherever --log-file can be read without the rest.

    A file that cannot be written is passed over: what went wrong first has been told.
    """
    path = _log_file(mode.arguments, environment)
    if path is None:
        return
    with suppress(OutputError), log_file_at(path) as opened:
        session = Session(log_file=opened)
        if mode.told is not None:
            session.record_error(mode.told)
        session.record_end(code)


def _log_file(arguments: Sequence[str], environment: Mapping[str, str]) -> Path | None:
    """By the strongest source: the command line, the variable, a named file, the user's own."""
    found = _option(_LOG_FILE, arguments, environment)
    if found is None:
        found = next(_from_files(arguments, environment), None)
    return Path(found) if found else None


def _option(name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    flag, found = f"--{name}", environment.get(VARIABLE_PREFIX + name.replace("-", "_").upper())
    given = arguments[: arguments.index("--")] if "--" in arguments else arguments
    for position, text in enumerate(given):
        if text == flag and position + 1 < len(given):
            found = given[position + 1]
        elif text.startswith(f"{flag}="):
            found = text.removeprefix(f"{flag}=")
    return found


def _from_files(arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[str]:
    """What files set that may set it, the strongest first; one that cannot be read sets nothing."""
    named = _option(_CONFIG, arguments, environment)
    for read in ((lambda: _config_file.named(Path(named))) if named else (lambda: None), _config_file.own):
        with suppress(ValidationError):
            settings = read()
            values = {} if settings is None else settings.values
            tables = [values[name] for name in arguments[:1] if isinstance(values.get(name), dict)]
            for table in (*tables, values):
                texts = (table.get(key) for key in (_LOG_FILE, _LOG_FILE.replace("-", "_")))
                yield from (text for text in texts if isinstance(text, str))

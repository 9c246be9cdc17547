"""Configuration files: which there are, whose they are, and what stands in them.

Three kinds: the user's own (`own`), one that is named with --config (`named`), and one that is merely
found in the working directory (`found`), which anybody may have put there.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlcli.errors import ValidationError

MAX_BYTES = 1 << 20
MAX_DOTS = 300
"""In a line: tomllib takes the square of a dotted key's length."""
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ELSEWHERE = "remove it, work in another directory, or name a file of your own with --config"


@dataclass(frozen=True)
class Settings:
    """What a file sets, and the file as messages name it."""

    source: str
    values: dict[str, Any]
    is_found: bool = False


def own_path() -> Path | None:
    """Where the user's own configuration is looked for; None where there is no home directory."""
    base, home = Path(os.environ.get("XDG_CONFIG_HOME", "")), _home()
    if not base.is_absolute():
        # So the XDG specification has it; a relative one would lead to wherever the user just is.
        base = home / ".config"
    return base / "pmlcli" / "config.toml" if base.is_absolute() else None


def own_shown() -> str:
    """The user's own configuration as a hint names it."""
    path = own_path()
    return "~/.config/pmlcli/config.toml" if path is None else _short(path)


def own() -> Settings | None:
    """The user's own configuration; None when there is none.

    Raises ValidationError when it, or its directory, is another user's or can be written by others.
    """
    path = own_path()
    if path is None or not _is_there(path):
        return None
    shown = _short(path)
    with _reported(shown), _opened(path, os.O_NONBLOCK) as descriptor:
        _require_file(descriptor, shown)
        _require_own(os.fstat(descriptor), path, shown)
        for directory in {path.parent, path.resolve().parent}:
            _require_own(directory.stat(), directory, _short(directory))
        return Settings(shown, _parsed(descriptor, shown))


def named(path: Path) -> Settings:
    """The file that the user named; a pipe will do. A `pyproject.toml` must have our table."""
    shown = str(path)
    with _reported(shown), _opened(path) as descriptor:
        content = _parsed(descriptor, shown)
    if path.name != "pyproject.toml":
        return Settings(shown, content)
    if "pmlcli" not in _tools(content):
        raise ValidationError(
            f"{shown}: has no table [tool.pmlcli], so it sets nothing",
            hint='write [tool.pmlcli] and below it key = value, such as timezone = "UTC"',
        )
    return Settings(shown, _table(content, shown))


def found(directory: Path) -> Settings | None:
    """`pmlcli.toml`, else `[tool.pmlcli]` of `pyproject.toml`, of a directory; None when there is neither.

    Raises ValidationError for one that another user made, or that everybody may write to.
    """
    path, project = directory / "pmlcli.toml", directory / "pyproject.toml"
    if _is_there(path):
        with _reported(path.name), _opened(path, os.O_NONBLOCK) as descriptor:
            _require_file(descriptor, path.name)
            _require_owner(path, descriptor, path.name)
            return Settings(path.name, _parsed(descriptor, path.name), is_found=True)
    if not project.is_file():
        return None
    with _reported(project.name), _opened(project, os.O_NONBLOCK) as descriptor:
        table = _table(_parsed(descriptor, project.name), project.name)
        if not table:
            # Whoever made it, it says nothing to us.
            return None
        shown = "[tool.pmlcli] in pyproject.toml"
        _require_owner(project, descriptor, shown)
        return Settings(shown, table, is_found=True)


def _table(content: dict[str, Any], shown: str) -> dict[str, Any]:
    """`[tool.pmlcli]`, empty where there is none; ValidationError where it is there and no table."""
    table = _tools(content).get("pmlcli", {})
    if not isinstance(table, dict):
        raise ValidationError(
            f"{shown}: tool.pmlcli is {_kind(table)}, not a table",
            hint='write [tool.pmlcli] and below it key = value, such as timezone = "UTC"',
        )
    return table


def _tools(content: dict[str, Any]) -> dict[str, Any]:
    tool = content.get("tool", {})
    return tool if isinstance(tool, dict) else {}


def _kind(value: Any) -> str:
    return "an array" if isinstance(value, list) else f"the value {value!r}"[:60]


def _is_there(path: Path) -> bool:
    """Whether anything has this name, a link to nothing too; a directory closed to us counts as empty.

    Where a process runs for somebody else (`sudo -u`), the home directory may be one that it cannot enter.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False
    except OSError as error:
        raise _unreadable(str(path), error) from error
    return True


@contextmanager
def _opened(path: Path, flags: int = 0) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _reported(shown: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unreadable(shown, error) from error


def _unreadable(shown: str, error: OSError) -> ValidationError:
    return ValidationError(f"{shown}: cannot read the configuration: {error.strerror}")


def _parsed(descriptor: int, shown: str) -> dict[str, Any]:
    try:
        text = _read(descriptor, shown).decode("utf-8")
        if any(line.count(".") > MAX_DOTS for line in text.splitlines()):
            raise ValidationError(f"{shown}: a line has more than {MAX_DOTS} dots")
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValidationError(f"{shown}: not valid TOML: nested too deep") from error
    except ValueError as error:
        raise ValidationError(f"{shown}: not valid TOML: {error}") from error


def _read(descriptor: int, shown: str) -> bytes:
    data = b""
    while piece := os.read(descriptor, MAX_BYTES + 1 - len(data)):
        data += piece
        if len(data) > MAX_BYTES:
            raise ValidationError(f"{shown}: larger than {MAX_BYTES:,} bytes, which no configuration is")
    return data


def _require_file(descriptor: int, shown: str) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise ValidationError(f"{shown}: not a regular file", hint=_ELSEWHERE)


def _is_ours(status: os.stat_result) -> bool:
    """Of this user, or of root, who can do anything anyway."""
    return status.st_uid in (os.geteuid(), 0)


def _require_owner(path: Path, descriptor: int, shown: str) -> None:
    """Refuses a file, or a link to one, that another user put there."""
    status = os.fstat(descriptor)
    if not _is_ours(status) or not _is_ours(path.lstat()):
        raise ValidationError(f"{shown}: belongs to another user, so it sets nothing", hint=_ELSEWHERE)
    if status.st_mode & stat.S_IWOTH:
        raise ValidationError(
            f"{shown}: everybody may write to it, so it sets nothing", hint=f"chmod o-w {path.name}"
        )


def _require_own(status: os.stat_result, path: Path, shown: str) -> None:
    if not _is_ours(status):
        raise ValidationError(
            f"{shown}: belongs to another user",
            hint="your configuration must be your own; chown or remove it",
        )
    if status.st_mode & _OTHERS_MAY_WRITE:
        raise ValidationError(f"{shown}: others may write to it", hint=f"chmod go-w {path}")


def _home() -> Path:
    """The home directory; a relative path where there is none."""
    return Path(os.path.expanduser("~"))  # noqa: PTH111 (Path.home raises where there is none)


def _short(path: Path) -> str:
    home = _home()
    return f"~/{path.relative_to(home)}" if home.is_absolute() and path.is_relative_to(home) else str(path)

"""Defaults from a file: `pmlcli.toml`, or `[tool.pmlcli]` in `pyproject.toml`, in the working directory.

Keys are long option names without dashes. Those at the top hold for every command that has the
option, those in a table `[train]`, `[predict]`, ... for that command. An option on the command line
wins, then a `PMLCLI_` variable, then the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from pmlcli.errors import ValidationError, unknown_name

SOURCE = "pmlcli.config"
"""Where a context remembers which file its defaults came from."""
_NEVER = {"help", "config", "version", "install-completion", "show-completion"}


def apply(context: typer.Context, path: Path | None) -> Path | None:
    """Callback of --config: makes the file's values the defaults of the options not yet parsed."""
    if context.resilient_parsing:
        return path
    source, settings = load(path, Path.cwd())
    if settings:
        context.default_map = {**(context.default_map or {}), **defaults(context, source, settings)}
        context.meta[SOURCE] = source
    return path


def load(path: Path | None, directory: Path) -> tuple[str, dict[str, Any]]:
    """Where settings came from, and the settings; empty when there is no file."""
    if path is not None:
        return str(path), _table(path, _read(path, str(path)))
    own, project = directory / "pmlcli.toml", directory / "pyproject.toml"
    if own.is_file():
        return own.name, _read(own, own.name)
    if project.is_file():
        return "[tool.pmlcli] in pyproject.toml", _table(project, _read(project, project.name))
    return "", {}


def _table(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    if path.name != "pyproject.toml":
        return content
    found = content.get("tool", {}).get("pmlcli", {})
    return found if isinstance(found, dict) else {}


def _read(path: Path, shown: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValidationError(f"{shown}: cannot read the configuration: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValidationError(f"{shown}: not valid TOML: {error}") from error


def defaults(context: typer.Context, source: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that concern the command being parsed, by parameter name.

    Raises ValidationError for a key that no command knows, with the nearest that one does.
    """
    commands = {name: _options(command) for name, command in _commands(context).items()}
    everywhere = {key for known in commands.values() for key in known}
    own = commands.get(context.info_name or "", {})
    chosen: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict) and key in commands:
            continue
        _require(source, key, everywhere | set(commands))
        if key.replace("_", "-") in own:
            chosen |= _default(source, key, value, own)
    for command, table in settings.items():
        if isinstance(table, dict) and command in commands:
            for key, value in table.items():
                _require(f"{source}, table [{command}]", key, set(commands[command]))
                if command == context.info_name:
                    chosen |= _default(source, key, value, own)
    return chosen


def _commands(context: typer.Context) -> dict[str, Any]:
    return dict(getattr(context.find_root().command, "commands", {}))


def _options(command: Any) -> dict[str, Any]:
    """Long option name to its parameter; flags that switch off are reached by `name = false`."""
    return {
        option.removeprefix("--"): parameter
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option.removeprefix("--") not in _NEVER
    }


def _require(source: str, key: str, known: set[str]) -> None:
    if key.replace("_", "-") not in known:
        error = unknown_name("key", key, known)
        raise ValidationError(f"{source}: {error.message}", hint=error.hint, context=error.context)


def _default(source: str, key: str, value: Any, own: Mapping[str, Any]) -> dict[str, Any]:
    parameter = own[key.replace("_", "-")]
    if not parameter.multiple:
        if isinstance(value, list | dict):
            raise ValidationError(f"{source}: key '{key}' takes one value")
        return {parameter.name: value if isinstance(value, bool | int) else str(value)}
    if isinstance(value, dict):
        value = [f"{name}={_text(item)}" for name, item in value.items()]
    return {parameter.name: [str(item) for item in (value if isinstance(value, list) else [value])]}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)

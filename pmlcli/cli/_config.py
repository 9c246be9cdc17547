"""Defaults from files: which options a file may set, and what becomes of its values.

Keys are long option names without dashes. Those at the top hold for every command that has the
option, those in a table `[train]`, `[predict]`, ... for that command. The command line wins, then a
`PMLCLI_` variable, then the file named with --config or else found in the working directory, then the
user's own file. A found file may set what is asked and how it is shown, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

import typer

from pmlcli.cli import _config_file
from pmlcli.cli._config_file import Settings
from pmlcli.cli._group import VARIABLE_PREFIX, Concern, concern_of
from pmlcli.errors import ValidationError, unknown_name

_FILES = "pmlcli.files"
_NEVER = {"help", "config", "version", "install-completion", "show-completion"}
_LONGEST_SHOWN = 60

told: ContextVar[tuple[str, ...]] = ContextVar("told", default=())
"""What a run says first: which found file set what."""

running: ContextVar[typer.Context] = ContextVar("running")
"""The context of the command that runs."""


class _Option(NamedTuple):
    """An option as a file can name it."""

    parameter: Any
    concern: Concern | None
    is_negation: bool


def apply(context: typer.Context, path: Path | None) -> Path | None:
    """Callback of --config: makes the files' values the defaults of the options not yet parsed."""
    if context.resilient_parsing:
        return path
    for settings in _files(path, Path.cwd()):
        chosen = _defaults(context, settings)
        context.default_map = {**(context.default_map or {}), **chosen}
        context.meta[_FILES] = {**context.meta.get(_FILES, {}), **dict.fromkeys(chosen, settings)}
    return path


def source_of(context: typer.Context, name: str | None) -> str | None:
    """The file that this parameter's default came from."""
    settings = context.meta.get(_FILES, {}).get(name)
    return None if settings is None else str(settings.source)


def found_settings(context: typer.Context) -> str:
    """What a found file set in this run, as a sentence; empty when nothing.

    To be asked once the command line is parsed: what it overrides is not told.
    """
    files: dict[str, Settings] = context.meta.get(_FILES, {})
    names = [name for name, settings in files.items() if settings.is_found and _counts(context, name)]
    if not names:
        return ""
    values = context.default_map or {}
    shown = ", ".join(f"{name.replace('_', '-')} = {_shown(values.get(name))}" for name in sorted(names))
    return f"settings found in {files[names[0]].source}: {shown}"


def _counts(context: typer.Context, name: str) -> bool:
    return getattr(context.get_parameter_source(name), "name", "") == "DEFAULT_MAP"


def _shown(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else _text(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _files(path: Path | None, directory: Path) -> Iterator[Settings]:
    """The files that hold here, the weakest first."""
    own = _config_file.own()
    if own is not None:
        yield own
    other = _config_file.found(directory) if path is None else _config_file.named(path)
    if other is not None:
        yield other


def _defaults(context: typer.Context, settings: Settings) -> dict[str, Any]:
    """The settings that concern the command being parsed, by parameter name.

    Raises ValidationError for a key that no command knows, with the nearest that one does, and for one that
    such a file may not set, whatever the command.
    """
    commands = {name: _options(command) for name, command in _commands(context).items()}
    top, tables = _parted(settings, commands)
    _check_top(settings, top, commands)
    for command, table in tables.items():
        _check_table(settings, table, command, commands[command])
    name = context.info_name or ""
    own = commands.get(name, {})
    for_all = _chosen(settings.source, {key: value for key, value in top.items() if _plain(key) in own}, own)
    return for_all | _chosen(f"{settings.source}, table [{name}]", tables.get(name, {}), own)


def _commands(context: typer.Context) -> dict[str, Any]:
    return dict(getattr(context.find_root().command, "commands", {}))


def _options(command: Any) -> dict[str, _Option]:
    """Each long name without dashes, that of a flag's opposite too."""
    found = {}
    for parameter in command.params:
        for names, is_negation in ((parameter.opts, False), (parameter.secondary_opts, True)):
            for name in names:
                if name.startswith("--") and name[2:] not in _NEVER:
                    found[name[2:]] = _Option(parameter, concern_of(command, parameter.name), is_negation)
    return found


def _plain(key: str) -> str:
    return key.replace("_", "-")


def _parted(
    settings: Settings, commands: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What stands at the top, and the tables of commands (`sign` is an option and a command)."""
    tables = {k: v for k, v in settings.values.items() if k in commands and isinstance(v, dict)}
    top = {k: v for k, v in settings.values.items() if k not in tables}
    return top, tables


def _check_top(
    settings: Settings, top: Mapping[str, Any], commands: Mapping[str, Mapping[str, _Option]]
) -> None:
    everywhere = {key for options in commands.values() for key in options}
    offered = {key for options in commands.values() for key in _offered(settings, options)}
    for key in top:
        _require(settings.source, key, everywhere, offered, set(commands))
        meant = {
            command: options[_plain(key)] for command, options in commands.items() if _plain(key) in options
        }
        refused = next((option for option in meant.values() if _is_refused(settings, option)), None)
        if refused is not None:
            allowed = [command for command, option in meant.items() if not _is_refused(settings, option)]
            raise _not_by_found(settings.source, key, refused, allowed)


def _check_table(
    settings: Settings, table: Mapping[str, Any], command: str, options: Mapping[str, _Option]
) -> None:
    where = f"{settings.source}, table [{command}]"
    for key in table:
        _require(where, key, set(options), _offered(settings, options))
        if _is_refused(settings, options[_plain(key)]):
            raise _not_by_found(where, key, options[_plain(key)], [])


def _offered(settings: Settings, options: Mapping[str, _Option]) -> set[str]:
    """The keys that this file may set: what a hint may propose."""
    return {key for key, option in options.items() if not _is_refused(settings, option)}


def _require(
    where: str,
    key: str,
    known: set[str],
    offered: set[str],
    commands: set[str] | frozenset[str] = frozenset(),
) -> None:
    """A hint proposes a key of `offered`, or a command, which a misspelt table may have meant."""
    if _plain(key) in known:
        return
    if key in commands:
        raise ValidationError(f"{where}: '{key}' is a command and takes a table", hint=f"write [{key}]")
    error = unknown_name("key", key, offered | commands)
    raise ValidationError(f"{where}: {error.message}", hint=error.hint, context=error.context)


def _is_refused(settings: Settings, option: _Option) -> bool:
    """An option whose concern nobody declared counts as one that matters."""
    return settings.is_found and (option.concern is None or not option.concern.may_be_found)


def _not_by_found(where: str, key: str, option: _Option, allowed: list[str]) -> ValidationError:
    about = "" if option.concern is None else f", because it says {option.concern.value}"
    tables = " or ".join(f"[{command}]" for command in allowed)
    instead = f"put it into the table {tables}; else " if tables else ""
    variable = f"{VARIABLE_PREFIX}{option.parameter.name.upper()}"
    return ValidationError(
        f"{where}: '{key}' cannot be set by a file that is merely found{about}",
        hint=f"{instead}give --{_plain(key)} on the command line, {variable}, or write it into "
        f"{_config_file.own_shown()} or a file that you name with --config",
        context={"kind": "key", "name": key},
    )


def _chosen(where: str, table: Mapping[str, Any], own: Mapping[str, _Option]) -> dict[str, Any]:
    """Parameter to value; ValidationError for an option that is set twice in other words."""
    chosen: dict[str, Any] = {}
    for key, value in table.items():
        option = own[_plain(key)]
        if option.parameter.name in chosen:
            raise ValidationError(f"{where}: key '{key}' sets {option.parameter.opts[0]} a second time")
        chosen[option.parameter.name] = _default(where, key, value, option)
    return chosen


def _default(where: str, key: str, value: Any, option: _Option) -> Any:
    if option.is_negation:
        if not isinstance(value, bool):
            raise ValidationError(f"{where}: key '{key}' takes true or false")
        return not value
    if not option.parameter.multiple:
        if isinstance(value, list | dict):
            raise ValidationError(f"{where}: key '{key}' takes one value")
        return value if isinstance(value, bool | int) else str(value)
    if isinstance(value, dict):
        value = [f"{name}={_text(item)}" for name, item in value.items()]
    return [str(item) for item in (value if isinstance(value, list) else [value])]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)

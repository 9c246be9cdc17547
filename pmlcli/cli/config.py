"""`pmlcli config`: what counts in this directory, and where it comes from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from pmlcli.cli import _config, _config_file
from pmlcli.cli._group import concern_of
from pmlcli.cli._options import CommonOptions, one_of
from pmlcli.render.block import Block, Heading, Line, Table

DEFAULT = "default"

CommandArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[COMMAND]", help="Also show what this command takes by default.", show_default=False
    ),
]


class Setting(NamedTuple):
    """An option with the value that counts where the command line does not give another, and its source."""

    option: str
    value: str
    source: str


def config(common: CommonOptions, command: CommandArgument = None) -> None:
    """Say what counts, and where it comes from: each setting, its value and its source.

    The command line comes first, then variables PMLCLI_NAME, then the file that --config names or that is
    found in the working directory, then your own file. Without a COMMAND only what is set somewhere is shown.
    """
    with common.session() as session:
        context = _config.running.get()
        commands = _config._commands(context)
        one_of("command", command, tuple(commands))
        wanted = commands if command is None else {command: commands[command]}
        found = {name: list(_settings(context, name, one, common)) for name, one in wanted.items()}
        if command is None:
            found = {name: [s for s in settings if s.source != DEFAULT] for name, settings in found.items()}
        document = {
            "settings": [
                {
                    "option": setting.option,
                    "value": setting.value,
                    "source": setting.source,
                    "commands": names,
                }
                for setting, names in _joined(found).items()
            ],
            "sources": looked_at(common),
        }
        session.result("config", document, lambda: _shown(document, len(commands)))


def looked_at(common: CommonOptions) -> list[dict[str, Any]]:
    """Every place that may set options, the strongest first, and whether it sets any."""
    own, path = _config_file.own(), common.config
    other = _config_file.named(path) if path is not None else _config_file.found(Path.cwd())
    where = "pmlcli.toml or [tool.pmlcli] of pyproject.toml" if path is None else str(path)
    variables = sorted(name for name in os.environ if name.startswith("PMLCLI_"))
    return [
        {"source": "variables PMLCLI_NAME", "sets": variables},
        {
            "source": where if other is None else other.source,
            "sets": [] if other is None else [*other.values],
        },
        {"source": _config_file.own_shown(), "sets": [] if own is None else [*own.values]},
    ]


def _settings(context: typer.Context, name: str, command: Any, common: CommonOptions) -> Iterator[Setting]:
    inner = typer.Context(command, info_name=name, parent=context.find_root())
    from_files: dict[str, tuple[Any, str]] = {}
    for settings in _config._files(common.config, Path.cwd()):
        chosen = _config._defaults(inner, settings)
        from_files |= {parameter: (value, settings.source) for parameter, value in chosen.items()}
    for parameter in command.params:
        if concern_of(command, parameter.name) is not None:
            yield _setting(parameter, from_files)


def _setting(parameter: Any, from_files: dict[str, tuple[Any, str]]) -> Setting:
    option, variable = str(parameter.opts[0]), str(parameter.envvar)
    if os.environ.get(variable):
        return Setting(option, os.environ[variable], variable)
    if parameter.name in from_files:
        value, source = from_files[parameter.name]
        return Setting(option, _config._shown(value), source)
    return Setting(option, "" if parameter.default is None else _config._text(parameter.default), DEFAULT)


def _joined(found: Mapping[str, Iterable[Setting]]) -> dict[Setting, list[str]]:
    """Each setting once, with the commands in which it counts."""
    joined: dict[Setting, list[str]] = {}
    for name, settings in found.items():
        for setting in settings:
            joined.setdefault(setting, []).append(name)
    return joined


def _shown(document: dict[str, Any], n_commands: int) -> list[Block]:
    blocks: list[Block] = []
    if document["settings"]:
        rows = [
            (one["option"], one["value"], one["source"], _commands(one["commands"], n_commands))
            for one in document["settings"]
        ]
        blocks = [Table(("option", "value", "from", "for"), rows)]
    else:
        blocks = [Line("nothing is set: every option has its default")]
    places = [
        Line(f"  {one['source']}: {', '.join(one['sets']) or 'nothing'}") for one in document["sources"]
    ]
    return [*blocks, Heading("Looked at, the strongest first, beneath the command line"), *places]


def _commands(names: list[str], n_commands: int) -> str:
    return "every command that has it" if len(names) > n_commands // 2 else ", ".join(names)

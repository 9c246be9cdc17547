"""Options that tasks declare: what a prediction can be asked for, and parameters with an option of their own.

They come from the tasks' cards, so a new task's options appear here by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pmlcli import registry
from pmlcli._cards import OptionCard
from pmlcli.cli._group import LIMIT, PLACE, REQUEST, TRUST, VARIABLE_PREFIX, Concern, Declared, Field
from pmlcli.errors import ValidationError, unknown_name
from pmlcli.eventlog.times.duration import duration_seconds

_CONCERNS: dict[str, Concern] = {"request": REQUEST, "trust": TRUST, "place": PLACE, "limit": LIMIT}
_MANY = 3
"""So many tasks are named in the help of an option; more are told by those that have it not."""
_PARAMETERS = "Parameters of the algorithm"


def request_group() -> Declared:
    """The options of `predict` by which tasks are asked."""
    return Declared(tuple(_field(card, tasks) for card, tasks in registry.request_options().items()))


def parameter_group() -> Declared:
    """The options of `train` for parameters that have one."""
    options = registry.parameter_options().items()
    return Declared(tuple(_field(card, tasks, panel=_PARAMETERS) for card, tasks in options))


def input_group() -> Declared:
    """The options of `train` for what is learned from beside the log."""
    return Declared(tuple(_field(card, tasks) for card, tasks in registry.input_options().items()))


def asked(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for on the command line, by the request's names; tables are read.

    Raises ValidationError for what is no duration, or a file that cannot be read.
    """
    return _values(registry.request_options(), values)


def inputs(values: Mapping[str, Any], task: str) -> dict[str, Any]:
    """What training is given beside the log, by its names; tables are read.

    Raises what `asked` does, and ValidationError for what this task does not take.
    """
    for card, tasks in registry.input_options().items():
        if _is_given(values.get(card.name)) and task not in tasks:
            raise ValidationError(
                f"the task {task} takes no {card.option}",
                hint=f"{card.option} is for the task {', '.join(tasks)}",
                context={"option": card.option.removeprefix("--")},
            )
    return _values(registry.input_options(), values)


def _values(options: Iterable[OptionCard], values: Mapping[str, Any]) -> dict[str, Any]:
    cards = {card.name: card for card in options}
    return {name: _value(cards[name], value) for name, value in values.items() if _is_given(value)}


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that were given by options of their own."""
    return {name: value for name, value in values.items() if _is_given(value)}


def check_choices(values: Mapping[str, Any]) -> None:
    """ValidationError, before anything is imported, for a value that its option does not have."""
    for card in registry.request_options():
        value = values.get(card.name)
        if value is not None and card.choices and value not in card.choices:
            raise unknown_name(f"value of {card.option}", str(value), card.choices)
        if value is not None and card.kind == "duration":
            _value(card, value)


def who_has(name: str) -> str:
    """Which tasks have an option of this name, in training or when a prediction is asked for; or nothing."""
    training = [t for card, tasks in registry.parameter_options().items() if card.name == name for t in tasks]
    asked = [(c.option, ts) for c, ts in registry.request_options().items() if c.name == name]
    told = [f"training of {', '.join(training)} takes it"] if training else []
    told += [
        f"`pmlcli predict MODEL LOG {option}` asks a model of {', '.join(tasks)}" for option, tasks in asked
    ]
    return "; ".join(told)


def _is_given(value: Any) -> bool:
    return value is not None and value is not False and value != []


def _value(card: OptionCard, value: Any) -> Any:
    if card.kind == "duration":
        return duration_seconds(str(value), f"time for {card.option}")
    if card.kind == "table":
        # pandas takes time to import.
        from pmlcli.encoding.series.regressors import read_regressors

        return read_regressors(Path(value))
    return value


def _field(card: OptionCard, tasks: tuple[str, ...], panel: str | None = None) -> Field:
    offered = card.choices or card.examples
    kinds = {"integer": int, "number": float, "table": Path}
    default: Any = False if card.kind == "flag" else None
    wanted: Any = bool if card.kind == "flag" else kinds.get(card.kind, str) | None
    if card.kind == "names":
        wanted = list[str] | None
    option = typer.Option(
        card.option,
        envvar=VARIABLE_PREFIX + card.option.removeprefix("--").replace("-", "_").upper(),
        show_envvar=False,
        metavar=None if card.kind == "flag" else card.metavar or "VALUE",
        autocompletion=(lambda: list(offered)) if offered else None,
        help=f"{card.help}{_about(tasks)}" + (f"  [default: {card.default}]" if card.default else ""),
        rich_help_panel=panel,
        show_default=False,
    )
    return Field(card.name, Annotated[wanted, _CONCERNS[card.concern], option], default)


def _about(tasks: tuple[str, ...]) -> str:
    """Which tasks have an option, where not all do."""
    others = [task for task in registry.tasks() if task not in tasks]
    if not others:
        return ""
    return f" ({', '.join(tasks)})" if len(tasks) < _MANY else f" (not {', '.join(others)})"

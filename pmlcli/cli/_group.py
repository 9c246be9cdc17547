"""Option groups: a command takes a few dataclasses of options, Typer sees flat options.

Every option of every command also reads `PMLCLI_<NAME>`, so that the same flag has the same variable
everywhere. Every option says in its annotation what it is about, which decides where it may be set:

    threads: Annotated[int, LIMIT, typer.Option("--threads")] = 1
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from enum import Enum
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from typer.models import OptionInfo

VARIABLE_PREFIX = "PMLCLI_"
T = TypeVar("T")


class Concern(Enum):
    """What an option is about. A file that is merely found in a directory may set the first two."""

    REQUEST = "what is requested"
    SHOWN = "how it is shown"
    TRUST = "whom to trust, and how far"
    PLACE = "which files are read, written and replaced"
    LIMIT = "how much is done, read and said"

    @property
    def may_be_found(self) -> bool:
        """Whether a file that nobody named may set such options."""
        return self in (Concern.REQUEST, Concern.SHOWN)


REQUEST, SHOWN, TRUST, PLACE, LIMIT = Concern


class Field(NamedTuple):
    """An option that is not written down as a field of a class: its name, annotation and default."""

    name: str
    annotation: Any
    default: Any


@dataclasses.dataclass(frozen=True)
class Declared:
    """Annotates a parameter that takes, as a mapping, the values of options that are declared elsewhere."""

    fields: tuple[Field, ...]


def options(cls: type[T]) -> type[T]:
    """Makes a class of annotated options a frozen, keyword-only dataclass that `flatten` expands."""
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


def flatten(function: Callable[..., None]) -> Callable[..., None]:
    """The same command with each parameter that is an option group replaced by the group's options."""
    hints = get_type_hints(function, include_extras=True)
    names = tuple(inspect.signature(function).parameters)
    groups = {name: hints[name] for name in names if dataclasses.is_dataclass(hints[name])}
    declared = {name: found for name in names if (found := _declared(hints[name]))}

    def command(**values: Any) -> None:
        for name, group in groups.items():
            fields = [field.name for field in dataclasses.fields(group)]
            values[name] = group(**{field: values.pop(field) for field in fields})
        for name, one in declared.items():
            values[name] = {field.name: values.pop(field.name) for field in one.fields}
        function(**values)

    parameters = [p for name in names for p in _expanded(function, name, hints[name])]
    command.concerns = dict(_concerns(function.__name__, parameters))  # type: ignore[attr-defined]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__annotations__ = {}
    return command


def concern_of(command: Any, parameter: str) -> Concern | None:
    """What this option of a registered command is about; None for an argument."""
    found: Concern | None = getattr(command.callback, "concerns", {}).get(parameter)
    return found


def _concerns(command: str, parameters: Iterable[inspect.Parameter]) -> Iterator[tuple[str, Concern]]:
    """Each option's concern; TypeError for an option that says none, or several."""
    for parameter in parameters:
        _, *metadata = get_args(parameter.annotation)
        if any(isinstance(item, OptionInfo) for item in metadata):
            concerns = [item for item in metadata if isinstance(item, Concern)]
            if len(concerns) != 1:
                known = ", ".join(concern.name for concern in Concern)
                raise TypeError(f"{command}: annotate the option '{parameter.name}' with one of {known}")
            yield parameter.name, concerns[0]


def _declared(hint: Any) -> Declared | None:
    """The options that an annotation stands for, if they are declared elsewhere."""
    metadata = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((item for item in metadata if isinstance(item, Declared)), None)


def _expanded(function: Callable[..., None], name: str, hint: Any) -> Iterator[inspect.Parameter]:
    if (found := _declared(hint)) is not None:
        yield from (_parameter(*field) for field in found.fields)
        return
    if not dataclasses.is_dataclass(hint):
        own = inspect.signature(function).parameters[name]
        yield _parameter(name, hint, own.default)
        return
    hints = get_type_hints(hint, include_extras=True)
    for field in dataclasses.fields(hint):
        yield _parameter(field.name, hints[field.name], field.default)


def _parameter(name: str, hint: Any, default: Any) -> inspect.Parameter:
    empty = inspect.Parameter.empty
    if default is dataclasses.MISSING:
        default = empty
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=_named(name, hint)
    )


def _named(name: str, hint: Any) -> Any:
    """The annotation with its option's environment variable."""
    if get_origin(hint) is not Annotated:
        return hint
    base, *metadata = get_args(hint)
    for i, item in enumerate(metadata):
        if isinstance(item, OptionInfo) and item.envvar is None:
            metadata[i] = copy(item)
            metadata[i].envvar = VARIABLE_PREFIX + name.upper()
            metadata[i].show_envvar = False
    return Annotated[(base, *metadata)]

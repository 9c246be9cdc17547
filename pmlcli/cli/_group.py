"""Option groups: a command takes a few dataclasses of options, Typer sees flat options.

Every option of every command also reads `PMLCLI_<NAME>`, so that the same flag has the same variable
everywhere.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from copy import copy
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from typer.models import OptionInfo

VARIABLE_PREFIX = "PMLCLI_"
T = TypeVar("T")


def options(cls: type[T]) -> type[T]:
    """Makes a class of annotated options a frozen, keyword-only dataclass that `flatten` expands."""
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


def flatten(function: Callable[..., None]) -> Callable[..., None]:
    """The same command with each parameter that is an option group replaced by the group's options."""
    hints = get_type_hints(function, include_extras=True)
    names = tuple(inspect.signature(function).parameters)
    groups = {name: hints[name] for name in names if dataclasses.is_dataclass(hints[name])}

    def command(**values: Any) -> None:
        for name, group in groups.items():
            fields = [field.name for field in dataclasses.fields(group)]
            values[name] = group(**{field: values.pop(field) for field in fields})
        function(**values)

    parameters = [p for name in names for p in _expanded(function, name, hints[name])]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__annotations__ = {}
    return command


def _expanded(function: Callable[..., None], name: str, hint: Any) -> Iterator[inspect.Parameter]:
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

"""The card of an imported algorithm class."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pmlcli._cards import AlgorithmCard, OptionCard, TaskCard
from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.param import option_cards, specs

_ALGORITHMS = "pmlcli.algorithms"


def card_of(name: str, cls: type[Algorithm[Any]]) -> AlgorithmCard:
    """Everything that the class, its bases and its module's docstring say, for the algorithm of this name."""
    module_doc = inspect.getdoc(sys.modules[cls.__module__]) or ""
    description = inspect.getdoc(cls) or ""
    return AlgorithmCard(
        name=name,
        task=name.partition("/")[0],
        summary=(module_doc or description).partition("\n")[0],
        description=description,
        parameters=specs(cls),
        encoding=str(inspect.signature(cls.make_encoding).return_annotation),
        extra=cls.extra,
        container=cls.container,
        tolerance=float(cls.tolerance),
        source=cls.source,
        baseline=cls.task.baseline,
        recommended=cls.task.recommended,
        is_baseline=cls.task.baseline == name,
        libraries=_libraries(cls),
    )


def task_card_of(classes: Iterable[type[Algorithm[Any]]]) -> TaskCard:
    """The card of the task of these classes: its request, and which parameters have their own options."""
    marked: dict[str, OptionCard] = {}
    for cls in classes:
        marked |= {card.name: card for card in option_cards(cls, only_marked=True)}
    return TaskCard(option_cards(cls.task.request), tuple(marked.values()), option_cards(cls.task.inputs))


def _libraries(cls: type[Algorithm[Any]]) -> tuple[str, ...]:
    """Top-level names of the libraries that the class's module, its bases' and their helpers import, sorted.

    They are read from the source, as an imported module does not say what it took from where.
    """
    pending = {ancestor.__module__ for ancestor in cls.__mro__ if issubclass(ancestor, Algorithm)}
    seen: set[str] = set()
    libraries: set[str] = set()
    while pending := pending - seen:
        seen |= pending
        imported = set().union(*map(_imports_of, pending))
        libraries |= {name.partition(".")[0] for name in imported}
        pending = {name for name in imported if name.startswith(f"{_ALGORITHMS}.")}
    return tuple(sorted(libraries - sys.stdlib_module_names - {"pmlcli", "__future__"}))


@cache
def _imports_of(module: str) -> frozenset[str]:
    """The modules that a module imports at its top; `from a import b` means a, and a.b where that is one."""
    path = _source_of(module)
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body if path else ():
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def _source_of(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except (ModuleNotFoundError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)

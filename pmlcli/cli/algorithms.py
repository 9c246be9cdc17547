"""`pmlcli algorithms`: what there is, and one algorithm's parameters."""

from __future__ import annotations

import shutil
import warnings
from typing import Annotated, Any

import typer

from pmlcli import registry
from pmlcli._cards import AlgorithmCard
from pmlcli.cli import _complete
from pmlcli.cli._group import REQUEST
from pmlcli.cli._options import (
    CommonOptions,
    one_of,
    task_option,
)
from pmlcli.errors import MissingDependencyError, PersistenceError, SeriousWarning
from pmlcli.render import text

NameArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="Show the parameters of this algorithm.",
        show_default=False,
        autocompletion=_complete.algorithms,
    ),
]
TaskOption = Annotated[
    str | None,
    REQUEST,
    task_option("Only the algorithms of this task."),
]


def algorithms(common: CommonOptions, name: NameArgument = None, task: TaskOption = None) -> None:
    """List the algorithms, or show one.

    For one algorithm: how it works, its parameters with defaults and ranges, what it needs, and its source.
    """
    with common.session() as session:
        if name is None:
            found = list_algorithms(task)
            width = shutil.get_terminal_size().columns
            session.result("algorithms", found, lambda: text.algorithms(found, width))
        else:
            card = registry.card(registry.resolve(name, task)).to_dict()
            session.result("algorithm", card, lambda: text.algorithm(card))


def list_algorithms(task: str | None = None) -> dict[str, Any]:
    """The cards of all algorithms, or of one task's."""
    one_of("task", task, registry.tasks())
    cards = map(_card, registry.names(task))
    return {"algorithms": [card.to_dict() for card in cards if card is not None]}


def _card(name: str) -> AlgorithmCard | None:
    """The card; None, with a warning, for an algorithm of another package that cannot be loaded."""
    try:
        return registry.card(name)
    except (PersistenceError, MissingDependencyError) as error:
        warnings.warn(f"{error.message}; {error.hint}", SeriousWarning, stacklevel=2)
        return None

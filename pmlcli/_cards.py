"""Algorithm cards: what `--help`, `algorithms` and `inspect` show without importing an algorithm.

Importing an algorithm imports its library (seconds for some). So `make cards` writes what the imported
classes say into `algorithms/<task>/cards.json`; a test holds these files against the classes. An algorithm
without a card is imported instead (`registry.card`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE_ROOT = Path(__file__).parent
CARDS_NAME = "cards.json"


@dataclass(frozen=True)
class ParameterCard:
    """A parameter as people meet it: name, type in words, default, help, bounds in words, unit."""

    name: str
    type: str
    default: Any
    help: str
    range: str = ""
    unit: str | None = None


@dataclass(frozen=True)
class OptionCard:
    """An option of the command line that a task declares: a field of its request, or a parameter of its
    algorithms that has an option of its own.

    `kind` is flag, text, integer, number, choice, names, duration (text such as 5d, in seconds) or table (a
    file of columns); `default` is empty where the algorithm has it; `concern` is what the option is about,
    see `cli/_group.py`.
    """

    name: str
    option: str
    kind: str
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    concern: str = "request"
    default: str = ""


@dataclass(frozen=True)
class TaskCard:
    """What there is to know of a task without importing it: what may be asked of a prediction, which
    parameters of its algorithms have options of their own, and what training is given beside the log.
    """

    request: tuple[OptionCard, ...] = ()
    parameters: tuple[OptionCard, ...] = ()
    inputs: tuple[OptionCard, ...] = ()


@dataclass(frozen=True)
class AlgorithmCard:
    """What there is to know of an algorithm without importing it."""

    name: str
    task: str
    summary: str
    description: str
    parameters: tuple[ParameterCard, ...]
    encoding: str
    extra: str | None
    container: str
    tolerance: float
    source: str
    baseline: str
    recommended: str
    is_baseline: bool
    libraries: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form."""
        plain = dict(vars(self))
        plain["parameters"] = [dict(vars(parameter)) for parameter in self.parameters]
        return plain

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> AlgorithmCard:
        """The inverse of `to_dict`, also after JSON has made lists of tuples."""
        parameters = tuple(ParameterCard(**_with_tuples(one)) for one in data["parameters"])
        return cls(**_with_tuples(data) | {"parameters": parameters})


def _with_tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}


@cache
def stored_cards(folder: str) -> dict[str, AlgorithmCard]:
    """The cards of a task's folder by the algorithm's name; none where the file is missing."""
    cards = [AlgorithmCard.from_dict(one) for one in _stored(folder).get("algorithms", ())]
    return {card.name: card for card in cards}


@cache
def stored_task(folder: str) -> TaskCard | None:
    """The card of the task of a folder; None where the file is missing."""
    stored = _stored(folder)
    if not stored:
        return None
    request, parameters, inputs = (
        tuple(OptionCard(**_with_tuples(one)) for one in stored[part])
        for part in ("request", "parameters", "inputs")
    )
    return TaskCard(request, parameters, inputs)


@cache
def _stored(folder: str) -> dict[str, Any]:
    path = PACKAGE_ROOT / "algorithms" / folder / CARDS_NAME
    return dict(json.loads(path.read_bytes())) if path.is_file() else {}


def cards_text(task: TaskCard, algorithms: list[AlgorithmCard]) -> str:
    """What a task's file of cards holds."""
    plain = {
        "request": [vars(option) for option in task.request],
        "parameters": [vars(option) for option in task.parameters],
        "inputs": [vars(option) for option in task.inputs],
        "algorithms": [card.to_dict() for card in algorithms],
    }
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"

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
    path = PACKAGE_ROOT / "algorithms" / folder / CARDS_NAME
    if not path.is_file():
        return {}
    cards = [AlgorithmCard.from_dict(one) for one in json.loads(path.read_bytes())["algorithms"]]
    return {card.name: card for card in cards}


def cards_text(cards: list[AlgorithmCard]) -> str:
    """What a task's file of cards holds."""
    plain = {"algorithms": [card.to_dict() for card in cards]}
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"

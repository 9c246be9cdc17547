"""What a data-quality finding is, and how bad it can be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

NOTE = "note"
WARNING = "warning"
SERIOUS = "serious"
SEVERITIES = (SERIOUS, WARNING, NOTE)
"""Worst first. Serious: a model trained on this log learns something false. Warning: somebody who knows
the log should look. Note: good to know, often as it should be."""

EXAMPLES = 3
"""So many examples are shown of each finding."""
LONGEST_NAME = 200
"""Names are cut here wherever they are repeated: one of a megabyte must not become many."""

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Example:
    """One place of a finding; `line` is its 1-based place in the source where it is one event."""

    text: str
    line: int | None = None
    case_id: str | None = None


@dataclass(frozen=True)
class DataFinding:
    """Something about a log that an analyst should know before training.

    `count` is the number of events, cases, columns or names that `message` speaks of; `fix` is one
    sentence that says what to do.
    """

    code: str
    severity: str
    count: int
    examples: tuple[Example, ...]
    message: str
    fix: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form."""
        return {**vars(self), "examples": [dict(vars(example)) for example in self.examples]}


def words(name: str) -> str:
    """A column's name in lower case, `startDate` as `start_date`."""
    return _CAMEL.sub("_", name).lower()


def cut(value: object, most: int = 60) -> str:
    """The value as text of at most so many characters."""
    text = str(value)
    return text if len(text) <= most else f"{text[:most]}..."


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 event`, `1,234 events`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """A share of one as percent; never `0 %` or `100 %` for what is not none or all."""
    if 0 < share < 0.01:
        return "< 1 %"
    return f"{min(round(share * 100), 99) if share < 1 else 100} %"

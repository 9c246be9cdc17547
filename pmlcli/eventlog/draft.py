"""A log under construction."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.columns import ColumnChoice
from pmlcli.eventlog.ledger import Refusal
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import Column, RawTable, as_text, shown

Flags = NDArray[np.bool_]
FIRST_LINES = 5


@dataclass
class Draft:
    """The rows that still stand, and the account of those that do not."""

    table: RawTable
    options: ReadOptions
    choice: ColumnChoice
    keep: Flags
    refused: list[Refusal]
    notes: list[tuple[str, int]]
    examples: list[str] = field(default_factory=list)
    names: frozenset[str] = frozenset()
    tie_breaker: str | None = None

    def __post_init__(self) -> None:
        self.names = frozenset(self.table.columns)

    def done_with(self, name: str) -> Column:
        """A column for the last time: it is let go, as log and table together are large."""
        is_shared = list(self.choice.columns.values()).count(name) > 1
        return self.table.columns[name] if is_shared else self.table.columns.pop(name)

    def refuse(self, reason: str, flags: Flags, source: str | None = None) -> None:
        """Leave out the flagged rows that still stand; `source` names the column to quote from."""
        rows = np.flatnonzero(flags & self.keep)
        if not len(rows):
            return
        lines = tuple(int(line) for line in self.table.lines[rows[:FIRST_LINES]])
        self.refused.append(Refusal(reason, len(rows), lines))
        self.keep[rows] = False
        column = self.table.columns[source] if source is not None else None
        text = None if column is None else as_text(column).texts()[rows[0]]
        quoted = "" if text is None else f", {shown(text)!r}"
        self.examples.append(f"{reason} ({len(rows):,}; first: {self.table.unit} {lines[0]}{quoted})")

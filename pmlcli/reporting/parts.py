"""What a section of a report is made of: sentences, figures, and the tables below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

MOST_ROWS = 40
"""So many rows of a table are shown."""


@dataclass(frozen=True)
class Name:
    """A text from the log: cut where it is long, the whole as its title, and in its own direction."""

    text: str


Cell = str | Name


@dataclass(frozen=True)
class Table:
    """Cells that are shown as text; `right` are the columns of numbers. `more` rows are left out."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    right: frozenset[int] = frozenset()
    is_open: bool = False

    @property
    def shown(self) -> Sequence[Sequence[Cell]]:
        """The first rows."""
        return self.rows[:MOST_ROWS]

    @property
    def more(self) -> int:
        """How many rows are not shown."""
        return len(self.rows) - len(self.shown)


@dataclass(frozen=True)
class Figure:
    """A picture: SVG of a size in pixels, its title, what it shows (for who cannot see it), how it is read,
    and the same as a table. `dot` is the graph that a map was laid out from.
    """

    name: str
    title: str
    description: str
    svg: Markup
    size: tuple[int, int]
    caption: str
    table: Table
    dot: str = ""


@dataclass(frozen=True)
class Part:
    """A section: `body` is HTML of the section's own template, after the sentences and before the figures;
    `within` are the figures that it holds already.
    """

    anchor: str
    title: str
    sentences: Sequence[str] = ()
    body: Markup = Markup()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    within: Sequence[Figure] = ()

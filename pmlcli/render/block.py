"""What a text answer is made of, and how it reads where there is no terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pmlcli.escape import shown_line, visible


@dataclass(frozen=True)
class Heading:
    """A title over what follows."""

    text: str


@dataclass(frozen=True)
class Line:
    """One sentence; `tone` is good, bad, weak or empty and only matters in colour."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Pairs:
    """Facts as name and value, one a line."""

    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Table:
    """Rows under headers; `right` are the columns that hold numbers.

    Of `records` each row is about what its first cell names, and may stand below it on a narrow screen.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()
    records: bool = False


Block = Heading | Line | Pairs | Table
MOST_PADDING = 200


def plain(blocks: Iterable[Block]) -> str:
    """The blocks as plain lines, aligned by spaces, controls and runners' commands made visible."""
    parts: list[str] = []
    for block in blocks:
        if isinstance(block, Heading) and parts:
            parts.append("")
        parts.extend(_lines(block))
    return "\n".join(map(shown_line, parts))


def _lines(block: Block) -> list[str]:
    if isinstance(block, Table):
        return aligned([block.headers, *block.rows], block.right)
    if isinstance(block, Pairs):
        return [f"  {line}" for line in aligned(block.rows, frozenset())]
    return [visible(block.text)]


def aligned(rows: Sequence[Sequence[str]], right: frozenset[int]) -> list[str]:
    """Rows of cells as lines of equal columns, two spaces apart; what is longer than most stands out.

    Padding every row to one endless cell would take rows x its length.
    """
    cells = [[visible(cell) for cell in row] for row in rows]
    widths = [min(max(map(len, column)), MOST_PADDING) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]

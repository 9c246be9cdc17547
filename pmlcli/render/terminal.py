"""Blocks for a terminal: in colour and cut to its width. Only imported where there is one."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from pmlcli.escape import visible
from pmlcli.render.block import Block, Heading, Line, Pairs, Table

MOST_WIDTH = 10_000
WIDE_HEADER = 10
_TONES = {"good": "green", "bad": "bold red", "weak": "dim"}


def coloured(blocks: Iterable[Block], width: int) -> str:
    """The blocks as text with colour escapes, no line wider than `width`."""
    console = Console(
        file=io.StringIO(), width=width, force_terminal=True, color_system="standard", highlight=False
    )
    with console.capture() as capture:
        for i, block in enumerate(blocks):
            if isinstance(block, Heading) and i:
                console.print()
            for part in _fitting(block, console):
                console.print(_renderable(part))
    return capture.get().rstrip("\n")


def _fitting(block: Block, console: Console) -> Iterator[Block]:
    """The block. Records that only fit with words cut in two: without the columns that say the same in every
    row, which follow in a line; one under the other where that does not help.
    """
    if not (isinstance(block, Table) and block.records) or _least_width(block, console) <= console.width:
        yield block
        return
    slim, same = _without_same(block)
    if same and _least_width(slim, console) <= console.width:
        yield from (slim, Line(f"in every row: {', '.join(same)}", "weak"))
        return
    for name, *cells in block.rows:
        yield Heading(name)
        yield Pairs([pair for pair in zip(block.headers[1:], cells, strict=True) if pair[1]])


def _without_same(block: Table) -> tuple[Table, list[str]]:
    """The table without the columns of one value, and these as `name value`; the first column stays."""
    columns = [*zip(*block.rows, strict=True)]
    same = {i for i, cells in enumerate(columns) if i and len(cells) > 1 and len({*cells}) == 1}
    kept = [i for i in range(len(block.headers)) if i not in same]
    rows = [[row[i] for i in kept] for row in block.rows]
    right = frozenset(kept.index(i) for i in block.right if i not in same)
    said = [f"{block.headers[i]} {columns[i][0]}" for i in sorted(same) if columns[i][0]]
    return Table([block.headers[i] for i in kept], rows, right, records=True), said


def _least_width(block: Table, console: Console) -> int:
    return Measurement.get(console, console.options.update(max_width=MOST_WIDTH), _table(block)).minimum


def _renderable(block: Block) -> RenderableType:
    # Cells go in as Text: a plain str would be read as markup, and '[/foo]' is a legal activity.
    if isinstance(block, Heading):
        return Text(visible(block.text), style="bold")
    if isinstance(block, Line):
        return Text(visible(block.text), style=_TONES.get(block.tone, ""))
    return _table(block) if isinstance(block, Table) else _pairs(block)


def _table(block: Table) -> RichTable:
    table = RichTable(box=None, pad_edge=False, header_style="bold")
    headers = [_broken(header) if block.records else visible(header) for header in block.headers]
    deepest = max((header.count("\n") for header in headers), default=0)
    for i, header in enumerate(headers):
        lowered = "\n" * (deepest - header.count("\n")) + header
        table.add_column(Text(lowered), justify="right" if i in block.right else "left")
    for row in block.rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    return table


def _broken(header: str) -> str:
    """Names of columns are long and have no blanks: a long one may break after an underscore."""
    name = visible(header)
    return name.replace("_", "_\n") if len(name) > WIDE_HEADER else name


def _pairs(block: Pairs) -> RichTable:
    table = RichTable(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in block.rows:
        table.add_row(Text(f"  {visible(name)}", style="cyan"), Text(visible(value)))
    return table

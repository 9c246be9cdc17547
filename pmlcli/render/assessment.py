"""What a measuring command found, as text to read, CSV or JSON; the other formats have files of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pmlcli.evaluation import gates
from pmlcli.evaluation.assessment import Assessment, Cell, Section
from pmlcli.evaluation.gates import Judged
from pmlcli.render import figure, github, json, junit, markdown
from pmlcli.render.block import Block, Heading, Line, Table, plain
from pmlcli.spreadsheet import formula_safe

FORMATS = ("table", "csv", "json", "markdown", "junit", "github")
BY_ENDING = {".csv": "csv", ".json": "json", ".md": "markdown", ".xml": "junit", ".txt": "table"}
_PARTS = ("name", "group", "value", "unit", "n", "lower", "upper", "baseline", "training", "higher_is_better")
_QUOTED = frozenset(',"')


def to_text(found: Assessment, judged: Sequence[Judged], chosen: str) -> str:
    """The whole of it in one of FORMATS, ending in a line end."""
    if chosen == "csv":
        return csv(found)
    if chosen == "json":
        return json.document(found.command, document(found, judged)) + "\n"
    ways = {"markdown": markdown.page, "junit": junit.suites, "github": github.commands}
    if chosen in ways:
        return ways[chosen](found, judged)
    return plain(blocks(found, judged)) + "\n"


def document(found: Assessment, judged: Sequence[Judged]) -> dict[str, Any]:
    """The body of the JSON document: all digits, every gate, and the exit code."""
    judgements = [one.to_dict() for one in judged]
    return {**found.to_dict(), "gates": judgements, "exit_code": gates.exit_code(found, judged)}


def blocks(found: Assessment, judged: Sequence[Judged]) -> list[Block]:
    """The verdict, the figures of all units, the sections, and the gates.

    Figures of groups are left to the sections, which have them worst first.
    """
    rows = [figure.row(one) for one in found.figures if not one.group]
    table: list[Block] = [Table(figure.HEADERS, rows, figure.RIGHT)] if rows else []
    lines: list[Block] = [Line(gates.sentence(one), "bad" if one.is_crossed else "good") for one in judged]
    sections = [block for section in found.sections for block in _section(section)]
    verdict = Line(found.sentence, "bad" if found.is_bad else "good")
    return [verdict, *table, *sections, *([Heading("Gates"), *lines] if lines else [])]


def _section(section: Section) -> list[Block]:
    headers, rows, right = figure.table(section)
    shown = [Table(headers, rows, right, records=True)] if rows else []
    return [Heading(section.title), *(Line(sentence) for sentence in section.sentences), *shown]


def csv(found: Assessment) -> str:
    """Every figure, of groups too, one a row, with all digits; cells are safe in a spreadsheet."""
    facts = figure.fact_texts(found.facts)
    rows: list[Sequence[Cell]] = [("command", "verdict", *_PARTS, *facts)]
    for one in found.figures:
        parts = {**vars(one), "group": gates.group_text(one.group)}
        rows.append((found.command, found.verdict, *(parts[name] for name in _PARTS), *facts.values()))
    return "".join(",".join(map(_csv_cell, row)) + "\n" for row in rows)


def _csv_cell(cell: Cell) -> str:
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    text = formula_safe(cell) if isinstance(cell, str) else repr(cell)
    # Not the csv module's: it leaves a carriage return, which some readers take for a line's end, unquoted.
    is_plain = text.isprintable() and not _QUOTED & set(text)
    return text if is_plain else '"' + text.replace('"', '""') + '"'

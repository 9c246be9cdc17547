"""KPI series as blocks of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pmlcli.render import number
from pmlcli.render.block import Block, Heading, Line, Pairs, Table
from pmlcli.render.sparkline import sparkline

BARS, LAST_ROWS, STEPS = 60, 14, 1000


def series(document: Mapping[str, Any], encoding: str | None = "utf-8") -> list[Block]:
    """What each KPI counts, its last values as bars and as numbers."""
    return [block for one in document["series"] for block in _one(one, encoding)]


def _one(found: Mapping[str, Any], encoding: str | None) -> list[Block]:
    values, starts, unit = found["values"], found["starts"], found["unit"]
    blocks: list[Block] = [Heading(found["kpi"]), Line(found["about"], "weak")]
    if not values:
        return [*blocks, Line("the log covers no whole bucket", "bad")]
    facts = [
        ("buckets", f"{number.count(len(values))} ({found['frequency']}), {starts[0]} to {starts[-1]}"),
        ("lowest, highest", f"{number.with_unit(min(values), unit)}, {number.with_unit(max(values), unit)}"),
        (f"last {min(BARS, len(values))}", sparkline(_heights(values[-BARS:]), encoding)),
    ]
    rows = [
        [start, number.with_unit(value, unit)]
        for start, value in zip(starts[-LAST_ROWS:], values[-LAST_ROWS:], strict=True)
    ]
    return [*blocks, Pairs(facts), Table(["bucket", "value"], rows, frozenset({1}))]


def _heights(values: Sequence[float]) -> list[int]:
    highest = max(values)
    return [round(value / highest * STEPS) if highest > 0 else 0 for value in values]

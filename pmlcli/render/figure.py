"""A measured figure in words: rounded to what it is worth, with its interval beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pmlcli.evaluation import gates
from pmlcli.evaluation.assessment import Cell, Figure, Section
from pmlcli.render import number

HEADERS = ("figure", "value", "95 % interval", "n", "baseline", "in training")
RIGHT = frozenset({1, 3, 4, 5})
NOT_MEASURED = "not measured"
_FACTS = ("model", "root_digest", "log", "measured_at")


def row(figure: Figure) -> tuple[str, ...]:
    """One line of a table under HEADERS."""
    return (
        gates.name_of(figure),
        NOT_MEASURED if figure.value is None else value(figure, figure.value),
        interval(figure),
        "" if figure.n is None else number.count(figure.n),
        "" if figure.baseline is None else value(figure, figure.baseline),
        "" if figure.training is None else value(figure, figure.training),
    )


def value(figure: Figure, one: float) -> str:
    """A value of this figure, rounded as its interval allows: `78.5 %`, `3 d 4 h`, `0.81`."""
    return number.worth(one, _spread(figure), figure.unit)


def interval(figure: Figure) -> str:
    """`76.1 % to 80.9 %`; empty without one."""
    if figure.lower is None or figure.upper is None:
        return ""
    return f"{value(figure, figure.lower)} to {value(figure, figure.upper)}"


def _spread(figure: Figure) -> float | None:
    """Half the width of the interval; that of a share without one follows from its n."""
    if figure.lower is not None and figure.upper is not None:
        return (figure.upper - figure.lower) / 2
    if figure.unit != "share" or not figure.n or figure.value is None:
        return None
    return max(1.96 * math.sqrt(max(figure.value * (1 - figure.value), 0.0) / figure.n), 1 / figure.n)


def cell(one: Cell, unit: str | None) -> str:
    """A cell of a section's table in words; empty where nothing is known."""
    if one is None:
        return ""
    if isinstance(one, bool):
        return "yes" if one else "no"
    if isinstance(one, str):
        return one
    if isinstance(one, int) and unit not in ("share", "points", "seconds"):
        return number.count(one)
    return number.worth(float(one), None, unit if unit in ("share", "points", "seconds") else None)


def table(section: Section) -> tuple[list[str], list[list[str]], frozenset[int]]:
    """Headers, cells in words, and the columns of numbers of a section's table."""
    headers = list(dict.fromkeys(name for row in section.rows for name in row))
    rows = [[cell(row.get(name), section.units.get(name)) for name in headers] for row in section.rows]
    right = frozenset(
        i
        for i, name in enumerate(headers)
        if all(isinstance(row.get(name), int | float | None) for row in section.rows)
    )
    return headers, rows, right


def fact_texts(facts: Mapping[str, Any]) -> dict[str, str]:
    """What was measured on what, where it is known: model, root digest, log and time of asking, as texts."""
    found = {name: facts.get(name) for name in _FACTS}
    named = {name: one.get("name") if isinstance(one, Mapping) else one for name, one in found.items()}
    return {name: str(one) for name, one in named.items() if one is not None}

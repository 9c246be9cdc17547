"""A chart of two axes with lines, bands, bars and points in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pmlcli.arrays import Floats
from pmlcli.reporting import words
from pmlcli.reporting.axes import Tick
from pmlcli.reporting.drawing import drawn
from pmlcli.reporting.parts import Figure, Table

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 900, 66, 862, 62, 280


class Key(NamedTuple):
    """An entry of a legend: the class of its colour, its text, and `line` or nothing for an area."""

    kind: str
    text: str
    form: str = "line"


@dataclass(frozen=True)
class Chart:
    """What is drawn: ticks and names of both axes, shapes as (class, SVG path), and a legend."""

    across: Sequence[Tick]
    across_label: str
    down: Sequence[Tick]
    down_label: str
    shapes: Sequence[tuple[str, str]]
    keys: Sequence[Key] = ()
    frame: tuple[int, int, int, int, int] = (WIDTH, LEFT, RIGHT, TOP, BOTTOM)

    @property
    def keys_at(self) -> float:
        """Where the legend begins, so that it ends at the right edge."""
        return self.frame[2] - sum(48 + words.width_of(key.text) * 7 for key in self.keys)


def figure(name: str, title: str, told: tuple[str, str], chart: Chart, table: Table) -> Figure:
    """The chart as a figure; `told` are its description and its caption."""
    svg = drawn("curve.svg", name=name, title=title, description=told[0], chart=chart)
    return Figure(name, title, told[0], svg, (chart.frame[0], chart.frame[4] + 52), told[1], table)


def dots(x: Floats, y: Floats, size: float = 3.5) -> str:
    """Filled circles at these pixels."""
    turn = f"a{size} {size} 0 1 0 {2 * size:g} 0a{size} {size} 0 1 0 {-2 * size:g} 0"
    return "".join(f"M{a - size:g} {b:g}{turn}" for a, b in zip(x.tolist(), y.tolist(), strict=True))

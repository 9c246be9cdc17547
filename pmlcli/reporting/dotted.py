"""The dotted chart: a line a case, a dot an event; what is odd stands out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pmlcli.render import number
from pmlcli.reporting import axes, words
from pmlcli.reporting.axes import Scale, Tick
from pmlcli.reporting.drawing import drawn
from pmlcli.reporting.parts import Cell, Figure, Name, Part, Table
from pmlcli.reporting.story import NO_TIMES, SECTIONS, Story

WIDTH, LEFT, RIGHT, TOP = 900, 84, 862, 62
TALLEST, ROW = 480, 6
CELLS = (2, 3, 4, 6, 8)
MOST_RUNS = 9_000
MOST_ODD = 1_500
MOST_ROWS = 40


def part(story: Story) -> Part:
    """All events by time and case, the cases by their start."""
    if story.log.times is None:
        return Part("dotted", SECTIONS["dotted"], [NO_TIMES])
    return Part("dotted", "Dotted chart", figures=[_figure(story)])


def _figure(story: Story) -> Figure:
    log = story.log
    assert log.times is not None
    height = min(TALLEST, max(ROW * log.n_cases, 90))
    across = Scale(float(log.starts.min()) / 1e6, float(log.ends.max()) / 1e6, LEFT, RIGHT)
    rows = np.empty(log.n_cases, dtype=np.int64)
    rows[np.argsort(log.starts, kind="stable")] = np.arange(log.n_cases)
    x = across.all(log.times / 1e6)
    y = (TOP + (rows[log.case_of_event] + 0.5) * height / log.n_cases).astype(float)
    dots, cell = _runs(x, y, 0.6 * height / log.n_cases)
    odd = story.odd_events
    down = Scale(0, log.n_cases, TOP, TOP + height)
    description = (
        f"{number.counted(log.n_events, 'event')} of {number.counted(log.n_cases, 'case')}, the cases by "
        "their start from top to bottom. " + _said_odd(odd)
    )
    svg = drawn(
        "dots.svg",
        description=description,
        dots=dots,
        cell=cell,
        odd="" if odd is None else _points(x[odd][:MOST_ODD], y[odd][:MOST_ODD]),
        down=_cases(down, log.n_cases),
        across=axes.times(across, story.zone),
        frame=(WIDTH, LEFT, RIGHT, TOP, TOP + height),
        label=f"time ({story.zone.key}){_small(across)}",
        has_odd=odd is not None and bool(odd.any()),
    )
    caption = (
        "A line from left to right is a case, a dot an event. A slope that gets steeper means that more "
        "cases begin; a column of dots, that many events happen at once. "
        + ("Large red dots are odd events." if odd is not None else "")
    )
    size = (WIDTH, TOP + height + 52)
    return Figure("dotted", "Events by time and case", description, svg, size, caption, _table(story))


def _said_odd(odd: NDArray[np.bool_] | None) -> str:
    return "" if odd is None else f"{number.counted(int(odd.sum()), 'event')} are odd."


def _small(across: Scale) -> str:
    found = axes.small_marks(across)
    return f"; small marks are {found}" if found else ""


def _cases(scale: Scale, n: int) -> list[Tick]:
    found = axes.numbers(scale, 5)
    whole = [tick for tick in found if "." not in tick.text]
    return [Tick(scale.of(0), "1"), *whole[1:]] if n > 1 else [Tick(scale.of(0.5), "1")]


def _runs(x: NDArray[np.float64], y: NDArray[np.float64], dense: float) -> tuple[str, int]:
    """Events as short strokes on a grid that is so coarse that the page stays small: a stroke is a row of
    cells that hold events. The path, and the size of a cell in pixels.
    """
    for cell in [one for one in CELLS if one >= min(dense, CELLS[2])]:
        rows, columns = (y - TOP) // cell, (x - LEFT) // cell
        keys = np.unique((rows * 10_000 + columns).astype(np.int64))
        begins = np.concatenate(([True], np.diff(keys) > 1))
        if begins.sum() <= MOST_RUNS:
            break
    first = keys[begins]
    last = keys[np.concatenate((np.flatnonzero(begins)[1:] - 1, [len(keys) - 1]))]
    parts, at = [], (0, 0)
    for one, other in zip(first.tolist(), last.tolist(), strict=True):
        row, column = divmod(one, 10_000)
        length = (other - one + 1) * cell
        place = (column * cell, row * cell)
        parts.append(f"m{place[0] - at[0]} {place[1] - at[1]}h{length}")
        at = (place[0] + length, place[1])
    return f"M{LEFT} {TOP + cell / 2:g}" + "".join(parts), cell


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return "".join(f"M{a:g} {b:.1f}h0" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def _table(story: Story) -> Table:
    log = story.log
    order = np.argsort(log.starts, kind="stable")
    odd = story.odd_events
    of_case = None if odd is None else np.add.reduceat(odd.astype(np.int64), log.offsets[:-1])
    ids = log.case_ids
    rows: list[list[Cell]] = [
        [
            Name(str(ids[i])),
            words.minute(int(log.starts[i]), story.zone),
            words.minute(int(log.ends[i]), story.zone),
            f"{log.lengths[i]:,}",
            "" if of_case is None else f"{of_case[i]:,}",
        ]
        for i in order[:MOST_ROWS].tolist()
    ]
    headers = ["case", "from", "to", "events", "odd"]
    if of_case is None:
        headers, rows = headers[:-1], [row[:-1] for row in rows]
    return Table(f"The first {len(rows)} cases", headers, rows, frozenset({3, 4}))

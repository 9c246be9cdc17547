"""The process over time: cases that begin, cases that are open, how long they take, and what is forecast."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.arrays import Floats
from pmlcli.eventlog.times.local_time import DAY, local_micros
from pmlcli.render import number
from pmlcli.reporting import axes, words
from pmlcli.reporting.axes import Scale
from pmlcli.reporting.drawing import drawn
from pmlcli.reporting.fan import fans
from pmlcli.reporting.parts import Cell, Figure, Part, Table
from pmlcli.reporting.story import NO_TIMES, SECTIONS, Story

MOST_BUCKETS = 45
WIDTHS = ((1, "day"), (7, "week"), (28, "four weeks"), (91, "13 weeks"), (182, "26 weeks"), (364, "52 weeks"))
WIDTH, LEFT, RIGHT = 900, 66, 862
PANEL, GAP, TOP = 130, 58, 62
FEWEST = 3
"""Fewer ended cases of a bucket say nothing of a median."""


class Buckets(NamedTuple):
    """The log by time: edges in seconds since 1970 (buckets + 1), and of each bucket the cases that began,
    those open at its end, and median and 90 % quantile of how long its ended cases took (seconds, or NaN).
    """

    edges: Floats
    began: NDArray[np.int64]
    open: NDArray[np.int64]
    median: Floats
    late: Floats
    name: str


def part(story: Story) -> Part:
    """Panels on one time axis, and the fan of each forecast."""
    if story.log.times is None:
        return Part("over-time", SECTIONS["over-time"], [NO_TIMES])
    found = buckets(story)
    told = [_said(story, found)]
    return Part("over-time", "Over time", told, figures=[_figure(story, found), *fans(story)])


def buckets(story: Story) -> Buckets:
    """The log in at most 45 buckets of days or whole weeks on the zone's clock."""
    log = story.log
    first, last = int(log.starts.min()), int(log.ends.max())
    width, name = _width((last - first) / DAY)
    begin = _midnight(first, width, story)
    n_buckets = int((last - begin) // (width * DAY)) + 1  # an event on an edge has its bucket after it
    edges = np.asarray(begin + np.arange(n_buckets + 1) * (width * DAY), dtype=np.float64)
    place = np.clip(np.searchsorted(edges, log.starts, side="right") - 1, 0, len(edges) - 2)
    ended = ~story.running
    spans = pd.Series(((log.ends - log.starts) / 1e6)[ended]).groupby(place[ended])
    enough = spans.count().reindex(range(len(edges) - 1), fill_value=0).to_numpy() >= FEWEST
    half, nine = (spans.quantile(q).reindex(range(len(edges) - 1)).to_numpy(dtype=float) for q in (0.5, 0.9))
    began_by = np.searchsorted(np.sort(log.starts), edges[1:], side="left")
    ended_by = np.searchsorted(np.sort(log.ends[ended]), edges[1:], side="left")
    return Buckets(
        edges / 1e6,
        np.bincount(place, minlength=len(edges) - 1),
        began_by - ended_by,
        np.where(enough, half, np.nan),
        np.where(enough, nine, np.nan),
        name,
    )


def _width(days: float) -> tuple[int, str]:
    """How many days a bucket has, and its name: never a number of days that no calendar knows."""
    found = next(((days_, name) for days_, name in WIDTHS if days / days_ < MOST_BUCKETS), None)
    weeks = 52 * (int(days / 364 // MOST_BUCKETS) + 1)
    return found or (7 * weeks, f"{weeks} weeks")


def _midnight(first: int, width: int, story: Story) -> int:
    """The midnight on the zone's clock at or before a moment; that of a Monday where buckets are weeks."""
    local = int(local_micros(np.array([first]), story.zone)[0])
    day = local // DAY
    if width % 7 == 0:
        day -= (day + 3) % 7
    return first - (local - day * DAY)


def _said(story: Story, found: Buckets) -> str:
    last = len(found.began) // 3 or 1
    then, now = found.began[:-last].mean() if len(found.began) > last else np.nan, found.began[-last:].mean()
    rate = f"{found.began.mean():,.1f} cases began per {found.name} on average"
    change = (
        f" ({then:,.1f} in the first two thirds of the time, {now:,.1f} in the last)"
        if np.isfinite(then)
        else ""
    )
    open_now = number.counted(int(story.running.sum()), "case")
    return f"{rate}{change}; at the end of the log {open_now} had not ended."


def _figure(story: Story, found: Buckets) -> Figure:
    across = Scale(found.edges[0], found.edges[-1], LEFT, RIGHT)
    middle = (found.edges[:-1] + found.edges[1:]) / 2
    panels = [
        _bars(found, across, 0),
        _line(found, across, 1),
        _times(found, across, middle, 2),
    ]
    bottom = TOP + 3 * PANEL + 2 * GAP
    description = (
        f"Three charts of the same time from {words.day(int(found.edges[0] * 1e6), story.zone)} to "
        f"{words.day(int(story.log.ends.max()), story.zone)}: cases that began per {found.name}, at most "
        f"{found.began.max():,}; cases that were open, at most {found.open.max():,}; and how long cases took."
    )
    svg = drawn(
        "over_time.svg",
        panels=panels,
        ticks=axes.times(across, story.zone),
        size=(WIDTH, bottom + 52),
        bottom=bottom,
        edges=(LEFT, RIGHT),
        shade=_shade(story, across),
        label=f"time ({story.zone.key}), by {found.name}",
        description=description,
    )
    caption = (
        "Top: cases that began. Middle: cases that were open. Below: how long the cases that began then "
        f"took, running cases left out; a gap is where fewer than {FEWEST} ended."
    )
    if story.running.any():
        caption += " The last times are short because longer cases have not ended yet."
    shaded = " The shaded time is what the model learned from." if _shade(story, across) else ""
    table = _table(story, found)
    return Figure(
        "over-time", "Cases by time", description, svg, (WIDTH, bottom + 52), caption + shaded, table
    )


def _shade(story: Story, across: Scale) -> tuple[float, float] | None:
    """From where to where the training period is shaded; None where none of it is in the picture."""
    if story.trained is None:
        return None
    first, last = (min(max(one / 1e6, across.low), across.high) for one in story.trained)
    return (across.of(first), across.of(last)) if last > first else None


def _frame(place: int) -> tuple[int, int]:
    top = TOP + place * (PANEL + GAP)
    return top, top + PANEL


def _panel(place: int, high: float, label: str, unit: str = "") -> tuple[dict[str, Any], Scale]:
    top, bottom = _frame(place)
    scale = Scale(0.0, axes.top(high, unit), bottom, top)
    return {"top": top, "bottom": bottom, "label": label, "ticks": axes.numbers(scale, 4, unit)}, scale


def _bars(found: Buckets, across: Scale, place: int) -> dict[str, Any]:
    panel, scale = _panel(place, float(found.began.max()), f"cases that began per {found.name}")
    left, right = across.all(found.edges[:-1]), across.all(found.edges[1:])
    tops = scale.all(found.began.astype(float))
    bars = zip(left.tolist(), right.tolist(), tops.tolist(), strict=True)
    shape = "".join(
        f"M{a + 0.5:g} {panel['bottom']}V{y:g}H{b - 0.5:g}V{panel['bottom']}Z" for a, b, y in bars
    )
    return panel | {"shapes": [("bar", shape)], "keys": []}


def _line(found: Buckets, across: Scale, place: int) -> dict[str, Any]:
    panel, scale = _panel(place, float(found.open.max()), "cases that were open")
    shape = axes.path(across.all(found.edges[1:]), scale.all(found.open.astype(float)))
    return panel | {"shapes": [("line", shape)], "keys": []}


def _times(found: Buckets, across: Scale, middle: Floats, place: int) -> dict[str, Any]:
    known = found.late[np.isfinite(found.late)]
    panel, scale = _panel(
        place, float(known.max()) if len(known) else 1.0, "how long ended cases took", "seconds"
    )
    x = across.all(middle)
    shapes = [
        ("line", axes.path(x, scale.all(found.median))),
        ("line-second", axes.path(x, scale.all(found.late))),
    ]
    keys = [("line", "median", "line"), ("line-second", "90 % were faster", "line")]
    return panel | {"shapes": shapes, "keys": keys}


def _table(story: Story, found: Buckets) -> Table:
    rows: list[list[Cell]] = [
        [
            words.day(int(edge * 1e6), story.zone),
            f"{began:,}",
            f"{still:,}",
            words.took(half),
            words.took(nine),
        ]
        for edge, began, still, half, nine in zip(
            found.edges[:-1].tolist(),
            found.began.tolist(),
            found.open.tolist(),
            found.median.tolist(),
            found.late.tolist(),
            strict=True,
        )
    ]
    headers = (f"{found.name} from", "began", "open at its end", "median time", "90 % were faster")
    return Table("Cases by time", headers, rows, frozenset({1, 2, 3, 4}))

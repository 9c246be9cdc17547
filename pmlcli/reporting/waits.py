"""Where time is lost: the hand-overs that cost most, and where the log has starts, the work beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pmlcli.eventlog.waits import HandOver, Work, hand_overs, work
from pmlcli.render import number
from pmlcli.reporting import axes, words
from pmlcli.reporting.axes import Scale
from pmlcli.reporting.drawing import drawn
from pmlcli.reporting.parts import Cell, Figure, Name, Part, Table
from pmlcli.reporting.story import NO_TIMES, SECTIONS, Story

MOST = 12
WIDTH, LEFT, RIGHT, TOP, ROW = 900, 310, 860, 40, 40


class Bar(NamedTuple):
    """A row of a chart of bars: one or two lines of name, how long, and what stands beside the bar."""

    lines: Sequence[str]
    title: str
    value: float
    text: str


def part(story: Story) -> Part:
    """Hand-overs by how often times the median wait; activities by how often times the median work."""
    if story.log.times is None:
        return Part("waits", SECTIONS["waits"], [NO_TIMES])
    found, done = hand_overs(story.log), work(story.log)
    figures = [_waits(found, bool(done))] if found else []
    figures += [_work(done)] if done else []
    return Part("waits", "Where time is lost", [_said(found, bool(done))], figures=figures)


def _said(found: Sequence[HandOver], has_starts: bool) -> str:
    whole = sum(one.total_seconds for one in found)
    if not whole:
        return "No hand-over takes time."
    first = found[0]
    share = number.share(first.total_seconds / whole)
    apart = (
        "Waits are from the end of one event to the start of the next, so work is not in them."
        if has_starts
        else "The log has no starts of events, so a wait holds the work of the event that ends it."
    )
    return (
        f"Most time goes from {words.cut(first.source)} to {words.cut(first.target)}: {share} of all that "
        f"the hand-overs take ({first.count:,} times, median {words.took(first.median_seconds)}). {apart}"
    )


def _waits(found: Sequence[HandOver], has_starts: bool) -> Figure:
    bars = [
        Bar(
            [words.cut(one.source, 36), f"→ {words.cut(one.target, 34)}"],
            f"{one.source} → {one.target}",
            one.total_seconds,
            f"{one.count:,} × {words.rough(one.median_seconds)}",
        )
        for one in found[:MOST]
    ]
    rows: list[list[Cell]] = [
        [
            Name(one.source),
            Name(one.target),
            f"{one.count:,}",
            words.took(one.median_seconds),
            words.took(one.p90_seconds),
            words.took(one.total_seconds),
        ]
        for one in found
    ]
    headers = ("from", "to", "times", "median wait", "90 % are shorter", "times × median")
    label = "times × median wait" + (" (queue, without work)" if has_starts else "")
    table = Table("Hand-overs by the time they take", headers, rows, frozenset({2, 3, 4, 5}))
    caption = "A bar is how often a hand-over happens times its median wait; the text beside it has both."
    return _chart("waits", "Hand-overs that take most time", bars, label, caption, table)


def _work(done: Sequence[Work]) -> Figure:
    bars = [
        Bar(
            words.lines(one.activity, 38),
            one.activity,
            one.count * one.median_seconds,
            f"{one.count:,} × {words.rough(one.median_seconds)}",
        )
        for one in done[:MOST]
    ]
    rows: list[list[Cell]] = [
        [
            Name(one.activity),
            f"{one.count:,}",
            words.took(one.median_seconds),
            words.took(one.p90_seconds),
            words.took(one.count * one.median_seconds),
        ]
        for one in done
    ]
    headers = ("activity", "times", "median work", "90 % are shorter", "times × median")
    table = Table("Activities by the work they take", headers, rows, frozenset({1, 2, 3, 4}))
    caption = "Work is from the start of an event to its end; a bar is how often times the median."
    return _chart("work", "Activities that take most work", bars, "times × median work", caption, table)


def _chart(name: str, title: str, bars: Sequence[Bar], label: str, caption: str, table: Table) -> Figure:
    high = max(one.value for one in bars) or 1.0
    scale = Scale(0.0, axes.top(high, "seconds", 5), LEFT, RIGHT - 120)
    bottom = TOP + ROW * len(bars)
    description = f"{title}: {', '.join(f'{words.cut(one.title, 100)} ({one.text})' for one in bars[:3])}."
    svg = drawn(
        "bars.svg",
        name=name,
        title=title,
        description=description,
        bars=[(one, TOP + ROW * i, scale.of(one.value)) for i, one in enumerate(bars)],
        ticks=axes.numbers(scale, 5, "seconds"),
        frame=(WIDTH, LEFT, RIGHT - 120, TOP, bottom),
        label=label,
    )
    return Figure(name, title, description, svg, (WIDTH, bottom + 52), caption, table)

"""Cases to look at: the most urgent, by reason, each with a timeline on which the odd event is marked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.log import ACTIVITY, RESOURCE
from pmlcli.render import number
from pmlcli.reporting import words
from pmlcli.reporting.axes import Scale
from pmlcli.reporting.drawing import drawn
from pmlcli.reporting.noticed import Noticed, alike, grouped, noticed
from pmlcli.reporting.parts import Cell, Figure, Name, Part, Table
from pmlcli.reporting.story import Story

MOST_EVENTS = 60
WIDTH, LEFT, RIGHT, LINE, HEIGHT = 900, 14, 886, 34, 64


def part(story: Story) -> Part:
    """The first cases of `top`, in groups of one reason."""
    found = noticed(story)
    shown = found[: story.options.top]
    if not shown:
        return Part("cases", "Cases to look at", [_nothing(story)])
    told = f"{number.counted(len(found), 'case')} to look at"
    told += "." if len(shown) == len(found) else f"; the most urgent {len(shown)} are shown."
    if story.odd_events is not None:
        told += " A dot is an event; a large red one is odd."
    groups: list[dict[str, Any]] = [
        {
            "reason": _common(group),
            "count": sum(one.group == group[0].group for one in found),
            "cases": [_case(story, one, _common(group)) for one in group],
        }
        for group in grouped(shown)
    ]
    body = drawn("cases.html", groups=groups)
    timelines = [case["figure"] for group in groups for case in group["cases"]]
    return Part("cases", "Cases to look at", [told], body, within=timelines)


def _nothing(story: Story) -> str:
    asked = [one for one in story.models if one.task in ("anomaly", "remaining-time", "outcome")]
    if asked:
        return "No case stands out."
    return "No case stands out for its silence. A model of anomalies, remaining time or outcomes says more."


def _common(group: list[Noticed]) -> str:
    told = alike(group)
    return told[:1].upper() + told[1:]


def _case(story: Story, one: Noticed, heading: str) -> dict[str, Any]:
    """What the template shows of a case; its reason only where the heading does not say it."""
    log, case = story.log, one.case
    first, last = int(log.offsets[case]), int(log.offsets[case + 1])
    owner = log.frame[RESOURCE].iloc[last - 1] if RESOURCE in log.frame.columns else None
    name = Name(str(log.case_ids[case]))
    return {
        "name": name,
        "reason": one.reason if "#" in one.group and one.reason.lower() != heading.lower() else "",
        "facts": [
            *([("last with", Name(str(owner)))] if owner is not None and owner == owner else []),
            *([("age" if _runs(story, one) else "took", _age(story, one))] if log.times is not None else []),
            *([("due", one.due)] if one.due else []),
            *([("", one.facts)] if one.facts else []),
        ],
        "figure": _timeline(story, one, _table(story, name, first, last)),
    }


def _runs(story: Story, one: Noticed) -> bool:
    """Whether a case has not ended, as the log tells it or as the model does that says how it goes on."""
    return one.kind in ("late", "risky") or bool(story.running[one.case])


def _age(story: Story, one: Noticed) -> str:
    log, case = story.log, one.case
    until = log.end if _runs(story, one) and log.end is not None else int(log.ends[case])
    return words.took((until - int(log.starts[case])) / 1e6)


def odd_of(story: Story, first: int, last: int) -> NDArray[np.int64]:
    """Which events of a case are marked as odd; positions in the log."""
    if story.odd_events is None:
        return np.empty(0, dtype=np.int64)
    return first + np.flatnonzero(story.odd_events[first:last])


def _timeline(story: Story, one: Noticed, table: Table) -> Figure:
    log, case = story.log, one.case
    first, last = int(log.offsets[case]), int(log.offsets[case + 1])
    events = _drawn(first, last, odd_of(story, first, last))
    times = np.arange(first, last) if log.times is None else log.times[first:last]
    is_running = _runs(story, one) and log.end is not None
    end = max(int(log.end or 0), int(times.max())) if is_running else int(times.max())
    scale = Scale(float(times.min()), float(end), LEFT, RIGHT)
    odd = odd_of(story, first, last)
    marks = [
        {
            "x": scale.of(float(times[at - first])),
            "is_odd": at in odd,
            "title": _event(story, at),
        }
        # What is odd is drawn last, so that nothing lies on it.
        for at in sorted(events, key=lambda at: at in odd)
    ]
    title = f"Case {words.cut(str(log.case_ids[case]))}"
    description = (
        f"{number.counted(last - first, 'event')} from {_event(story, first)} to {_event(story, last - 1)}"
    )
    until = RIGHT if is_running else 0
    svg = drawn(
        "timeline.svg",
        name=f"case-{case}",
        title=title,
        description=description,
        marks=marks,
        labels=_labels(story, scale, times, first, odd),
        frame=(WIDTH, HEIGHT, LINE, *(scale.of(float(at)) for at in (times.min(), times.max())), until),
        ends=_ends(story, int(times.min()), int(times.max()), is_running),
    )
    return Figure(f"case-{case + 1}", title, description, svg, (WIDTH, HEIGHT), one.reason, table)


def _ends(story: Story, first: int, last: int, is_running: bool) -> tuple[str, str]:
    if story.log.times is None:
        return "first event", "last event"
    end = (
        f"{words.day(story.log.end or last, story.zone)}, still running"
        if is_running
        else words.day(last, story.zone)
    )
    return words.day(first, story.zone), end


def _drawn(first: int, last: int, odd: NDArray[np.int64]) -> list[int]:
    """At most sixty events: the first, the last, the odd ones, and some between."""
    if last - first <= MOST_EVENTS:
        return list(range(first, last))
    some = np.linspace(first, last - 1, MOST_EVENTS).astype(np.int64)
    return sorted({*some.tolist(), *odd[:MOST_EVENTS].tolist()})


def _labels(
    story: Story, scale: Scale, times: NDArray[np.int64], first: int, odd: NDArray[np.int64]
) -> list[tuple[float, str, str]]:
    """The first odd event above the line, by name."""
    found = []
    for at in odd[:1].tolist():
        x = scale.of(float(times[at - first]))
        anchor = "start" if x < 150 else "end" if x > WIDTH - 150 else "middle"
        found.append((x, words.cut(story.activity(int(story.log.activity_codes[at])), 40), anchor))
    return found


def _event(story: Story, at: int) -> str:
    name = words.cut(story.activity(int(story.log.activity_codes[at])))
    return (
        name if story.log.times is None else f"{name}, {words.minute(int(story.log.times[at]), story.zone)}"
    )


def _table(story: Story, name: Name, first: int, last: int) -> Table:
    log = story.log
    odd = set(odd_of(story, first, last).tolist())
    people = log.frame[RESOURCE] if RESOURCE in log.frame.columns else None
    rows: list[list[Cell]] = [
        [
            "" if log.times is None else words.minute(int(log.times[at]), story.zone),
            Name(str(log.frame[ACTIVITY].iloc[at])),
            *([Name(_text(people.iloc[at]))] if people is not None else []),
            "odd" if at in odd else "",
        ]
        for at in range(first, last)
    ]
    headers = ("time", "activity", *(("by",) if people is not None else ()), "mark")
    return Table(f"Events of case {words.cut(name.text)}", headers, rows)


def _text(value: object) -> str:
    return str(value) if value is not None and value == value else words.MISSING

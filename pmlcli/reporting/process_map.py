"""The process map: activities as boxes, what follows what as arrows, what is odd in red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pmlcli.render import number
from pmlcli.reporting import words
from pmlcli.reporting.drawing import drawn
from pmlcli.reporting.graph import END, FIRST, START, Arrow, Graph, graph_of, shown
from pmlcli.reporting.layout import Box, Layout, Link, lay_out
from pmlcli.reporting.parts import Cell, Figure, Name, Part, Table
from pmlcli.reporting.story import Story

NODE = (148, 46)
ROUND = (26, 26)
SIGN = 6.6
"""About so many pixels is a digit wide in a label."""
THICKEST = 7.0
MARGIN, LEGEND, NARROWEST = 10, 34, 640
SMALLEST = 0.85
"""A map is made no smaller than this, so that its texts can be read; it scrolls instead."""
CLASSES = 4
TO_INSTALL = "pip install graphviz-pure"


def part(story: Story) -> Part:
    """The map; where the program that lays it out is missing, its arrows as a table."""
    graph = graph_of(story)
    arrows = shown(graph, story.options.paths)
    sentences = [_said(story, graph, arrows)]
    table = _table(story, arrows)
    drawing = _figure(story, graph, arrows, table)
    if drawing is None:
        sentences.append(f"The map is not drawn: the program that lays it out is missing ({TO_INSTALL}).")
        return Part("map", "Process map", sentences, tables=[table])
    return Part("map", "Process map", sentences, figures=[drawing])


def _said(story: Story, graph: Graph, arrows: Sequence[Arrow]) -> str:
    inner = [one for one in arrows if one.source != START and one.target != END]
    whole = [one for one in graph.arrows if one.source != START and one.target != END]
    of = sum(one.times for one in whole) or 1
    share = number.share(sum(one.times for one in inner) / of)
    told = f"{len(inner):,} of {number.counted(len(whole), 'arrow')} are shown: {share} of all hand-overs."
    odd = sum(one.is_odd for one in arrows)
    return f"{told} {number.counted(odd, 'arrow')} in red and dashed: odd." if odd else told


def _figure(story: Story, graph: Graph, arrows: Sequence[Arrow], table: Table) -> Figure | None:
    nodes = sorted({START, *(node for one in arrows for node in (one.source, one.target))})
    place = {node: i for i, node in enumerate(nodes)}
    most = max(one.times for one in arrows)
    labels = [_label(one) for one in arrows]
    links = [_link(one, label, place, most) for one, label in zip(arrows, labels, strict=True)]
    layout = lay_out([ROUND if node in (START, END) else NODE for node in nodes], links)
    if layout is None:
        return None
    limits = _limits(arrows)
    size = (max(int(layout.width) + 2 * MARGIN, NARROWEST), int(layout.height) + 2 * MARGIN + LEGEND)
    svg = drawn(
        "map.svg",
        size=size,
        least=max(int(size[0] * SMALLEST), 320),
        left=(size[0] - int(layout.width)) // 2,
        top=MARGIN + LEGEND,
        nodes=[_node(story, graph, node, box) for node, box in zip(nodes, layout.boxes, strict=True)],
        arrows=_drawn_arrows(story, arrows, labels, links, layout, limits),
        legend=_legend(limits, any(one.is_odd for one in arrows)),
        description=_description(story, arrows),
    )
    return Figure(
        "map",
        "What follows what",
        _description(story, arrows),
        svg,
        size,
        "A box is an activity with its number of events. An arrow is a hand-over: the thicker the more "
        "often, the stronger its colour the longer its median wait. Its label says how often, and the "
        "median wait.",
        table,
        dot=_dot(story, graph, arrows),
    )


def _link(one: Arrow, label: str, place: Mapping[int, int], most: int) -> Link:
    thick = round(1.2 + (THICKEST - 1.2) * (one.times / most) ** 0.5, 1)
    # A label stands beside its arrow: the thicker that is, the more room it needs.
    room = int(words.width_of(label) * SIGN + 2 * thick) + 8
    return Link(place[one.source], place[one.target], thick, 1 + 9 * one.times // most, (room, 18))


def _label(one: Arrow) -> str:
    if one.source == START or one.target == END:
        return f"{one.times:,}"
    return f"{one.times:,}" + ("" if one.wait is None else f" · {words.rough(one.wait)}")


def _limits(arrows: Sequence[Arrow]) -> list[float]:
    """Between which medians the shades of waits change."""
    waits = np.array([one.wait for one in arrows if one.wait is not None and one.wait > 0])
    if len(waits) < CLASSES:
        return []
    return [float(one) for one in np.unique(np.quantile(waits, [0.25, 0.5, 0.75]))]


def _kind(one: Arrow, limits: Sequence[float]) -> str:
    if one.is_odd:
        return "odd"
    return "wait-0" if one.wait is None else f"wait-{int(np.searchsorted(limits, one.wait))}"


def _legend(limits: Sequence[float], has_odd: bool) -> list[tuple[str, str]]:
    told = [words.rough(one) for one in limits]
    between = [f"{low} to {high}" for low, high in zip(told[:-1], told[1:], strict=True)]
    texts = [f"wait below {told[0]}", *between, f"over {told[-1]}"] if told else []
    found = [(f"wait-{i}", text) for i, text in enumerate(texts)]
    return [*found, ("odd", "odd")] if has_odd else found


def _drawn_arrows(
    story: Story,
    arrows: Sequence[Arrow],
    labels: Sequence[str],
    links: Sequence[Link],
    layout: Layout,
    limits: Sequence[float],
) -> list[dict[str, object]]:
    rows = zip(arrows, labels, links, layout.routes, strict=True)
    return [
        {
            "kind": _kind(one, limits),
            "thick": link.thick,
            "route": route,
            "label": label,
            "title": f"{_short(story, one.source)} to {_short(story, one.target)}: {label}",
        }
        for one, label, link, route in rows
    ]


def _node(story: Story, graph: Graph, node: int, box: Box) -> dict[str, object]:
    name = _named(story, node)
    return {
        "box": box,
        "is_end": node in (START, END),
        "kind": "start" if node == START else "end",
        "lines": words.lines(name, (NODE[0] - 14) / SIGN),
        "title": name,
        "count": int(graph.counts[node]) if node >= FIRST else 0,
    }


def _named(story: Story, node: int) -> str:
    return {START: "Start", END: "End"}.get(node) or story.activity(node - FIRST)


def _short(story: Story, node: int) -> str:
    return words.cut(_named(story, node))


def _description(story: Story, arrows: Sequence[Arrow]) -> str:
    steps = [one for one in arrows if one.source != START and one.target != END][:3]
    told = "; ".join(
        f"{_short(story, one.source)} to {_short(story, one.target)} ({one.times:,})" for one in steps
    )
    return f"A graph of activities. The commonest hand-overs: {told}. The table below has them all."


def _table(story: Story, arrows: Sequence[Arrow]) -> Table:
    rows: list[list[Cell]] = [
        [
            Name(_named(story, one.source)),
            Name(_named(story, one.target)),
            f"{one.times:,}",
            words.took(one.wait),
            number.share(one.odd),
        ]
        for one in arrows
    ]
    headers = ["from", "to", "times", "median wait", "flagged"]
    if story.odd_events is None:
        headers, rows = headers[:-1], [row[:-1] for row in rows]
    return Table("Hand-overs", headers, rows, frozenset({2, 3, 4}))


def _dot(story: Story, graph: Graph, arrows: Sequence[Arrow]) -> str:
    """The same graph as DOT text, for other programs."""
    nodes = sorted({node for one in arrows for node in (one.source, one.target)})
    lines = ["digraph process {", "  node [shape=box, style=rounded];"]
    lines += [f"  n{node} [label={_quoted(_dot_name(story, graph, node))}];" for node in nodes]
    lines += [
        f"  n{one.source} -> n{one.target} [label={_quoted(_label(one))}{', color=red' * one.is_odd}];"
        for one in arrows
    ]
    return "\n".join([*lines, "}", ""])


def _dot_name(story: Story, graph: Graph, node: int) -> str:
    return _named(story, node) + (f" ({graph.counts[node]:,})" if node >= FIRST else "")


def _quoted(text: str) -> str:
    plain = "".join(" " if sign.isspace() else sign for sign in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'

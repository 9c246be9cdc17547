"""Where the nodes and arrows of a map lie, by the program graphviz-pure; None where it is not installed.

The names of activities never reach it: nodes and labels are boxes of the sizes that the page will draw, so a
map is the same whatever fonts a machine has, and nothing in a name can be a command.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, NamedTuple

PROGRAM = "graphviz-pure"
LONGEST_SECONDS = 20
INCH = 72.0


@dataclass(frozen=True)
class Box:
    """A node or a label: its centre, width and height in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Route:
    """An arrow: an SVG path up to its head, the three corners of the head, and where its label lies."""

    path: str
    head: str
    label: Box | None


@dataclass(frozen=True)
class Layout:
    """A map that is laid out: size, boxes in the order of the nodes, routes in that of the arrows."""

    width: float
    height: float
    boxes: Sequence[Box]
    routes: Sequence[Route]


@dataclass(frozen=True)
class Link:
    """An arrow to be laid out, from node to node: how thick it is, how straight, and how large its label."""

    source: int
    target: int
    thick: float
    weight: int
    label: tuple[int, int]


class Frame(NamedTuple):
    """What the program's numbers are turned by: it counts from below, and may begin at the right."""

    width: float
    height: float
    is_mirrored: bool


def program() -> Path | None:
    """The installed program, by the record of its package and never by the search path."""
    try:
        found = [
            file for file in files(PROGRAM) or () if file.stem == PROGRAM and file.suffix in ("", ".exe")
        ]
    except PackageNotFoundError:
        return None
    places = [Path(str(file.locate())) for file in found]
    return next((place for place in places if place.is_file()), None)


def lay_out(sizes: Sequence[tuple[int, int]], links: Sequence[Link]) -> Layout | None:
    """Nodes of these sizes, the first of which is the start, and links between them; None without the
    program, or where it does not end in time.
    """
    place = program()
    if place is None:
        return None
    try:
        done = subprocess.run(
            [str(place), "-Tjson0"],
            input=_graph(sizes, links).encode(),
            capture_output=True,
            timeout=LONGEST_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return _layout(json.loads(done.stdout), sizes, links)


def _graph(sizes: Sequence[tuple[int, int]], links: Sequence[Link]) -> str:
    nodes = [
        f"n{i} [width={width / INCH:.3f},height={height / INCH:.3f}]"
        for i, (width, height) in enumerate(sizes)
    ]
    edges = [
        f"n{link.source} -> n{link.target} [id=e{i},weight={link.weight},penwidth={link.thick:.1f},"
        f"{_room(link.label)}]"
        for i, link in enumerate(links)
    ]
    head = 'digraph { nodesep=0.3; ranksep=0.35; node [shape=box,fixedsize=true,label=""]; {rank=source; n0}'
    return "\n".join([head, *nodes, *edges, "}"])


def _room(size: tuple[int, int]) -> str:
    if not size[0]:
        return 'label=""'
    table = f'<TABLE FIXEDSIZE="TRUE" WIDTH="{size[0]}" HEIGHT="{size[1]}" BORDER="0">'
    return f"label=<{table}<TR><TD></TD></TR></TABLE>>"


def _layout(found: dict[str, Any], sizes: Sequence[tuple[int, int]], links: Sequence[Link]) -> Layout:
    _, _, width, height = (float(one) for one in found["bb"].split(","))
    places = {one["name"]: one["pos"] for one in found["objects"] if "pos" in one}
    # Who opens the map on a small screen sees its left: that is where the start is to be.
    start = float(places["n0"].partition(",")[0])
    frame = Frame(width, height, is_mirrored=start > width / 2)
    boxes = [_box(places[f"n{i}"], size, frame) for i, size in enumerate(sizes)]
    edges = {one["id"]: one for one in found.get("edges", ())}
    routes = [_route(edges[f"e{i}"], link, frame) for i, link in enumerate(links)]
    return Layout(round(width), round(height), boxes, routes)


def _box(place: str, size: tuple[int, int], frame: Frame) -> Box:
    return Box(*_point(place, frame), *size)


def _route(edge: dict[str, Any], link: Link, frame: Frame) -> Route:
    tip, *points = [_point(text, frame) for text in edge["pos"].split()]
    first, *rest = points
    curve = f"M{first[0]:g} {first[1]:g}C" + " ".join(f"{x:g} {y:g}" for x, y in rest)
    label = _box(edge["lp"], link.label, frame) if link.label[0] and "lp" in edge else None
    return Route(curve, _head(points[-1], tip, 2.5 + link.thick), label)


def _point(text: str, frame: Frame) -> tuple[float, float]:
    x, y = (float(one) for one in text.removeprefix("e,").split(","))
    return round(frame.width - x if frame.is_mirrored else x, 1), round(frame.height - y, 1)


def _head(base: tuple[float, float], tip: tuple[float, float], half: float) -> str:
    across, down = tip[0] - base[0], tip[1] - base[1]
    length = (across**2 + down**2) ** 0.5 or 1.0
    x, y = -down / length * half, across / length * half
    corners = ((base[0] + x, base[1] + y), tip, (base[0] - x, base[1] - y))
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)

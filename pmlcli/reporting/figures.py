"""The pictures of a report as files of their own: SVG, PNG, and the map's graph as DOT."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pmlcli.escape import visible
from pmlcli.reporting.drawing import text_of
from pmlcli.reporting.made import Report
from pmlcli.reporting.parts import Figure

NEEDS = "resvg_py"
EXTRA = "report"
ZOOM = 2.0
_VARIABLE = re.compile(r"var\((--[a-z0-9-]+)\)")
_CHIP = re.compile(r"\.hue-(\d+) \{ -{2}chip: ([^;]+); -{2}chip-ink: ([^;]+); \}")
_DECLARED = re.compile(r"(--[a-z0-9-]+): ([^;]+);")


def files(report: Report, *, with_png: bool) -> dict[str, bytes]:
    """Name to bytes of all pictures: `map.svg`, `map.png`, `map.dot`, ..."""
    found: dict[str, bytes] = {}
    style = _style()
    for figure in figures(report):
        svg = _alone(figure, style)
        found[f"{figure.name}.svg"] = svg.encode("utf-8", errors="backslashreplace")
        if with_png:
            found[f"{figure.name}.png"] = _png(svg)
        if figure.dot:
            found[f"{figure.name}.dot"] = visible_lines(figure.dot).encode("utf-8", errors="backslashreplace")
    return found


def figures(report: Report) -> Iterator[Figure]:
    """All pictures of a report in their order."""
    for part in report.parts:
        yield from part.within
        yield from part.figures


def visible_lines(text: str) -> str:
    """Each line with what is invisible in it made visible."""
    return "\n".join(visible(line) for line in text.split("\n"))


def can_draw_png() -> bool:
    """Whether the library that makes PNG of SVG is installed."""
    try:
        import resvg_py  # noqa: F401 (only asked for)
    except ImportError:
        return False
    return True


def _style() -> str:
    """The figures' style in light colours, without variables, which other programs do not know."""
    known = text_of("colours.css")
    colours = dict(_DECLARED.findall(known.partition("}")[0]))
    plain = _VARIABLE.sub(lambda found: colours[found[1]], text_of("figures.css"))
    chips = [
        (one[1], *(_VARIABLE.sub(lambda found: colours[found[1]], part) for part in one.group(2, 3)))
        for one in _CHIP.finditer(known)
    ]
    return plain + "".join(
        f"svg .hue-{n} .chip {{ fill: {fill}; }} svg .hue-{n} text {{ fill: {ink}; }}\n"
        for n, fill, ink in chips
    )


def _alone(figure: Figure, style: str) -> str:
    """The picture as a file: with its style in it, on white."""
    head, rest = str(figure.svg).split(">", 1)
    head = re.sub(r' style="[^"]*"', "", head)
    paper = '<rect width="100%" height="100%" fill="#ffffff"/>'
    title, rest = rest.split("</desc>", 1)
    return f"{head.strip()}>{title}</desc>\n<style>\n{style}</style>\n{paper}{rest}\n"


def _png(svg: str) -> bytes:
    # Only who wants pictures as PNG needs these libraries.
    import matplotlib
    import resvg_py

    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, zoom=ZOOM, font_files=[str(font)], sans_serif_family="DejaVu Sans"
        )
    )

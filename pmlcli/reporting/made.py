"""The report as a whole: a log and models in, one page out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from pmlcli.lifecycle.provenance import dependencies
from pmlcli.reporting import (
    cases,
    dotted,
    how_made,
    in_short,
    model,
    over_time,
    process_map,
    quality,
    variants,
    waits,
)
from pmlcli.reporting.drawing import drawn, text_of
from pmlcli.reporting.parts import Part
from pmlcli.reporting.story import Story
from pmlcli.store import publish

MAKERS: Mapping[str, Callable[[Story], Part]] = {
    "in-short": in_short.part,
    "map": process_map.part,
    "variants": variants.part,
    "over-time": over_time.part,
    "waits": waits.part,
    "dotted": dotted.part,
    "model": model.part,
    "cases": cases.part,
    "quality": quality.part,
    "made": how_made.part,
}
"""What makes each section."""


@dataclass(frozen=True)
class Report:
    """A finished page: `html` is all of it, `parts` are its sections."""

    title: str
    html: str
    parts: tuple[Part, ...]

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Writes the page, whole or not at all; ValidationError where `path` is taken and not `force`."""
        publish.write_file(Path(path), self.html.encode("utf-8"), force=force)
        return Path(path)

    def __repr__(self) -> str:
        return f"<report: {self.title}, {len(self.parts)} sections>"

    def _repr_html_(self) -> str:
        # In a frame of its own: its style must not reach the notebook's.
        frame = Markup('<iframe srcdoc="{}" title="{}" style="width:100%;height:900px;border:0"></iframe>')
        return str(frame.format(self.html, self.title))


def made(story: Story) -> Report:
    """The page of a story."""
    parts = tuple(MAKERS[name](story) for name in story.options.chosen)
    title = story.options.title or f"{story.log.source.name}: process report"
    html = drawn(
        "page.html",
        title=title,
        about=f"{story.log.n_cases:,} cases and {story.log.n_events:,} events",
        parts=parts,
        style=style(),
        version=dependencies(())["pmlcli"],
        zone=f"Times are those of {story.zone.key}.",
    )
    return Report(title, str(html), parts)


def style() -> Markup:
    """The page's style: light, dark where the reader's system is, light in print."""
    dark = f"@media screen and (prefers-color-scheme: dark) {{\n{text_of('dark.css')}}}\n"
    return Markup(text_of("colours.css") + dark + text_of("page.css") + text_of("figures.css"))  # noqa: S704

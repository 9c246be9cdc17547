"""Templates become HTML and SVG: whatever comes from a log is escaped, nothing invisible is left in it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pmlcli.escape import visible
from pmlcli.render import number
from pmlcli.reporting import words
from pmlcli.reporting.parts import Name

TEMPLATES = Path(__file__).parent / "templates"


def drawn(template: str, **values: Any) -> Markup:
    """A template of this room with these values, safe to be put into another one."""
    return Markup(_environment().get_template(template).render(**values))  # noqa: S704 (autoescaped)


def text_of(name: str) -> str:
    """The text of a file beside the templates."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_safe,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "count": number.count,
        "share": number.share,
        "cut": words.cut,
        "took": words.took,
        "width": words.width_of,
        "px": lambda value: f"{value:g}",
    }
    found.tests["name"] = lambda value: isinstance(value, Name)
    return found


def _safe(value: Any) -> Any:
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return visible(value)

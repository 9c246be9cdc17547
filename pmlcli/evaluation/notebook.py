"""Small pieces of HTML for notebooks: everything that comes from a log or a model is escaped."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

MOST_WARNINGS = 5


def page(first: str, warnings: Sequence[str] = (), more: str = "") -> str:
    """A sentence in bold, what to know of it, and `more`, which is HTML already."""
    shown = [*warnings[:MOST_WARNINGS]]
    if len(warnings) > MOST_WARNINGS:
        shown.append(f"and {len(warnings) - MOST_WARNINGS} more")
    listed = "".join(f"<li>{html.escape(one)}</li>" for one in shown)
    return f"<p><b>{html.escape(first)}</b></p>{f'<ul>{listed}</ul>' if listed else ''}{more}"


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of these cells."""
    head = "".join(f"<th>{html.escape(one)}</th>" for one in headers)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell(one))}</td>' for one in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def cell(one: object) -> str:
    """A value as text: four digits of a number, nothing where nothing is known."""
    if one is None or (isinstance(one, float) and math.isnan(one)):
        return ""
    if isinstance(one, float):
        return f"{one:,.4g}" if abs(one) < 10_000 else f"{one:,.0f}"
    return str(one)

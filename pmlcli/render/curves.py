"""How early and how honestly a model of outcomes tells them, as tables. Nothing is taken for granted: the
numbers come from a file that anyone may have written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pmlcli.render import number
from pmlcli.render.block import Block, Heading, Line, Table

_MOST_ROWS = 50
_UNKNOWN = "-"


def curves(calibration: Any) -> list[Block]:
    """AUC by prefix length, what warnings would have given, and the calibration error; none where absent."""
    if not isinstance(calibration, Mapping):
        return []
    error = calibration.get("calibration_error")
    told = [Line(f"  probabilities were off by {_share(error)} on average")] if _is_number(error) else []
    tables: list[Block] = [
        *_table(calibration.get("auc_by_prefix_length"), _LENGTHS),
        *_table(calibration.get("earliness"), _WARNINGS),
    ]
    if not tables and not told:
        return []
    # Models of next activities tell how honest they are, and nothing of how early.
    heading = "How early its warnings come" if tables else "Calibration of its probabilities"
    return [Heading(f"{heading}, on held-out cases"), *tables, *told]


def standing_out(calibration: Any) -> list[Block]:
    """The share of training cases, and of cases by their oddest event, that stand out; none where absent."""
    found = calibration.get("standing_out") if isinstance(calibration, Mapping) else None
    if not isinstance(found, Mapping):
        return []
    levels = [(f"  by {level}", found[level]) for level in ("case", "event") if level in found]
    rows = [
        (name, *(_share(one.get(key)) for key in ("share", "low", "high")))
        for name, one in levels
        if isinstance(one, Mapping)
    ]
    return [Heading("Training cases that stand out"), Table(_SHARES, rows)] if rows else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _share(value: Any) -> str:
    return number.share(value) if _is_number(value) else _UNKNOWN


def _number(value: Any) -> str:
    return number.number(value) if _is_number(value) else _UNKNOWN


_SHARES = ("  flagged", "share", "from", "to (95 %)")
Columns = tuple[tuple[str, str, Callable[[Any], str]], ...]
_LENGTHS: Columns = (
    ("  after events", "prefix_length", _number),
    ("AUC", "auc", _number),
    ("cases", "cases", _number),
)
_WARNINGS: Columns = (
    ("  warned from a probability of", "limit", _share),
    ("positive cases warned of", "warned", _share),
    ("warnings that were right", "right", _share),
    ("median events until then", "events", _number),
)


def _table(rows: Any, columns: Columns) -> list[Block]:
    """One row a mapping; none where there is no list of them."""
    if not isinstance(rows, list) or not rows:
        return []
    some = [row for row in rows[:_MOST_ROWS] if isinstance(row, Mapping)]
    cells = [[show(row.get(key)) for _title, key, show in columns] for row in some]
    shown = [[f"  {first}", *rest] for first, *rest in cells]
    return [Table(tuple(title for title, _key, _show in columns), shown, frozenset({1, 2, 3}))]

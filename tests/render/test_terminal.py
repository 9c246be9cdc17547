"""Blocks on a terminal: records that do not fit stand one under the other, and nothing of them is lost."""

from __future__ import annotations

import re

from pmlcli.render.block import Table
from pmlcli.render.terminal import coloured

HEADERS = ("case_id", "next_activity", "because")
ROWS = [("PR-101209", "Pay Invoice", "`Approve Payment`: +97 points"), ("PR-101210", "Reject", "")]


def lines(width: int, *, records: bool = True) -> list[str]:
    text = coloured([Table(HEADERS, ROWS, records=records)], width)
    return [re.sub(r"\x1b\[[\d;]*m", "", line).rstrip() for line in text.splitlines()]


def test_records_that_fit_are_a_table() -> None:
    assert [line.split() for line in lines(80)[:2]] == [["next_"], ["case_id", "activity", "because"]]
    assert len(lines(80)) == 4


def test_records_that_do_not_fit_stand_one_under_the_other() -> None:
    assert lines(28) == [
        "PR-101209",
        "  next_activity  Pay Invoice",
        "  because        `Approve",
        "                 Payment`:",
        "                 +97 points",
        "PR-101210",
        "  next_activity  Reject",
    ]
    assert lines(28, records=False)[0].startswith("case_id")


def test_what_is_the_same_in_every_row_is_said_once_where_that_saves_the_table() -> None:
    """Nothing is lost: each header and each value stands somewhere, once for all rows or in the table."""
    headers = ("case_id", "threshold", "reason", "is_anomaly", "empty")
    rows = [(f"PR-{i}", "45.739", "why " * i, "yes", "") for i in (1, 2, 3)]
    text = coloured([Table(headers, rows, frozenset({1}), records=True)], 30)
    shown = [re.sub(r"\x1b\[[\d;]*m", "", line).rstrip() for line in text.splitlines()]
    assert shown[0].split() == ["case_id", "reason"]
    assert shown[-2:] == ["in every row: threshold", "45.739, is_anomaly yes"]
    assert [line.split()[0] for line in shown[1:-2] if line.startswith("PR")] == ["PR-1", "PR-2", "PR-3"]


def test_one_row_alone_is_never_shortened() -> None:
    text = coloured([Table(("case_id", "because_of_what"), [("PR-1", "a" * 40)], records=True)], 30)
    assert "because_of_what" in text

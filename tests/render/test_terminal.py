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
    assert lines(80)[0].split() == list(HEADERS)
    assert len(lines(80)) == 3


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

"""A log's profile as text: nothing in a hostile log steers the terminal or floods it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pmlcli.eventlog import read_log
from pmlcli.eventlog.profile import profile
from pmlcli.render import json
from pmlcli.render.block import plain
from pmlcli.render.log_profile import log
from pmlcli.render.sparkline import sparkline
from pmlcli.render.terminal import coloured

HOSTILE = "\x1b]0;owned\x07[/bold][red]\u202eevil\u2066\u200b\r\n\x9b2J\x7f"
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069]")


def hostile_document(name: str = HOSTILE) -> dict[str, object]:
    """The profile of a log in which every name is hostile, and that has findings of most kinds."""
    rows = [
        {
            f"case_id{name}": f"{name}{i // 2}",
            f"activity{name}": name if i % 2 else f"{name}.",
            f"time{name}": "1970-01-01T00:00:00Z" if i < 2 else f"2185-01-{i // 2 % 28 + 1:02d}T10:00:00Z",
            f"who{name}": f"{name}{i % 3}",
            f"id{name}": f"{name}{i}",
            f"mail{name}": f"x@{i}.example{name}",
            f"case:constant{name}": name,
        }
        for i in range(60)
    ]
    columns = {
        "case_id": f"case_id{name}",
        "activity": f"activity{name}",
        "timestamp": f"time{name}",
        "resource": f"who{name}",
    }
    found = read_log(rows, columns=columns)
    return {"log": {**vars(found.source), "name": name}, "profile": profile(found).to_dict()}


def test_a_hostile_log_is_shown_but_not_obeyed() -> None:
    document = hostile_document()
    codes = {finding["code"] for finding in document["profile"]["findings"]}  # type: ignore[index]
    assert {"times.past", "times.future", "activities.near-duplicate", "columns.identifier"} <= codes
    assert {"columns.personal-data", "columns.constant"} <= codes
    text = plain(log(document))
    assert not UNSAFE.search(text)
    assert "\\x1b]0;owned\\x07[/bold][red]\\u202eevil" in text
    assert not UNSAFE.search(json.document("log", document))
    in_colour = coloured(log(document), 100)
    assert not UNSAFE.search(re.sub(r"\x1b\[[0-9;]*m", "", in_colour))
    assert "[red]" in in_colour


@pytest.mark.slow
def test_a_name_of_a_megabyte_does_not_flood_the_screen() -> None:
    assert len(plain(log(hostile_document("n" * 1_000_000)))) < 20_000


def test_lists_end() -> None:
    rows = [{"case_id": "1", "activity": f"a{i}", **{f"x{k}": k for k in range(50)}} for i in range(50)]
    found = read_log(rows)
    text = plain(log({"log": vars(found.source), "profile": profile(found).to_dict()}))
    assert text.count("and 20 more") == 2


def test_a_profile_says_what_an_analyst_asks() -> None:
    sample = read_log(Path(__file__).parents[2] / "sample_logs" / "purchase-to-pay.csv")
    text = plain(log({"log": vars(sample.source), "profile": profile(sample).to_dict()}))
    for part in (
        "1,200, 94 of them still running (about 92 are expected to go on), 4 of these stalled",
        "29 d 7 h (median)",
        "each bar 8 days from 2024-01-02 on, the highest 37 cases",
        "Data quality (0 findings)",
        "Activities (17)",
        "Variants (276,",
        "case:payment_terms  integer",
    ):
        assert part in text


def test_findings_have_lines_and_fixes() -> None:
    text = plain(log(hostile_document("x")))
    assert re.search(
        r"^  serious  2 events before 1990: .* \[times\.past\]\n +row 1, case x0: ", text, re.MULTILINE
    )
    assert text.count("fix: ") == 5


@pytest.mark.parametrize(
    ("counts", "encoding", "bars"),
    [
        ([0, 1, 500, 1000], "utf-8", "▁▂▅█"),
        ([0, 1, 500, 1000], "ascii", "_.=#"),
        ([0, 1], "cp1252", "_#"),
        ([0, 1], None, "_#"),
        ([0, 1], "no-such-encoding", "_#"),
        ([0, 0], "utf-8", "▁▁"),
        ([], "utf-8", ""),
        ([7], "utf-8", "█"),
    ],
)
def test_sparkline(counts: list[int], encoding: str | None, bars: str) -> None:
    assert sparkline(counts, encoding) == bars

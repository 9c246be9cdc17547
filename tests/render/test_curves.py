"""What `inspect` shows of how early and how honestly outcomes are told."""

from __future__ import annotations

from typing import Any

import pytest

from pmlcli.render.block import plain
from pmlcli.render.curves import curves, standing_out

FOUND = {
    "auc_by_prefix_length": [{"prefix_length": 2, "auc": 0.75, "cases": 1234}],
    "earliness": [{"limit": 0.5, "warned": 0.8, "right": None, "events": 2.5}],
    "calibration_error": 0.015,
}


def test_curves_are_tables_with_units() -> None:
    lines = [line.split() for line in plain(curves(FOUND)).splitlines()]
    assert ["2", "0.750", "1,234"] in lines
    assert ["50.0", "%", "80.0", "%", "-", "2.500"] in lines
    assert "off by 1.5 % on average" in plain(curves(FOUND))


def test_the_heading_promises_only_what_is_there() -> None:
    honest = {"calibration_error": 0.015}
    assert plain(curves(FOUND)).splitlines()[0] == "How early its warnings come, on held-out cases"
    assert plain(curves(honest)).splitlines()[0] == "Calibration of its probabilities, on held-out cases"


@pytest.mark.parametrize("other", [None, 3, [], {}, {"threshold": 0.5}, {"earliness": []}])
def test_other_models_have_none(other: Any) -> None:
    assert curves(other) == []


@pytest.mark.parametrize("strange", [None, True, "x", [1], {"a": 1}, 10**60, -1e308])
def test_strange_values_are_shown_or_left_out(strange: Any) -> None:
    row = {"prefix_length": strange, "auc": strange, "cases": strange, "limit": strange}
    hostile = {
        "auc_by_prefix_length": [row, strange] * 500,
        "earliness": strange,
        "calibration_error": strange,
    }
    assert len(plain(curves(hostile)).splitlines()) < 60


def test_the_share_that_stands_out_is_a_row_a_level():
    level = {"share": 0.09, "low": 0.06, "high": 0.123}
    _heading, found = standing_out({"standing_out": {"case": level, "event": level}})
    assert [list(row) for row in found.rows] == [
        ["  by case", "9.0 %", "6.0 %", "12.3 %"],
        ["  by event", "9.0 %", "6.0 %", "12.3 %"],
    ]


@pytest.mark.parametrize("damaged", [None, 3, {}, {"standing_out": 3}, {"standing_out": {"case": 3}}])
def test_what_does_not_say_a_share_gives_no_table(damaged):
    assert standing_out(damaged) == []


def test_a_share_that_is_no_number_is_a_dash():
    _heading, found = standing_out({"standing_out": {"case": {"share": "x"}}})
    assert list(found.rows[0])[1:] == ["-", "-", "-"]

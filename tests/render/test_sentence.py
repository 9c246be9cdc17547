"""Verdicts in words, and the list of algorithms: what a person reads first."""

from __future__ import annotations

from typing import Any

import pytest

from pmlcli import registry
from pmlcli.cli.algorithms import list_algorithms
from pmlcli.evaluation.comparison import Comparison
from pmlcli.render import sentence, text
from pmlcli.render.block import plain


def metric(verdict: str, name: str = "mae", unit: str = "days", value: float = 9.041) -> dict[str, Any]:
    return {
        "metric": name, "unit": unit, "value": value, "baseline_value": value + 3, "baseline": "a/b",
        "verdict": verdict,
    }  # fmt: skip


@pytest.mark.parametrize("verdict", ["better", "worse", "no better", "unclear"])
def test_a_verdict_begins_with_its_word_and_holds_both_numbers(verdict: str) -> None:
    said = sentence.verdict(metric(verdict), "remaining-time", "by the median")
    assert said.startswith(f"{verdict} ") or said.startswith(f"{verdict} whether")
    assert said.endswith(": off by 9.04 days on average, 12 days by the median")


def test_the_baseline_has_no_other_beside_it() -> None:
    said = sentence.verdict(metric("is the baseline"), "remaining-time", "by the median")
    assert said == "off by 9.04 days on average (this is the baseline of its task)"


def test_shares_are_percentages_and_a_metric_of_another_package_has_its_name() -> None:
    auc = metric("better", "auc", "", 0.5)
    assert "in 50.0 % of pairs" in sentence.verdict(auc, "anomaly", "by counting variants")
    assert "my metric 9.04 days, " in sentence.verdict(metric("better", "my_metric"), "mine", "simply")


def test_every_verdict_of_a_comparison_has_words() -> None:
    assert Comparison.__doc__ is not None
    for word in sentence._VERDICTS:
        assert f"`{word}`" in Comparison.__doc__ or word == "better"


@pytest.mark.parametrize("width", [60, 80, 200])
def test_each_algorithm_has_one_line_that_fits(width: int) -> None:
    lines = plain(text.algorithms(list_algorithms(), width)).splitlines()
    for task in registry.tasks():
        for name in registry.names(task):
            short = name.partition("/")[2]
            assert any(line.split()[:1] == [short] for line in lines), name
    rows = [line for line in lines if line.startswith("  ")]
    assert len(rows) == len(registry.names())
    assert max(map(len, rows)) <= width

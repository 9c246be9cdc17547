"""Numbers with their units, at and around the bounds where the unit changes."""

import pytest

from pmlcli.render import number, sentence


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (1, "1 s"),
        (12.34, "12.3 s"), (59.94, "59.9 s"), (59.96, "1 min"), (2700, "45 min"), (3569, "59 min"),
        (3571, "1 h"), (7500, "2 h 5 min"), (86369, "23 h 59 min"), (86400, "1 d"), (273600, "3 d 4 h"),
        (-5400, "-1 h 30 min"), (1e9, "11,574 d 2 h"), (float("nan"), "unknown"), (float("inf"), "unknown"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert number.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.7853, "0.785"), (123.456, "123.5"), (12345.6, "12,346"), (0.00004, "4.00e-05"), (0.0, "0")],
)
def test_numbers(value: float, text: str) -> None:
    assert number.number(value) == text


def test_shares_counts_sizes() -> None:
    assert number.share(0.1234) == "12.3 %"
    assert number.share(0.0001) == "< 0.1 %"
    assert number.counted(1, "case") == "1 case"
    assert number.counted(1234, "case") == "1,234 cases"
    assert [number.size(n) for n in (12, 8400, 5_200_000)] == ["12 bytes", "8.4 KB", "5.2 MB"]


METRIC = {
    "metric": "accuracy", "unit": "share", "value": 0.785, "baseline": "next-activity/ngram",
    "baseline_value": 0.703, "difference": 0.082, "lower": 0.071, "upper": 0.094, "verdict": "better",
}  # fmt: skip


def test_a_comparison_is_one_line() -> None:
    assert sentence.comparison(METRIC) == (
        "accuracy 0.785, baseline next-activity/ngram 0.703, difference +0.082 [0.071, 0.094]: better"
    )


def test_a_comparison_in_seconds_reads_as_durations() -> None:
    metric = {**METRIC, "metric": "mean_absolute_error", "unit": "seconds", "value": 7200.0}
    metric |= {"baseline_value": 10800.0, "difference": -3600.0, "lower": None, "upper": None}
    metric["verdict"] = "unclear"
    assert sentence.comparison(metric) == (
        "mean absolute error 2 h, baseline next-activity/ngram 3 h, difference -1 h: unclear"
    )


def test_the_baseline_is_not_compared_with_itself() -> None:
    text = sentence.comparison({**METRIC, "verdict": "is the baseline"})
    assert text == "accuracy 0.785 (this is the baseline of its task)"


@pytest.mark.parametrize("broken", [None, [], {}, {**METRIC, "value": "x"}, {**METRIC, "lower": True}])
def test_a_metric_of_another_form_is_recognised(broken: object) -> None:
    assert not sentence.is_comparison(broken)
    assert sentence.is_comparison(METRIC)

"""Verdicts over several cuts: by tables made so that each rule is seen to fire."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pmlcli.evaluation.comparison import CutPeriod, Measured, compare, interval
from pmlcli.evaluation.measurement import Measurement, mean_over


def metric(values: np.ndarray, *, higher: bool, name: str = "mae") -> Measurement:
    """The mean of one value a case."""
    value_of = mean_over(values, np.ones(len(values)))
    return Measurement(name, "days", higher, len(values), value_of, "made by hand")


def table(
    gains: Sequence[float],
    *,
    higher: bool = False,
    n: int = 200,
    noise: float = 1.0,
    levels: Sequence[float] = (),
    biases: Sequence[str | None] = (),
) -> list[Measured]:
    """A cut for each gain over a baseline at 10, or at the given level: positive is better."""
    rng, found = np.random.default_rng(7), []
    for place, gain in enumerate(gains):
        level = levels[place] if levels else 0.4 if higher else 10.0
        base = level + 0.01 * rng.standard_normal(n)
        ours = base + (gain if higher else -gain) + noise * rng.standard_normal(n)
        period = CutPeriod(
            n, f"2024-0{place + 1}-01", f"2024-0{place + 1}-28", (*biases, None)[place] if biases else None
        )
        found.append(Measured(metric(ours, higher=higher), metric(base, higher=higher), period))
    return found


def verdict_of(cuts: list[Measured], doubts: Sequence[str] = ()) -> str:
    return compare(cuts, "task/base", seed=0, doubts=doubts).verdict


@pytest.mark.parametrize("higher", [False, True])
def test_better_and_worse_in_all_periods(higher: bool) -> None:
    noise = 0.1 if higher else 1.0
    gains = np.array([1.0, 1.1, 0.9]) * (0.2 if higher else 1)
    assert verdict_of(table(gains, higher=higher, noise=noise)) == "better"
    assert verdict_of(table(-gains, higher=higher, noise=noise)) == "worse"


def test_a_difference_within_chance_or_within_what_periods_vary_is_no_better() -> None:
    assert verdict_of(table([0.02, -0.03, 0.01])) == "no better"
    # Each cut alone would be better beyond its cases: the periods vary too much to promise the next.
    varied = compare(table([2.5, 0.2, 0.25], noise=0.5), "task/base", seed=0)
    assert all(cut.upper is not None and cut.upper < 0 for cut in varied.cuts)
    assert varied.verdict == "no better"
    assert varied.lower is not None and varied.upper is not None
    assert varied.lower < 0 < varied.upper


def test_equal_to_the_baseline_is_no_better() -> None:
    same = [Measured(one.theirs, one.theirs, one.period) for one in table([0, 0, 0])]
    found = compare(same, "task/base", seed=0)
    assert (found.lower, found.upper, found.verdict) == (0.0, 0.0, "no better")


def test_periods_that_contradict_each_other_are_unclear_and_named() -> None:
    found = compare(table([1.0, 1.1, -0.9]), "task/base", seed=0)
    assert found.verdict == "unclear"
    assert any("better in 2024-02-01 to 2024-02-28, worse in 2024-03-01" in one for one in found.because)


def test_a_worst_period_beyond_its_interval_is_never_better() -> None:
    # Nine much better cuts carry the mean; the tenth is a little worse beyond chance.
    found = compare(table([3.0] * 8 + [-0.4]), "task/base", seed=0)
    assert found.lower is not None and found.upper is not None and found.upper < 0
    assert found.verdict == "unclear"


def test_too_few_units_are_unclear() -> None:
    found = compare(table([1.0], n=4), "task/base", seed=0)
    assert (found.lower, found.upper, found.verdict) == (None, None, "unclear")


def test_a_biased_period_does_not_count_where_there_is_another() -> None:
    gains, why = [1.0, 1.0, -5.0], "60% of its cases are still running"
    found = compare(table(gains, biases=[None, None, why]), "task/base", seed=0)
    assert found.verdict == "better"
    assert found.difference == pytest.approx(-1.0, abs=0.2)
    assert any(why in one and "does not count" in one for one in found.because)
    assert len(found.cuts) == 3 and "2 of 3 cuts" in found.about
    all_biased = compare(table(gains, biases=[why] * 3), "task/base", seed=0)
    assert all_biased.verdict == "unclear"
    assert why in all_biased.because[0]


def test_a_doubt_about_the_log_is_unclear_whatever_the_numbers() -> None:
    cuts = table([1.0, 1.1, 0.9])
    found = compare(cuts, "task/base", seed=0, doubts=["only cases that had ended"])
    assert found.verdict == "unclear"
    assert found.because[0] == "only cases that had ended"
    assert found.lower is not None


def test_a_process_that_changed_is_said() -> None:
    found = compare(table([1.0, 1.0, 1.0], levels=[10, 10, 20]), "task/base", seed=0)
    assert any("the process changed" in one and "harder" in one and "2 times" in one for one in found.because)
    assert not compare(table([1.0, 1.0, 1.0]), "task/base", seed=0).because


def test_the_interval_grows_with_what_periods_vary_and_with_fewer_cuts() -> None:
    def width(gains: Sequence[float]) -> float:
        lower, upper = interval(compare(table(gains), "task/base", seed=0).cuts)
        assert lower is not None and upper is not None
        return upper - lower

    assert width([1.0, 1.0, 1.0]) < width([0.7, 1.0, 1.3]) < width([0.2, 1.0, 1.8])
    assert width([1.0] * 6) < width([1.0] * 3) < width([1.0])


def test_cuts_of_another_metric_are_left_out() -> None:
    first, *others = table([1.0, 1.1, 0.9])
    odd = Measured(metric(np.ones(9), higher=False, name="brier-score"), first.theirs, first.period)
    found = compare([odd, *others], "task/base", seed=0)
    assert (found.metric, len(found.cuts)) == ("mae", 2)


def test_the_same_bytes_twice_and_plain_as_json() -> None:
    first, second = (compare(table([1.0, 1.1, 0.9]), "task/base", seed=3).to_dict() for _ in range(2))
    assert first == second
    numbers = {"n_cases", "n_units", "value", "baseline_value", "difference", "lower", "upper"}
    assert set(first["cuts"][0]) == numbers | {"since", "until", "bias"}


def test_the_baseline_is_not_compared_with_itself() -> None:
    found = compare(table([0.0, 0.0]), "task/base", seed=0, is_baseline=True)
    assert (found.verdict, found.lower, found.because) == ("is the baseline", None, ())

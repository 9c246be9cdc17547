"""Of the latest cases only the short ones have ended: each that has stands for those that still run."""

from __future__ import annotations

import numpy as np

from pmlcli.eventlog.selection_bias import MOST_STOOD_FOR, stand_for


def test_where_no_case_runs_each_stands_for_itself() -> None:
    assert stand_for(np.array([5, 1, 9]), np.array([], dtype=np.int64)).tolist() == [1, 1, 1]


def test_it_is_the_inverse_of_the_share_that_was_not_cut_off_before() -> None:
    # Three cases took 1, 4 and 6; one was cut off after 2, one after 5: of the 4 that had gone on to 2 one is
    # lost, of the 2 that had gone on to 5 another.
    found = stand_for(np.array([6, 1, 4]), np.array([5, 2]))
    np.testing.assert_allclose(found, [1 / (3 / 4 * 1 / 2), 1.0, 1 / (3 / 4)])


def test_a_case_stands_for_so_many_at_most_and_one_cut_off_last_of_all_for_none() -> None:
    found = stand_for(np.array([100]), np.arange(1, 60))
    assert found.tolist() == [MOST_STOOD_FOR]
    assert stand_for(np.array([1]), np.array([50])).tolist() == [1.0]


def test_the_mean_of_all_cases_is_found_again_though_only_the_short_ones_have_ended() -> None:
    rng = np.random.default_rng(0)
    took, so_far = rng.integers(1, 100, 5000), rng.integers(1, 130, 5000)
    ended = took <= so_far
    weights = stand_for(took[ended], so_far[~ended])
    assert took[ended].mean() < 0.8 * took.mean()
    assert abs(np.average(took[ended], weights=weights) - took.mean()) < 0.03 * took.mean()

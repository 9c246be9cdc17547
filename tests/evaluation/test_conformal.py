"""Conformal p-values against plain counting, and the Benjamini-Hochberg rule by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pmlcli.evaluation import conformal
from pmlcli.evaluation.conformal import benjamini_hochberg, held_out, p_values, score_limit


def test_p_values_count_the_held_out_scores_at_least_as_high():
    known = held_out(np.array([3.0, 1.0, 4.0, 2.0, 2.0]))
    assert known == {
        "scores": [1.0, 2.0, 3.0, 4.0],
        "above": [4, 2, 1, 0],
        "at_least": [5, 4, 2, 1],
        "count": 5,
    }
    found = p_values(known, np.array([0.0, 2.0, 2.5, 4.0, 9.0]))
    assert found.tolist() == [6 / 6, 5 / 6, 3 / 6, 2 / 6, 1 / 6]


def test_thinned_scores_give_exact_small_p_values_and_never_too_small_ones(monkeypatch):
    monkeypatch.setattr(conformal, "KEPT_TAIL", 50)
    monkeypatch.setattr(conformal, "KEPT_BODY", 20)
    rng = np.random.Generator(np.random.PCG64(0))
    scores = rng.normal(size=1000).round(3)
    known = held_out(scores)
    assert len(known["scores"]) <= 70
    asked = rng.normal(size=500).round(3)
    exact = (1 + (scores >= asked[:, None]).sum(axis=1)) / 1001
    found = p_values(known, asked)
    assert (found >= exact).all()
    assert found == pytest.approx(exact, abs=0.06)
    assert (found[exact < 0.05] == exact[exact < 0.05]).all()


def test_benjamini_hochberg_by_hand():
    p = np.array([0.9, 0.01, 0.03, 0.04, 0.5])
    # 0.01 <= 0.02, 0.03 <= 0.04, 0.04 <= 0.06, 0.5 > 0.08
    assert benjamini_hochberg(p, 0.1) == 0.04
    assert benjamini_hochberg(p, 0.01) == 0.0
    assert benjamini_hochberg(np.empty(0), 0.1) == 0.0


@pytest.mark.parametrize("largest_p", [0.2, 1 / 3, 0.5, 0.7, 1.0])
def test_the_score_limit_says_what_the_p_value_says(largest_p):
    known = held_out(np.array([1.0, 2.0, 2.0, 3.0, 4.0]))
    asked = np.arange(0.0, 5.5, 0.5)
    assert ((asked > score_limit(known, largest_p)) == (p_values(known, asked) <= largest_p)).all()


def test_no_score_is_enough_for_a_p_value_below_the_smallest():
    assert np.isnan(score_limit(held_out(np.array([1.0, 2.0])), 0.3))

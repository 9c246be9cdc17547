"""AUC over units that can be drawn several times, and how far probabilities lie from the truth."""

from __future__ import annotations

import numpy as np
import pytest

from pmlcli.evaluation.metrics import auc
from pmlcli.evaluation.ranking import auc_over, calibration_error, macro_auc_over, squared_error_over


def test_auc_over_units_is_the_auc_of_the_rows_drawn() -> None:
    rng = np.random.default_rng(0)
    units = np.sort(rng.integers(0, 20, 100))
    scores, positive = np.round(rng.random(100), 1), rng.random(100) < 0.3
    value_of = auc_over(positive, scores, units, 20)
    for _ in range(5):
        drawn = rng.integers(0, 20, 20)
        rows = np.concatenate([np.flatnonzero(units == unit) for unit in drawn])
        assert value_of(drawn) == pytest.approx(auc(positive[rows], scores[rows]))


def test_auc_needs_both_classes() -> None:
    value_of = auc_over(np.array([True, False]), np.array([0.2, 0.1]), np.array([0, 1]), 2)
    assert value_of(np.array([0, 1])) == 1.0
    assert np.isnan(value_of(np.array([1, 1])))
    assert np.isnan(auc_over(np.zeros(0, bool), np.zeros(0), np.zeros(0, np.int64), 0)(np.zeros(0, np.int64)))


def test_macro_auc_leaves_out_classes_that_are_not_there() -> None:
    target, units = np.array([0, 1, 0, 1]), np.arange(4)
    shares = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0], [0.7, 0.3, 0.0]])
    assert macro_auc_over(target, shares, units, 4)(units) == pytest.approx(0.75)
    assert macro_auc_over(target, shares[:, :2], units, 4)(units) == pytest.approx(0.75)


def test_squared_error_is_zero_for_certain_truth() -> None:
    value_of = squared_error_over(np.array([0, 1]), np.array([[1.0, 0.0], [0.5, 0.5]]), np.arange(2), 2)
    assert value_of(np.array([0])) == 0.0
    assert value_of(np.array([0, 1])) == pytest.approx(0.25)


def test_calibration_error_is_the_gap_between_promise_and_truth() -> None:
    promised = np.full(10, 0.75)
    assert calibration_error(np.arange(10) < 5, promised) == pytest.approx(0.25)
    assert calibration_error(np.arange(4) < 3, np.full(4, 0.75)) == 0.0
    assert np.isnan(calibration_error(np.zeros(0, bool), np.zeros(0)))

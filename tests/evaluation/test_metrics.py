"""Metrics against scikit-learn's and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from pmlcli.evaluation.metrics import auc, average_precision


@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40))
def test_agree_with_scikit_learn_ties_included(rows):
    positive = np.array([row[0] for row in rows])
    scores = np.array([row[1] for row in rows], dtype=np.float64)
    if positive.any():
        assert average_precision(positive, scores) == pytest.approx(average_precision_score(positive, scores))
    if positive.any() and not positive.all():
        assert auc(positive, scores) == pytest.approx(roc_auc_score(positive, scores))


def test_by_hand():
    positive = np.array([True, False, True, False])
    assert auc(positive, np.array([4.0, 3.0, 2.0, 1.0])) == 0.75
    assert auc(positive, np.zeros(4)) == 0.5
    assert average_precision(positive, np.array([4.0, 3.0, 2.0, 1.0])) == pytest.approx((1 + 2 / 3) / 2)


def test_undefined_without_both_classes():
    assert math.isnan(auc(np.array([True, True]), np.array([1.0, 2.0])))
    assert math.isnan(auc(np.array([False]), np.array([1.0])))
    assert math.isnan(average_precision(np.array([False]), np.array([1.0])))

"""Local outlier factor and histograms: the papers' numbers, equal cases, the reason of a planted oddity."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import LocalOutlierFactor

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms.anomaly import _distance, local_outlier_factor
from pmlcli.algorithms.anomaly.histogram import HistogramDetector
from pmlcli.algorithms.anomaly.local_outlier_factor import LocalOutlierFactorDetector
from tests.algorithms.anomaly.fitted import predict, train
from tests.logs import purchase_log, trace_log

BOTH = (LocalOutlierFactorDetector, HistogramDetector)
CASE = PredictRequest()
NORMAL = [["order", "check", "pay"]] * 25 + [["order", "check", "check", "pay"]] * 15


@pytest.mark.parametrize("cls", BOTH)
def test_the_planted_case_is_the_top_case_and_its_reason_names_it(cls):
    log = trace_log([*NORMAL, ["order", "pay"]])
    fitted = train(cls(contamination=0.05), log)
    table = predict(fitted, log, CASE)
    assert table["score"].idxmax() == 40
    assert "`order` directly followed by `pay`" in table["reason"][40] or "`check`" in table["reason"][40]


@pytest.mark.parametrize("cls", BOTH)
def test_what_training_never_saw_is_above_all(cls):
    fitted = train(cls(), trace_log(NORMAL))
    detector, encoding = fitted.algorithm, fitted.encoding
    table = predict(fitted, trace_log([["order", "check", "pay"], ["order", "steal"]]), CASE)
    assert table["is_anomaly"].tolist() == [False, True]
    assert table["score"][1] > detector.score(encoding.transform(trace_log(NORMAL))).max()


def test_outlier_factors_are_scikit_learns_where_neighbourhoods_may_be_narrow(monkeypatch):
    monkeypatch.setattr(local_outlier_factor, "NARROWEST", 0.0)
    log, later = purchase_log(120), purchase_log(40, seed=5)
    fitted = train(LocalOutlierFactorDetector(neighbors=15), log)
    detector, encoding = fitted.algorithm, fitted.encoding
    matrix = encoding.transform(log).matrix
    theirs = LocalOutlierFactor(n_neighbors=15, novelty=True, algorithm="brute").fit(matrix)
    found = detector.score(encoding.transform(later))
    assert found == pytest.approx(-theirs.score_samples(encoding.transform(later).matrix), rel=1e-6)
    found = np.quantile(detector.training_scores(encoding.transform(log)), 0.95)
    assert found == pytest.approx(np.quantile(-theirs.negative_outlier_factor_, 0.95), rel=1e-6)


def test_equal_cases_and_large_logs_have_finite_factors(monkeypatch):
    monkeypatch.setattr(local_outlier_factor, "MAXIMUM_POINTS", 30)
    for log in (trace_log([["a", "b"]] * 40), purchase_log(80)):
        fitted = train(LocalOutlierFactorDetector(), log)
        detector, encoding = fitted.algorithm, fitted.encoding
        assert len(detector.points_) == 30
        assert np.isfinite(detector.score(encoding.transform(log))).all()


def test_the_nearest_few_are_exact_and_ties_go_to_the_earlier():
    rng = np.random.Generator(np.random.PCG64(0))
    points = rng.normal(size=(30, 4))
    points[7] = points[3]
    rows = np.vstack([points[3], rng.normal(size=(9, 4))])
    every = np.sqrt(np.square(rows[:, None] - points).sum(axis=2))
    distances, which = _distance.nearest_few(rows, points, 5)
    order = np.argsort(every, axis=1, kind="stable")[:, :5]
    assert (which == order).all()
    assert (distances == np.take_along_axis(every, order, axis=1)).all()
    assert which[0, :2].tolist() == [3, 7]


def test_a_histograms_share_is_the_log_ratio_of_counts():
    fitted = train(HistogramDetector(oddest=1), trace_log(NORMAL))
    detector, encoding = fitted.algorithm, fitted.encoding
    scores = detector.score(encoding.transform(trace_log(NORMAL)))
    assert scores[:25] == pytest.approx(0.0)
    assert scores[25:] == pytest.approx(np.log(25.5 / 15.5))


def test_values_between_and_beyond_the_bins_are_rare():
    log = trace_log([["a"] * n for n in range(1, 31) for _ in range(3)])
    fitted = train(HistogramDetector(bins=5), log)
    detector, encoding = fitted.algorithm, fitted.encoding
    beyond = detector.score(encoding.transform(trace_log([["a"] * 60])))
    assert beyond[0] > detector.score(encoding.transform(log)).max()

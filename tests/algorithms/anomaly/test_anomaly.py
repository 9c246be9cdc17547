"""Detectors: what they flag and why, thresholds, p-values, company, and that odd logs do no harm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import DBSCAN
from sklearn.svm import OneClassSVM

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import Fitted
from pmlcli.algorithms.anomaly import _distance, _judgement, one_class_svm
from pmlcli.algorithms.anomaly._verdict import severity_words
from pmlcli.algorithms.anomaly.dbscan import DensityDetector
from pmlcli.algorithms.anomaly.isolation_forest import IsolationForestDetector
from pmlcli.algorithms.anomaly.one_class_svm import OneClassSvmDetector
from pmlcli.algorithms.anomaly.variant_frequency import VariantFrequency
from pmlcli.errors import LogError, ValidationError
from pmlcli.eventlog.log import EventLog
from tests.algorithms.anomaly.fitted import predict, train
from tests.logs import log_of, purchase_events, purchase_log, trace_log

DETECTORS = (VariantFrequency, IsolationForestDetector, DensityDetector, OneClassSvmDetector)
ON_PROFILES = DETECTORS[1:]
CASE = PredictRequest()


@pytest.fixture(scope="module", params=DETECTORS, ids=lambda cls: cls.__name__)
def trained(request) -> Fitted[Any, Any]:
    return train(request.param(), purchase_log(200))


def strange_log() -> EventLog:
    """Three ordinary purchases, and one that pays thrice, unapproved."""
    events = purchase_events(4, seed=9)
    odd = [e for e in events if e["case_id"] == "PO-0003" and e["activity"] != "Approve"]
    return log_of([e for e in events if e["case_id"] != "PO-0003"] + odd + [odd[-1], odd[-1]])


def test_columns_and_plain_calibration(trained):
    table = predict(trained, purchase_log(20, seed=5), CASE)
    assert list(table) == [
        "case_id", "score", "threshold", "is_anomaly", "severity", "p_value", "reason",
    ]  # fmt: skip
    assert table["case_id"].tolist() == [f"PO-{i:04d}" for i in range(20)]
    assert (table["is_anomaly"] == (table["score"] > table["threshold"])).all()
    assert table["p_value"].between(0, 1, inclusive="right").all()
    assert ((table["severity"] == "none") == ~table["is_anomaly"]).all()
    assert ((table["reason"] == "") == ~table["is_anomaly"]).all()
    assert all(type(score) is float for score in trained.calibration["held_out"]["scores"])


def test_the_strange_case_is_flagged_for_what_is_strange(trained):
    table = predict(trained, strange_log(), CASE)
    assert table["score"].idxmax() == 3
    assert table["is_anomaly"][3]
    # It was sent unapproved, which is one step more than rare; paying thrice would be as good a reason.
    assert "`Send Order`" in table["reason"][3] or "`Pay Invoice`" in table["reason"][3]


def test_scores_are_the_same_bits_in_any_company(trained, monkeypatch):
    log = purchase_log(40, seed=3)
    table = predict(trained, log, CASE)
    backwards = predict(trained, log.take_cases(np.arange(40)[::-1]), CASE)
    pd.testing.assert_frame_equal(backwards[::-1].reset_index(drop=True), table, check_exact=True)
    for size in (1, 7):
        monkeypatch.setattr(_judgement, "CHUNK_CASES", size)
        pd.testing.assert_frame_equal(predict(trained, log, CASE), table, check_exact=True)


def test_the_same_seed_gives_the_same_bits():
    log = purchase_log(60)
    for cls in DETECTORS:
        first, second = (train(cls(seed=4), log) for _ in range(2))
        assert first.calibration == second.calibration
        a, b = (predict(fitted, log, CASE) for fitted in (first, second))
        pd.testing.assert_frame_equal(a, b, check_exact=True)


def test_contamination_sets_the_share_that_is_flagged():
    log = purchase_log(200)
    for cls in (IsolationForestDetector, OneClassSvmDetector):
        few, many = (train(cls(contamination=c), log) for c in (0.05, 0.2))
        shares = [predict(fitted, log, CASE)["is_anomaly"].mean() for fitted in (few, many)]
        assert shares == [0.05, 0.2]


def test_an_event_level_that_is_not_there_is_refused(trained):
    with pytest.raises(ValidationError, match="level 'event'") as caught:
        predict(trained, purchase_log(3), PredictRequest(level="event"))
    assert caught.value.context == {"level": "event", "levels": ["case"]}


def test_the_false_discovery_rate_decides_what_is_flagged(trained):
    log = purchase_log(40, seed=3)
    usual = predict(trained, log, CASE)
    generous, strict = (predict(trained, log, PredictRequest(fdr=rate)) for rate in (0.9, 0.001))
    assert generous["is_anomaly"].sum() >= usual["is_anomaly"].sum()
    assert not strict["is_anomaly"].any()
    assert strict["threshold"].isna().all()
    assert (generous["is_anomaly"] == (generous["score"] > generous["threshold"])).all()
    assert ((generous["reason"] != "") == generous["is_anomaly"]).all()
    for table in (generous, strict):
        pd.testing.assert_frame_equal(table[["score", "p_value"]], usual[["score", "p_value"]])
    with pytest.raises(ValidationError, match="fdr is 1.5, but must be a number > 0 and < 1"):
        predict(trained, log, PredictRequest(fdr=1.5))


def test_severity_by_p_value():
    words = severity_words(np.array([0.001, 0.002, 0.01, 0.05, 0.051, 1.0]))
    assert words.tolist() == ["critical", "high", "high", "medium", "low", "low"]


def test_quality_is_measured_on_injected_deviations(trained):
    log, task, detector = purchase_log(200), trained.algorithm.task, trained.algorithm
    *_, cut = task.cuts(detector, log)
    measured = task.measure(detector, [task.held_out(trained, cut, log)], {})
    assert measured.n_units == 40
    assert measured.value > (0.75 if isinstance(detector, VariantFrequency) else 0.9)
    assert 0 <= measured.value_of(np.zeros(5, dtype=np.int64)) <= 1


@pytest.mark.parametrize("cls", DETECTORS)
def test_logs_without_times_resources_or_variety(cls):
    for log in (
        purchase_log(30, drop=["timestamp"]),
        purchase_log(30, drop=["resource"]),
        trace_log([["a"]] * 12),
        trace_log([["a", "b"], ["b"]] * 6, resource=[None] * 18),
    ):
        fitted = train(cls(), log)
        odd = trace_log([["never", "seen"]], resource=["new", None])
        if log.times is None:
            table = predict(fitted, odd, CASE)
            assert np.isfinite(table["score"]).all()
        assert np.isfinite(predict(fitted, log, CASE)["score"]).all()


@pytest.mark.parametrize("cls", ON_PROFILES)
def test_what_never_varied_in_training_still_counts(cls):
    fitted = train(cls(), trace_log([["a", "b", "c"]] * 40))
    table = predict(fitted, trace_log([["a", "b", "c"], ["a", "c"]]), CASE)
    assert table["is_anomaly"].tolist() == [False, True]
    assert table["reason"][1] != ""


@pytest.mark.parametrize("cls", ON_PROFILES)
def test_named_columns_come_in_and_a_missing_one_is_named(cls):
    log = purchase_log(60)
    fitted = train(cls(numerical_features=("amount",), use_normalization=False), log)
    encoding = fitted.encoding
    assert "amount" in encoding.required_columns()
    assert np.isfinite(predict(fitted, log, CASE)["score"]).all()
    with pytest.raises(LogError, match="'amount'"):
        predict(fitted, purchase_log(5, drop=["amount"]), CASE)


def test_dbscan_flags_what_scikit_learn_calls_noise():
    log = purchase_log(150)
    fitted = train(DensityDetector(contamination=0.2), log)
    detector, encoding = fitted.algorithm, fitted.encoding
    matrix = encoding.transform(log).matrix
    labels = DBSCAN(eps=detector.eps_, min_samples=detector.min_samples).fit_predict(matrix)
    assert (labels == -1).any()
    flagged = predict(fitted, log, CASE)["is_anomaly"].to_numpy()
    assert (flagged == (labels == -1)).all()


def test_dbscan_takes_eps_as_given_and_samples_large_logs(monkeypatch):
    monkeypatch.setattr("pmlcli.algorithms.anomaly.dbscan.MAXIMUM_POINTS", 50)
    fitted = train(DensityDetector(eps=7.5), purchase_log(80))
    detector = fitted.algorithm
    assert detector.eps_ == 7.5
    assert len(detector.core_) <= 50
    assert np.isfinite(predict(fitted, purchase_log(5), CASE)["score"]).all()


def test_one_class_svm_is_scikit_learns():
    log = purchase_log(100)
    fitted = train(OneClassSvmDetector(nu=0.1), log)
    detector, encoding = fitted.algorithm, fitted.encoding
    data = encoding.transform(log)
    theirs = OneClassSVM(nu=0.1, gamma=detector.gamma_).fit(data.matrix)
    assert detector.score(data) == pytest.approx(-theirs.decision_function(data.matrix), abs=1e-9)


def test_one_class_svm_of_a_large_log_goes_by_landmarks(monkeypatch):
    monkeypatch.setattr(one_class_svm, "EXACT_BELOW", 100)
    monkeypatch.setattr(one_class_svm, "LANDMARKS", 40)
    fitted = train(OneClassSvmDetector(), purchase_log(150))
    detector = fitted.algorithm
    assert detector.points_.shape[0] == 40
    table = predict(fitted, strange_log(), CASE)
    assert table["score"].idxmax() == 3


def test_isolation_forest_can_ask_about_single_features():
    log = purchase_log(60)
    fitted = train(IsolationForestDetector(directions=0, n_estimators=20), log)
    detector, encoding = fitted.algorithm, fitted.encoding
    data = encoding.transform(log)
    assert (detector.score(data) == -detector.estimator_.score_samples(data.matrix)).all()


def test_variant_frequency_says_how_often_and_the_rarest_step():
    log = trace_log([["a", "b", "c"]] * 30 + [["a", "c"]])
    fitted = train(VariantFrequency(), log)
    table = predict(fitted, trace_log([["a", "c", "b"], ["z"], ["a", "z"], ["a", "b", "c"]]), CASE)
    assert table["reason"].tolist() == [
        "this sequence of activities occurred 0 of 31 times; its rarest step, `c` to `b`, 0 times",
        "this sequence of activities occurred 0 of 31 times",
        "this sequence of activities occurred 0 of 31 times; it holds `z`, never seen before",
        "",
    ]


def test_variant_frequency_flags_few_new_variants_where_most_are_new():
    log = trace_log([list(np.base_repr(i, 3)) for i in range(1, 40)])
    fitted = train(VariantFrequency(contamination=0.05), log)
    later = trace_log([list(np.base_repr(i, 3)) for i in range(50, 60)])
    assert predict(fitted, later, CASE)["is_anomaly"].mean() <= 0.2


@pytest.mark.parametrize("cells", [1, 40, 10_000])
def test_distances_are_exact_in_blocks_of_any_size(monkeypatch, cells):
    monkeypatch.setattr(_distance, "CELLS", cells)
    rng = np.random.Generator(np.random.PCG64(0))
    rows, points = rng.normal(size=(30, 7)), rng.normal(size=(20, 7))
    rows[3] = points[4]
    every = np.sqrt(np.square(rows[:, None] - points).sum(axis=2))
    assert (_distance.nearest(rows, points) == every.min(axis=1)).all()
    weights = rng.normal(size=20)
    assert _distance.kernel_sums(rows, points, weights, 0.3) == pytest.approx(
        np.exp(-0.3 * every**2) @ weights
    )
    between = np.sort(np.sqrt(np.square(points[:, None] - points).sum(axis=2)), axis=1)
    assert _distance.kth_distances(points, 5) == pytest.approx(between[:, 4])


def test_variant_frequency_flags_its_share_of_a_log_in_which_every_case_is_unlike():
    rng = np.random.Generator(np.random.PCG64(0))
    shares = 1 / np.arange(1, 21) ** 1.5
    names = [f"a{i}" for i in range(20)]
    traces = rng.choice(names, (400, 9), p=shares / shares.sum()).tolist()
    log = trace_log(traces[:200])
    fitted = train(VariantFrequency(contamination=0.1), log)
    table = predict(fitted, trace_log([*traces[200:], ["a1", "never"]]), CASE)
    assert 0.05 <= table["is_anomaly"].mean() <= 0.2
    assert table["score"].idxmax() == 200

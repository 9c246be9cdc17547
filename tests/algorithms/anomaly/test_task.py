"""The task's object: one table a cut, pooled over cuts, nothing scored twice; and how its classes stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli import registry
from pmlcli.algorithms._interface.base import Algorithm, clone
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import Fitted
from pmlcli.algorithms.anomaly import _judgement, _task
from pmlcli.algorithms.anomaly._surprise import Surprises
from pmlcli.algorithms.anomaly._task import AnomalyDetector, copies_of
from pmlcli.algorithms.anomaly._values import EventDetector
from pmlcli.algorithms.anomaly.likelihood import LikelihoodDetector
from pmlcli.algorithms.anomaly.variant_frequency import VariantFrequency
from pmlcli.encoding.events.attributes_of_events import Events
from pmlcli.evaluation.conformal import p_values
from pmlcli.evaluation.metrics import auc
from pmlcli.eventlog.deviations import deviate
from pmlcli.eventlog.split import Split, split_by_start
from pmlcli.lifecycle.trial import trial
from tests.algorithms.anomaly.fitted import predict, train
from tests.contract.cases import is_installed
from tests.logs import purchase_log

DETECTORS = [name for name in registry.names("anomaly") if is_installed(name)]


def cuts() -> Iterator[Split]:
    """The first half of a log cut by time, and then the whole."""
    log = purchase_log(120)
    yield split_by_start(log.take_cases(np.arange(60)))
    yield split_by_start(log)


@pytest.mark.parametrize("name", ["anomaly/variant-frequency", "anomaly/likelihood", "anomaly/ensemble"])
def test_two_cuts_are_pooled_and_a_case_counts_anew_in_each(name: str) -> None:
    detector = registry.build(name, {})
    task, log = detector.task, purchase_log(120)
    tried = trial(detector, list(cuts()), log)
    first, second = tried.held_out
    assert (len(first.cases), len(second.cases)) == (12, 24)
    calibration = task.calibrate(tried.algorithm, tried.held_out)
    assert calibration["held_out"]["count"] == 36
    assert max(calibration["held_out"]["scores"]) == max(first.cases.max(), second.cases.max())
    if len(second.events):
        assert calibration["held_out_events"]["count"] == len(first.events) + len(second.events)
    measured = task.measure(tried.algorithm, tried.held_out, calibration)
    assert measured.n_units == 36
    deviant = np.concatenate([first.deviant, second.deviant], axis=1)
    assert deviant.shape == (_task.MOST_COPIES, 36)
    scores = np.concatenate([first.cases, second.cases, deviant.reshape(-1)])
    assert measured.value == auc(np.repeat([False, True], [36, 36 * len(deviant)]), scores)
    assert measured.value_of(np.arange(12)) == task.measure(tried.algorithm, [first], calibration).value


def test_an_ensemble_takes_its_scales_from_the_last_cut() -> None:
    untrained = registry.build("anomaly/ensemble", {})
    parts, log = list(cuts()), purchase_log(120)
    both, last = trial(untrained, parts, log), trial(untrained, parts[1:], log)
    assert both.algorithm.state()["scales_"] == last.algorithm.state()["scales_"]
    final = clone(untrained)
    final.refit(final.make_encoding().fit(log).transform(log), both.algorithm)
    assert final.state()["scales_"] == last.algorithm.state()["scales_"]
    assert final.state()["scales_"]["likelihood"]["count"] == 24


def test_a_large_test_part_is_measured_on_evenly_spaced_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_task, "MEASURED_CASES", 10)
    (table,) = trial(VariantFrequency(), list(cuts())[1:], purchase_log(120)).held_out
    assert table.measured.tolist() == [0, 3, 6, 9, 12, 15, 18, 21]
    assert len(table.cases) == 24
    assert table.deviant.shape == (_task.MOST_COPIES, 8)
    assert VariantFrequency.task.measure(VariantFrequency(), [table], {}).n_units == 8


class Counting(LikelihoodDetector):
    """Counts the events that it looks at."""

    scored = 0

    def surprises(self, data: Events) -> Surprises:
        """As inherited."""
        type(self).scored += data.n_events
        return super().surprises(data)


def test_no_held_out_event_is_scored_twice() -> None:
    detector, log = Counting(), purchase_log(120)
    *_, cut = detector.task.cuts(detector, log)
    encoding = detector.make_encoding().fit(cut.train)
    detector.fit(encoding.transform(cut.train))
    Counting.scored = 0
    table = detector.task.held_out(Fitted(detector, encoding), cut, log)
    copies = len(table.deviant)
    deviant = Counting.scored - cut.test.n_events
    assert len(table.events) == cut.test.n_events
    # A deviation skips, repeats or moves one event of each case.
    assert abs(deviant - copies * cut.test.n_events) <= copies * cut.test.n_cases


@pytest.mark.parametrize(("cases", "copies"), [(10, 8), (130, 8), (180, 6), (999, 2), (1000, 1), (2000, 1)])
def test_few_cases_are_copied_more_often(cases: int, copies: int) -> None:
    assert copies_of(cases) == copies


def test_each_copy_has_deviations_of_its_own() -> None:
    (table,) = trial(VariantFrequency(), list(cuts())[1:], purchase_log(120)).held_out
    assert len({row.tobytes() for row in table.deviant}) > 1


@pytest.mark.parametrize("level", ["case", "event"])
@pytest.mark.parametrize("rate", [None, 0.9, 1e-9])
def test_no_event_of_a_prediction_is_looked_at_twice_and_chunks_change_nothing(
    level: str, rate: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, log = train(Counting(), purchase_log(120)), deviate(purchase_log(30, seed=3), 0).log
    request = PredictRequest(level=level, fdr=rate)
    tables = []
    for size in (4096, 7):
        monkeypatch.setattr(_judgement, "CHUNK_CASES", size)
        Counting.scored = 0
        tables.append(predict(fitted, log, request))
        assert Counting.scored == log.n_events
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert tables[0]["is_anomaly"].any() == (rate != 1e-9)
    assert ((tables[0]["reason"] != "") == tables[0]["is_anomaly"]).all()
    known = fitted.calibration["held_out" if level == "case" else "held_out_events"]
    assert (tables[0]["p_value"] == p_values(known, tables[0]["score"].to_numpy())).all()


def test_the_threshold_is_made_of_what_was_learned_from() -> None:
    log = purchase_log(60)
    data = (encoding := (detector := Counting()).make_encoding().fit(log)).transform(log)
    detector.fit(data)
    Counting.scored = 0
    kept = detector.judge_training(data)
    assert Counting.scored == 0
    again = detector.judge(data)
    assert Counting.scored == data.n_events
    assert (kept.values == again.values).all()
    # Other events of the same number are looked at.
    detector.fit(data)
    other = detector.judge(encoding.transform(log.take_cases(np.arange(60)[::-1])))
    assert (other.cases == again.cases[::-1]).all()


def test_an_ensemble_asks_its_members_once(monkeypatch: pytest.MonkeyPatch) -> None:
    log = purchase_log(60)
    fitted = train(registry.build("anomaly/ensemble", {}), log)
    asked = []
    judge = LikelihoodDetector.judge
    monkeypatch.setattr(
        LikelihoodDetector, "judge", lambda self, data: asked.append(data) or judge(self, data)
    )
    table = predict(fitted, log, PredictRequest(fdr=0.9))
    assert table["is_anomaly"].any()
    assert len(asked) == 1


def depth(cls: type[Any]) -> int:
    """How many classes lie between it and Algorithm, itself counted."""
    above = [depth(base) for base in cls.__bases__ if issubclass(base, Algorithm)]
    return 0 if cls is Algorithm else 1 + max(above)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_stands_two_below_algorithm_and_holds_the_one_task(name: str) -> None:
    cls = registry.find(name)
    assert depth(cls) == 2
    assert cls.task is AnomalyDetector.task is EventDetector.task
    assert issubclass(cls, AnomalyDetector) != issubclass(cls, EventDetector)
    assert not hasattr(registry.build(name, {}), "calibration_")

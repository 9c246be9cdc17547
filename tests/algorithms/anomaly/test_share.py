"""`contamination = auto`: how many cases stand out, and that hardly any does in a clean log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from pmlcli import Model, registry
from pmlcli.algorithms.anomaly import _share
from pmlcli.algorithms.anomaly._share import clearest, standing_out
from pmlcli.algorithms.anomaly._verdict import standing_out_words
from pmlcli.algorithms.anomaly.likelihood import LikelihoodDetector
from pmlcli.errors import ValidationError
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, TIMESTAMP, EventLog
from tests.algorithms.anomaly.fitted import train
from tests.contract.cases import is_installed
from tests.logs import log_of, purchase_events, purchase_log

NAMES = registry.names("anomaly")
ON_TIMES = ("anomaly/duration", "anomaly/temporal-profile")
ON_STEPS = ("anomaly/likelihood", "anomaly/local-outlier-factor", "anomaly/one-class-svm")
CASES = 300


def odd_log(share: float, *, late: bool = False) -> tuple[EventLog, np.ndarray]:
    """Purchases of which every so many is shuffled, or waits weeks somewhere; and which, (cases,)."""
    rng = np.random.Generator(np.random.PCG64(7))
    odd = {f"PO-{case:04d}" for case in range(0, CASES, round(1 / share))}
    by_case: dict[str, list[dict[str, Any]]] = {}
    for event in purchase_events(CASES, seed=3):
        by_case.setdefault(event[CASE_ID], []).append(event)
    for case in sorted(odd):
        rows = by_case[case]
        names = rng.permutation([row[ACTIVITY] for row in rows]).tolist()
        wait, first = timedelta(days=int(rng.integers(30, 300))), int(rng.integers(1, len(rows)))
        for place, (row, name) in enumerate(zip(rows, names, strict=True)):
            if late:
                row[TIMESTAMP] += wait * (place >= first)
            else:
                row[ACTIVITY] = name
    log = log_of([event for rows in by_case.values() for event in rows])
    return log, np.array([case in odd for case in log.case_ids])


@pytest.mark.parametrize("name", NAMES)
def test_a_clean_log_has_hardly_a_case_that_stands_out(name):
    if not is_installed(name):
        pytest.skip("its extra is not installed")
    log = purchase_log(CASES, seed=3)
    model = Model(name, cuts=1)
    model.train(log)
    table = model.predict(log).predictions
    assert table["is_anomaly"].mean() <= 0.03
    assert np.isfinite(table["threshold"]).all()


@pytest.mark.parametrize("share", [0.05, 0.1])
@pytest.mark.parametrize("name", [*ON_STEPS, *ON_TIMES])
def test_the_share_that_stands_out_is_found_and_said(name, share):
    log, truth = odd_log(share, late=name in ON_TIMES)
    model = Model(name, cuts=1)
    result = model.train(log)
    flagged = model.predict(log).predictions["is_anomaly"].to_numpy()
    assert 2 * (truth & flagged).sum() / (truth.sum() + flagged.sum()) >= 0.7
    assert any("of cases stand out (" in remark for remark in result.metadata["remarks"])


def test_events_stand_out_by_themselves():
    log, _truth = odd_log(0.1)
    calibration = train(LikelihoodDetector(), log).calibration
    found = calibration["standing_out"]
    assert set(found) == {"case", "event"}
    for level in found.values():
        assert 0 <= level["low"] <= level["share"] <= level["high"] <= 1
    assert 0.03 <= found["event"]["share"] <= 0.13


def test_a_number_fixes_the_share_and_nothing_is_estimated():
    log = purchase_log(200)
    model = Model("anomaly/isolation-forest", contamination=0.2)
    model.train(log)
    assert model.predict(log).predictions["is_anomaly"].mean() == pytest.approx(0.2, abs=0.01)
    assert "standing_out" not in model.trained_state.fitted.calibration


@pytest.mark.parametrize("value", ["lots", 0, 0.6, -1, "", None, True])
def test_what_is_neither_auto_nor_a_share_is_refused(value):
    with pytest.raises(ValidationError, match="contamination"):
        Model("anomaly/likelihood", contamination=value)


@pytest.mark.parametrize("value", [0.1, "0.1", "auto"])
def test_a_share_and_auto_may_come_as_text(value):
    taken = Model("anomaly/likelihood", contamination=value).algorithm.contamination
    assert taken == ("auto" if value == "auto" else 0.1)


def test_two_populations_part_between_them():
    rng = np.random.Generator(np.random.PCG64(0))
    usual, odd = rng.normal(0, 1, 900), rng.normal(20, 3, 100)
    found = standing_out(np.append(usual, odd), rng.normal(20, 3, 500), 0)
    assert usual.max() <= found.threshold < np.quantile(odd, 0.1)
    assert found.share == pytest.approx(0.1, abs=0.01)
    assert found.low < 0.1 < found.high
    assert found.high - found.low == pytest.approx(0.037, abs=0.01)  # of 1,000 cases: 2 x 1.96 x 0.0095


def test_one_population_has_nothing_that_stands_out():
    rng = np.random.Generator(np.random.PCG64(0))
    usual = rng.normal(0, 1, 1000)
    assert standing_out(usual, rng.normal(20, 3, 500), 0).share == 0
    nothing_seen = standing_out(usual, usual[:0], 0)
    assert (nothing_seen.threshold, nothing_seen.share) == (usual.max(), 0)
    assert standing_out(np.zeros(50), np.ones(50), 0)[:2] == (0, 0)


def test_a_large_log_is_tried_on_a_coarser_grid(monkeypatch):
    rng = np.random.Generator(np.random.PCG64(0))
    scores, odd = np.append(rng.normal(0, 1, 4500), rng.normal(20, 3, 500)), rng.normal(20, 3, 500)
    whole = standing_out(scores, odd, 0)
    monkeypatch.setattr(_share, "GRID", 200)
    assert standing_out(scores, odd, 0).share == pytest.approx(whole.share, abs=0.005)


def test_the_way_that_a_detector_sees_best_counts_and_only_what_it_raises():
    scores = np.array([1.0, 2.0, 3.0])
    unseen, seen = scores + 1e-12, np.array([9.0, 2.0, 8.0])
    assert clearest(scores, [unseen, seen]).tolist() == [9.0, 8.0]
    assert clearest(scores, [unseen]).tolist() == []


@pytest.mark.parametrize(
    ("share", "words"),
    [
        ((0.09, 0.06, 0.12), "about 9 % of cases stand out (6 to 12 %)"),
        ((0.004, 0.0, 0.0123), "about 0.4 % of cases stand out (0 to 1.2 %)"),
        ((0.0, 0.0, 0.01), "no case stands out"),
    ],
)
def test_the_share_in_words(share, words):
    assert standing_out_words(*share).startswith(words)

"""Temporal profile and duration: the planted wait is the top case, its reason names it, no spread is zero."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms.anomaly.duration import DurationDetector
from pmlcli.algorithms.anomaly.temporal_profile import TemporalProfile
from pmlcli.encoding.events.resources import WorkEncoding
from pmlcli.errors import LogError
from pmlcli.eventlog import read_log
from pmlcli.eventlog.log import EventLog
from tests.algorithms.anomaly.fitted import predict, train
from tests.logs import log_of, purchase_log, trace_log

BOTH = (TemporalProfile, DurationDetector)
CASE, EVENT = PredictRequest(), PredictRequest(level="event")
HOUR = 60


def timed_log(cases: list[list[tuple[str, float]]], **columns: list[object]) -> EventLog:
    """Cases of activities with the minutes since the event before, one case a day."""
    events = []
    for i, case in enumerate(cases):
        now = pd.Timestamp("2024-01-01 08:00", tz="UTC") + pd.Timedelta(days=i)
        for activity, minutes in case:
            now += pd.Timedelta(minutes=minutes)
            events.append({"case_id": f"c{i}", "activity": activity, "timestamp": now})
    for name, values in columns.items():
        for event, value in zip(events, values, strict=True):
            event[name] = value
    return log_of(events)


def normal_cases(n: int = 60, seed: int = 0) -> list[list[tuple[str, float]]]:
    rng = np.random.Generator(np.random.PCG64(seed))
    waits = rng.lognormal(np.log(HOUR), 0.3, size=(n, 2))
    return [[("open", 0), ("check", float(a)), ("pay", float(b))] for a, b in waits]


@pytest.mark.parametrize("cls", BOTH)
def test_the_planted_wait_is_the_top_case_and_its_reason_names_it(cls):
    log = timed_log([*normal_cases(), [("open", 0), ("check", 50), ("pay", 9 * 24 * HOUR)]])
    fitted = train(cls(), log)
    table = predict(fitted, log, CASE)
    assert table["score"].idxmax() == 60
    subject = "`pay` waited 9 d after `check` (99 % wait under "
    assert table["reason"][60].startswith(
        subject if cls is TemporalProfile else "`pay` took 9 d (99 % take under "
    )
    events = predict(fitted, log, EVENT)
    assert events["score"].idxmax() == 182
    assert events["value"][182] == "9 d"
    assert events["expected"][182].startswith("under ")


def test_too_short_a_wait_is_told_as_such():
    fitted = train(TemporalProfile(), timed_log(normal_cases()))
    hasty = timed_log([[("open", 0), ("check", 60), ("pay", 0.2)]])
    table = predict(fitted, hasty, CASE)
    assert table["is_anomaly"][0]
    assert table["reason"][0].startswith("`pay` waited 12 s after `check` (99 % wait over ")


def test_an_unseen_pair_is_as_odd_as_a_very_rare_wait_and_named():
    fitted = train(TemporalProfile(reach=1, contamination=0.05), timed_log(normal_cases(200)))
    table = predict(fitted, timed_log([[("open", 0), ("pay", 2 * HOUR), ("check", 60)]]), CASE)
    assert table["is_anomaly"][0]
    assert table["reason"][0] == "`pay` waited 2 h after `open`, which never occurred before"


def test_a_case_that_took_long_in_all_though_no_step_did():
    rng = np.random.Generator(np.random.PCG64(1))
    cases = [
        [("open", 0.0)]
        + [("work", float(w)) for w in rng.lognormal(np.log(HOUR), 0.7, size=5)]
        + [("end", 60.0)]
        for _ in range(100)
    ]
    slow = [("open", 0.0)] + [("work", 240.0)] * 5 + [("end", 60.0)]
    log = timed_log([*cases, slow])
    fitted = train(DurationDetector(contamination=0.05), log)
    table = predict(fitted, log, CASE)
    assert table["reason"][100].startswith("the case took 21 h until `end` (99 % take under ")


def test_start_times_say_how_long_the_work_took():
    cases = normal_cases(40)
    log = timed_log(cases)
    begun = log.frame["timestamp"] - pd.Timedelta(minutes=10)
    begun = begun.where(np.arange(120) % 7 > 0, begun - pd.Timedelta(minutes=3))
    begun[119] = log.frame["timestamp"][119] - pd.Timedelta(minutes=55)
    with_starts = timed_log(cases, start_timestamp=list(begun))
    fitted = train(DurationDetector(), with_starts)
    table = predict(fitted, with_starts, CASE)
    assert table["score"].idxmax() == 39
    assert table["reason"][39].startswith("`pay` took 55 min")


@pytest.mark.parametrize("cls", BOTH)
def test_equal_durations_and_times_that_run_backwards_have_finite_scores(cls):
    steady = [[("open", 0), ("check", 60), ("pay", 60)]] * 20
    fitted = train(cls(), timed_log(steady))
    assert not predict(fitted, timed_log(steady), CASE)["is_anomaly"].any()
    late = predict(fitted, timed_log([[("open", 0), ("check", 60), ("pay", 75)]]), CASE)
    assert 0 < late["score"][0] < np.inf
    events = [
        {"case_id": "c", "activity": a, "timestamp": pd.Timestamp(t, tz="UTC")}
        for a, t in (("open", "2024-01-02"), ("check", "2024-01-01"), ("pay", "2024-01-03"))
    ]
    backwards = read_log(events, order="row")
    assert np.isfinite(predict(fitted, backwards, CASE)["score"]).all()


@pytest.mark.parametrize("cls", BOTH)
def test_a_log_without_times_is_refused_and_one_without_resources_is_not(cls):
    with pytest.raises(LogError, match="no timestamps") as caught:
        cls().make_encoding().fit(trace_log([["a", "b"]] * 12))
    assert caught.value.context == {"column": "timestamp"}
    fitted = train(cls(), purchase_log(40, drop=["resource"]))
    assert len(predict(fitted, purchase_log(5), CASE)) == 5


def test_work_as_arrays_and_back_from_its_state():
    log = purchase_log(20)
    encoding = WorkEncoding().fit(log)
    again = WorkEncoding.from_state(encoding.state())
    first, second = encoding.transform(log), again.transform(log)
    assert first.times is not None
    assert second.times is not None
    assert (first.times == second.times).all()
    assert (first.hour == log.frame["timestamp"].dt.hour).all()
    assert (first.weekday == log.frame["timestamp"].dt.day_of_week).all()
    assert np.isnan(first.begun).all()
    assert encoding.required_columns() == ("resource", "timestamp")
    bare = WorkEncoding(resources="never").fit(purchase_log(20, drop=["timestamp"])).transform(log)
    assert bare.times is None
    assert len(set(bare.resource)) == 1

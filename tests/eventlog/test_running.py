"""Which cases are said to be running at a log's end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.encoding.events.sequences import SequenceEncoding
from pmlcli.encoding.series.kpi import find_kpi
from pmlcli.eventlog import read_log
from pmlcli.eventlog.ledger import Ledger
from pmlcli.eventlog.log import ACTIVITY, MISSING, EventLog, LogSchema, offsets_of
from pmlcli.eventlog.profile import profile
from pmlcli.eventlog.running import Curve, RunningRule, find_running, fit_running_rule, standing
from pmlcli.eventlog.selection import Selection
from pmlcli.eventlog.split import split_by_start
from pmlcli.lifecycle.model import Model

HOUR = 3_600_000_000


def log_of(traces: list[str], starts: list[int] | None = None, gap: int = HOUR) -> EventLog:
    """One letter an activity (`?` a missing one); events `gap` apart, cases from `starts` hours on."""
    letters = "".join(traces)
    activities = tuple(sorted(set(letters) - {"?"}))
    codes = np.array([activities.index(c) if c != "?" else MISSING for c in letters], dtype=np.int32)
    lengths = np.array([len(trace) for trace in traces], dtype=np.int64)
    offsets = offsets_of(lengths)
    position = np.arange(len(letters)) - np.repeat(offsets[:-1], lengths)
    times = None if starts is None else np.repeat(np.array(starts) * HOUR, lengths) + position * gap
    cases = np.repeat([f"c{i}" for i in range(len(traces))], lengths)
    frame = pd.DataFrame({"case_id": cases, "activity": list(letters)})
    n = len(letters)
    return EventLog(
        frame, offsets, codes, activities, None, (), times, Ledger(n, n), LogSchema({"case_id": "case_id"})
    )


def test_a_recent_case_without_an_ending_is_running() -> None:
    log = log_of(["abz", "abz", "abz", "ab", "abz", "ab"], starts=[0, 10, 20, 30, 100, 101])
    # The log ends at hour 102: case 4 ended as cases do, case 3 was left long ago, case 5 goes on.
    assert find_running(log).tolist() == [False, False, False, False, False, True]


def test_an_ending_is_two_activities() -> None:
    # After c nothing can be said; after dc the case is over.
    traces = ["acbc", "acdc", "acdc", "acdc"] * 5
    log = log_of([*traces, "ac", "acdc"], starts=[*range(0, 200, 10), 220, 219])
    found = standing(log)
    assert found.is_running.tolist() == [False] * 20 + [True, False]
    assert found.goes_on[20] > 0.5 > found.goes_on[21]


def test_patience_lasts_as_long_as_most_go_on() -> None:
    # After ab 40 cases end; 60 go on to b, 50 of them within the hour and ten after four.
    traces, starts = ["ab"] * 40 + ["abb"] * 60, list(range(100))
    log = log_of([*traces, "ab", "ab"], starts=[*starts, 500, 498])
    assert log.times is not None
    times = log.times.copy()
    last = log.offsets[1:] - 1
    times[last[90:100]] += 3 * HOUR
    log = replace(log, times=times)
    rule = fit_running_rule(log)
    assert find_running(log)[100:].tolist() == [True, False]
    # Of 51 that were silent for two hours ten went on.
    assert rule.probability(log)[100:] == pytest.approx([60 / 101, 10 / 51], abs=0.03)
    assert (rule.patience(log)[last[:40]] > HOUR // 2).all()
    assert (rule.patience(log)[last[:40]] < 2 * HOUR).all()
    assert RunningRule.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule


def test_a_silent_case_is_likelier_over_the_longer_it_is_silent() -> None:
    log = waiting_log()
    assert log.end is not None
    rule = fit_running_rule(log)
    later = [rule.probability(log, at=log.end + days * 24 * HOUR) for days in (0, 1, 10, 100, 1000, 10_000)]
    for before, after in zip(later, later[1:], strict=False):
        assert (after <= before).all()
    assert rule.find(log).tolist() == (later[0] >= 0.5).tolist()


def waiting_log(seed: int = 0) -> EventLog:
    """Over three years 600 cases begin; three in four wait for months until their second event, and after
    it two in three are closed within days, while the others have ended.
    """
    rng = np.random.default_rng(seed)
    starts = np.sort(rng.uniform(0, 1100, 600))
    goes_on, is_closed = rng.random(600) < 0.75, rng.random(600) < 2 / 3
    waits = 120 * np.exp(0.5 * rng.standard_normal(600))
    events: list[dict[str, Any]] = []
    for i, start in enumerate(starts):
        days = [start, start + waits[i], start + waits[i] + rng.exponential(3.0)]
        count = 1 + int(goes_on[i]) + int(goes_on[i] and is_closed[i])
        for activity, day in zip("abc"[:count], days, strict=False):
            time = pd.Timestamp("2020-01-01", tz="UTC") + pd.Timedelta(days=day)
            events.append(dict(case_id=f"c{i}", activity=activity, timestamp=time))
    return read_log(events)


def as_it_was(whole: EventLog, day: int) -> tuple[EventLog, Any]:
    """The log of a day since 2020 began, and which of its cases went on afterwards."""
    moment = int(pd.Timestamp("2020-01-01", tz="UTC").value // 1000) + day * 24 * HOUR
    assert whole.times is not None
    lengths = np.bincount(whole.case_of_event[whole.times <= moment], minlength=whole.n_cases)
    cases = np.flatnonzero(lengths)
    return whole.take_cases(cases, lengths[cases]), whole.ends[cases] > moment


@pytest.mark.parametrize("day", [700, 1000])
def test_cases_that_wait_for_months_are_counted(day: int) -> None:
    expected = came = 0.0
    for seed in range(4):
        log, goes_on = as_it_was(waiting_log(seed), day)
        found = standing(log)
        expected, came = expected + found.goes_on.sum(), came + goes_on.sum()
        # No limit of silence, chosen by what really came, tells the cases so well.
        assert log.end is not None
        silent = log.end - log.ends
        best = min(((silent <= limit) != goes_on).mean() for limit in silent)
        assert ((found.goes_on - goes_on) ** 2).mean() < best
    assert expected == pytest.approx(came, rel=0.15)


def test_kpis_and_profile_count_the_cases_that_are_expected_to_go_on() -> None:
    log, _goes_on = as_it_was(waiting_log(), 1000)
    goes_on = standing(log).goes_on.sum()
    edges = np.array([log.starts.min(), log.ends.max() + 1])
    assert find_kpi("open-cases").measure(log, edges).tolist() == [np.rint(goes_on)]
    assert find_kpi("completions").measure(log, edges).tolist() == [log.n_cases - np.rint(goes_on)]
    weekly = np.arange(log.starts.min(), log.ends.max() + 7 * 24 * HOUR, 7 * 24 * HOUR)
    done, open_, begun = (find_kpi(k).measure(log, weekly) for k in ("completions", "open-cases", "arrivals"))
    assert open_.tolist() == (np.cumsum(begun) - np.cumsum(done)).tolist()
    assert open_[-1] == np.rint(goes_on)
    assert profile(log).expected_running == pytest.approx(goes_on)


def test_one_case_alone_makes_no_ending() -> None:
    # The last case's `y` has ended one case of one; `z` ended all that came there.
    log = log_of(["ay", *["az"] * 12, *["ab"] * 3, "ay"], starts=[0, *range(10, 160, 10), 190])
    goes_on = standing(log).goes_on
    assert goes_on[-1] > standing(log.take_cases(np.arange(16))).goes_on[-4]


def test_the_moment_can_be_given() -> None:
    log = log_of(["abz", "abz", "abz", "ab"], starts=[0, 10, 20, 30])
    rule = fit_running_rule(log)
    assert rule.find(log)[3]
    assert not rule.find(log, at=31 * HOUR + 2 * HOUR)[3]


def test_without_times_nobody_is_running() -> None:
    log = log_of(["abz", "ab"])
    assert fit_running_rule(log) == RunningRule()
    assert find_running(log).tolist() == [False, False]
    assert fit_running_rule(log).probability(log).tolist() == [0, 0]
    timed = fit_running_rule(log_of(["abz", "ab"], starts=[0, 1]))
    assert timed.find(log).tolist() == [False, False]


def test_a_rule_applies_to_a_log_with_other_activities() -> None:
    long = (1000,) * 61
    rule = RunningRule(
        (
            Curve(("b", "z"), 61, (400,)),
            Curve(("q", "r"), 61, ()),
            Curve((None, "x"), 61, ()),
            Curve(("b", None), 61, ()),
            Curve(("z",), 5, (700, 600, 500, 400)),
            Curve((), 61, long),
        )
    )
    log = log_of(["bz", "xb", "x", "b?", "zb", "xz"], starts=[0, 0, 1, 0, 0, 0])
    assert rule.find(log).tolist() == [False, True, False, False, True, True]
    assert rule.probability(log).tolist() == [0.4, 1, 0, 0, 1, 0.7]
    second = 1_000_000
    assert rule.patience(log)[log.offsets[1:] - 1].tolist()[0] == 0
    assert rule.patience(log)[-1] == 2 * second - 1
    assert log.end is not None
    for micros, is_running, is_silent in ((2 * second - 1, True, False), (2 * second, False, False)):
        at = log.end + micros
        assert (rule.find(log, at=at)[-1], rule.is_silent(log, at=at)[-1]) == (is_running, is_silent)
    assert rule.is_silent(log, at=log.end + HOUR)[-1]


def test_order_of_cases_does_not_matter() -> None:
    log = log_of(["abz", "abz", "abz", "ab", "abz", "ab"], starts=[0, 10, 20, 30, 100, 101])
    order = np.array([5, 2, 0, 4, 1, 3])
    assert fit_running_rule(log.take_cases(order)) == fit_running_rule(log)
    assert (find_running(log.take_cases(order)) == find_running(log)[order]).all()


@pytest.mark.parametrize("traces", [["a"], ["a", "a"], ["ab"]])
def test_tiny_logs_do_not_fail(traces: list[str]) -> None:
    assert len(find_running(log_of(traces, starts=[0] * len(traces)))) == len(traces)


def test_no_case_at_all() -> None:
    log = log_of(["ab", "ab"], starts=[0, 1])
    empty = log.take_cases(np.array([], dtype=np.int64))
    assert fit_running_rule(log).find(empty).tolist() == []
    assert fit_running_rule(empty) == RunningRule()
    assert fit_running_rule(log).patience(empty).tolist() == []


def stalled_events() -> list[dict[str, object]]:
    """Forty cases that open, are checked and closed within days; `old` opens and is silent for weeks."""
    start = pd.Timestamp("2024-01-01", tz="UTC")
    events: list[dict[str, object]] = []
    for case in range(40):
        for step, activity in enumerate(("Open", "Check", "Close")):
            time = start + pd.Timedelta(hours=18 * case + 20 * step)
            events.append(dict(case_id=f"c{case}", activity=activity, timestamp=time))
    events.append(dict(case_id="new", activity="Open", timestamp=start + pd.Timedelta(hours=740)))
    events.append(dict(case_id="old", activity="Open", timestamp=start + pd.Timedelta(hours=1)))
    events.append(dict(case_id="left", activity="Open", timestamp=start + pd.Timedelta(hours=2)))
    return [*events, dict(case_id="left", activity="Withdraw", timestamp=start + pd.Timedelta(hours=9))]


def test_a_case_that_is_silent_where_none_ends_is_stalled() -> None:
    log = read_log(stalled_events())
    stands = standing(log)
    running = set(log.case_ids[stands.is_running])
    # The last cases are still on their way; `left` ended in a way that nothing is known of.
    assert "old" in running
    assert "left" not in running
    assert log.case_ids[stands.is_stalled].tolist() == ["old"]
    assert stands.goes_on[log.case_ids == "old"].tolist() == [0.5]
    rule = fit_running_rule(log)
    assert RunningRule.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule


STATED = [
    ({"end_activity": ("Close",), "idle": "100d"}, {"old", "left"}),
    ({"end_activity": ("Close", "Withdraw")}, {"old"}),
    ({"end_activity": ("Close", "Withdraw"), "idle": "2d"}, set()),
]


@pytest.mark.parametrize("choice", ["mark", "only"])
@pytest.mark.parametrize(("stated", "silent"), STATED)
def test_the_rule_of_the_user_goes_with_the_log(choice: str, stated: Any, silent: set[str]) -> None:
    log = read_log(stalled_events(), selection=Selection(running=choice, **stated))
    learned = fit_running_rule(read_log(stalled_events()))
    found = standing(log, learned)
    whole = read_log(stalled_events())
    ended = np.isin(whole.frame[ACTIVITY].to_numpy()[whole.offsets[1:] - 1], stated["end_activity"])
    expected = set(whole.case_ids[~ended]) - ({"old", "left"} - silent)
    assert set(log.case_ids[found.is_running]) == expected
    assert set(log.case_ids[found.is_stalled]) == silent
    # The same in every place that asks: the profile, the encoding of a model, KPIs, and parts of the log.
    assert set(log.case_ids[find_running(log)]) == expected
    assert profile(log).running_cases == len(expected)
    encoding = SequenceEncoding().fit(read_log(stalled_events()))
    assert set(log.case_ids[encoding.transform(log).is_running]) == expected
    parts = split_by_start(log)
    assert {name for part in parts[:2] for name in part.case_ids[find_running(part)]} == expected
    edges = np.array([log.starts.min(), whole.ends.max() + 1])
    assert find_kpi("open-cases").measure(log, edges).tolist() == [len(expected)]


def test_dropped_running_cases_leave_none() -> None:
    log = read_log(stalled_events(), selection=Selection(running="drop", end_activity=("Close",)))
    assert not find_running(log).any()
    assert profile(log).running_cases == 0


def test_a_filter_does_not_move_the_end_of_the_log() -> None:
    whole = read_log(stalled_events())
    log = read_log(stalled_events(), selection=Selection(where=((ACTIVITY, "Open"),)))
    assert log.end == whole.end
    only = read_log(stalled_events(), selection=Selection(until="2024-01-02", running="mark", idle="3d"))
    assert not find_running(only).any()


@pytest.mark.parametrize("request_", [{}, {"as_of": "2024-01-20"}])
def test_predictions_list_and_flag_stalled_cases(request_: dict[str, Any]) -> None:
    model = Model("remaining-time/median")
    model.train(stalled_events())
    log = read_log(stalled_events(), selection=Selection(running="mark", end_activity=("Close", "Withdraw")))
    result = model.predict(log, request=PredictRequest(sla=4 * 86_400.0, **request_))
    table = result.predictions.set_index("case_id")
    assert table.index[table["is_stalled"]].tolist() == ["old"]
    assert table.loc["old", "sla_breach_probability"] == 1.0
    assert log.end is not None
    assert (table["expected_end"] >= pd.Timestamp(request_.get("as_of", log.end * 1000), tz="UTC")).all()
    task = model.algorithm.task
    asked = task.checked(model.algorithm, PredictRequest(**request_))
    notes = task.notes(model.algorithm, {}, log, result.predictions, asked)
    assert any("1 of them stalled" in note for note in notes)


@pytest.mark.parametrize("task", ["next-activity", "outcome", "remaining-time", "suffix"])
def test_every_predictive_task_says_which_cases_are_stalled(task: str) -> None:
    parameters = {"outcome_activity": "Withdraw"} if task == "outcome" else {}
    name = {"next-activity": "ngram", "outcome": "prior", "remaining-time": "median", "suffix": "medoid"}[
        task
    ]
    model = Model(f"{task}/{name}", **parameters)
    model.train(stalled_events())
    for as_of in (None, "2024-01-20"):
        table = model.predict(stalled_events(), request=PredictRequest(as_of=as_of)).predictions
        assert table["case_id"][table["is_stalled"]].tolist() == ["old"]
        # These answers are for the moment of the last event, when no case had been silent yet.
        for request in (PredictRequest(cases="all", as_of=as_of), PredictRequest(every_prefix=True)):
            assert "is_stalled" not in model.predict(stalled_events(), request=request).predictions

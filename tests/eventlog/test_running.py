"""Which cases are said to be running at a log's end."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pmlcli.eventlog.ledger import Ledger
from pmlcli.eventlog.log import MISSING, EventLog, LogSchema, offsets_of
from pmlcli.eventlog.running import RunningRule, find_running, fit_running_rule

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


def test_the_idle_limit_is_the_99_percent_longest_pause() -> None:
    rule = fit_running_rule(log_of(["abc", "abc"], starts=[0, 50], gap=2 * HOUR))
    assert rule.idle_limit_us == 2 * HOUR


def test_an_ending_is_two_activities() -> None:
    # After c nothing can be said; after dc the case is over.
    log = log_of(["acbc", "acdc", "acdc", "acdc", "ac", "acdc"], starts=[0, 10, 20, 30, 100, 99])
    assert fit_running_rule(log).endings == (("d", "c"),)
    assert find_running(log).tolist() == [False, False, False, False, True, False]


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
    assert rule.endings == (("b", "b"),)
    assert rule.patience == ((("a", "b"), HOUR - 1),)
    assert find_running(log)[100:].tolist() == [True, False]
    assert RunningRule.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule


def test_one_case_alone_makes_no_ending() -> None:
    log = log_of(["ay", "az", "az", "ay"], starts=[0, 10, 20, 90])
    assert fit_running_rule(log).endings == (("a", "z"),)
    assert find_running(log).tolist() == [False, False, False, True]


def test_the_moment_can_be_given() -> None:
    log = log_of(["abz", "abz", "abz", "ab"], starts=[0, 10, 20, 30])
    rule = fit_running_rule(log)
    assert rule.find(log)[3]
    assert not rule.find(log, at=31 * HOUR + 2 * HOUR)[3]


def test_without_times_nobody_is_running() -> None:
    log = log_of(["abz", "ab"])
    assert fit_running_rule(log) == RunningRule(None)
    assert find_running(log).tolist() == [False, False]
    timed = fit_running_rule(log_of(["abz", "ab"], starts=[0, 1]))
    assert timed.find(log).tolist() == [False, False]


def test_a_rule_applies_to_a_log_with_other_activities() -> None:
    rule = RunningRule(HOUR, (("b", "z"), ("q", "r"), (None, "x"), ("b", None)))
    log = log_of(["bz", "xb", "x", "b?", "zb"], starts=[0, 0, 1, 0, 0])
    assert rule.find(log).tolist() == [False, True, False, False, True]


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
    assert fit_running_rule(empty) == RunningRule(None)


def test_it_survives_json() -> None:
    rule = RunningRule(5, (("a", "b"), (None, "c"), ("d", None)))
    assert RunningRule.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule

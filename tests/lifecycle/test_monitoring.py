"""Drift: what changed is found and named, what did not is no alarm, and uneven weeks are none either."""

from __future__ import annotations

import numpy as np
import pytest

from pmlcli import Model
from pmlcli.errors import LogError, ValidationError
from pmlcli.evaluation import drift, shuffled
from pmlcli.eventlog import EventLog, read_log
from pmlcli.lifecycle.artifacts import REFERENCE_FILE
from pmlcli.lifecycle.monitoring import (
    DRIFT,
    FEWEST,
    SERIOUS,
    STABLE,
    UNCLEAR,
    Monitored,
    changes,
    glance,
    monitor,
)
from pmlcli.lifecycle.reference import Reference, read_reference, reference
from pmlcli.store import strictjson
from tests.logs_drifting import simulated

KNOWN = frozenset({"Register", "Check", "Decide", "Inform", "Close", "Ask again"})


def kept(log: EventLog) -> Reference:
    return read_reference({REFERENCE_FILE: strictjson.dump(reference(log))})


def later(cases: int, seed: int, **changed: float) -> EventLog:
    return simulated(cases, seed, start="2024-08-05", **changed)


def test_a_stable_process_raises_hardly_any_alarm() -> None:
    alarms = [bool(changes(kept(simulated(600, 2 * one)), later(300, 2 * one + 1), Monitored())[0])
              for one in range(40)]  # fmt: skip
    assert sum(alarms) <= 4


def test_weeks_that_differ_anyway_are_no_alarm() -> None:
    alarms = [
        bool(changes(kept(simulated(1500, 2 * one, uneven=0.4)), later(400, 2 * one + 1, uneven=0.4),
                     Monitored())[0])
        for one in range(30)
    ]  # fmt: skip
    assert sum(alarms) <= 4


def test_an_activity_that_grows_is_found_and_named_with_its_window() -> None:
    old = kept(simulated(1000, 1))
    calm, changed = simulated(500, 2, start="2024-08-05"), simulated(800, 3, start="2024-09-16", extra=0.3)
    both = read_log(_joined(calm, changed))
    found = monitor(old, both, KNOWN, Monitored(), {})
    assert found.verdict == SERIOUS
    assert found.is_bad
    told = [one for section in found.sections for one in section.sentences]
    assert any(one.startswith("`Ask again`") and "since 2024-09-1" in one for one in told), told


def _joined(first: EventLog, second: EventLog) -> list[dict[str, object]]:
    return [*first.frame.to_dict("records"), *second.frame.to_dict("records")]


def test_what_began_in_the_last_stretch_alone_counts_where_a_log_goes_on() -> None:
    old = kept(simulated(1000, 1))
    calm, changed = later(400, 2), simulated(100, 3, start="2024-09-07", extra=0.6)
    both = read_log(_joined(calm, changed))
    for is_later in (True, False):
        found, _ = changes(old, both, Monitored(is_later=is_later))
        assert any("`Ask again`" in one.what for one in found) == is_later, found
        assert all((one.since or "") >= "2024-09-0" for one in found if one.what == "`Ask again`")


def test_a_wait_that_doubles_is_found() -> None:
    found, _ = changes(kept(simulated(1000, 1)), later(600, 2, wait=2.0), Monitored())
    assert any(
        one.kind == "wait" and "`Check` > `Decide`" in one.what and one.now > one.before for one in found
    )


def test_a_change_too_small_to_count_is_not_told() -> None:
    old = kept(simulated(1000, 1))
    assert changes(old, later(1000, 2, extra=0.2), Monitored())[0]
    assert not changes(old, later(1000, 2, extra=0.2), Monitored(min_effect=0.6))[0]


def test_few_cases_are_unclear_and_new_activities_are_told() -> None:
    old = kept(simulated(400, 1))
    few = monitor(old, later(FEWEST - 5, 2), KNOWN, Monitored(), {})
    assert (few.verdict, few.is_bad) == (UNCLEAR, False)
    strange = read_log(later(400, 3).frame.replace({"activity": {"Inform": "Inform twice"}}))
    found = monitor(old, strange, KNOWN, Monitored(), {})
    assert found.verdict == SERIOUS
    assert "`Inform twice`" in found.sections[0].sentences[0]


def test_only_cases_begun_after_training_are_compared() -> None:
    first, second = simulated(800, 1), later(500, 2, extra=0.4)
    old = kept(first)
    found, view = changes(old, read_log(_joined(first, second)), Monitored())
    assert view.n_cases < 520
    assert found


def test_more_or_fewer_cases_a_week_are_told() -> None:
    old = kept(simulated(1000, 1))
    frame = later(1000, 2).frame
    half = frame[frame["case_id"].str[-1].isin(list("02468"))]
    found, _ = changes(old, read_log(half), Monitored())
    assert [(one.kind, round(one.size, 1), one.unit) for one in found] == [("arrivals", -0.5, "cases a week")]
    assert "84.08 -> 42.08 cases a week" in found[0].sentence()


def test_a_log_of_running_cases_alone_is_no_sample_of_the_process() -> None:
    old = kept(simulated(1000, 1))
    whole = later(1000, 2)
    unfinished = read_log(whole.frame[whole.frame["activity"] != "Close"])
    assert changes(old, unfinished, Monitored())[0]
    assert not glance(old, unfinished)
    found = monitor(old, unfinished, KNOWN, Monitored(), {})
    assert any("running cases alone" in told for told in found.warnings)
    assert glance(old, later(1000, 2, extra=0.4))


def test_neighbouring_weeks_that_are_alike_are_no_alarm() -> None:
    alarms = []
    for seed in range(40):
        rng = np.random.Generator(np.random.PCG64(seed))
        # Months that differ, each of four weeks that do not.
        weekly = np.repeat(rng.normal(0.0, 1.0, (1, 12)), 4, axis=1)
        pool = drift.pooled([(_sums(weekly[:, :32]), _sums(weekly[:, 32:]))], [True]).in_stretches()
        p_values = drift.compare(pool).p_value
        alarms.append(p_values[0] <= shuffled.bound(pool, p_values, 0.05))
    assert sum(alarms) <= 5


def test_one_odd_week_of_many_is_no_change_and_a_step_is() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    calm = rng.normal(0.0, 0.1, (30, 42))
    odd, step = calm.copy(), calm.copy()
    odd[:, 40] = 2.0
    step[3, 32:] += 1.0
    for weekly, wanted in ((odd, []), (step, [3])):
        pool = drift.pooled([(_sums(weekly[:, :32]), _sums(weekly[:, 32:]))], [True])
        p_values = drift.compare(pool).p_value
        chosen = drift.discoveries(p_values, shuffled.bound(pool, p_values, 0.05))
        assert np.flatnonzero(chosen).tolist() == wanted


def test_dealing_is_the_same_each_time_and_few_blocks_are_taken_at_their_word() -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    weekly = rng.normal(0.0, 1.0, (5, 24))
    weekly[0, 18:] += 1.5
    pool = drift.pooled([(_sums(weekly[:, :18]), _sums(weekly[:, 18:]))], [True])
    p_values = drift.compare(pool).p_value
    bounds = {shuffled.bound(pool, p_values, 0.05) for _ in range(2)}
    assert len(bounds) == 1
    assert 0.0 < bounds.pop() <= 0.2
    short = drift.pooled([(_sums(weekly[:, :3]), _sums(weekly[:, 3:4]))], [True])
    assert shuffled.bound(short, drift.compare(short).p_value, 0.05) == 0.05


def _sums(weekly: np.ndarray) -> drift.Sums:
    """Features of which about half of 100 cases a week have each, (features, weeks)."""
    d = np.full(weekly.shape, 100.0)
    x = np.clip(50.0 + 10.0 * weekly, 0.0, 100.0)
    x_sum, d_sum = x.sum(axis=1), d.sum(axis=1)
    return drift.Sums(x_sum, x_sum, x_sum, x_sum, d_sum, d_sum, x, d)


def test_false_discoveries_are_bounded() -> None:
    assert drift.discoveries(np.array([0.5, 0.001, 0.02]), 0.05).tolist() == [False, True, True]
    assert not drift.discoveries(np.array([0.03, 0.5, 0.9]), 0.05).any()
    assert drift.discoveries(np.zeros(0), 0.05).tolist() == []


def test_windows_say_where_a_change_began() -> None:
    d = np.full(10, 100.0)
    assert drift.onset(np.array([10, 9, 11, 10, 10, 10, 30, 29, 31, 30.0]), d, 0.1) == 6


def test_a_change_begins_in_a_window_that_has_cases() -> None:
    d = np.array([100.0, 100.0, 0.0, 0.0, 0.0, 100.0, 100.0])
    assert drift.onset(d * np.array([0.1, 0.1, 0.0, 0.0, 0.0, 0.3, 0.3]), d, 0.1) == 5


def test_a_model_monitors_a_log_and_refuses_another_process() -> None:
    model = Model("next-activity/ngram")
    model.train(simulated(300, 1))
    stable = model.monitor(later(300, 2))
    assert stable.verdict == STABLE, stable.sentence
    assert stable.facts["root_digest"] == model.root_digest
    assert model.monitor(later(300, 2, extra=0.5)).verdict in (DRIFT, SERIOUS)
    strange = later(100, 3).frame
    with pytest.raises(LogError, match="another process"):
        model.monitor(strange.assign(activity="x " + strange["activity"]))


@pytest.mark.parametrize("wrong", [{"min_effect": -0.1}, {"min_effect": 1.0}, {"window": 0}])
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Monitored(**wrong)  # type: ignore[arg-type]

"""Drift: what changed is found and named, what did not is no alarm, and uneven weeks are none either."""

from __future__ import annotations

import numpy as np
import pytest

from pmlcli import Model
from pmlcli.errors import LogError, ValidationError
from pmlcli.evaluation import drift
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


def test_what_moves_slowly_is_told_less_surely() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    shared = np.repeat(rng.normal(0.0, 1.0, 8), 4)
    alone = rng.normal(0.0, 1.0, 32)
    assert drift.persistence([_sums(shared)]) > 1.5
    assert drift.persistence([_sums(alone)]) < 1.5
    assert drift.persistence([_sums(alone[:8])]) == 1.0


def _sums(weekly: np.ndarray) -> drift.Sums:
    d = np.full((1, len(weekly)), 100.0)
    x = 50.0 + 20.0 * weekly[np.newaxis]
    one = np.array([100.0 * len(weekly)])
    return drift.Sums(one, x.sum(axis=1), x.sum(axis=1), x.sum(axis=1), one, one, x, d)


def test_false_discoveries_are_bounded() -> None:
    assert drift.discoveries(np.array([0.5, 0.001, 0.02]), 0.05).tolist() == [False, True, True]
    assert not drift.discoveries(np.array([0.03, 0.5, 0.9]), 0.05).any()
    assert drift.discoveries(np.zeros(0), 0.05).tolist() == []


def test_windows_say_where_a_change_began() -> None:
    d = np.full(10, 100.0)
    assert drift.onset(np.array([10, 9, 11, 10, 10, 10, 30, 29, 31, 30.0]), d, 0.1) == 6


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

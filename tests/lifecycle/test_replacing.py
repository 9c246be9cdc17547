"""A new model takes an old one's place only by what it does on cases that neither saw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.cli import _existing
from pmlcli.errors import ValidationError
from pmlcli.evaluation.assessment import Figure
from pmlcli.eventlog import ReadOptions, read_log
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.running import find_running
from pmlcli.eventlog.selection_bias import stand_for
from pmlcli.lifecycle.evaluating import Scope, evaluate
from pmlcli.lifecycle.measuring import subject
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.periods import until_of
from pmlcli.lifecycle.replacing import (
    FEWEST_CASES,
    RULES,
    as_of,
    check_comparable,
    decide,
    side_of,
    stand_in,
)
from pmlcli.lifecycle.unchanged import Recipe
from tests.logs_drifting import simulated

NGRAM, MEDIAN = "next-activity/ngram", "remaining-time/median"
EARLY = 260
"""So many of the cases the old models know."""
PARAMETERS: dict[str, dict[str, Any]] = {
    NGRAM: {},
    MEDIAN: {},
    "suffix/medoid": {},
    "outcome/prior": {"rule": 'count("Ask again") > 0'},
    "anomaly/variant-frequency": {},
    "forecast/weekday-median": {"horizon": 2},
}
MODELS: dict[str, Model] = {}


@pytest.fixture(scope="module")
def log() -> EventLog:
    """400 cases of a process in which nothing changes."""
    return simulated(400, 5, extra=0.5)


def early(log: EventLog) -> EventLog:
    return as_of(log, int(np.sort(log.starts)[EARLY]) - 1)


def spoiled(log: EventLog) -> EventLog:
    """The same cases with waits ten times as long, and all steps but the first and last exchanged."""
    frame = log.frame.copy()
    names = {"Check": "Decide", "Decide": "Check", "Inform": "Ask again", "Ask again": "Inform"}
    frame["activity"] = frame["activity"].astype(str).replace(names)
    first = frame.groupby("case_id")["timestamp"].transform("min")
    frame["timestamp"] = first + 10 * (frame["timestamp"] - first)
    return read_log(frame)


def recipe(name: str, **more: Any) -> Recipe:
    return Recipe(Model(name, **PARAMETERS[name]), "log.csv", ReadOptions(), **more)


def old_model(name: str, log: EventLog) -> Model:
    if name not in MODELS:
        MODELS[name] = Model(name, **PARAMETERS[name])
        MODELS[name].train(early(log))
    return MODELS[name]


@pytest.mark.parametrize("name", [name for name in PARAMETERS if "anomaly" not in name])
def test_an_equal_one_is_not_worse_and_not_better_in_every_task(name: str, log: EventLog) -> None:
    old = old_model(name, log)
    found = decide(recipe(name), log, old, "not-worse")
    assert found.figures, found.because
    assert found.figures["difference"] == pytest.approx(0.0, abs=0.05 * found.figures["old_value"])
    assert found.is_replaced, found.because
    assert not decide(recipe(name), log, old, "better").is_replaced
    assert found.root_digest == old.root_digest


@pytest.mark.parametrize("name", [NGRAM, MEDIAN])
def test_a_spoiled_old_one_is_replaced_and_a_spoiled_new_one_never_is(name: str, log: EventLog) -> None:
    bad = Model(name)
    bad.train(early(spoiled(log)))
    # A log that ended when the good one's did: only what was learned is spoiled.
    bad.manifest_fields["training_log"]["until"] = old_model(name, log).manifest_fields["training_log"][
        "until"
    ]
    for rule in RULES:
        assert decide(recipe(name), log, bad, rule).is_replaced
    history = early(spoiled(log)).frame
    began = dict(zip(log.case_ids, log.starts, strict=True))
    late = log.frame["case_id"].map(began).to_numpy() > np.sort(log.starts)[EARLY]
    mixed = read_log(pd.concat([history, log.frame[late]]))
    for rule in RULES:
        found = decide(recipe(name), mixed, old_model(name, log), rule)
        assert not found.is_replaced
        assert "the new model is worse by" in found.because


def test_both_are_judged_on_cases_that_neither_saw(log: EventLog) -> None:
    old = old_model(NGRAM, log)
    found = decide(recipe(NGRAM), log, old, "not-worse")
    last_fifth = np.sort(log.starts)[-80]
    assert pd.Timestamp(found.figures["since"]).value // 1000 <= last_fifth
    assert 0 < found.figures["n"] <= 80
    since = int(pd.Timestamp(found.figures["since"]).value // 1000)
    known = as_of(log, since)
    assert known.times is not None and known.times.max() <= since
    assert known.starts.max() <= since
    # What came later is not looked at: another future gives the same stand-in.
    after = (log.frame["timestamp"] > pd.Timestamp(since, unit="us", tz="UTC")).to_numpy()
    frame = log.frame.assign(activity=log.frame["activity"].astype(str).where(~after, "Inform"))
    new, other = (stand_in(recipe(NGRAM), one, since) for one in (log, read_log(frame)))
    for name, learned in vars(new.algorithm).items():
        assert np.array_equal(learned, vars(other.algorithm)[name]), name
    assert new.calibration == other.calibration


def test_without_enough_new_cases_the_old_one_is_kept(log: EventLog) -> None:
    same = Model(NGRAM)
    same.train(log)
    found = decide(recipe(NGRAM), log, same, "not-worse")
    assert not found.is_replaced
    assert "no case began after its log ended" in found.because
    few = as_of(log, int(np.sort(log.starts)[EARLY + FEWEST_CASES // 2]))
    found = decide(recipe(NGRAM), few, old_model(NGRAM, log), "not-worse")
    assert not found.is_replaced
    assert f"{FEWEST_CASES} are needed" in found.because
    timeless = replace(log, times=None)
    assert "without times" in decide(recipe(NGRAM), timeless, same, "not-worse").because


def test_anomalies_need_labels(log: EventLog) -> None:
    name = "anomaly/variant-frequency"
    old = old_model(name, log)
    found = decide(recipe(name), log, old, "not-worse")
    assert not found.is_replaced
    assert "--labels" in found.because
    asks = set(log.frame["case_id"][log.frame["activity"] == "Ask again"])
    labels = {case: "yes" if case in asks else "no" for case in log.case_ids}
    found = decide(recipe(name), log, old, "not-worse", labels)
    assert found.is_replaced
    assert found.figures["metric"] == "average_precision"


def test_models_of_different_tasks_and_targets_are_not_compared(log: EventLog) -> None:
    with pytest.raises(ValidationError, match="cannot be compared with next-activity/ngram"):
        check_comparable(recipe(NGRAM), old_model(MEDIAN, log))
    other = Recipe(Model("outcome/prior", rule='count("Ask again") < 1'), "log.csv", ReadOptions())
    with pytest.raises(ValidationError, match="do not predict the same"):
        decide(other, log, old_model("outcome/prior", log), "not-worse")


@pytest.mark.parametrize(
    ("value", "lower", "upper", "side"),
    [(0.1, 0.05, 0.15, 1), (0.1, -0.01, 0.2, 0), (-0.1, -0.2, -0.05, -1), (-0.004, -0.005, -0.003, 0)],
)
def test_a_difference_counts_beyond_chance_and_beyond_a_hundredth(
    value: float, lower: float, upper: float, side: int
) -> None:
    figure = Figure("against_difference", value, "points", 50, lower, upper, 0.5, higher_is_better=True)
    assert side_of(figure) == side
    assert side_of(replace(figure, higher_is_better=False)) == -side
    assert side_of(replace(figure, lower=None)) == 0


def test_the_option_has_the_rules_that_there_are() -> None:
    assert _existing.RULES == RULES


def test_cases_that_have_ended_count_for_those_that_still_run(log: EventLog) -> None:
    """By hand: the error of each case as often as the cases that it stands for."""
    old = old_model(MEDIAN, log)
    now = as_of(log, int(np.sort(log.starts)[EARLY + 60]))
    scope = Scope(only_new=True)
    plain = evaluate(subject(old.trained_state), now, scope)
    weighed = evaluate(subject(old.trained_state), now, scope, weigh=True)
    began = now.starts > (until_of(old.trained_state.training_log) or 0)
    known = dict.fromkeys(plain.frame["case_id"])
    place = {case: at for at, case in enumerate(now.case_ids.tolist())}
    ended = np.array([place[case] for case in known])
    open_ = np.setdiff1d(np.flatnonzero(began & find_running(now)), ended)
    weights = stand_for((now.ends - now.starts)[ended], now.until - now.starts[open_])
    assert len(open_) > 5 and weights.max() > 1.2
    each = plain.frame["case_id"].map(dict(zip(known, np.rint(4 * weights), strict=True)))
    by_hand = np.average(plain.frame["absolute_error_days"], weights=each)
    assert weighed.figure("mae").value == pytest.approx(by_hand, abs=1e-12)
    assert weighed.figure("mae").value != plain.figure("mae").value
    whole = evaluate(subject(old.trained_state), log.take_cases(np.flatnonzero(~find_running(log))), scope)
    again = evaluate(
        subject(old.trained_state), log.take_cases(np.flatnonzero(~find_running(log))), scope, weigh=True
    )
    assert again.assessment.figures == whole.assessment.figures

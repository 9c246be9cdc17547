"""Remaining time: targets, states, quantiles that hold, and the risk of a breach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from pmlcli import registry
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._learning.batches import padded_rows
from pmlcli.algorithms._learning.recency import chosen_recency, recency_weights
from pmlcli.algorithms._learning.validation import latest_rows
from pmlcli.algorithms.remaining_time._quantiles import (
    LEVELS,
    MIDDLE,
    calibrated,
    coverage,
    empirical,
    filled,
    given_silence,
    learn_factors,
    of_spans,
    pinball,
    share_below,
)
from pmlcli.algorithms.remaining_time._rows import EarlyAndLate, known_rows, moments, remaining_seconds
from pmlcli.algorithms.remaining_time._states import window_keys
from pmlcli.algorithms.remaining_time._task import HeldOut, RemainingTimeTask
from pmlcli.algorithms.remaining_time.median import Median
from pmlcli.algorithms.remaining_time.survival import Survival
from pmlcli.algorithms.remaining_time.transition_system import TransitionSystem
from pmlcli.encoding.events.prefixes import PrefixEncoding
from pmlcli.encoding.events.sequences import SequenceEncoding, Sequences
from pmlcli.errors import LogError, PredictionError, TrainingError, ValidationError
from pmlcli.eventlog.filters import up_to
from pmlcli.eventlog.split import split_by_start
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.trial import trial
from tests.logs import log_of, purchase_events, purchase_log, trace_log

DAY = 86_400.0
ALL = PredictRequest(cases="all")


def hourly(traces: list[str]) -> Sequences:
    """Cases that begin a day apart, their events an hour apart; all have ended."""
    starts = pd.date_range("2024-01-01", periods=len(traces), freq="D", tz="UTC")
    events = [
        {"case_id": f"c{i:03d}", "activity": activity, "timestamp": start + pd.Timedelta(hours=step)}
        for i, (trace, start) in enumerate(zip(traces, starts, strict=True))
        for step, activity in enumerate(trace)
    ]
    log = log_of(events)
    data = SequenceEncoding().fit(log).transform(log)
    return replace(data, is_running=np.zeros(data.n_cases, dtype=np.bool_))


def test_what_remains_by_hand() -> None:
    data = hourly(["abc", "a", "ab"])
    assert remaining_seconds(data).tolist() == [7200, 3600, 0, 0, 3600, 0]
    assert known_rows(data).tolist() == [0, 1, 4]
    running = replace(data, is_running=np.array([True, False, False]))
    assert np.isnan(remaining_seconds(running)[:3]).all()
    assert known_rows(running).tolist() == [4]
    assert known_rows(data, np.arange(6) > 0).tolist() == [1, 4]


def test_the_median_backs_off_to_fewer_activities() -> None:
    data = hourly(["abcc"] * 6 + ["xb"] * 5 + ["yb"])
    model = Median(order=2, least=5)
    model.fit(data)
    found = model.quantiles(data, np.arange(data.n_events))[:, MIDDLE] / 3600
    assert found[1] == 2  # ab: two hours remain
    assert found[0] == 3
    assert found[2] == 1
    # y alone was too rare: the median of all prefixes with an end to come.
    assert found[-2] == np.median([3, 2, 1] * 6 + [1] * 6)


def test_states_forget_order_or_number_as_they_are_told() -> None:
    data = hourly(["aab", "aba", "bba"])
    last = data.offsets[1:] - 1
    sequence, multiset, distinct = (
        window_keys(data, 3, kind)[-1][last] for kind in ("sequence", "multiset", "set")
    )
    assert len(set(sequence.tolist())) == 3
    assert (multiset[0] == multiset[1]) & (multiset[0] != multiset[2])
    assert len(set(distinct.tolist())) == 1


def test_the_transition_system_chooses_what_predicts_the_latest_cases() -> None:
    # Only how often a came before decides; its order does not.
    data = hourly(["aabzzzz", "abazzzz", "bbaz", "babz"] * 20)
    model = TransitionSystem(window=3, least=2)
    model.fit(data)
    assert model.chosen_ in ("multiset", "sequence")
    rows = known_rows(data)
    errors = np.abs(model.quantiles(data, rows)[:, MIDDLE] - remaining_seconds(data)[rows])
    assert errors[data.position[rows] >= 2].max() == 0


def test_empirical_quantiles_are_numpys() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.exponential(size=200), rng.integers(0, 3, size=200)
    names, counts, found = empirical(values, groups)
    for name, count, row in zip(names, counts, found, strict=True):
        assert count == (groups == name).sum()
        assert row == pytest.approx(np.quantile(values[groups == name], LEVELS))


def test_stretched_quantiles_hold_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    scale = rng.exponential(DAY * 5, size=8000)
    came = scale * rng.exponential(size=8000)
    too_narrow = scale[:, None] * (0.69 + 0.1 * (np.array(LEVELS) - 0.5))
    told = coverage(too_narrow, came, np.arange(8000) < 4000)
    assert told["coverage_90"] == pytest.approx(0.9, abs=0.02)
    assert told["median_width_seconds"] > 0
    found = calibrated(too_narrow, learn_factors(too_narrow, came).tolist())
    assert (np.diff(found, axis=1) >= 0).all()
    assert (found >= 0).all()
    assert (found[:, MIDDLE] == too_narrow[:, MIDDLE]).all()
    for place, level in enumerate(LEVELS):
        if place != MIDDLE:
            assert (came <= found[:, place]).mean() == pytest.approx(level, abs=0.01)


def test_few_examples_stretch_nothing_and_say_so() -> None:
    assert learn_factors(np.ones((5, len(LEVELS))), np.ones(5)).tolist() == [1.0] * len(LEVELS)
    told = coverage(np.ones((50, len(LEVELS))), np.ones(50), np.arange(50) < 25)
    assert told == {"coverage_90": None, "median_width_seconds": None}


def met(data: Sequences) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    assert data.micros is not None
    rows = known_rows(data)
    return moments(data.micros[rows], data.micros[rows + 1])


def test_cases_are_met_at_moments_the_more_often_the_longer_they_are_silent() -> None:
    data = hourly(["ab", "abc", "a" * 30])
    rows = known_rows(data)
    which, silent = met(data)
    assert len(which) == pytest.approx(5000, abs=40)
    assert np.bincount(which) == pytest.approx(np.full(len(rows), len(which) / len(rows)), abs=2)
    assert (silent >= 0).all()
    assert (silent < 3600).all()
    assert silent.mean() == pytest.approx(1800, rel=0.01)


def test_moments_where_nothing_takes_any_time() -> None:
    data = hourly(["ab"])
    data = replace(data, micros=np.zeros_like(data.micros))
    assert len(met(data)[0]) == 0


def test_intervals_hold_for_running_cases_at_any_moment() -> None:
    # Most cases take an hour, a few hundreds of them: these are what one meets running.
    rng = np.random.default_rng(0)
    lasts = np.where(rng.random(400) < 0.05, 500.0, 1.0) * rng.exponential(3600.0, size=400)
    usual = np.tile(np.quantile(lasts, LEVELS), (400, 1))
    which = rng.choice(400, size=8000, p=lasts / lasts.sum())
    silent = lasts[which] * rng.random(8000)
    rest, left = given_silence(usual[which], silent) - silent[:, None], lasts[which] - silent
    assert ((rest[:, 0] <= left) & (left <= rest[:, -1])).mean() < 0.7
    found = calibrated(rest, learn_factors(rest, left).tolist())
    assert ((found[:, 0] <= left) & (left <= found[:, -1])).mean() == pytest.approx(0.9, abs=0.03)


def test_choices_are_made_on_cases_that_had_time_to_end() -> None:
    # A case a day, five days each; the log ends as the last of them does.
    data = hourly(["a" * 120] * 50)
    held_out = EarlyAndLate.of(data)
    assert held_out.is_ripe
    assert held_out.late.tolist() == list(range(40, 50))
    assert held_out.early.tolist() == list(range(40))
    assert held_out.recencies("auto") == ("off", "on")
    # Quick ones among them that began later: others that began then are not known yet, so they say nothing.
    mixed = hourly(["a" * 120] * 45 + ["ab"] * 5)
    held_out = EarlyAndLate.of(mixed)
    assert held_out.is_ripe
    assert held_out.late.tolist() == list(range(36, 45))
    assert held_out.early.tolist() == list(range(36))


def test_nothing_is_said_of_recency_where_most_cases_had_no_time_to_end() -> None:
    # Three in ten cases take as long as the log.
    data = hourly(["a" * 24 * 50] * 15 + ["ab"] * 35)
    held_out = EarlyAndLate.of(data)
    assert not held_out.is_ripe
    assert held_out.late.tolist() == list(range(40, 50))
    assert held_out.recencies("auto") == ("off",)
    assert held_out.recencies("on") == ("on",)


def test_recency_only_where_it_is_clearly_better() -> None:
    assert chosen_recency({"off": 1.0, "on": 0.96}) == "off"
    assert chosen_recency({"off": 1.0, "on": 0.94}) == "on"
    assert chosen_recency({"on": 3.0}) == "on"
    assert chosen_recency({"off": 3.0}) == "off"
    weights = recency_weights(hourly(["ab"] * 80), "on")
    assert weights.mean() == pytest.approx(1)
    assert weights[-1] / weights[-1 - 2 * 10] == pytest.approx(2)


def test_the_share_below_a_time_is_read_off_the_quantiles() -> None:
    rows = np.tile(np.array([[1.0, 2, 5, 10, 15, 18, 20]]), (6, 1))
    times = np.array([0.0, 1.0, 7.5, 10.0, 25.0, 99.0])
    assert share_below(rows, times) == pytest.approx([0, 0.05, 0.375, 0.5, 0.975, 1])
    assert share_below(np.zeros((2, len(LEVELS))), np.array([-1.0, 1.0])).tolist() == [0, 1]


def test_quantiles_lie_evenly_within_the_spans_that_they_fall_into() -> None:
    # Half end by 10, the others by 30; all by 10; none before 30.
    shares = np.array([[0, 0.5, 1.0], [0, 1.0, 1.0], [0, 0.0, 1.0]])
    found = of_spans(np.array([0.0, 10, 30]), shares)
    assert found[0] == pytest.approx([1, 2, 5, 10, 20, 26, 28])
    assert found[1] == pytest.approx(10 * np.array(LEVELS))
    assert found[2] == pytest.approx(10 + 20 * np.array(LEVELS))


def test_pinball_loss_by_hand() -> None:
    assert pinball(np.zeros((1, len(LEVELS))), np.array([2.0])) == pytest.approx(2 * np.mean(LEVELS))


def test_levels_between_the_grown_ones_lie_as_in_a_normal_distribution() -> None:
    found = filled(np.array([[-1.6448536, 0.0, 2 * 1.6448536]]))
    assert found[0] == pytest.approx([-1.6449, -1.2816, -0.6745, 0, 1.349, 2.5631, 3.2897], abs=1e-4)


def test_the_latest_rows_are_of_the_latest_fifth_of_the_cases() -> None:
    data = hourly(["ab"] * 10)
    assert latest_rows(data, np.arange(20)).tolist() == [False] * 16 + [True] * 4


def test_running_cases_teach_survival_that_cases_may_be_long() -> None:
    # Half of the cases end after an hour, the others are still running after a hundred.
    log = purchase_log(12)
    model = Survival(hidden_size=4, spans=5)
    data = PrefixEncoding().fit(log).transform(log)
    running = replace(data, is_running=np.arange(12) >= 6)
    is_event = padded_rows(running.offsets, np.arange(12)) < running.n_events
    batch = model.make_learner().objective.samples(running).batch(np.arange(12))
    span, has_ended = (target.numpy()[is_event] for target in batch[2:])
    ends = np.repeat(running.offsets[1:] - 1, running.lengths)
    assert not has_ended[np.repeat(running.is_running, running.lengths)].any()
    assert has_ended[~np.repeat(running.is_running, running.lengths)].all()
    finished_last = np.unique(ends[~np.repeat(running.is_running, running.lengths)])
    assert (span[finished_last] == -1).all()


@pytest.fixture(scope="module")
def median() -> Model:
    model = Model("remaining-time/median")
    model.train(purchase_events(80))
    return model


def test_answers_have_an_interval_an_end_and_the_risk_of_a_breach(median: Model) -> None:
    request = PredictRequest(cases="all", every_prefix=True, sla=3 * DAY)
    log = purchase_log(20, seed=1)
    table = median.predict(log, request=request).predictions
    assert (table["lower"] <= table["remaining_seconds"]).all()
    assert (table["remaining_seconds"] <= table["upper"]).all()
    now = log.frame["timestamp"].reset_index(drop=True)
    ahead = (table["expected_end"] - now).dt.total_seconds()
    assert np.abs(ahead - table["remaining_seconds"]).max() < 1
    assert table["sla_breach_probability"].between(0, 1).all()
    elapsed = (log.times - np.repeat(log.starts, log.lengths)) / 1e6
    assert (table["sla_breach_probability"][elapsed >= 3 * DAY] == 1).all()
    longer = median.predict(log, request=request.with_(sla=30 * DAY)).predictions
    assert (longer["sla_breach_probability"] <= table["sla_breach_probability"]).all()
    assert "sla_breach_probability" not in median.predict(log, request=ALL).predictions


def test_a_running_case_is_known_to_have_lasted_until_now(median: Model) -> None:
    log = purchase_log(40, seed=1)
    as_of = pd.Timestamp(int(np.median(log.times)), unit="us", tz="UTC").isoformat()
    cut, at = up_to(log, as_of)
    request = PredictRequest(as_of=as_of, sla=3 * DAY)
    table = median.predict(log, request=request).predictions.set_index("case_id")
    then = median.predict(log, request=request.with_(cases="all")).predictions.set_index("case_id")
    silent = pd.Series((at - cut.ends) / 1e6, index=cut.case_ids)[table.index]
    age = pd.Series((at - cut.starts) / 1e6, index=cut.case_ids)[table.index]
    assert 0 < len(table) < len(then)
    assert (silent > then["lower"].loc[table.index]).any()
    for column in ("lower", "remaining_seconds", "upper"):
        assert (table[column] >= silent).all()
    assert (table["remaining_seconds"] >= then["remaining_seconds"].loc[table.index]).all()
    assert (table["expected_end"] >= pd.Timestamp(as_of)).all()
    assert (table["sla_breach_probability"][age >= 3 * DAY] == 1).all()
    assert table["sla_breach_probability"].between(0, 1).all()


def test_quantiles_given_a_silence() -> None:
    # Evenly spread but for the last twentieth, which goes up to 140.
    even = np.array([[5.0, 10, 25, 50, 75, 90, 95]])
    found = given_silence(even, np.array([50.0]))
    assert found == pytest.approx(np.array([[52.5, 55, 62.5, 75, 87.5, 95, 117.5]]))
    assert given_silence(even, np.array([0.0])) == pytest.approx(even)


@pytest.mark.parametrize("last", [95.0, 50.0, 0.0])
def test_a_silence_beyond_all_quantiles_goes_on(last: float) -> None:
    quantiles = np.minimum(np.array([[5.0, 10, 25, 50, 75, 90, 95]]), last)
    silent = np.array([1000.0])
    found = given_silence(quantiles, silent)
    assert (found >= 1000).all()
    assert (np.diff(found, axis=1) >= 0).all()


def test_training_says_how_well_the_intervals_held() -> None:
    result = Model("remaining-time/median").train(purchase_events(300))
    assert any("intervals of 90 %" in remark for remark in result.metadata["remarks"])
    measured = result.metrics["mae"]
    assert measured["unit"] == "days"
    assert not measured["higher_is_better"]
    assert "also begin a training case" in measured["about"]


def test_over_several_cuts_a_case_counts_in_each() -> None:
    log = purchase_log(300)
    first = log.take_cases(np.flatnonzero(log.starts <= np.quantile(log.starts, 0.9)))
    algorithm = registry.build("remaining-time/median", {})
    parts = trial(algorithm, [split_by_start(first), split_by_start(log)], log).held_out
    for number in range(2):
        assert set(parts[number].came) & set(parts[1 - number].came), "the test parts overlap"
    task = RemainingTimeTask()
    alone = [task.measure(algorithm, [part], {}) for part in parts]
    both = task.measure(algorithm, parts, {})
    assert both.n_units == alone[0].n_units + alone[1].n_units
    errors = [np.abs(np.rint(p.quantiles[:, MIDDLE]) - p.came)[p.lengths > 1] for p in parts]
    assert both.value == pytest.approx(np.concatenate(errors).mean() / DAY)
    assert "2 cuts of the log" in both.about
    found = task.calibrate(algorithm, parts)
    assert found["held_out_prefixes"] == len(parts[0].came) + len(parts[1].came)
    quantiles, came = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
    assert found["factors"] == learn_factors(quantiles, came).tolist()


def nothing_known() -> HeldOut:
    nothing = np.zeros(0, dtype=np.int64)
    return HeldOut(
        np.zeros((0, len(LEVELS))), np.zeros(0), nothing, nothing, nothing, nothing, nothing, about="nothing"
    )


def test_a_cut_in_which_no_case_has_ended_adds_nothing() -> None:
    log, algorithm, task = purchase_log(80), registry.build("remaining-time/median", {}), RemainingTimeTask()
    parts = trial(algorithm, task.cuts(algorithm, log), log).held_out
    both = task.measure(algorithm, (nothing_known(), *parts), {})
    assert both.value == task.measure(algorithm, parts, {}).value
    calibration = task.calibrate(algorithm, [nothing_known()])
    assert calibration["factors"] == [1.0] * len(LEVELS)
    assert calibration["coverage_90"] is None
    with pytest.raises(TrainingError, match="no remaining time to measure on"):
        task.measure(algorithm, [nothing_known()], {})


def test_a_log_without_times_is_refused() -> None:
    with pytest.raises(LogError, match="no timestamps"):
        Model("remaining-time/median").train(trace_log(["ab"] * 20))


def test_cases_of_one_event_have_no_remaining_time() -> None:
    events = [{"case_id": str(i), "activity": "a", "timestamp": f"2024-01-{1 + i}"} for i in range(20)]
    with pytest.raises(TrainingError, match="two events or more"):
        Model("remaining-time/median").train(events)


def test_a_limit_must_be_above_zero_and_means_nothing_to_other_tasks(median: Model) -> None:
    with pytest.raises((ValidationError, PredictionError), match=r"must be a number > 0 \(seconds\)"):
        median.predict(purchase_events(3), request=PredictRequest(cases="all", sla=0.0))
    other = Model("next-activity/ngram")
    other.train(purchase_events(20))
    with pytest.raises((ValidationError, PredictionError), match="has no 'sla'"):
        other.predict(purchase_events(3), request=PredictRequest(cases="all", sla=1.0))

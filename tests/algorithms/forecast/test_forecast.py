"""Forecasters: what they recover, what they keep, and how honest their intervals are."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from pmlcli.algorithms._interface.base import clone
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import Fitted
from pmlcli.algorithms.forecast._held_out import HeldOut, joined_cuts
from pmlcli.algorithms.forecast._intervals import Intervals, coverage, fit_intervals
from pmlcli.algorithms.forecast._request import ForecastRequest
from pmlcli.algorithms.forecast._series import (
    Backtest,
    backtest,
    phases,
    season_of,
    split_at,
    unit_roots,
)
from pmlcli.algorithms.forecast._task import Forecaster
from pmlcli.algorithms.forecast.arima import Arima
from pmlcli.algorithms.forecast.holt_winters import HoltWinters
from pmlcli.algorithms.forecast.seasonal_naive import SeasonalNaive
from pmlcli.algorithms.forecast.theta import Theta
from pmlcli.algorithms.forecast.weekday_median import WeekdayMedian
from pmlcli.encoding.series.encoding import Series, bucket_edges
from pmlcli.errors import LogError, TrainingError, ValidationError
from pmlcli.evaluation.measurement import Measurement
from pmlcli.eventlog.log import EventLog
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.trial import train_algorithm
from tests.contract.cases import daily_events
from tests.logs import log_of

BOTH = pytest.mark.parametrize("cls", [Arima, HoltWinters, SeasonalNaive, Theta, WeekdayMedian])
WEEK = np.array([12, 10, 9, 11, 8, 2, 1])


def series(values: Any, frequency: str = "D", start: str = "2024-01-01") -> Series:
    """A series of these values from a Monday on."""
    values = np.asarray(values, dtype=np.float64)
    edges = bucket_edges(int(pd.Timestamp(start).timestamp()) * 1_000_000, len(values), frequency, "UTC")
    return Series("arrivals", frequency, "UTC", "cases", edges[:-1], values)


def noisy_weeks(n: int = 140, seed: int = 0, level: float = 4.0) -> NDArray[np.float64]:
    rng = np.random.Generator(np.random.PCG64(seed))
    return rng.poisson(level * WEEK[np.arange(n) % 7]).astype(np.float64)


def log(counts: NDArray[np.float64], start: str = "2024-01-01") -> EventLog:
    """So many one-event cases at noon of each day; the first at midnight, and one more after the last day."""
    days = pd.date_range(start, periods=len(counts) + 1, tz="UTC")
    noons = days[:-1].repeat(counts.astype(int)) + pd.Timedelta(hours=12)
    times = [days[0], *(noons[1:] if counts[0] > 0 else noons), days[-1]]
    return log_of([{"case_id": f"{start}-{i}", "activity": "a", "timestamp": t} for i, t in enumerate(times)])


TASK = Forecaster.task


def tried(untrained: Forecaster, made: EventLog) -> tuple[Fitted[Any, Any], HeldOut]:
    """Fitted on the first four fifths, and what it says of the last."""
    *_, split = TASK.cuts(untrained, made)
    algorithm, encoding = clone(untrained), untrained.make_encoding().fit(split.train)
    algorithm.fit(encoding.transform(split.train))
    fitted: Fitted[Any, Any] = Fitted(algorithm, encoding)
    return fitted, TASK.held_out(fitted, split, made)


def trained(untrained: Forecaster, made: EventLog) -> Fitted[Any, Any]:
    """Trained step by step, as a training does."""
    trial, held_out = tried(untrained, made)
    final, data = clone(untrained), trial.encoding.transform(made)
    final.refit(data, trial.algorithm)
    calibration = json.loads(json.dumps(TASK.calibrate(trial.algorithm, [held_out])))
    fitted: Fitted[Any, Any] = Fitted(final, trial.encoding, calibration)
    return replace(fitted, calibration=TASK.settle(fitted, data, log))


@cache
def trained_on_weeks(cls: type[Forecaster]) -> Fitted[Any, Any]:
    """Trained once for all tests that only ask it, with a horizon of ten days."""
    return trained(cls(horizon=10), log(noisy_weeks()))


def measured(untrained: Forecaster, made: EventLog) -> Measurement:
    """How its trial is measured."""
    fitted, held_out = tried(untrained, made)
    return TASK.measure(fitted.algorithm, [held_out], {})


def mae(cls: type[Forecaster], data: Series, horizon: int = 7) -> float:
    algorithm = cls(horizon=horizon)
    algorithm.fit((data.head(int(len(data) * 0.8)),))
    return float(np.nanmean(np.abs(backtest(algorithm.forecast, data, int(len(data) * 0.8), horizon).errors)))


@pytest.mark.parametrize("seed", [0, 1])
def test_arima_finds_the_week_better_than_the_naive(seed: int) -> None:
    data = series(noisy_weeks(seed=seed))
    assert mae(Arima, data) < 0.85 * mae(SeasonalNaive, data)


def test_arima_follows_a_level_that_drifts() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    data = series(np.maximum(200 + np.cumsum(rng.normal(0, 5, 150)), 0))
    assert mae(Arima, data) < 0.8 * mae(SeasonalNaive, data)


@BOTH
def test_a_pure_week_is_continued(cls: type[Forecaster]) -> None:
    algorithm, data = cls(), series(np.resize(WEEK, 60))
    algorithm.fit((data,))
    assert algorithm.forecast(data, 10) == pytest.approx(np.resize(WEEK, 70)[60:], abs=1e-6)
    longer = series(np.resize(WEEK, 64))
    assert algorithm.forecast(longer, 3) == pytest.approx(np.resize(WEEK, 67)[64:], abs=1e-6)


@BOTH
@pytest.mark.parametrize("level", [0.0, 5.0])
@pytest.mark.parametrize("frequency", ["H", "D", "W", "M"])
def test_constant_series(cls: type[Forecaster], level: float, frequency: str) -> None:
    algorithm, data = cls(frequency=frequency, horizon=3), series(np.full(80, level), frequency)
    algorithm.fit((data,))
    assert algorithm.forecast(data, 3) == pytest.approx([level] * 3, abs=1e-6)


@BOTH
@pytest.mark.parametrize("frequency", ["H", "W", "M"])
def test_other_seasons(cls: type[Forecaster], frequency: str) -> None:
    season = season_of(frequency, 200)
    rng = np.random.Generator(np.random.PCG64(1))
    values = 30 + 20 * np.sin(2 * np.pi * np.arange(200) / season) + rng.normal(0, 1, 200)
    algorithm, data = cls(frequency=frequency, horizon=season), series(values, frequency)
    algorithm.fit((data.head(150),))
    assert np.abs(algorithm.forecast(data.head(150), 50) - values[150:]).mean() < 5


def test_short_series_of_weeks_and_months_have_no_season() -> None:
    assert [season_of("W", 103), season_of("W", 104), season_of("M", 23), season_of("D", 3)] == [1, 52, 1, 7]
    algorithm, data = SeasonalNaive(frequency="W", horizon=2), series([3, 4, 5], "W")
    algorithm.fit((data,))
    assert algorithm.forecast(data, 2).tolist() == [5, 5]


def test_phases_follow_the_calendar_and_not_the_start() -> None:
    assert phases(series(np.zeros(3), start="2024-01-06"), 7, ahead=2).tolist() == [5, 6, 0, 1, 2]
    assert phases(series(np.zeros(2), "M", start="2024-11-01"), 12, ahead=1).tolist() == [10, 11, 0]
    weeks = phases(series(np.zeros(60), "W"), 52)
    assert (weeks[52:] == weeks[:8]).all()
    zoned = replace(series(np.zeros(48), "H"), timezone="America/New_York")
    assert phases(zoned, 24)[:6].tolist() == [19, 20, 21, 22, 23, 0]
    assert phases(zoned, 168)[5] == 0


@BOTH
def test_the_table(cls: type[Forecaster]) -> None:
    final = trained_on_weeks(cls)
    table = TASK.predict_without_log(final, ForecastRequest())
    assert list(table.columns) == [
        "timestamp",
        "kpi",
        "value",
        "lower_80",
        "upper_80",
        "lower_95",
        "upper_95",
    ]
    assert table["timestamp"].tolist() == list(pd.date_range("2024-05-20", periods=10, tz="UTC"))
    assert (table["lower_95"] >= 0).all()
    for narrow, wide in [
        ("lower_95", "lower_80"),
        ("lower_80", "value"),
        ("value", "upper_80"),
        ("upper_80", "upper_95"),
    ]:
        assert (table[narrow] <= table[wide]).all()
    assert (table["upper_80"] < table["upper_95"]).any()
    assert len(TASK.predict_without_log(final, ForecastRequest(horizon=3))) == 3


@BOTH
def test_a_restored_state_gives_the_same_bits(cls: type[Forecaster]) -> None:
    final = trained_on_weeks(cls)
    again = clone(final.algorithm)
    again.restore(
        {
            k: v.copy() if isinstance(v, np.ndarray) else json.loads(json.dumps(v))
            for k, v in final.algorithm.state().items()
        }
    )
    restored = Fitted(again, final.encoding, json.loads(json.dumps(final.calibration)))
    newer = log(noisy_weeks(150, seed=1))
    for request in (ForecastRequest(), ForecastRequest(horizon=5)):
        expected, found = (TASK.predict_without_log(a, request) for a in (final, restored))
        pd.testing.assert_frame_equal(expected, found, check_exact=True)
        expected, found = (TASK.predict(a, newer, request) for a in (final, restored))
        pd.testing.assert_frame_equal(expected, found, check_exact=True)


@BOTH
def test_the_training_log_is_continued_as_without_a_log(cls: type[Forecaster]) -> None:
    final = trained_on_weeks(cls)
    with_log = TASK.predict(final, log(noisy_weeks()), ForecastRequest())
    pd.testing.assert_frame_equal(
        with_log, TASK.predict_without_log(final, ForecastRequest()), check_exact=True
    )


@BOTH
def test_a_newer_log_continues_the_training_series(cls: type[Forecaster]) -> None:
    counts = noisy_weeks(160)
    final = trained(cls(), log(counts[:130]))
    whole = TASK.predict(final, log(counts), ForecastRequest())
    only_newer = TASK.predict(final, log(counts[130:], start="2024-05-10"), ForecastRequest())
    pd.testing.assert_frame_equal(whole, only_newer, check_exact=True)
    assert whole["timestamp"][0] == pd.Timestamp("2024-06-09", tz="UTC")
    overlapping = TASK.predict(final, log(counts[120:], start="2024-04-30"), ForecastRequest())
    pd.testing.assert_frame_equal(whole, overlapping, check_exact=True)


def test_a_short_gap_is_filled_and_a_long_one_refused() -> None:
    counts = noisy_weeks(240)
    final = trained(SeasonalNaive(horizon=7), log(counts[:210]))
    after_gap = TASK.predict(final, log(counts[215:225], start="2024-08-03"), ForecastRequest())
    assert after_gap["timestamp"][0] == pd.Timestamp("2024-08-13", tz="UTC")
    with pytest.raises(LogError, match="10 whole days that do not follow") as caught:
        TASK.predict(final, log(counts[:10], start="2024-08-10"), ForecastRequest())
    assert caught.value.context == {"samples": 10, "minimum": 21}
    with pytest.raises(LogError, match="no whole day"):
        TASK.predict(
            final, log_of([{"case_id": "1", "activity": "a", "timestamp": "2024-08-01"}]), ForecastRequest()
        )


def test_requests_that_cannot_be_met() -> None:
    final = trained(SeasonalNaive(horizon=7), log(noisy_weeks(60)))
    with pytest.raises(ValidationError, match="horizon 8 is longer") as caught:
        TASK.predict_without_log(final, ForecastRequest(horizon=8))
    assert caught.value.hint == "ask for at most 7, or train a model with horizon 8"
    with pytest.raises(ValidationError, match="horizon is 0"):
        TASK.predict_without_log(final, ForecastRequest(horizon=0))
    for request in (PredictRequest(level="case"), PredictRequest(every_prefix=True), PredictRequest(fdr=0.1)):
        with pytest.raises(ValidationError, match="a prediction of the task forecast has no"):
            TASK.checked(final.algorithm, request)
    with pytest.raises(ValidationError, match="unknown KPI"):
        Arima.build({"kpi": "arivals"})


def test_too_short_a_log_says_how_long_it_must_be() -> None:
    with pytest.raises(TrainingError, match="20 whole days") as caught:
        TASK.cuts(Arima(), log(noisy_weeks(20)))
    assert caught.value.context == {"samples": 20, "minimum": 21}
    assert "covers 21 whole days" in str(caught.value.hint)
    shortest = trained(Arima(), log(noisy_weeks(21)))
    assert shortest.algorithm.history_values_.shape == (1, 21)
    with pytest.raises(TrainingError, match="first four fifths"):
        # Five events begin the log: too many to be far from the others.
        TASK.cuts(Arima(), log(np.where(np.arange(40) < 33, 5 * (np.arange(40) == 0), noisy_weeks(40))))


def test_a_split_cuts_cases_at_a_moment() -> None:
    events = [
        {"case_id": c, "activity": "a", "timestamp": f"2024-05-0{d}"}
        for c, d in [("x", 1), ("x", 3), ("y", 4)]
    ]
    made = log_of(events)
    split = split_at(made, int(made.times[1]))  # type: ignore[index]
    assert split.train.case_ids.tolist() == ["x"]
    assert split.test.case_ids.tolist() == ["x", "y"]
    assert split.test.offsets.tolist() == [0, 1, 2]


def test_the_trial_sees_nothing_of_the_test_days() -> None:
    counts = noisy_weeks(100)
    changed = np.where(np.arange(100) < 81, counts, 99)
    first, second = (TASK.cuts(Arima(), log(c))[-1].train for c in (counts, changed))
    assert first.frame.equals(second.frame)
    assert first.times.max() < pd.Timestamp("2024-03-21", tz="UTC").timestamp() * 1e6  # type: ignore[union-attr]


def test_it_is_measured_beside_the_naive_on_the_same_days() -> None:
    comparison = train_algorithm(Theta(), "forecast/theta", log(noisy_weeks(300))).comparison
    assert comparison.verdict == "better"
    assert comparison.unit == "cases"
    assert len(comparison.cuts) == 3 and comparison.cuts[-1].n_units == 10
    assert "1 to 14 days ahead" in comparison.about


def test_measured_error_by_hand() -> None:
    values = np.zeros(50)
    values[45] = 7.0
    # Origins 40 to 48, two steps each; day 45 is missed by 7 from the two origins before it.
    assert measured(SeasonalNaive(horizon=2), log(values + 1)).value == pytest.approx(2 * 7 / 18)


def test_intervals_hold_about_what_they_say() -> None:
    held: dict[str, list[float]] = {"80": [], "95": []}
    for seed in range(40):
        data = series(noisy_weeks(150, seed=seed))
        algorithm = SeasonalNaive(horizon=7)
        algorithm.fit((data.head(80),))
        phase = phases(data, 7)
        intervals = fit_intervals(backtest(algorithm.forecast, data.head(115), 80, 7), phase[:115], 7)
        later = backtest(algorithm.forecast, data, 115, 7)
        about = phase[np.minimum(later.targets, 149)]
        for level in (80, 95):
            lower, upper = intervals.bounds(later.forecasts, about, level)
            known = np.isfinite(later.came)
            held[str(level)].append(float(((lower <= later.came) & (later.came <= upper))[known].mean()))
    assert np.mean(held["80"]) == pytest.approx(0.8, abs=0.06)
    assert np.mean(held["95"]) == pytest.approx(0.95, abs=0.04)


def missed_by(roots: NDArray[np.float64], first: int = 0) -> Backtest:
    """Forecasts of 100 where 10 + `roots` squared came."""
    origins = np.arange(first, first + len(roots))
    return Backtest(origins, np.full(roots.shape, 100.0), (10 + roots) ** 2, first + len(roots))


def test_intervals_by_hand() -> None:
    roots = np.resize([1.0, -1.0, 2.0, -2.0], (40, 1))
    intervals = fit_intervals(missed_by(roots), np.zeros(40, dtype=np.int64), 1)
    lower, upper = intervals.bounds(np.array([100.0]), np.array([0]), 80)
    width = 2 * 1.3036 / 1.2816
    assert (lower[0], upper[0]) == pytest.approx(((10 - width) ** 2, (10 + width) ** 2), rel=1e-3)
    assert Intervals.from_dict(json.loads(json.dumps(intervals.to_dict()))).bounds(
        np.array([100.0]), np.array([0]), 80
    ) == (lower, upper)
    few = fit_intervals(missed_by(roots[:4]), np.zeros(4, dtype=np.int64), 1)
    assert few.quantiles["95"] > intervals.quantiles["95"]
    unmeasured = fit_intervals(
        missed_by(np.hstack([roots, np.full((40, 3), np.nan)])), np.zeros(40, dtype=np.int64), 1
    )
    assert unmeasured.scales == pytest.approx(unmeasured.scales[0] * np.sqrt([1, 2, 3, 4]))
    never = fit_intervals(missed_by(np.zeros((5, 2))), np.zeros(5, dtype=np.int64), 1)
    assert never.bounds(np.array([3.0, 0.0]), np.zeros(2, dtype=np.int64), 95)[1].tolist() == [3, 0]


def test_errors_of_a_newer_log_widen_and_narrow() -> None:
    phase = np.zeros(240, dtype=np.int64)
    known = fit_intervals(missed_by(np.resize([1.0, -1.0], (40, 1))), phase, 1)
    assert known.quantiles["80"] == pytest.approx(1, rel=0.1)
    for size in (4.0, 0.25):
        newer = known.updated(missed_by(np.full((200, 1), size), first=40), phase, 200)
        assert newer.quantiles["80"] == pytest.approx(size, rel=0.1)
    never = fit_intervals(missed_by(np.zeros((40, 1))), phase, 1)
    once = never.updated(missed_by(np.full((60, 1), 2.0), first=40), phase, 60)
    assert once.bounds(np.array([100.0]), np.array([0]), 80)[1][0] > 110
    old = known.to_dict()
    first_models = Intervals.from_dict({name: old[name] for name in ("scales", "factors", "quantiles")})
    assert first_models.updated(missed_by(np.ones((9, 1))), phase, 9).quantiles == known.quantiles


def test_intervals_recover_after_a_level_shift() -> None:
    counts = noisy_weeks(140)
    final = trained(SeasonalNaive(horizon=7), log(counts))
    wild = np.where(
        np.arange(200) < 140, np.resize(counts, 200), np.resize([40, 0, 90, 5, 70, 1, 20, 60], 200)
    )
    before, after = (TASK.predict(final, log(c), ForecastRequest()) for c in (counts, wild))
    assert (after["upper_80"] - after["lower_80"]).mean() > 2 * (
        before["upper_80"] - before["lower_80"]
    ).mean()


def test_quiet_weekdays_get_narrow_intervals() -> None:
    roots = np.tile(np.array([[2.0], [2.0], [2.0], [2.0], [2.0], [0.1], [0.1]]), (10, 1))
    intervals = fit_intervals(missed_by(roots), np.arange(70) % 7, 7)
    assert intervals.factors[5] < 0.6 * intervals.factors[0]
    assert intervals.bounds(np.array([0.0]), np.array([0]), 95)[0].tolist() == [0]


def test_coverage_needs_origins() -> None:
    algorithm, data = SeasonalNaive(horizon=3), series(noisy_weeks(60))
    algorithm.fit((data,))
    phase = phases(data, 7)
    assert coverage(backtest(algorithm.forecast, data, 55, 3), phase, 7) is None
    found = coverage(backtest(algorithm.forecast, data, 30, 3), phase, 7)
    assert found is not None
    assert 0.5 < found["80"] <= found["95"] <= 1


def test_several_series_side_by_side() -> None:
    made = log(noisy_weeks())
    final = trained(SeasonalNaive(kpi=("arrivals", "open-cases", "cycle-time"), horizon=5), made)
    table = TASK.predict_without_log(final, ForecastRequest())
    assert table["kpi"].tolist() == ["arrivals"] * 5 + ["open-cases"] * 5 + ["cycle-time"] * 5
    alone = trained(SeasonalNaive(kpi=("arrivals",), horizon=5), made)
    expected = TASK.predict_without_log(alone, ForecastRequest())
    pd.testing.assert_frame_equal(table.head(5), expected, check_exact=True)
    pd.testing.assert_frame_equal(TASK.predict(final, made, ForecastRequest()), table, check_exact=True)
    assert TASK.units(final.algorithm)["value"] == "cases or seconds"


def test_several_series_are_measured_in_changes_from_week_to_week() -> None:
    made, untrained = log(noisy_weeks()), SeasonalNaive(kpi=("arrivals", "events"), horizon=7)
    found = measured(untrained, made)
    assert found.metric == "mase"
    assert found.value == pytest.approx(1, abs=0.3)


def test_shares_stay_shares() -> None:
    final = trained(SeasonalNaive(kpi=("rework-rate",), horizon=5), log(noisy_weeks()))
    table = TASK.predict_without_log(final, ForecastRequest())
    assert table["upper_95"].max() <= 1
    assert set(TASK.units(final.algorithm).values()) == {"share"}


def test_at_most_sixty_origins() -> None:
    algorithm, data = SeasonalNaive(horizon=3), series(noisy_weeks(1000))
    algorithm.fit((data,))
    test = backtest(algorithm.forecast, data, 800, 3)
    assert len(test.origins) <= 60
    assert test.origins[0] == 800
    assert np.isfinite(test.errors[0]).all()


def test_the_stationarity_test() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    noise = rng.normal(size=300)
    assert unit_roots(noise) == 0
    assert unit_roots(np.cumsum(noise)) == 1
    assert unit_roots(np.zeros(50)) == 0
    assert unit_roots(np.resize(WEEK, 300) + noise, 7) == 0


def test_the_base_imports_no_statsmodels() -> None:
    code = "import sys, pmlcli.algorithms.forecast.seasonal_naive; print('statsmodels' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


def test_a_series_that_ends_before_the_others() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    days = pd.date_range("2024-01-01", periods=120, tz="UTC").repeat(4)
    events = [
        {"case_id": str(i), "activity": a, "timestamp": start + pd.Timedelta(hours=float(hours))}
        for i, start in enumerate(days)
        for a, hours in (("a", 1), ("b", 2 + rng.exponential(240)))
    ]
    made = log_of([e for e in events if e["timestamp"] < pd.Timestamp("2024-04-30", tz="UTC")])
    final = trained(SeasonalNaive(kpi=("cycle-time-by-arrival", "arrivals"), horizon=5), made)
    table = TASK.predict_without_log(final, ForecastRequest())
    begins = table.groupby("kpi")["timestamp"].min()
    assert begins["cycle-time-by-arrival"] < begins["arrivals"] - pd.Timedelta(days=5)
    assert table["value"].gt(0).all()
    pd.testing.assert_frame_equal(TASK.predict(final, made, ForecastRequest()), table, check_exact=True)
    assert measured(final.algorithm, made).value > 0


@pytest.mark.parametrize("kpi", [("arrivals",), ("arrivals", "events")])
def test_two_cuts_are_calibrated_and_measured_together(kpi: tuple[str, ...]) -> None:
    counts, algorithm = noisy_weeks(120), SeasonalNaive(kpi=kpi, horizon=7)
    made, begins = log(counts), [pd.Timestamp(day, tz="UTC") for day in ("2024-03-01", "2024-04-01")]
    tables = []
    for begin in begins:
        split = split_at(made, int(begin.timestamp()) * 1_000_000)
        if begin == begins[0]:  # its test part ends where that of the second begins
            split = split._replace(test=split_at(split.test, int(begins[1].timestamp()) * 1_000_000).train)
        encoding = algorithm.make_encoding().fit(split.train)
        algorithm.fit(encoding.transform(split.train))
        tables.append(TASK.held_out(Fitted(algorithm, encoding), split, made))
    assert [len(table.series[0]) for table in tables] == [90, 120]
    joined = joined_cuts(tables)
    assert joined.tests[0].origins.tolist() == [*range(60, 90), *range(91, 120)]  # 31 March is not whole
    assert joined.tests[0].forecasts[:30].tolist() == tables[0].tests[0].forecasts.tolist()
    assert joined.tests[0].stride == 1
    found = TASK.calibrate(algorithm, tables)["series"]
    assert list(found) == list(kpi)
    assert found["arrivals"]["origins"] == 59
    alone, both = (TASK.measure(algorithm, some, {}) for some in (tables[1:], tables))
    assert ("in the last 29 of 120 days" in alone.about, "in the last 60 of 120 days" in both.about) == (
        True,
        True,
    )
    if len(kpi) == 1:  # all windows of the first cut, and the whole ones of the second
        errors = [tables[0].tests[0].errors, tables[1].tests[0].errors[:-6]]
        assert both.value == pytest.approx(np.nanmean(np.abs(np.concatenate(errors))))
    # Twice the same cut says twice the same.
    twice = joined_cuts([tables[1], tables[1]]).tests[0]
    assert twice.origins.tolist() == sorted(tables[1].tests[0].origins.tolist() * 2)
    assert TASK.measure(algorithm, [tables[1], tables[1]], {}).value == pytest.approx(alone.value)


def test_a_limit_belongs_to_its_kpi() -> None:
    limited = SeasonalNaive(kpi=("arrivals", "sla-breach-rate"), sla="5d")
    written = SeasonalNaive(kpi=("arrivals", "sla-breach-rate:5d"))
    assert limited.kpis == written.kpis == written.kpi
    assert TASK.units(limited) == TASK.units(written)
    assert limited.make_encoding().kpis == written.kpis
    with pytest.raises(ValidationError, match="that is not asked for") as caught:
        SeasonalNaive(sla="5d")
    assert caught.value.hint == "add --kpi sla-breach-rate"
    with pytest.raises(ValidationError, match="soon"):
        SeasonalNaive(kpi=("sla-breach-rate",), sla="soon")
    model = Model("forecast/theta", kpi=("sla-breach-rate",), sla="1h", horizon=3)
    model.train(daily_events(40))
    assert set(model.predict().predictions["kpi"]) == {"sla-breach-rate:1h"}
    assert model.manifest_fields["hyperparameters"]["sla"] == "1h"


def test_a_pair_that_became_common_only_lately_is_not_forecast_and_named() -> None:
    events = []
    for day, date in enumerate(pd.date_range("2024-01-01", periods=70, tz="UTC")):
        for case in range(4):
            last = "C" if day >= 58 else "B"
            for step, activity in enumerate(("A", last)):
                at = date + pd.Timedelta(hours=9 + step, minutes=case)
                events.append({"case_id": f"{day}-{case}", "activity": activity, "timestamp": at})
    model = Model("forecast/seasonal-naive", kpi=("directly-follows",), horizon=7)
    remarks = model.train(events).metadata["remarks"]
    assert any("not forecast" in remark and "directly-follows:A->C" in remark for remark in remarks)
    assert set(model.predict().predictions["kpi"]) == {"directly-follows:A->B"}
    assert set(model.predict(events).predictions["kpi"]) == {"directly-follows:A->B"}

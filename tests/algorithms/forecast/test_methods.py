"""Parts of forecasters: weights, trees, windows, folds, networks, charts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli import registry
from pmlcli.algorithms.forecast import auto, theta
from pmlcli.algorithms.forecast._methods import folds
from pmlcli.algorithms.forecast._methods.windows import LENGTH, Base, make_windows, origins_of
from pmlcli.algorithms.forecast.arima import Arima
from pmlcli.algorithms.forecast.holt_winters import HoltWinters
from pmlcli.algorithms.forecast.weekday_median import WeekdayMedian
from pmlcli.encoding.series.encoding import Series
from pmlcli.errors import LogError, TrainingError
from pmlcli.render.fan_chart import fan_chart
from tests.algorithms.forecast.test_forecast import WEEK, log, noisy_weeks, series


def test_weights_fall_with_the_error_and_leave_out_the_bad() -> None:
    weights = auto.weigh({"a": 1.0, "b": 1.1, "c": 2.0})
    assert weights["a"] > weights["b"] > weights["c"] == 0
    assert sum(weights.values()) == pytest.approx(1)
    assert auto.weigh({"a": 0.0, "b": 0.0, "c": 1.0}) == {"a": 0.5, "b": 0.5, "c": 0}


def test_auto_says_its_errors_in_a_unit_and_rounded() -> None:
    errors = {"a": 123_456.0, "b": 130_000.0, "c": 432_000.0}
    learned = {"errors": errors, "weights": {"a": 0.6, "b": 0.4}}
    assert auto.reason(learned, "seconds") == (
        "mean of a 60% (error 1.43 days), b 40% (error 1.50 days); left out: c (error 5.00 days)"
    )
    alone = {"errors": {"a": 1234.5, "b": 2000}, "weights": {"a": 1.0}}
    assert auto.reason(alone, "cases") == "a alone (error 1,234 cases); left out: b (error 2,000 cases)"
    share = {"errors": {"a": 0.05}, "weights": {"a": 1.0}}
    assert auto.reason(share, "share") == "a alone (error 5.00 percentage points)"


def weighing() -> auto.Auto:
    found = registry.build("forecast/auto", {"horizon": 7})
    assert isinstance(found, auto.Auto)
    return found


def test_auto_trusts_the_weekdays_least_where_a_level_wanders() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    found = weighing().learn(series(np.maximum(200 + np.cumsum(rng.normal(0, 5, 150)), 0)))
    weights = found["weights"]
    assert weights.get("weekday-median", 0.0) < min(weights[name] for name in ("theta", "arima"))


def test_auto_keeps_what_is_close_and_the_naive_alone_where_nothing_comes_near() -> None:
    algorithm = weighing()
    assert auto.kept_weights({"seasonal-naive": 1.0, "theta": 1.11, "arima": 2.0}) == {"seasonal-naive": 1.0}
    far = auto.kept_weights({"seasonal-naive": 2.0, "theta": 1.0, "arima": 1.09, "holt-winters": 1.11})
    assert far["theta"] > far["arima"] > far["seasonal-naive"] == 0
    assert "holt-winters" not in far
    noisy = series(noisy_weeks(150) * np.linspace(1, 9, 150))
    trial = algorithm.learn(noisy.head(120))
    assert set(trial["members"]) == set(auto.MEMBERS)
    final = algorithm.learn(noisy, trial)
    close = {
        name for name, error in final["errors"].items() if error <= auto.CLOSE * min(final["errors"].values())
    }
    assert set(final["members"]) == set(final["weights"]) == close | {"seasonal-naive"} < set(auto.MEMBERS)
    assert len(algorithm.carry_on(final, noisy, 7)) == 7


def test_what_came_after_training_changes_the_weights() -> None:
    values = noisy_weeks(120)
    turned = np.concatenate((values, np.roll(values, 3)[:60] * 4))
    algorithm = weighing()
    learned = algorithm.learn(series(values))
    before = algorithm.weights_now(learned, series(values), 7)
    after = algorithm.weights_now(learned, series(turned), 7)
    assert before == learned["weights"]
    assert after["seasonal-naive"] > before["seasonal-naive"]
    asked = len(algorithm._memo)
    assert algorithm.weights_now(learned, series(turned), 7) == after
    assert len(algorithm._memo) == asked


def test_an_outlier_hardly_moves_the_weekday_median() -> None:
    values = np.resize(WEEK, 70).astype(float)
    values[45] = 1000
    found = WeekdayMedian().carry_on({}, series(values), 7)
    assert np.delete(found, 3) == pytest.approx(np.delete(WEEK, 3))
    assert found[3] < 1000 / 20


def test_theta_smooths_as_defined() -> None:
    assert theta.levels_of(np.array([4.0, 8.0, 0.0]), 0.5).tolist() == [4, 6, 3]


def test_windows_see_the_past_alone() -> None:
    data = series(noisy_weeks(60))
    origins = np.array([30, 59])
    windows = make_windows(data, origins, 7)
    changed = Series(
        data.kpi, "D", "UTC", "cases", data.starts, np.where(np.arange(60) < 30, data.values, 99.0)
    )
    again = make_windows(changed, origins, 7)
    assert (windows.inputs[0] == again.inputs[0]).all()
    assert (windows.base[0] == again.base[0]).all()
    assert windows.values(windows.targets)[0] == pytest.approx(data.values[30:37])
    assert np.isnan(windows.targets[1]).tolist() == [False] + [True] * 6
    assert origins_of(data, 10**6)[0] == LENGTH["D"] // 2
    assert len(origins_of(data, 10)) <= 10


def test_bases_out_of_fold_know_nothing_of_their_fold() -> None:
    data, seen = series(noisy_weeks(100)), []

    def learn(known: Series) -> Base:
        seen.append(len(known))
        return lambda _series, some: np.full((len(some), 2), np.sqrt(len(known)))

    origins = np.arange(10, 100)
    served, base = folds.out_of_fold(data, origins, learn, 2)
    assert served[0] == 30
    assert len(seen) == 4
    assert (base(data, served)[:, 0] ** 2 <= served + 1e-9).all()


@pytest.fixture(scope="module")
def learned_arima() -> dict[str, Any]:
    return Arima().learn(series(noisy_weeks(60)))


@pytest.mark.parametrize(
    "change",
    [{"order": [10**6, 0, 0]}, {"order": [0, -1, 0]}, {"order": [0, 0, 1.5]}, {"order": [0, True, 0]},
     {"drifts": True, "season": 10**6}, {"drifts": True, "season": "7"}],
)  # fmt: skip
def test_an_arima_model_that_training_does_not_try_is_not_made(
    change: dict[str, object], learned_arima: dict[str, Any]
) -> None:
    data = series(noisy_weeks(60))
    assert len(Arima().carry_on(learned_arima, data, 7)) == 7
    with pytest.raises(ValueError, match="training does not try"):
        Arima().carry_on(learned_arima | change, data, 7)


@pytest.mark.parametrize("season", [10**6, 25, "7", None])
def test_a_smoothing_that_training_does_not_try_is_not_made(season: object) -> None:
    data = series(noisy_weeks(60))
    algorithm, learned = HoltWinters(), HoltWinters().learn(data)
    assert len(algorithm.carry_on(learned, data, 7)) == 7
    with pytest.raises(ValueError, match="training does not try"):
        algorithm.carry_on(learned | {"season": season, "params": [0.1]}, data, 7)


def test_networks_ask_for_a_hundred_buckets() -> None:
    pytest.importorskip("torch")
    from pmlcli.algorithms.forecast.gru import Gru

    with pytest.raises(TrainingError, match="99 whole days") as caught:
        Gru.task.cuts(Gru(), log(noisy_weeks(99)))
    assert "covers 100 whole days" in str(caught.value.hint)


@pytest.mark.parametrize(("file_format", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_fan_chart_is_the_same_bytes_each_time(file_format: str, begins: bytes) -> None:
    days = pd.date_range("2024-01-01", periods=4, tz="UTC")
    bounds = {f"{side}_{level}": [1.0, 2.0] for side in ("lower", "upper") for level in (80, 95)}
    forecast = pd.DataFrame({"timestamp": days[2:], "kpi": "activity:a$b$", "value": [1.0, 2.0], **bounds})
    recent = {"starts": [day.isoformat() for day in days[:2]], "values": [3.0, 4.0]}
    known = {"activity:a$b$": {"kpi_unit": "events", "recent": recent}}
    drawn = fan_chart(known, forecast, file_format)
    assert drawn.startswith(begins)
    assert drawn == fan_chart(known, forecast, file_format)


def test_a_holiday_is_forecast_like_a_sunday() -> None:
    pytest.importorskip("holidays")
    data = series(np.resize(WEEK, 119))  # ends on 28 April 2024, a Sunday; 1 May is a Wednesday
    algorithm = WeekdayMedian(holidays="DE", horizon=4)
    encoded = replace(data, exogenous=algorithm.make_encoding().exogenous)
    algorithm.fit((encoded,))
    assert algorithm.forecast(encoded, 4).tolist() == [12, 10, 1, 11]
    durations = replace(encoded, kpi="cycle-time")
    algorithm.fit((durations,))
    assert algorithm.forecast(durations, 4).tolist() == [12, 10, 9, 11]


def test_dates_beyond_prophets_nanoseconds_are_told() -> None:
    prophet = pytest.importorskip("pmlcli.algorithms.forecast.prophet").ProphetForecaster()
    found = series(noisy_weeks(30))
    far = replace(found, starts=found.starts + 300 * 365 * 86_400 * 1_000_000)
    with pytest.raises(LogError, match="Prophet cannot handle dates after 2261, but this series ends at 23"):
        prophet.learn(far)

"""A forecast of several KPIs is judged one by one too, and a series that hardly moves drowns none."""

from __future__ import annotations

import pytest

from pmlcli import Model
from tests.contract.cases import daily_events

KPIS = ("arrivals", "events", "cycle-time")


@pytest.fixture(scope="module")
def metrics() -> dict[str, dict[str, object]]:
    """Of arrivals and events, which have a weekly rhythm, and of cycle times, which are all but constant."""
    events = daily_events(500)
    late = next(
        event for event in events if event["case_id"] == "20240503-2" and event["activity"] == "Close"
    )
    late["timestamp"] = late["timestamp"].replace(second=1)
    model = Model("forecast/weekday-median", kpi=KPIS, horizon=7)
    return dict(model.train(events).metrics)


def test_each_kpi_has_a_figure_an_interval_and_a_verdict(metrics):
    assert list(metrics) == ["mase", *(f"mae of {kpi}" for kpi in KPIS)]
    for name, one in metrics.items():
        assert one["metric"] == name
        assert one["verdict"] in ("better", "worse", "no better", "unclear")
    assert [metrics[f"mae of {kpi}"]["unit"] for kpi in KPIS[:2]] == ["cases", "events"]
    assert metrics["mae of arrivals"]["verdict"] == "better"
    assert metrics["mae of arrivals"]["lower"] < metrics["mae of arrivals"]["upper"] < 0


def test_the_pooled_verdict_says_in_words_which_are_better(metrics):
    told = metrics["mase"]["because"][-1]
    assert told.startswith("one by one, better: arrivals, events")
    assert "cycle-time" in told


def test_a_series_that_hardly_moves_is_said_and_not_pooled(metrics):
    assert 0 < metrics["mase"]["value"] < 2
    assert "2 series" in metrics["mase"]["about"]
    assert "hardly moves" in metrics["mae of cycle-time"]["about"]
    assert "hardly moves" not in metrics["mae of arrivals"]["about"]


def test_one_kpi_has_one_verdict():
    model = Model("forecast/weekday-median", kpi=("arrivals",), horizon=7)
    assert list(model.train(daily_events(100)).metrics) == ["mae"]


def test_a_baseline_says_no_words():
    model = Model("forecast/seasonal-naive", kpi=KPIS[:2], horizon=7)
    found = model.train(daily_events(100)).metrics
    assert {one["verdict"] for one in found.values()} == {"is the baseline"}
    assert all(not one["because"] for one in found.values())

"""Where the case of each prediction stands, and that every task's flags and risks are columns it gives."""

from __future__ import annotations

import pandas as pd
import pytest

from pmlcli import Model, PredictRequest, registry
from pmlcli.lifecycle.situation import beside
from tests.logs import purchase_events

BASELINES = sorted({registry.find(name).task.baseline for name in registry.names()})
DAY = pd.Timedelta(days=1)


def events(cases: int = 60, seed: int = 0) -> pd.DataFrame:
    table = pd.DataFrame(purchase_events(cases, seed))
    table["timestamp"] = pd.to_datetime(table["timestamp"], utc=True)
    table["due"] = table.groupby("case_id")["timestamp"].transform("min") + 3 * DAY
    return table.sort_values(["case_id", "timestamp"], kind="stable", ignore_index=True)


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    made = {}
    for name in BASELINES:
        given = {"outcome": {"slower_than": "2d"}, "forecast": {"horizon": 2, "frequency": "H"}}
        made[name] = Model(name, **given.get(name.partition("/")[0], {}))
        made[name].train(events())
    return made


@pytest.mark.parametrize("name", BASELINES)
def test_what_a_task_calls_a_flag_or_a_risk_is_a_column_of_its_predictions(
    models: dict[str, Model], name: str
) -> None:
    model = models[name]
    task = model.algorithm.task
    more = {"due": "due", "sla": 86_400.0} if task.name == "remaining-time" else {}
    more = {"due": "due"} if task.name == "suffix" else more
    table = model.predict(events(20, 1), request=PredictRequest(cases="all", **more)).predictions
    assert {name.removeprefix("-") for name in task.risks} <= {*table.columns}
    assert {*task.flags} <= {*table.columns}
    assert all(table[name].dtype == bool for name in task.flags)
    assert (task.risk_of(table) is None) is (not task.is_about_cases)


@pytest.mark.parametrize("name", ["next-activity/ngram", "anomaly/variant-frequency"])
def test_a_case_stands_where_its_last_event_left_it(models: dict[str, Model], name: str) -> None:
    log = events(20, 1)
    result = models[name].predict(log, request=PredictRequest(cases="all"))
    assert result.situations is not None
    last = log.groupby("case_id").last().loc[result.predictions["case_id"]]
    began = log.groupby("case_id")["timestamp"].min().loc[result.predictions["case_id"]]
    assert result.situations["current_activity"].tolist() == last["activity"].tolist()
    assert result.situations["current_resource"].tolist() == last["resource"].tolist()
    expected = ((last["timestamp"] - began) / DAY).to_numpy()
    assert result.situations["age_days"].to_numpy() == pytest.approx(expected)
    names = list(beside(result.predictions, result.situations).columns)
    assert names.index("current_activity") == names.index("case_id") + (2 if "prefix_length" in names else 1)


def test_a_prefix_stands_at_its_own_last_event(models: dict[str, Model]) -> None:
    log = events(20, 1)
    result = models["next-activity/ngram"].predict(log, request=PredictRequest(every_prefix=True))
    assert result.situations is not None
    keyed = log.assign(prefix_length=log.groupby("case_id").cumcount() + 1)
    found = pd.concat([result.predictions[["case_id", "prefix_length"]], result.situations], axis=1)
    both = found.merge(keyed, on=["case_id", "prefix_length"], validate="1:1")
    assert len(both) == len(log)
    assert (both["current_activity"] == both["activity"]).all()
    assert (both["current_resource"] == both["resource"]).all()


def test_an_event_has_its_own_resource_and_age() -> None:
    model = Model("anomaly/temporal-profile")
    model.train(events())
    result = model.predict(events(10, 1), request=PredictRequest(level="event"))
    assert result.situations is not None
    assert list(result.situations.columns) == ["current_resource", "age_days"]
    first = result.predictions["event_index"] == 0
    assert (result.situations["age_days"][first] == 0).all()
    assert (result.situations["age_days"][~first] > 0).any()


def test_a_running_case_ages_until_the_moment_that_is_asked_for(models: dict[str, Model]) -> None:
    log = events(40, 1)
    moment = log["timestamp"].sort_values().iloc[len(log) // 2]
    result = models["next-activity/ngram"].predict(log, request=PredictRequest(as_of=moment.isoformat()))
    assert result.situations is not None
    assert len(result.predictions) > 3
    began = log.groupby("case_id")["timestamp"].min().loc[result.predictions["case_id"]]
    assert result.situations["age_days"].to_numpy() == pytest.approx(((moment - began) / DAY).to_numpy())
    known = log[log["timestamp"] <= moment].groupby("case_id").last()["activity"]
    assert result.situations["current_activity"].tolist() == known[result.predictions["case_id"]].tolist()


def test_what_the_log_has_not_is_left_out() -> None:
    plain = [{"case_id": e["case_id"], "activity": e["activity"]} for e in purchase_events(30)]
    model = Model("next-activity/ngram")
    model.train(plain)
    result = model.predict(plain, request=PredictRequest(cases="all"))
    assert result.situations is not None
    assert list(result.situations.columns) == ["current_activity"]


def test_a_forecast_is_about_no_case(models: dict[str, Model]) -> None:
    result = models["forecast/seasonal-naive"].predict()
    assert result.situations is None
    assert beside(result.predictions, None) is result.predictions


def test_the_digest_is_that_of_the_directory(models: dict[str, Model], tmp_path) -> None:  # type: ignore[no-untyped-def]
    model = models["next-activity/ngram"]
    saved = model.save(tmp_path / "m", check=False)
    for one in (model, Model.load(tmp_path / "m"), Model.load(tmp_path / "m", trusted=True)):
        assert (
            one.predict(events(5), request=PredictRequest(cases="all")).metadata["root_digest"]
            == saved.root_digest
        )

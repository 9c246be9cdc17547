"""Due dates by a column of the log: every way in which a log may say them, and the risk of being late."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmlcli import Model, ReadOptions, read_log, write_log
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import LogError, PredictionError, ValidationError
from tests.logs import purchase_events

ALL = PredictRequest(cases="all", every_prefix=True)
SLA = pd.Timedelta(days=3)
Ways = dict[str, Callable[["pd.Series[pd.Timestamp]"], "pd.Series[str]"]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    trained = Model("remaining-time/median")
    trained.train(purchase_events(80))
    trained.save(tmp_path_factory.mktemp("models") / "m", check=False)
    return trained


def events(cases: int = 20) -> pd.DataFrame:
    """A log whose cases are due three days after they began."""
    table = pd.DataFrame(purchase_events(cases, seed=1))
    table["timestamp"] = pd.to_datetime(table["timestamp"], utc=True)
    table["due"] = table.groupby("case_id")["timestamp"].transform("min") + SLA
    return table


WAYS: Ways = {
    "times": lambda due: due,  # type: ignore[dict-item]
    "iso": lambda due: due.map(pd.Timestamp.isoformat),
    "without a zone": lambda due: due.dt.strftime("%Y-%m-%d %H:%M:%S.%f"),
    "another zone": lambda due: due.dt.tz_convert("Asia/Tokyo").map(pd.Timestamp.isoformat),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_risk_of_being_late_is_that_of_a_breach_of_the_same_length(model: Model, way: str) -> None:
    log = events()
    log["due"] = WAYS[way](log["due"])
    table = model.predict(log, request=ALL.with_(due="due", sla=SLA.total_seconds())).predictions
    np.testing.assert_allclose(table["late_probability"], table["sla_breach_probability"], atol=1e-12)
    assert 0 < table["is_late"].sum() < len(table)
    assert (table["is_late"] == (table["expected_end"] > table["due"])).all()
    assert list(table.columns[-3:]) == ["due", "late_probability", "is_late"]
    assert model.algorithm.task.units_of(model.algorithm, ["late_probability"]) == {
        "late_probability": "share"
    }


def test_a_date_lasts_until_its_end_in_the_log_s_zone(model: Model) -> None:
    log = events()
    log["due"] = log["due"].dt.strftime("%Y-%m-%d")
    log["timestamp"] = log["timestamp"].dt.tz_localize(None).astype(str)
    read = read_log(log, ReadOptions(timezone="America/New_York"))
    table = model.predict(read, request=ALL.with_(due="due")).predictions
    ends = table["due"].dt.tz_convert("America/New_York")
    assert (ends == ends.dt.normalize()).all()
    day_before = (ends - pd.Timedelta(hours=1)).dt.strftime("%Y-%m-%d")
    assert (day_before.to_numpy() == read.frame["due"].astype(str).to_numpy()).all()


def test_a_case_knows_its_due_date_from_the_event_on_that_says_it(model: Model) -> None:
    log = events()
    place = log.groupby("case_id").cumcount()
    log.loc[place != 1, "due"] = pd.NaT
    log.loc[log["case_id"] == log["case_id"].iloc[0], "due"] = pd.NaT
    table = model.predict(log, request=ALL.with_(due="due")).predictions
    is_known = (table["prefix_length"] >= 2) & (table["case_id"] != log["case_id"].iloc[0])
    assert (table["due"].notna() == is_known).all()
    assert (table["late_probability"].notna() == is_known).all()
    assert not table["is_late"][~is_known].any()


def test_a_column_of_the_case_is_named_with_or_without_its_prefix(model: Model, tmp_path: Path) -> None:
    write_log(read_log(events().rename(columns={"due": "case:due"})), tmp_path / "log.xes")
    found = [
        model.predict(tmp_path / "log.xes", request=ALL.with_(due=name)).predictions
        for name in ("due", "case:due")
    ]
    assert found[0].equals(found[1])
    assert found[0]["due"].notna().all()


def test_a_case_that_is_past_its_date_and_still_runs_is_late(model: Model) -> None:
    log = events(40)
    as_of = log["timestamp"].sort_values().iloc[len(log) // 2]
    log["due"] = as_of - pd.Timedelta(hours=1)
    table = model.predict(log, request=PredictRequest(as_of=as_of.isoformat(), due="due")).predictions
    assert len(table)
    assert (table["late_probability"] == 1).all()
    assert table["is_late"].all()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (lambda log: log.index, "holds other than times"),
        (lambda log: ["soon"] * len(log), "'soon'"),
        (lambda log: ["2024-01-31"] * (len(log) - 1) + ["31 Foo"], "'31 Foo'"),
        (lambda log: ["01/02/2024"] * len(log), "holds other than times"),
    ],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_a_column_without_times_is_an_error_about_the_log(
    model: Model, tmp_path: Path, values: Callable[[pd.DataFrame], list[str]], said: str, trusted: bool
) -> None:
    model.save(tmp_path / "m", check=False)
    log = events(5)
    log["due"] = values(log)
    with pytest.raises(LogError, match=said):
        Model.load(tmp_path / "m", trusted=trusted).predict(log, request=ALL.with_(due="due"))


def test_an_unknown_column_lists_those_that_there_are(model: Model) -> None:
    with pytest.raises(LogError, match="no column 'duee'") as error:
        model.predict(events(5), request=ALL.with_(due="duee"))
    assert "did you mean 'due'" in str(error.value.hint)
    assert "resource" in str(error.value.hint)


def test_a_confined_model_says_the_same(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "m", check=False)
    log = events(10)
    log.loc[log["case_id"] == log["case_id"].iloc[0], "due"] = pd.NaT
    request = ALL.with_(due="due")
    assert Model.load(tmp_path / "m").predict(log, request=request) == model.predict(log, request=request)


def test_a_suffix_says_whether_its_end_is_late() -> None:
    suffix = Model("suffix/medoid")
    suffix.train(purchase_events(80))
    table = suffix.predict(events(), request=ALL.with_(due="due")).predictions
    assert list(table.columns[-2:]) == ["due", "is_late"]
    assert 0 < table["is_late"].sum() < len(table)


def test_tasks_that_foresee_no_end_have_no_due_date() -> None:
    other = Model("next-activity/ngram")
    other.train(purchase_events(40))
    with pytest.raises((ValidationError, PredictionError), match="has no 'due'"):
        other.predict(events(3), request=ALL.with_(due="due"))

"""A model that took over its process chooses neither rows nor columns of an answer, nor whom to blame."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pandas as pd
import pytest

from pmlcli import Model, read_log
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import LogError, PmlError, PredictionError, UntrustedArtifactError, ValidationError
from pmlcli.eventlog.log import EventLog
from pmlcli.lifecycle import asking
from pmlcli.lifecycle.answer import Answer
from tests.contract.cases import QUICK, daily_events
from tests.logs import purchase_events

ALL = PredictRequest(cases="all")
EVERY = PredictRequest(cases="all", every_prefix=True)
ISOLATED = pytest.mark.parametrize("isolated", [True, False])


@cache
def trained(name: str) -> Model:
    model = Model(name, **QUICK.get(name, {}))
    model.train(daily_events(40) if name.startswith("forecast") else purchase_events(40))
    return model


@cache
def log() -> EventLog:
    return read_log(purchase_events(12, seed=1))


def loaded(name: str, place: Any, *, isolated: bool) -> Model:
    return Model.load(trained(name).save(place / "model").path, trusted=not isolated)


def renamed(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns={"probability": "case:concept:name"})


def with_cells(**cells: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The table with other first cells."""

    def changed(table: pd.DataFrame) -> pd.DataFrame:
        table = table.copy()
        for column, value in cells.items():
            table.loc[0, column] = value
        return table

    return changed


CHANGES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "a column more": lambda table: table.assign(extra="x"),
    "a column less": lambda table: table.drop(columns="probability"),
    "a column of another name": renamed,
    "another order": lambda table: table[table.columns[::-1]],
    "a row less": lambda table: table.iloc[:-1],
    "no row": lambda table: table.iloc[:0],
    "a row twice": lambda table: pd.concat([table, table.iloc[:1]], ignore_index=True),
    "a case twice": lambda table: pd.concat([table.iloc[:-1], table.iloc[:1]], ignore_index=True),
    "a case of no log": with_cells(case_id="nobody's"),
    "a prefix of no event": with_cells(prefix_length=0),
    "a prefix of too many events": with_cells(prefix_length=10**6),
    "prefixes in halves": lambda table: table.assign(prefix_length=table["prefix_length"] + 0.5),
    "text for a number": lambda table: table.assign(probability="high"),
    "a number for text": lambda table: table.assign(next_activity=1.0),
}


@ISOLATED
@pytest.mark.parametrize("change", CHANGES)
def test_a_table_of_another_form_is_refused(
    change: str, isolated: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded("next-activity/ngram", tmp_path, isolated=isolated)
    honest = asking.table

    def lying(*asked: Any) -> Answer:
        given = honest(*asked)
        return given._replace(table=CHANGES[change](given.table))

    assert len(model.predict(log(), request=ALL).predictions) == 12
    monkeypatch.setattr(asking, "table", lying)
    with pytest.raises(UntrustedArtifactError, match="malformed") as caught:
        model.predict(log(), request=ALL)
    assert caught.value.exit_code == 5


UNSEEN = {
    "a column that the log lacks": {"\x1b[31m": {"events": 1, "examples": [], "similar": {}}},
    "more events than there are": {"activity": {"events": 10**60, "examples": [], "similar": {}}},
    "no event": {"activity": {"events": 0, "examples": [], "similar": {}}},
    "a value that the log lacks": {"activity": {"events": 1, "examples": ["x" * 1000], "similar": {}}},
    "a known value that looks like none": {
        "activity": {"events": 1, "examples": [], "similar": {"Create Order": "buy at evil.example"}}
    },
    "a value that the log lacks, alike": {
        "activity": {"events": 1, "examples": [], "similar": {"secret": "Secret"}}
    },
    "more examples than are told": {
        "activity": {"events": 9, "examples": ["Create Order"] * 6, "similar": {}}
    },
}


@pytest.mark.parametrize("odd", UNSEEN)
def test_unseen_values_that_the_log_does_not_hold_are_refused(
    odd: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded("next-activity/ngram", tmp_path, isolated=True)
    honest = asking.table
    monkeypatch.setattr(asking, "table", lambda *a: honest(*a)._replace(unseen=UNSEEN[odd]))
    with pytest.raises(UntrustedArtifactError, match="unseen values"):
        model.predict(log(), request=ALL)


def failing(error: PmlError) -> Callable[..., Answer]:
    def fail(*_: Any) -> Answer:
        raise error

    return fail


@ISOLATED
@pytest.mark.parametrize("kind", [ValidationError, LogError])
def test_no_error_about_options_or_a_log_that_nobody_gave(
    kind: type[PmlError], isolated: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded("forecast/seasonal-naive", tmp_path, isolated=isolated)
    monkeypatch.setattr(asking, "table", failing(kind("yours, not mine")))
    with pytest.raises(PredictionError, match="cannot be used .yours, not mine") as caught:
        model.predict()
    assert caught.value.exit_code == 4


@ISOLATED
def test_an_error_about_the_log_that_was_given_stays_one(
    isolated: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded("next-activity/ngram", tmp_path, isolated=isolated)
    monkeypatch.setattr(asking, "table", failing(LogError("line 3", code="log.x")))
    with pytest.raises(LogError, match="line 3"):
        model.predict(log(), request=ALL)
    monkeypatch.setattr(asking, "table", failing(ValidationError("--level is wrong")))
    with pytest.raises(PredictionError, match="level is wrong"):
        model.predict(log(), request=ALL)


WISHES = [
    ("anomaly/variant-frequency", PredictRequest(level="event"), "level"),
    ("anomaly/variant-frequency", PredictRequest(fdr=2.0), "fdr is 2.0"),
    ("forecast/seasonal-naive", PredictRequest(horizon=400), "horizon"),
    ("next-activity/ngram", PredictRequest(as_of="yesterday"), "as_of"),
    ("next-activity/ngram", PredictRequest(candidates=0), "candidates"),
]


@pytest.mark.parametrize(("name", "request_", "told"), WISHES)
def test_what_cannot_be_asked_is_a_usage_error_before_a_model_is_asked(
    name: str, request_: PredictRequest, told: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded(name, tmp_path, isolated=True)
    monkeypatch.setattr(asking, "ask", failing(PredictionError("asked")))
    with pytest.raises(ValidationError, match=told):
        model.predict(None if name.startswith("forecast") else log(), request=request_)


def test_without_the_log_that_it_needs_it_is_not_asked(tmp_path: Any) -> None:
    model = loaded("next-activity/ngram", tmp_path, isolated=True)
    with pytest.raises(ValidationError, match="predicts for an event log") as caught:
        model.predict()
    assert caught.value.exit_code == 2


def test_a_regressor_that_is_missing_is_told_as_one(tmp_path: Any) -> None:
    asked = PredictRequest(regressors=_regressors())
    model = loaded("forecast/seasonal-naive", tmp_path, isolated=True)
    with pytest.raises(ValidationError, match="without exogenous columns"):
        model.predict(request=asked)


def _regressors() -> Any:
    from pmlcli.encoding.series.regressors import Regressors

    dates = pd.date_range("2024-03-01", periods=3).as_unit("us").asi8
    return Regressors(("price",), dates, dates[:, None].astype(float))

"""Prophet's JSON is read only when it is what training writes."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("prophet")

from pmlcli import Model
from pmlcli.algorithms._interface.task import Fitted
from pmlcli.algorithms.forecast._prophet_text import LONGEST, check, check_all
from pmlcli.algorithms.forecast._request import ForecastRequest
from pmlcli.errors import PersistenceError, PmlError, PredictionError
from pmlcli.lifecycle.artifacts import used
from tests.contract.cases import trained

Document = dict[str, Any]


def learned() -> Document:
    (one,) = trained("forecast/prophet").algorithm.state()["learned_"].values()
    found: Document = one
    return found


def with_value(*path: Any, to: Any) -> Callable[[Document], Any]:
    def change(model: Document) -> None:
        place = model
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


def in_text(name: str, change: Callable[[Any], Any]) -> Callable[[Document], Any]:
    """One of the texts of JSON within the JSON, changed."""

    def apply(model: Document) -> None:
        inner = json.loads(model[name])
        change(inner)
        model[name] = json.dumps(inner)

    return apply


WEEKLY = ("seasonalities", 1, "weekly")
REGRESSOR = {"prior_scale": 10.0, "standardize": "auto", "mu": 0.0, "std": 1.0, "mode": "additive"}
UNTRAINED: dict[str, Callable[[Document], Any]] = {
    "waves without end": with_value(*WEEKLY, "fourier_order", to=10**7),
    "one wave more": with_value(*WEEKLY, "fourier_order", to=4),
    "waves in text": with_value(*WEEKLY, "fourier_order", to="3"),
    "a season of its own": with_value("seasonalities", to=[["x"], {"x": {"fourier_order": 1, "period": 1}}]),
    "a season that is a list": with_value("seasonalities", 1, "weekly", to=[]),
    "seasons that are not named": with_value("seasonalities", 0, to=[]),
    "no period": with_value(*WEEKLY, "period", to=0),
    "a period that is no number": with_value(*WEEKLY, "period", to=1e400),
    "a condition": with_value(*WEEKLY, "condition_name", to="x"),
    "samples without end": with_value("uncertainty_samples", to=10**8),
    "samples that are true": with_value("uncertainty_samples", to=False),
    "a Markov chain": with_value("mcmc_samples", to=1000),
    "another growth": with_value("growth", to="logistic"),
    "holidays of a country": with_value("country_holidays", to="NL"),
    "a country that is a list": with_value("country_holidays", to=["NL"]),
    "a regressor": with_value("extra_regressors", to=[["x"], {"x": REGRESSOR}]),
    "a regressor that predicts itself": with_value(
        "extra_regressors", to=[["exogenous_0"], {"exogenous_0": REGRESSOR | {"predictor": "x"}}]
    ),
    "bends without end": with_value("changepoints_t", to=[0.1] * 10**5),
    "bends fewer than changes": with_value("changepoints_t", to=[0.1]),
    "bends that are texts": with_value("changepoints_t", to=["a"]),
    "an unknown parameter": with_value("params", "x", to=[[1.0]]),
    "rows of parameters": with_value("params", "beta", to=[[0.0]] * 1000),
    "a parameter of text": with_value("params", "k", to=[["x"]]),
    "no slope": lambda model: model["params"].pop("k"),
    "a start that is text": with_value("start", to="x"),
    "history that is deep": with_value("history", to="[" * 10**5 + "]" * 10**5),
    "history that is no text": with_value("history", to=5),
    "history that is too long": in_text("history", lambda found: found.update(data=[{}] * (LONGEST + 1))),
    "history with a zone": in_text(
        "history", lambda found: found["schema"]["fields"][0].update(tz="../../etc/passwd")
    ),
    "history without a schema": in_text("history", lambda found: found.pop("schema")),
    "dates that are no list": in_text("history_dates", lambda found: found.update(data={})),
    "components without end": in_text("train_component_cols", lambda found: found.update(data=[{}] * 5000)),
}


@pytest.mark.parametrize("name", UNTRAINED)
def test_a_model_that_no_training_gives_is_refused(name: str) -> None:
    model = json.loads(learned()["model"])
    check({"model": json.dumps(model)}, None)
    UNTRAINED[name](model)
    with pytest.raises(PersistenceError) as caught:
        check({"model": json.dumps(model)}, None)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("odd", [None, [], {}, {"model": 5}, {"model": "["}, {"model": "[]"}, {"x": "{}"}])
def test_anything_else_is_refused(odd: Any) -> None:
    with pytest.raises(PersistenceError):
        check(odd, None)
    with pytest.raises(PersistenceError):
        check_all([odd], None)
    with pytest.raises(PersistenceError):
        check_all({"arrivals": odd}, None)


@pytest.mark.parametrize("name", ["forecast/prophet", "forecast/prophet-xgboost"])
def test_it_is_checked_when_it_is_loaded(name: str, tmp_path: Any) -> None:
    found = trained(name)
    key = "learned_" if name == "forecast/prophet" else "bases_"
    state = json.loads(json.dumps({key: found.algorithm.state()[key]}))
    model = json.loads(state[key]["arrivals"]["model"])
    model["uncertainty_samples"] = 10**8
    state[key]["arrivals"]["model"] = json.dumps(model)
    again = Model(name, **found.algorithm.parameters())
    with pytest.raises(PmlError, match="uncertainty_samples"):
        again.algorithm.restore(found.algorithm.state() | state)


def test_whatever_the_library_raises_is_about_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    model = json.loads(learned()["model"])
    model["params"]["beta"] = [[0.0] * 3]
    algorithm = trained("forecast/prophet").algorithm
    odd = {"arrivals": {"model": json.dumps(model)}}
    check(odd["arrivals"], None)
    monkeypatch.setattr(algorithm, "learned_", odd)
    fitted = Fitted(algorithm, algorithm.make_encoding())
    with pytest.raises(PredictionError, match="cannot be used") as caught, used(foreign=True):
        algorithm.task.predict_without_log(fitted, ForecastRequest())
    cause = caught.value.__cause__
    assert cause is not None
    assert "prophet" in traceback.extract_tb(cause.__traceback__)[-1].filename
    assert caught.value.exit_code == 4

"""Every algorithm trains on logs of the shapes of real ones, and answers alike once saved and loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

from pmlcli import registry
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import LogError, TrainingError
from pmlcli.lifecycle.model import Model
from tests.contract.cases import QUICK, is_installed
from tests.contract.shapes import ABOUT_CASES, SHAPES

QUICKER: dict[str, Any] = {
    "cuts": 1,
    "max_epochs": 1,
    "hidden_size": 8,
    "n_estimators": 5,
    "draws": 4,
    "horizon": 7,
}
OUTCOMES = {"one activity": 'count("Only") > 2', "cases of one event": 'count("Check") > 0'}
REFUSED: dict[tuple[str, str], str] = {
    ("no attribute", "anomaly/resource"): "resource",
    ("cases of one event", "outcome"): "settled by their first event",
    ("cases of one event", "remaining-time"): "no remaining time to learn from",
}
"""By shape, and task or algorithm: what the error says."""


def pairs() -> list[tuple[str, str]]:
    forecasts = [name for name in registry.names() if name.startswith("forecast/")]
    return [
        (name, shape)
        for name in registry.names()
        for shape in SHAPES
        if (name not in forecasts or shape not in ABOUT_CASES)
    ]


def untrained(name: str, shape: str) -> Model:
    known = {parameter.name for parameter in registry.card(name).parameters}
    given = QUICK.get(name, {}) | {key: value for key, value in QUICKER.items() if key in known}
    if (name, shape) == ("remaining-time/ensemble", "a case of 5,000"):
        given["members"] = ("boosting",)  # it has no setting that makes its network train less
    if name.startswith("outcome/"):
        given["rule"] = OUTCOMES.get(shape, 'count("Check") > 1')
        if shape == "200 activities":
            given["rule"] = 'count("activity 3") > 0'
        if shape == "odd names":
            given["rule"] = 'count("two words") > 0'
    return Model(name, **given)


@pytest.mark.parametrize(("name", "shape"), pairs())
def test_it_answers_alike_once_saved_and_loaded(name: str, shape: str, tmp_path: Path) -> None:
    if not is_installed(name):
        pytest.skip(f"the extra '{registry.card(name).extra}' is not installed")
    model, events = untrained(name, shape), SHAPES[shape]()
    expected_error = REFUSED.get((shape, name)) or REFUSED.get((shape, registry.card(name).task))
    if expected_error:
        with pytest.raises((LogError, TrainingError), match=expected_error) as caught:
            model.train(events)
        assert caught.value.hint
        return
    model.train(events)
    loaded = Model.load(model.save(tmp_path / "model").path)
    request = PredictRequest(cases="all")
    found = loaded.predict(events, request=request).predictions
    assert len(found) > 0
    assert_frame_equal(found, model.predict(events, request=request).predictions, check_exact=True)
    assert loaded.replay().largest == 0

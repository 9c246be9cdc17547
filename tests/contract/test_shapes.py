"""Every algorithm trains on logs of the shapes of real ones, and answers alike once saved and loaded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from pmlcli import registry
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import LogError, TrainingError
from pmlcli.eventlog import read_log
from pmlcli.lifecycle.model import Model
from tests.contract.cases import CHEAP, QUICK, is_installed
from tests.contract.shapes import SHAPES

QUICKER: dict[str, Any] = {
    "cuts": 1,
    "max_epochs": 1,
    "hidden_size": 8,
    "n_estimators": 5,
    "draws": 4,
    "horizon": 7,
}
LONG = "a case of 5,000"
OUTCOMES = {"one activity": 'count("Only") > 2', "cases of one event": 'count("Check") > 0'}
REFUSED: dict[tuple[str, str], str] = {
    ("no attribute", "anomaly/resource"): "resource",
    ("cases of one event", "outcome"): "settled by their first event",
    ("cases of one event", "remaining-time"): "no remaining time to learn from",
}
"""By shape, and task or algorithm: what the error says."""


def pairs() -> list[tuple[str, str]]:
    """All, but that forecasters meet the series that all shapes share once, the cheapest of them aside."""
    return [
        (name, shape)
        for name in registry.names()
        for shape in SHAPES
        if not name.startswith("forecast/") or name == CHEAP["forecast"] or shape == LONG
    ]


def untrained(name: str, shape: str) -> Model:
    known = {parameter.name for parameter in registry.card(name).parameters}
    given = QUICK.get(name, {}) | {key: value for key, value in QUICKER.items() if key in known}
    if (name, shape) == ("remaining-time/ensemble", LONG):
        given["members"] = ("boosting",)  # it has no setting that makes its network train less
    if name.startswith("outcome/"):
        given["rule"] = OUTCOMES.get(shape, 'count("Check") > 1')
        if shape == "200 activities":
            given["rule"] = 'count("activity 3") > 0'
        if shape == "odd names":
            given["rule"] = 'count("two words") > 0'
    return Model(name, **given)


def test_to_a_forecaster_all_shapes_are_the_same_series() -> None:
    def seen(shape: str) -> str:
        log = read_log(SHAPES[shape]())
        return repr(registry.build(CHEAP["forecast"], {}).make_encoding().fit(log).transform(log))

    with np.printoptions(threshold=sys.maxsize):
        assert len({seen(shape) for shape in SHAPES}) == 1


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
    # What a save tries in an interpreter of its own is tried below, and for each algorithm elsewhere.
    loaded = Model.load(model.save(tmp_path / "model", check=False).path)
    request = PredictRequest(cases="all")
    found = loaded.predict(events, request=request).predictions
    assert len(found) > 0
    assert_frame_equal(found, model.predict(events, request=request).predictions, check_exact=True)
    assert loaded.replay().largest == 0

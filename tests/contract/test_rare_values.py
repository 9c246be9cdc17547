"""What is said of an attribute's rarer values is true: training may have seen them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.encoding.vocabulary import COMMON_VALUES
from pmlcli.lifecycle.model import Model
from tests.contract.cases import is_installed

MODELS = {
    "outcome/logistic": {"outcome_activity": "c"},
    "next-activity/linear": {},
    "remaining-time/boosting": {},
    "anomaly/isolation-forest": {"categorical_features": ("kind",)},
}


def events(values: int) -> list[dict[str, Any]]:
    begin = pd.Timestamp("2024-01-01", tz="UTC")
    return [
        dict(
            case_id=f"k{i:03}",
            activity=activity,
            timestamp=begin + pd.Timedelta(hours=5 * i + step),
            kind=f"v{(i + 7 * step) % values:03}",
        )
        for i in range(150)
        for step, activity in enumerate(("a", "b" if i % 3 else "c", "d"))
    ]


def kind_warnings(model: Model, log: list[dict[str, Any]]) -> list[str]:
    found = model.predict(log, request=PredictRequest(cases="all"))
    return [warning for warning in found.metadata["warnings"] if "'kind'" in warning]


@pytest.mark.parametrize("name", MODELS)
def test_of_rarer_values_nobody_says_that_training_never_saw_them(name: str) -> None:
    if not is_installed(name):
        pytest.skip(f"{name} needs an extra")
    many, few = events(COMMON_VALUES + 10), events(COMMON_VALUES - 10)
    model = Model(name, **MODELS[name])
    model.train(many)
    [warning] = kind_warnings(model, many)
    assert f"none of the {COMMON_VALUES} that the model knows" in warning
    model = Model(name, **MODELS[name])
    model.train(few)
    assert kind_warnings(model, few) == []
    [warning] = kind_warnings(model, [*few[:-1], few[-1] | {"kind": "new"}])
    assert "training never saw ('new')" in warning

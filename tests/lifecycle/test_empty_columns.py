"""A column that training had values in and a new log has none of is named, whatever the task."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from pmlcli import registry
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import LogError
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, TIMESTAMP
from pmlcli.lifecycle.model import Model
from tests.contract.cases import daily_events
from tests.logs import purchase_events

MODELS: dict[str, dict[str, Any]] = {
    "anomaly/isolation-forest": {"n_estimators": 5},
    "anomaly/likelihood": {},
    "forecast/weekday-median": {"kpi": ("resource-load:Ann",)},
    "next-activity/linear": {},
    "outcome/logistic": {"outcome_activity": "Change Order"},
    "remaining-time/survival": {},
    "suffix/medoid": {},
}
ASKED = PredictRequest(cases="all")


def events(name: str, cases: int = 60, seed: int = 0) -> list[dict[str, Any]]:
    """Events with an attribute of each type."""
    made = daily_events(cases, seed) if name.startswith("forecast/") else purchase_events(cases, seed)
    for i, event in enumerate(made):
        event.setdefault("resource", "Ann")
        event |= {"kind": "ab"[i % 2], "urgent": i % 3 == 0, "amount": float(i % 7), "region": f"r{i % 4}"}
        event["due"] = event[TIMESTAMP] + pd.Timedelta(days=i % 5)
    return made


def warned(model: Model, log: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    found = model.predict(log, request=ASKED).metadata
    return found["empty_columns"], [told for told in found["warnings"] if "no event has a value of" in told]


def test_every_task_is_walked() -> None:
    assert {name.partition("/")[0] for name in MODELS} == set(registry.tasks())


@pytest.mark.parametrize("name", MODELS)
def test_a_column_without_values_is_named(name: str) -> None:
    model = Model(name, **MODELS[name])
    model.train(events(name))
    needed = set(model.manifest_fields["input_schema"]["required"]) - {CASE_ID, ACTIVITY, TIMESTAMP}
    new = events(name, seed=1)
    assert warned(model, new) == ([], [])
    for column in needed:
        empty, told = warned(model, [event | {column: None} for event in new])
        assert empty == [column]
        assert len(told) == 1 and f"no event has a value of '{column}'" in told[0]
        # one value is one: that some are missing is no matter
        assert warned(model, [new[0], *(event | {column: None} for event in new[1:])]) == ([], [])
        with pytest.raises(LogError, match=f"no column '{column}', which the model was trained on"):
            model.predict([{k: v for k, v in event.items() if k != column} for event in new], request=ASKED)
    if name.partition("/")[2] in ("linear", "logistic"):
        assert {"kind", "urgent", "amount"} <= needed


def test_a_column_that_training_had_no_values_of_is_none_to_miss() -> None:
    log = [event | {"region": None} for event in events("next-activity/linear")]
    model = Model("next-activity/linear")
    model.train(log)
    assert warned(model, log) == ([], [])

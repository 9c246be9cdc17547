"""Makes the golden models of the present schema: python -m tests.golden.make_models NAME ...

They are kept forever: every later pmlcli must verify them and give these answers. Run it for a new task, or
once for a new schema; never to make a failing test pass after a release.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.lifecycle.model import Model
from pmlcli.store.schema import SCHEMA_VERSION
from tests.contract.cases import daily_events
from tests.logs import purchase_events

PLACE = Path(__file__).parent / "models"
SMALL: dict[str, dict[str, Any]] = {
    "anomaly/isolation-forest": {"n_estimators": 5},
    "anomaly/variant-frequency": {},
    "forecast/arima": {"horizon": 7},
    "forecast/seasonal-naive": {"horizon": 7},
    "next-activity/ngram": {"order": 2},
    "next-activity/gru": {"max_epochs": 1, "hidden_size": 4},
}
"""At least one model a task, and one of every kind of artifact."""


def events_of(name: str, seed: int) -> list[dict[str, Any]]:
    """What a golden model is trained on (seed 0) and asked about (seed 1)."""
    return (
        daily_events(60, seed)
        if name.startswith("forecast/")
        else purchase_events(40 if seed == 0 else 4, seed)
    )


def answers(model: Model, name: str) -> dict[str, list[Any]]:
    """The predictions by column, JSON-plain."""
    asked = None if not model.algorithm.task.needs_log else events_of(name, 1)
    table = model.predict(asked, request=PredictRequest(cases="all")).predictions
    return {
        str(column): json.loads(
            table[column].to_json(orient="values", date_format="iso", double_precision=15)
        )
        for column in table.columns
    }


def make(name: str) -> None:
    """Trains one and keeps it with its answers."""
    model = Model(name, **SMALL[name])
    model.train(events_of(name, 0))
    target = PLACE / f"schema-{SCHEMA_VERSION}" / name.replace("/", "-")
    shutil.rmtree(target, ignore_errors=True)
    model.save(target / "model")
    (target / "answers.json").write_text(json.dumps(answers(model, name), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("SOURCE_DATE_EPOCH", "1767225600")
    for chosen in sys.argv[1:] or SMALL:
        make(chosen)

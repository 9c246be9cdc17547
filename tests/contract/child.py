"""Run as a process of its own: predicts and trains, and prints what must be the same in every process.

python -m tests.contract.child NAME DIRECTORY
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.lifecycle.model import Model
from tests.contract.cases import events_for, untrained


def digests(model: Model) -> dict[str, str]:
    """SHA-256 of every artifact that a trained model would save."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in sorted(model.files.items())}


def exact(model: Model, name: str) -> list[list[Any]]:
    """All predictions for a new log, numbers as hexadecimal so that not a bit is lost."""
    result = model.predict(events_for(name, seed=1), request=PredictRequest(cases="all"))
    rows = result.predictions.itertuples(index=False)
    return [[value.hex() if isinstance(value, float) else str(value) for value in row] for row in rows]


def main() -> None:
    name, directory = sys.argv[1:]
    # In a fresh process, so that whatever its library does for the first time happens while confined.
    predictions = exact(Model.load(directory), name)
    model = untrained(name)
    model.train(events_for(name))
    sys.stdout.write(json.dumps({"predictions": predictions, "digests": digests(model)}))


if __name__ == "__main__":
    main()

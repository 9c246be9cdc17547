"""Run as a process of its own: predicts and trains, and prints what must be the same in every process.

python -m tests.contract.child

Each line of its input is a name and a directory, parted by a tab; each line of its output is what was found.
Every line is dealt with in a fork of this process, which itself computes nothing: each fork is a process in
which no library has done anything yet, without the seconds that importing it takes.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import traceback
from importlib import import_module
from typing import Any, NoReturn

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


def found(name: str, directory: str) -> dict[str, Any]:
    """What this process answers with the saved model, and what it trains."""
    # First, so that whatever its library does for the first time happens while confined.
    predictions = exact(Model.load(directory), name)
    model = untrained(name)
    model.train(events_for(name))
    return {"predictions": predictions, "digests": digests(model)}


def _answer_and_end(name: str, directory: str) -> NoReturn:
    try:
        told = found(name, directory)
    except BaseException:  # noqa: BLE001 (the test shows it)
        told = {"error": traceback.format_exc()}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    os._exit(0)


def main() -> None:
    for line in sys.stdin:
        name, directory = line.rstrip("\n").split("\t")
        untrained(name)  # imports what it needs, and does nothing with it
        if "torch" in sys.modules:
            import_module("torch._dynamo")  # what torch itself would import when it first trains
        child = os.fork()
        if child == 0:
            _answer_and_end(name, directory)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()

"""Run as a process of its own: trains or predicts, and prints what must be the same in every process.

python -m tests.contract.child train NAME | predict NAME DIRECTORY
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from pmlcli.algorithms._base import PredictRequest
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
    what, name, *rest = sys.argv[1:]
    if what == "train":
        model = untrained(name)
        model.train(events_for(name))
        answer: Any = digests(model)
    else:
        answer = exact(Model.load(rest[0]), name)
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()

"""A training encodes each part once by each encoding, and asks a network about each batch once."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import numpy as np
import pytest

from pmlcli import registry
from pmlcli.encoding.base import Encodes
from pmlcli.eventlog.log import EventLog
from pmlcli.lifecycle.training import train_algorithm
from tests.contract.cases import is_installed
from tests.logs import log_of, purchase_events

QUICK = {"max_epochs": 1, "hidden_size": 8}
TRAININGS: list[tuple[str, dict[str, Any]]] = [
    ("anomaly/likelihood", {}),
    ("anomaly/ensemble", {}),
    ("anomaly/next-event-gru", QUICK),
    ("forecast/seasonal-naive", {"horizon": 3}),
    ("next-activity/ngram", {}),
    ("next-activity/gru", QUICK),
    ("outcome/prior", {"rule": 'count("Approve") > 1'}),
    ("outcome/prior", {"label_column": "label"}),
    ("remaining-time/median", {}),
    ("remaining-time/gru", QUICK),
    ("suffix/medoid", {}),
]


@pytest.fixture(scope="module")
def log() -> EventLog:
    events = purchase_events(180)
    return log_of([one | {"label": "late" if int(one["case_id"][-1]) % 3 else "fine"} for one in events])


def events_of(log: EventLog) -> str:
    times = b"" if log.times is None else log.times.tobytes()
    cases = " ".join(map(str, log.case_ids)).encode()
    return hashlib.sha256(np.asarray(log.activity_codes).tobytes() + times + cases).hexdigest()


class Encoded:
    """Counts what each encoding transforms."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: type[Encodes[Any]]) -> None:
        self.counts: Counter[tuple[int, str]] = Counter()
        self._kept: list[object] = []
        monkeypatch.setattr(kind, "transform", self._counting(kind.transform))

    def _counting(self, transform: Any) -> Any:
        def counted(encoding: Any, log: EventLog, *further: Any) -> Any:
            self._kept.append(encoding)  # so that no other has its identity
            self.counts[id(encoding), events_of(log)] += 1
            return transform(encoding, log, *further)

        return counted


@pytest.mark.parametrize(("name", "parameters"), TRAININGS, ids=lambda value: str(value)[:30])
def test_a_training_encodes_and_asks_once(
    name: str, parameters: dict[str, Any], log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_installed(name):
        pytest.skip("an extra is not installed")
    algorithm = registry.build(name, parameters)
    encoded = Encoded(monkeypatch, type(algorithm.make_encoding()))
    asked: Counter[str] = Counter()
    if registry.card(name).container == "safetensors":
        count_answers(monkeypatch, asked)
    train_algorithm(algorithm, name, log)
    assert encoded.counts
    assert set(encoded.counts.values()) == {1}
    assert set(asked.values()) <= {1}
    assert bool(asked) == (registry.card(name).container == "safetensors")


def count_answers(monkeypatch: pytest.MonkeyPatch, asked: Counter[str]) -> None:
    """Counts what networks in double precision, which are those that answer, are given to read."""
    from torch import Tensor, nn

    call = nn.Module.__call__

    def counted(module: nn.Module, *inputs: Any, **named: Any) -> Any:
        weights = list(module.state_dict().values())
        if isinstance(module, nn.GRU) and str(weights[0].dtype) == "torch.float64":
            read = [one for one in (*weights, *inputs) if isinstance(one, Tensor)]
            asked[hashlib.sha256(b"".join(one.numpy().tobytes() for one in read)).hexdigest()] += 1
        return call(module, *inputs, **named)

    monkeypatch.setattr(nn.Module, "__call__", counted)

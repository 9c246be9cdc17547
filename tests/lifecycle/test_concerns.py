"""What a training looks at before it begins: logs that make it hopeless, or that teach it something false."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from pmlcli.errors import TrainingError
from pmlcli.eventlog import read_log
from pmlcli.eventlog.findings import SERIOUS, evidence_of, find_all
from pmlcli.lifecycle.concerns import MOST_ACTIVITIES, MOST_ATTRIBUTES, concerns
from pmlcli.lifecycle.model import Model
from tests.logs import purchase_events

FAST = "next-activity/ngram"
TASKS = (FAST, "anomaly/likelihood", "remaining-time/median", "forecast/seasonal-naive", "suffix/medoid")


def many(activities: int, attributes: int = 0) -> list[dict[str, Any]]:
    begin = datetime(2024, 1, 1)
    extra = {f"a{i}": "x" for i in range(attributes)}
    return [
        {
            "case_id": f"c{i // 10}",
            "activity": f"act {i % activities}",
            "timestamp": begin + timedelta(minutes=i),
        }
        | extra
        for i in range(max(2 * activities, 100))
    ]


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize(
    ("log", "code"),
    [
        (many(MOST_ACTIVITIES + 1), "training.activities"),
        (many(5, MOST_ATTRIBUTES + 1), "training.attributes"),
    ],
)
def test_what_would_take_all_memory_is_refused_at_once(
    name: str, log: list[dict[str, Any]], code: str
) -> None:
    read = read_log(log)
    begin = time.process_time()
    with pytest.raises(TrainingError) as caught:
        Model(name).train(read)
    assert caught.value.code == code
    assert caught.value.exit_code == 3
    assert time.process_time() - begin < 10


def test_serious_findings_are_said_by_a_training() -> None:
    doubled = [event for event in purchase_events(60) for _ in range(2)]
    log = read_log(doubled)
    said = concerns(log)
    serious = [f for f in find_all(evidence_of(log)) if f.severity == SERIOUS]
    assert {f.code for f in serious} == {"events.duplicate"}
    assert "[events.duplicate]" in said[0]
    result = Model(FAST).train(log)
    assert result.metadata["warnings"] == list(said)
    assert Model(FAST).train(read_log(purchase_events(60))).metadata["warnings"] == []

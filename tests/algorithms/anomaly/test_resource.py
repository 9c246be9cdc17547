"""Resource: each kind of planted breach is the top case and its reason names it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms.anomaly.resource import ResourceDetector
from pmlcli.errors import LogError
from pmlcli.eventlog.log import EventLog
from tests.algorithms.anomaly.fitted import predict, train
from tests.logs import log_of, purchase_log

CASE, EVENT = PredictRequest(), PredictRequest(level="event")
REQUESTERS, APPROVERS = ("Ann", "Bob", "Cleo"), ("Bob", "Cleo", "Dora")


def office(cases: int = 120, seed: int = 0) -> list[dict[str, Any]]:
    """A request and its approval by somebody else, on weekdays from 8 to 16; Maria archives."""
    rng = np.random.Generator(np.random.PCG64(seed))
    events = []
    for i in range(cases):
        day = pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=7 * (i // 5) + i % 5)
        asks = REQUESTERS[rng.integers(3)]
        agrees = str(rng.choice([name for name in APPROVERS if name != asks]))
        for step, (activity, who) in enumerate((("Ask", asks), ("Approve", agrees), ("Archive", "Maria"))):
            at = day + pd.Timedelta(hours=8 + 2 * step, minutes=int(rng.integers(60)))
            events.append({"case_id": f"c{i}", "activity": activity, "timestamp": at, "resource": who})
    return events


def changed(case: int, event: int, **values: Any) -> EventLog:
    events = office()
    events[3 * case + event].update(values)
    return log_of(events)


@pytest.mark.parametrize(
    ("log", "reason", "attribute", "value"),
    [
        (
            changed(7, 1, resource="Maria"),
            "`Maria` never did `Approve` before (3 others did)",
            "resource",
            "Maria",
        ),
        (
            changed(7, 1, resource=office()[21]["resource"]),
            "` did both `Ask` and `Approve` (one person did in 0 of 120 cases)",
            "resource",
            office()[21]["resource"],
        ),
        (
            changed(7, 2, timestamp=pd.Timestamp("2024-01-10 22:10", tz="UTC")),
            "`Maria` worked from 22:00 (0 of 120 times before, mostly 12:00)",
            "timestamp",
            "22:00",
        ),
        (
            changed(7, 2, timestamp=pd.Timestamp("2024-01-14 12:10", tz="UTC")),
            "`Maria` worked on a Sunday (0 of 120 times before, mostly Monday)",
            "timestamp",
            "Sunday",
        ),
    ],
    ids=["who", "four eyes", "hour", "weekday"],
)
def test_each_breach_is_the_top_case_and_named(log, reason, attribute, value):
    fitted = train(ResourceDetector(), log_of(office()))
    table = predict(fitted, log, CASE)
    if attribute == "resource" and value == "Ann":
        reason = "`Ann` never did `Approve` before"  # she approves nothing at all, which says more
    assert table["score"].idxmax() == 7
    assert table["is_anomaly"][7]
    assert reason in table["reason"][7]
    events = predict(fitted, log, EVENT)
    top = events.loc[events["score"].idxmax()]
    assert (top["case_id"], top["attribute"], top["value"]) == ("c7", attribute, value)


def test_the_breach_is_found_in_the_training_log_itself():
    noon = pd.Timestamp("2024-01-10 12:00", tz="UTC")
    log = changed(7, 1, resource="Maria", timestamp=noon)
    fitted = train(ResourceDetector(contamination=0.05), log)
    table = predict(fitted, log, CASE)
    assert table["score"].idxmax() == 7
    assert table["reason"][7] == "`Maria` did `Approve` only once before (3 others did)"


def test_somebody_new_is_named():
    fitted = train(ResourceDetector(), log_of(office()))
    table = predict(fitted, changed(7, 1, resource="Zoe"), CASE)
    assert table["score"].idxmax() == 7
    assert table["reason"][7] == "`Zoe`, never seen before, did `Approve` (3 others did)"


def test_a_log_without_resources_is_refused_and_one_without_times_is_not():
    with pytest.raises(LogError, match="no resources") as caught:
        ResourceDetector().make_encoding().fit(purchase_log(20, drop=["resource"]))
    assert caught.value.context == {"column": "resource"}
    fitted = train(ResourceDetector(), purchase_log(60, drop=["timestamp"]))
    encoding = fitted.encoding
    assert encoding.required_columns() == ("resource",)
    assert np.isfinite(predict(fitted, purchase_log(5), CASE)["score"]).all()

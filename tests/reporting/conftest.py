"""A log and models of it, each by counting, trained once."""

from __future__ import annotations

import pytest

from pmlcli import Model, Report, ReportOptions, report
from pmlcli.eventlog.log import EventLog
from tests.logs import log_of, purchase_events

WHOLE = purchase_events(440, seed=1)
LATE = "PO-0300"
"""From this case on it is the log that is drawn; the models learned from those before."""


@pytest.fixture(scope="session")
def log() -> EventLog:
    """Purchases after those that the models learned from; one of them has an activity of its own."""
    events = [dict(event) for event in WHOLE if event["case_id"] >= LATE]
    # What came after most of it is not known yet, so that some cases are running.
    end = sorted(event["timestamp"] for event in events)[len(events) * 7 // 8]
    events = [event for event in events if event["timestamp"] <= end]
    events[3]["activity"] = "Shred <b>Order</b>"
    return log_of(events)


@pytest.fixture(scope="session")
def models() -> list[Model]:
    """A model of each task that the page draws."""
    early = log_of([event for event in WHOLE if event["case_id"] < LATE])
    names = {
        "anomaly/likelihood": {},
        "remaining-time/median": {},
        "next-activity/ngram": {},
        "forecast/seasonal-naive": {"kpi": ("arrivals",), "horizon": 5},
    }
    made = []
    for name, parameters in names.items():
        model = Model(name, **parameters)
        model.train(early)
        made.append(model)
    return made


@pytest.fixture(scope="session")
def page(log: EventLog, models: list[Model]) -> Report:
    """The whole page."""
    return report(log, *models, how=ReportOptions(title="Orders & more"))

"""Simulated processes whose cases wait for months; all that ever happens in them is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pmlcli.eventlog import EventLog, read_log

Step = tuple[str | None, float, float, float]
"""The next activity (None: the case is over), its probability, and the median in days and the spread of the
logarithm of the wait before it."""
PROCESSES: Mapping[str, Mapping[str, tuple[Step, ...]]] = {
    "permit": {
        "": (("Apply", 1.0, 0.0, 0.0),),
        "Apply": (("Check", 0.9, 3, 1.0), ("Withdraw", 0.1, 10, 1.0)),
        "Check": (("Ask for papers", 0.4, 2, 1.0), ("Send to board", 0.6, 5, 0.8)),
        "Ask for papers": (("Papers arrive", 0.8, 40, 0.8), (None, 0.2, 0, 0)),
        "Papers arrive": (("Check", 0.5, 4, 1.0), ("Send to board", 0.5, 5, 0.8)),
        "Send to board": (("Decide", 1.0, 120, 0.5),),
        "Decide": (("Send decision", 1.0, 2, 1.0),),
        "Send decision": (("Appeal", 0.1, 30, 0.5), (None, 0.9, 0, 0)),
        "Appeal": (("Decide", 1.0, 150, 0.6),),
    },
    "fine": {
        "": (("Create", 1.0, 0.0, 0.0),),
        "Create": (("Pay", 0.35, 8, 0.9), ("Send", 0.65, 80, 0.5)),
        "Send": (("Pay", 0.3, 20, 1.0), ("Remind", 0.7, 60, 0.2)),
        "Remind": (("Pay", 0.25, 30, 1.0), ("Collect", 0.55, 400, 0.3), (None, 0.2, 0, 0)),
        "Pay": (("Pay", 0.05, 30, 1.0), (None, 0.95, 0, 0)),
    },
    "claim": {
        "": (("Report", 1.0, 0.0, 0.0),),
        "Report": (("Assess", 1.0, 4, 1.0),),
        "Assess": (("Reserve", 0.7, 6, 1.0), ("Reject", 0.3, 6, 1.0)),
        "Reserve": (("Pay part", 0.8, 90, 0.9), ("Settle", 0.2, 60, 1.0)),
        "Pay part": (("Pay part", 0.5, 70, 0.8), ("Settle", 0.35, 100, 0.8), (None, 0.15, 0, 0)),
        "Settle": (("Reopen", 0.06, 120, 0.8), (None, 0.94, 0, 0)),
        "Reopen": (("Pay part", 1.0, 30, 1.0),),
        "Reject": (("Reopen", 0.1, 40, 0.8), (None, 0.9, 0, 0)),
    },
    "care": {
        "": (("Refer", 1.0, 0.0, 0.0),),
        "Refer": (("First visit", 0.85, 30, 0.6), (None, 0.15, 0, 0)),
        "First visit": (("Visit", 0.7, 90, 0.3), ("Discharge", 0.1, 14, 1.0), (None, 0.2, 0, 0)),
        "Visit": (("Visit", 0.75, 90, 0.3), ("Discharge", 0.1, 14, 1.0), (None, 0.15, 0, 0)),
        "Discharge": (("Refer", 0.05, 180, 0.8), (None, 0.95, 0, 0)),
    },
    "order": {
        "": (("Order", 1.0, 0.0, 0.0),),
        "Order": (("Confirm", 0.95, 1, 1.0), ("Cancel", 0.05, 5, 1.0)),
        "Confirm": (("Make", 0.5, 60, 0.6), ("Pick", 0.5, 2, 0.8)),
        "Make": (("Pick", 1.0, 5, 0.8),),
        "Pick": (("Ship", 1.0, 1, 0.5),),
        "Ship": (("Invoice", 1.0, 2, 0.7),),
        "Invoice": (("Payment", 0.95, 40, 0.6), (None, 0.05, 0, 0)),
        "Payment": (("Return", 0.05, 20, 0.8), (None, 0.95, 0, 0)),
        "Return": (("Refund", 1.0, 10, 0.8),),
    },
    "ticket": {
        "": (("Open", 1.0, 0.0, 0.0),),
        "Open": (("Work", 0.9, 0.2, 1.2), ("Close", 0.1, 1, 1.0)),
        "Work": (("Work", 0.4, 0.3, 1.5), ("Wait for user", 0.2, 0.2, 1.0), ("Solve", 0.4, 0.5, 1.2)),
        "Wait for user": (("Work", 0.7, 2, 1.5), (None, 0.3, 0, 0)),
        "Solve": (("Close", 0.9, 7, 0.1), ("Work", 0.1, 2, 1.0)),
    },
}
ENDS: tuple[Step, ...] = ((None, 1.0, 0.0, 0.0),)
"""What follows an activity that has no entry of its own."""
LONGEST = 60
"""Events a case, at most."""
EPOCH = pd.Timestamp("2021-01-01", tz="UTC")


def simulated(
    name: str, *, cases: int = 2000, days: float = 1000.0, growth: float = 1.0, seed: int = 0
) -> EventLog:
    """A log of a process: cases begin over so many days, evenly or, with `growth`, more and more of them."""
    rng = np.random.default_rng(seed)
    starts = days * rng.random(cases) ** (1 / growth)
    rows = [event for case, start in enumerate(np.sort(starts)) for event in _case(name, case, start, rng)]
    frame = pd.DataFrame(rows, columns=["case_id", "activity", "days"])
    times = EPOCH + pd.to_timedelta((frame.pop("days") * 86_400).round(), unit="s")
    return read_log(frame.assign(timestamp=times))


def _case(name: str, case: int, start: float, rng: np.random.Generator) -> list[tuple[str, str, float]]:
    """The events of one case, as (case, activity, days)."""
    events: list[tuple[str, str, float]] = []
    activity, now = "", start
    while len(events) < LONGEST:
        steps = PROCESSES[name].get(activity, ENDS)
        following, _share, median, spread = steps[rng.choice(len(steps), p=[step[1] for step in steps])]
        if following is None:
            break
        now += median * float(np.exp(spread * rng.standard_normal()))
        activity = following
        events.append((f"{name}-{case}", activity, now))
    return events

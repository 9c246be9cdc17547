"""Small seeded event logs for tests, made in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pmlcli.eventlog import read_log
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, RESOURCE, TIMESTAMP, EventLog

HAPPY_PATH = ("Create Order", "Approve", "Send Order", "Receive Goods", "Receive Invoice", "Pay Invoice")
CLERKS = {
    "Create Order": ("Ann", "Bob"),
    "Approve": ("Carl",),
    "Change Order": ("Ann", "Bob"),
    "Send Order": ("Ann", "Bob"),
    "Receive Goods": ("Dora", "Emil"),
    "Receive Invoice": ("Fay",),
    "Pay Invoice": ("Fay", "Gus"),
}


def purchase_trace(rng: np.random.Generator) -> list[str]:
    """One purchase: the happy path, at times with a change, goods in two parts, or the invoice first."""
    trace = list(HAPPY_PATH)
    if rng.random() < 0.2:
        trace[2:2] = ["Change Order", "Approve"]
    if rng.random() < 0.25:
        trace.insert(trace.index("Receive Goods"), "Receive Goods")
    if rng.random() < 0.15:
        at = trace.index("Receive Invoice")
        trace[at - 1], trace[at] = trace[at], trace[at - 1]
    return trace


def purchase_events(cases: int = 40, seed: int = 0) -> list[dict[str, Any]]:
    """Events of a purchasing process in order of case and time: a case an hour or two, working slowly."""
    rng = np.random.Generator(np.random.PCG64(seed))
    start = pd.Timestamp("2024-01-08 08:00", tz="UTC")
    events: list[dict[str, Any]] = []
    for case in range(cases):
        start += pd.Timedelta(minutes=int(rng.integers(30, 240)))
        now, amount = start, round(float(rng.lognormal(6, 0.8)), 2)
        for activity in purchase_trace(rng):
            clerks = CLERKS[activity]
            events.append(
                {
                    CASE_ID: f"PO-{case:04d}",
                    ACTIVITY: activity,
                    TIMESTAMP: now,
                    RESOURCE: clerks[int(rng.integers(len(clerks)))],
                    "amount": amount,
                }
            )
            now += pd.Timedelta(minutes=1 + int(rng.exponential(900)))
    return events


def purchase_log(cases: int = 40, seed: int = 0, drop: Sequence[str] = ()) -> EventLog:
    """The purchasing process as a log; `drop` leaves columns out."""
    return log_of(purchase_events(cases, seed), drop=drop)


def log_of(events: list[dict[str, Any]], drop: Sequence[str] = ()) -> EventLog:
    """The log of a list of event dicts."""
    return read_log([{name: e[name] for name in e if name not in drop} for e in events])


def trace_log(traces: Sequence[Sequence[str]], **columns: Sequence[Any]) -> EventLog:
    """A log of these sequences of activities, without times; further columns event by event."""
    events = [{CASE_ID: f"c{i}", ACTIVITY: activity} for i, trace in enumerate(traces) for activity in trace]
    for name, values in columns.items():
        for event, value in zip(events, values, strict=True):
            event[name] = value
    return log_of(events)

"""Simulated processes that stay as they are, or change in one known way."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pmlcli.eventlog import EventLog, read_log

STEPS = ("Register", "Check", "Decide", "Inform", "Close")


def simulated(
    cases: int,
    seed: int,
    *,
    start: str = "2024-01-01",
    extra: float = 0.10,
    wait: float = 1.0,
    uneven: float = 0.0,
) -> EventLog:
    """Cases one every two hours. A share `extra` has `Ask again` in the middle; the wait before `Decide` is
    `wait` days in the mean; with `uneven` each week has odds and waits of its own.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    begins = np.arange(cases) * 2.0 / 24.0
    week = (begins // 7).astype(int)
    weekly = rng.normal(0.0, uneven, week.max() + 1 if cases else 1)[week]
    odds = np.clip(extra * np.exp(weekly), 0.0, 1.0)
    asks = rng.random(cases) < odds
    gaps = rng.exponential([0.1, 0.3, wait, 0.2, 0.5], (cases, 5))
    gaps[:, 0] = 0.0
    gaps[:, 2] *= np.exp(weekly)
    times = begins[:, np.newaxis] + np.cumsum(gaps, axis=1)
    frame = pd.DataFrame(
        {
            "case_id": np.repeat([f"{seed}-{one}" for one in range(cases)], 5),
            "activity": np.tile(STEPS, cases),
            "days": times.ravel(),
            "resource": rng.choice(["Ann", "Bob", "Cem"], cases * 5),
            "amount": np.repeat(rng.lognormal(6, 1, cases), 5),
        }
    )
    more = frame[(frame["activity"] == "Check") & np.repeat(asks, 5)].assign(activity="Ask again")
    frame = pd.concat([frame, more.assign(days=more["days"] + 0.01)])
    moment = pd.Timestamp(start) + pd.to_timedelta((frame.pop("days") * 86400).round(), unit="s")
    return read_log(frame.assign(timestamp=moment))

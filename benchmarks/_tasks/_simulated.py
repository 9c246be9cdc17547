"""Simulated processes whose change is known: stable, gradual, sudden, or only after what is trained on."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.eventlog import EventLog, read_log

KINDS = ("stable", "gradual", "sudden", "after")
DAY_US = 86_400_000_000
A_DAY = 6.0
STEPS = ("Register", "Check", "Ask", "Decide", "Pay", "Refuse", "Close")
WAITS = np.array([0.4, 1.5, 4.0, 2.0, 1.0, 0.5, 0.2])
"""Median days before each step."""
TRAINED = 0.8


def simulated(kind: str, seed: int, n_cases: int = 1500) -> EventLog:
    """A log of claims, large or small: registered, checked, perhaps asked about several times, decided, paid
    or refused, closed. Large ones are asked about more and take longer. How much so moves with a change: at
    one moment within the first `TRAINED` of the log (sudden), all along (gradual), or behind it (after).
    """
    rng = np.random.default_rng(seed)
    begins = _arrivals(rng, n_cases)
    moved = _moved(kind, rng, np.linspace(0, 1, n_cases))
    usual, other = _settings(rng), _settings(rng)
    known = {name: usual[name] * (1 - moved) + other[name] * moved for name in usual}
    is_large = rng.random(n_cases) < known["large"]
    rows = [
        _case(rng, n, begins[n], {name: float(known[name][n]) for name in known}, large=bool(is_large[n]))
        for n in range(n_cases)
    ]
    frame = pd.concat(rows, ignore_index=True)
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="us", utc=True)
    return read_log(frame)


def _arrivals(rng: np.random.Generator, n_cases: int) -> NDArray[np.int64]:
    """Fewer at weekends."""
    days = int(n_cases / A_DAY * 1.6) + 30
    a_day = rng.poisson(np.where(np.arange(days) % 7 < 5, A_DAY * 1.25, A_DAY * 0.4))
    day = np.repeat(np.arange(days), a_day)[:n_cases]
    at = np.sort(day + rng.uniform(0.3, 0.7, n_cases))
    return (at * DAY_US).astype(np.int64) + 19_723 * DAY_US


def _moved(kind: str, rng: np.random.Generator, place: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each case's process is from the usual one to the other, 0 to 1."""
    if kind == "gradual":
        return place
    at = {"stable": 2.0, "after": TRAINED}.get(kind, float(rng.uniform(0.2, TRAINED)))
    return (place >= at).astype(np.float64)


def _settings(rng: np.random.Generator) -> dict[str, float]:
    return {
        "large": rng.uniform(0.2, 0.6),
        "ask": rng.uniform(0.1, 0.5),
        "ask_large": rng.uniform(0.2, 0.8),
        "refuse": rng.uniform(0.1, 0.5),
        "slow": rng.uniform(0.6, 1.8),
        "slow_large": rng.uniform(1.0, 2.5),
    }


def _case(
    rng: np.random.Generator, number: int, begin: int, known: dict[str, float], *, large: bool
) -> pd.DataFrame:
    asked = int(min(rng.geometric(1 - known["ask_large" if large else "ask"]) - 1, 8))
    refused = bool(rng.random() < known["refuse"] / (1 + asked))
    path = [0, 1, *([2, 1] * asked), 3, 5 if refused else 4, 6]
    slow = known["slow"] * (known["slow_large"] if large else 1.0)
    waits = WAITS[path] * slow * rng.lognormal(0.0, 0.7, len(path))
    waits[0] = 0.0
    return pd.DataFrame(
        {
            "case_id": f"c{number:05}",
            "activity": [STEPS[step] for step in path],
            "timestamp": begin + (np.cumsum(waits) * DAY_US).astype(np.int64),
            "amount": "large" if large else "small",
        }
    )

"""Simulated logs with a known share of anomalies, from which the rule of `contamination = auto` was chosen.

The processes: 0 is the normal cases of the sample log, 1 a small purchasing process, all others are random
(branches of uneven odds, unordered steps, loops, people). Anomalies are of kinds of their own, larger than
the single deviations that training makes: up to two events left out, up to three done again, up to two moved
far, an invented activity, strange hands; or waits of weeks.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from pmlcli.eventlog import EventLog, read_log

RATES = (0.0, 0.01, 0.05, 0.1, 0.2, 0.45)
SAMPLE = Path(__file__).parent.parent / "sample_logs"
HAPPY = ("Create", "Approve", "Send", "Receive", "Invoice", "Pay")


class Event(NamedTuple):
    """What was done, who did it, and seconds since the event before."""

    activity: str
    resource: str
    wait: float


Case = list[Event]
Draw = np.random.Generator


def _draw(seed: int) -> Draw:
    return np.random.Generator(np.random.PCG64(seed))


# --- normal cases


def sample_cases(limit: int) -> list[Case]:
    """The cases of the sample log that are labelled normal."""
    with (SAMPLE / "purchase-to-pay.labels.csv").open() as file:
        labels = {row["case_id"]: row["is_anomaly"] for row in csv.DictReader(file)}
    frame = read_log(SAMPLE / "purchase-to-pay.csv").frame
    normal = frame[frame["case_id"].map(labels).isin(["0", "False", "false"])]
    cases = []
    for _case, rows in normal.groupby("case_id", sort=False):
        waits = rows["timestamp"].diff().dt.total_seconds().fillna(0.0)
        people = rows["resource"].fillna("none").astype(str)
        cases.append([Event(*one) for one in zip(rows["activity"], people, waits, strict=True)])
    return cases[:limit]


def purchases(n: int, seed: int) -> list[Case]:
    """A happy path, at times with a change, goods in two parts, or the invoice first."""
    rng, cases = _draw(seed), []
    for _ in range(n):
        names = list(HAPPY)
        if rng.random() < 0.2:
            names[2:2] = ["Change", "Approve"]
        if rng.random() < 0.25:
            names.insert(names.index("Receive"), "Receive")
        if rng.random() < 0.15:
            at = names.index("Invoice")
            names[at - 1], names[at] = names[at], names[at - 1]
        cases.append([Event(a, f"{a[0]}{rng.integers(2)}", float(rng.exponential(54000))) for a in names])
    return cases


def random_process(seed: int) -> Callable[[Draw], list[str]]:
    """Blocks in a row: single steps, choices of uneven odds, unordered steps, loops, optional steps."""
    rng = _draw(seed)
    blocks: list[tuple[str, list[str], float]] = []
    names = [f"step {i}" for i in range(40)]
    for _ in range(int(rng.integers(5, 9))):
        kind = str(rng.choice(["one", "choice", "any order", "loop", "optional"]))
        size = {"one": 1, "choice": int(rng.integers(2, 5)), "any order": int(rng.integers(2, 4))}.get(
            kind, 1
        )
        blocks.append((kind, [names.pop(0) for _ in range(size)], float(rng.uniform(0.1, 0.6))))

    def trace(draw: Draw) -> list[str]:
        found = ["begin"]
        for kind, steps, odds in blocks:
            if kind == "choice":
                weights = odds ** np.arange(len(steps))
                found.append(str(draw.choice(steps, p=weights / weights.sum())))
            elif kind == "any order":
                found.extend(draw.permutation(steps).tolist())
            elif kind == "loop":
                found.extend(steps * int(draw.geometric(1 - odds / 2)))
            elif kind == "one" or draw.random() > odds:
                found.extend(steps)
        return [*found, "end"]

    return trace


def random_cases(n: int, seed: int) -> list[Case]:
    """Cases of one random process: each activity has a few people and a usual wait."""
    rng, trace = _draw(seed + 1000), random_process(seed)
    cases = []
    for _ in range(n):
        case = []
        for name in trace(rng):
            usual = 3600.0 * (1 + sum(map(ord, name)) % 30)
            person = f"p{sum(map(ord, name)) % 7}-{min(int(rng.geometric(0.5)), 4)}"
            case.append(Event(name, person, float(usual * rng.lognormal(0, 0.6))))
        cases.append(case)
    return cases


def normal_cases(which: int, n: int) -> list[Case]:
    """Process 0 is that of the sample log, 1 the purchasing one, the others are random."""
    if which == 0:
        return sample_cases(n)
    return purchases(n, which) if which == 1 else random_cases(n, which)


# --- anomalies


def _skipped(case: Case, rng: Draw) -> Case:
    size = int(rng.integers(1, 3))
    at = int(rng.integers(0, max(len(case) - size, 1)))
    return case[:at] + case[at + size :]


def _reworked(case: Case, rng: Draw) -> Case:
    size = int(rng.integers(1, 4))
    at = int(rng.integers(0, max(len(case) - size, 1)))
    return case[: at + size] + case[at : at + size] + case[at + size :]


def _moved(case: Case, rng: Draw) -> Case:
    size = int(rng.integers(1, 3))
    at = int(rng.integers(0, max(len(case) - size, 1)))
    rest = case[:at] + case[at + size :]
    to = int(rng.integers(0, len(rest) + 1))
    return rest[:to] + case[at : at + size] + rest[to:]


def _invented(case: Case, rng: Draw) -> Case:
    at = int(rng.integers(1, len(case) + 1))
    return [*case[:at], Event(f"odd {rng.integers(500)}", "p0-1", 3600.0), *case[at:]]


def _other_hands(case: Case, rng: Draw) -> Case:
    changed = list(case)
    for at in rng.choice(len(case), min(len(case), int(rng.integers(1, 4))), replace=False).tolist():
        changed[at] = case[at]._replace(resource=case[int(rng.integers(len(case)))].resource + "?")
    return changed


def _waited(case: Case, rng: Draw) -> Case:
    at = int(rng.integers(1, len(case)))
    late = case[at]._replace(wait=case[at].wait * 30 + 20 * 86400)
    return [*case[:at], late, *case[at + 1 :]]


KINDS = {
    "steps": (_skipped, _reworked, _moved, _invented, _other_hands),
    "waits": (_waited,),
}


def anomalous(
    which: int, rate: float, seed: int, cases: int = 600, kinds: str = "steps"
) -> tuple[EventLog, np.ndarray]:
    """A log of process `which` in which a case in 1 / `rate` is anomalous, and which they are, (cases,)."""
    rng, normal = _draw(seed), normal_cases(which, cases)
    truth = np.zeros(len(normal), dtype=bool)
    truth[rng.choice(len(normal), round(rate * len(normal)), replace=False)] = True
    start, rows = pd.Timestamp("2024-01-08", tz="UTC"), []
    for number, (case, is_odd) in enumerate(zip(normal, truth, strict=True)):
        changed = case
        for _ in range(20):
            if not is_odd or changed != case:
                break
            changed = KINDS[kinds][int(rng.integers(len(KINDS[kinds])))](case, rng)
        now = start + pd.Timedelta(hours=number)
        for event in changed or case[:1]:
            now += pd.Timedelta(seconds=int(event.wait) + 1)
            rows.append((f"c{number:05d}", event.activity, event.resource, now))
    frame = pd.DataFrame(rows, columns=["case_id", "activity", "resource", "timestamp"])
    log = read_log(frame)
    return log, truth[[int(name[1:]) for name in log.case_ids]]

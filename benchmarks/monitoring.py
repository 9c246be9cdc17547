"""False alarms and missed changes of `pmlcli monitor`, beside the usual rules.

    OMP_NUM_THREADS=1 python benchmarks/monitoring.py [LOG ...] [--pairs N] [-o FILE]

Three simulated processes, and every LOG that is given, are made stable in two ways. `halves`: the cases are
dealt at random to training and to the later log. `weeks`: blocks of four weeks are drawn with replacement and
laid end to end; the first two thirds are training. Nothing has changed then, and every alarm is false.
Then an activity's share of cases moves by 5 points, and a wait doubles, in 1,000 later cases of the simulated
processes. The rules:

- `monitor`: what `pmlcli monitor` tells, at its default settings
- `p<.05`: any of the same tests, uncorrected
- `PSI>.1`, `PSI>.2`: the population stability index of any group of shares

The settings were chosen on the simulated processes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _result import tell

from pmlcli.evaluation.drift import Sums
from pmlcli.eventlog import EventLog, read_log
from pmlcli.lifecycle.artifacts import REFERENCE_FILE
from pmlcli.lifecycle.monitoring import Monitored, _tested, changes, compared
from pmlcli.lifecycle.reference import Reference, read_reference, reference
from pmlcli.lifecycle.summing import VALUES
from pmlcli.store import strictjson

RULES = ("monitor", "p<.05", "PSI>.1", "PSI>.2")
STEPS = ("Register", "Check", "Decide", "Inform", "Close")
CHANGED: tuple[tuple[str, dict[str, float], Callable[[str], bool]], ...] = (
    ("activity 10 -> 15 % of cases", {"extra": 0.15}, lambda what: "Ask again" in what),
    ("wait doubled", {"wait": 2.0}, lambda what: what == "wait `Check` > `Decide`"),
)
"""What moves, and which of the told changes name it."""
_BLOCK = 4 * 7 * 86_400_000_000
Draw = np.random.Generator


def simulated(process: int, cases: int, rng: Draw, *, extra: float = 0.10, wait: float = 1.0) -> EventLog:
    """Cases one every two hours on average. Process 0 is the same every week; in 1 odds and waits differ from
    week to week; in 2 they follow the month before as well.
    """
    begins = np.sort(rng.uniform(0, cases * 2.0 / 24.0, cases))
    week = (begins // 7).astype(int)
    noise = rng.normal(0.0, (0.0, 0.3, 0.15)[process], week.max() + 5)
    if process == 2:
        noise = np.convolve(noise, np.ones(4), mode="same")
    odds = np.clip(extra * np.exp(noise[week]), 0.0, 1.0)
    asks = rng.random(cases) < odds
    gaps = rng.exponential([0.1, 0.3, wait, 0.2, 0.5], (cases, 5))
    gaps[:, 0], gaps[:, 2] = 0.0, gaps[:, 2] * np.exp(noise[week])
    frame = pd.DataFrame(
        {
            "case_id": np.repeat([f"c{one}" for one in range(cases)], 5),
            "activity": np.tile(STEPS, cases),
            "days": (begins[:, np.newaxis] + np.cumsum(gaps, axis=1)).ravel(),
            "resource": rng.choice(["Ann", "Bob", "Cem"], cases * 5),
            "amount": np.repeat(rng.lognormal(6, 1, cases), 5),
        }
    )
    more = frame[(frame["activity"] == "Check") & np.repeat(asks, 5)].assign(activity="Ask again")
    frame = pd.concat([frame, more.assign(days=more["days"] + 0.01)])
    moment = pd.Timestamp("2024-01-01") + pd.to_timedelta((frame.pop("days") * 86400).round(), unit="s")
    return read_log(frame.assign(timestamp=moment))


def halves(log: EventLog, rng: Draw) -> tuple[EventLog, EventLog]:
    """The cases, dealt at random."""
    order = rng.permutation(log.n_cases)
    middle = log.n_cases // 2
    return log.take_cases(np.sort(order[:middle])), log.take_cases(np.sort(order[middle:]))


def weeks(log: EventLog, rng: Draw) -> tuple[EventLog, EventLog]:
    """Blocks of four weeks, drawn with replacement and laid end to end."""
    block = (log.starts - log.starts.min()) // _BLOCK
    count = int(block.max()) + 1
    drawn = rng.integers(0, count, max(count, 6))
    cases = [np.flatnonzero(block == one) for one in drawn]
    slot = np.repeat(np.arange(len(drawn)), [len(one) for one in cases])
    taken = log.take_cases(np.concatenate(cases))
    assert taken.times is not None
    shift = (slot - np.repeat(drawn, [len(one) for one in cases])) * _BLOCK
    frame = taken.frame.drop(columns=[name for name in ("start_timestamp",) if name in taken.frame])
    taken = replace(taken, frame=frame, times=taken.times + shift[taken.case_of_event])
    cut = len(drawn) * 2 // 3
    return taken.take_cases(np.flatnonzero(slot < cut)), taken.take_cases(np.flatnonzero(slot >= cut))


def kept(log: EventLog) -> Reference:
    """The reference, as a saved model has it."""
    return read_reference({REFERENCE_FILE: strictjson.dump(reference(log))})


def alarms(old: EventLog, new: EventLog, wanted: Callable[[str], bool] = bool) -> list[bool]:
    """Whether each rule tells of a change; of `monitor` only those whose name is wanted."""
    learned, how = kept(old), Monitored()
    found, _ = changes(learned, new, how)
    tested = list(_tested(learned, compared(learned, new), how))
    index = max((_psi(one.old, one.new) for one in tested if one.group.per != VALUES), default=0.0)
    lowest = min((float(one.p_values.min()) for one in tested), default=1.0)
    return [any(wanted(one.what) for one in found), lowest < 0.05, index > 0.1, index > 0.2]


def _psi(old: Sums, new: Sums) -> float:
    before, now = (np.maximum(one.x, 0.5) / np.maximum(one.d, 1.0) for one in (old, new))
    return float(((now - before) * np.log(now / before)).sum())


def stable(name: str, make: Callable[[Draw], EventLog], pairs: int) -> list[str]:
    """Rows of false alarms of one process."""
    rows = []
    for way in (halves, weeks):
        found = []
        for pair in range(pairs):
            rng = np.random.Generator(np.random.PCG64(pair))
            found.append(alarms(*way(make(rng), rng)))
        counts = np.sum(found, axis=0)
        rows.append(f"{name:28}{way.__name__:8}" + "".join(f"{count:>5} of {pairs:<4}" for count in counts))
        print(rows[-1], flush=True)
    return rows


def changed(process: int, pairs: int) -> list[str]:
    """Rows of changes found in one simulated process."""
    rows = []
    for name, more, wanted in CHANGED:
        found = []
        for pair in range(pairs):
            rng = np.random.Generator(np.random.PCG64(10_000 + pair))
            found.append(alarms(simulated(process, 3000, rng), simulated(process, 1000, rng, **more), wanted))
        counts = np.sum(found, axis=0)
        rows.append(
            f"process {process}: {name:26}" + "".join(f"{count:>5} of {pairs:<4}" for count in counts)
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description="False alarms and missed changes.")
    parser.add_argument("logs", nargs="*", type=Path)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    title = "".join(f"{rule:>13}" for rule in RULES)
    lines = ["False alarms where nothing changed", f"{'':36}{title}"]
    for process in range(3):
        lines += stable(f"process {process}", partial(simulated, process, 3000), given.pairs)
    for path in given.logs:
        log = read_log(path)
        lines += stable(path.name[:27], lambda _rng, one=log: one, given.pairs)  # type: ignore[misc]
    lines += ["", "Changes found", f"{'':36}{title}"]
    for process in range(3):
        lines += changed(process, given.pairs)
    tell(lines, given.output)


if __name__ == "__main__":
    main()

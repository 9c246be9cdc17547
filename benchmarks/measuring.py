"""What `evaluate`, `monitor` and a glance at drift cost beside `predict` asked for the same prefixes.

    OMP_NUM_THREADS=1 python benchmarks/measuring.py LOG [-o FILE]

For each of two cheap models, trained on the first half of the log's cases by start, saved, and loaded without
a child process: seconds of processor time for what an evaluation of the later half asks (every prefix), and
what the others take, as a multiple of that. The log is read beforehand.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _result import tell

from pmlcli import Model, PredictRequest
from pmlcli.eventlog import EventLog, read_log

MODELS = ("next-activity/ngram", "remaining-time/median")


def seconds(work: Callable[[], object]) -> float:
    """Processor time."""
    before = time.process_time()
    work()
    return time.process_time() - before


def measured(name: str, old: EventLog, new: EventLog) -> str:
    """A row of one model."""
    with tempfile.TemporaryDirectory() as place:
        model = Model(name)
        model.train(old)
        model.save(Path(place) / "m", check=False)
        loaded = Model.load(Path(place) / "m", trusted=True)
    every = PredictRequest(**loaded.algorithm.task.evaluation_request(loaded.algorithm))
    few = new.take_cases(np.arange(min(new.n_cases, 200)))
    # Modules are imported by the first call.
    for first in (loaded.predict, loaded.evaluate, loaded.monitor):
        first(few)
    base = seconds(lambda: loaded.predict(new, request=every, drift=False))
    others = (
        seconds(lambda: loaded.predict(new, request=every)),
        seconds(lambda: loaded.evaluate(new)),
        seconds(lambda: loaded.monitor(new)),
    )
    return f"{name:24}{base:>10.2f}" + "".join(f"{one / base:>12.2f}" for one in others)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="The cost of measuring, beside predictions.")
    parser.add_argument("log", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    log = read_log(given.log)
    cases, half = np.argsort(log.starts, kind="stable"), log.n_cases // 2
    old, new = (log.take_cases(np.sort(part)) for part in (cases[:half], cases[half:]))
    title = f"{'':24}{'predict':>10}{'with drift':>12}{'evaluate':>12}{'monitor':>12}"
    lines = [f"{given.log.name}: {new.n_events:,} events of {new.n_cases:,} cases", title]
    tell([*lines, *(measured(name, old, new) for name in MODELS)], given.output)


if __name__ == "__main__":
    main()

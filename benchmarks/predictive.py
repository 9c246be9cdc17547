"""The predictive tasks on real logs, beside the best published figures.

    OMP_NUM_THREADS=1 python benchmarks/predictive.py TASK [-a ALGORITHM,...] [-s SPLIT,...] LOG ...
    OMP_NUM_THREADS=1 python benchmarks/predictive.py TASK --training LOG ...

LOG is PATH, PATH@CLASSIFIER, or PATH~COLUMN, which leaves a column out. `literature`: the last 20 % of the
cases by first event are the test part, every case counts as finished; settings are chosen on the last fifth
of the other cases (64/16/20). `strict`: trained on the cases that had ended when the first test case began,
tested on what happened from then on (Weytjens and De Weerdt, 2022). `seen`: share of the test prefixes that
some training case began with. Settings are the defaults, seed 0.

Each row is what a user gets: `Model.train` on the training part alone (its trial, calibration and comparison
are made within it), `save`, `load`, and `Model.predict` for every prefix of the test part; all figures are of
the table that this gives. Intervals: 95 %, bootstrapped by case. `train CPU s`: of `Model.train`; `ms a
prefix`: processor time of `Model.predict`, the start of its child process included, over the prefixes; `peak
MB`: of a process that reads nothing but was given the log, and of its children the largest.

`--training`: what `Model.train` costs on the whole log, of the task's default.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _tasks._parts import Cells, Part, halves, read

from pmlcli import Model, registry
from pmlcli.eventlog import EventLog

TASKS = ("next-activity", "remaining-time", "outcome", "suffix")
SPLITS = "literature,strict"


def main() -> None:
    """Prints the table of one task for the logs named."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    reading.add_argument("task", choices=TASKS)
    reading.add_argument("-a", metavar="ALGORITHM,...")
    reading.add_argument("-s", default=SPLITS, metavar="SPLIT,...")
    reading.add_argument("--training", action="store_true")
    reading.add_argument("logs", nargs="+")
    asked = reading.parse_args()
    task = importlib.import_module(f"_tasks.{asked.task.replace('-', '_')}")
    names = asked.a.split(",") if asked.a else task.NAMES
    told = [*sys.argv[1 : -len(asked.logs)], *(Path(log).name for log in asked.logs)]
    print("$ OMP_NUM_THREADS=1 python benchmarks/predictive.py", *told)
    print(f"# Python {platform.python_version()}, one thread; default settings")
    if not asked.training:
        print("#", *(task.__doc__ or "").strip().split("\n"), sep="\n# ")
    table = Table()
    for spec in asked.logs:
        name, log = read(spec)
        if asked.training:
            table.add(in_child(lambda log=log, name=name: _training(asked.task, task, name, log)))
            continue
        cuts = getattr(task, "halves", halves)(getattr(task, "prepared", lambda log: log)(log))
        for kind in asked.s.split(","):
            for algorithm in names:
                part = Part(name, kind, cuts[kind](), f"{asked.task}/{algorithm}")
                table.add(in_child(lambda part=part: _row(task, part)))


def _row(how: Any, part: Part) -> Cells:
    name = part.model_type.partition("/")[2]
    begin = {"log": part.log, "split": part.kind, "seen": part.seen, "algorithm": name}
    return begin | how.cells(part)


def _training(task: str, how: Any, name: str, log: EventLog) -> Cells:
    default = registry.find(f"{task}/{how.NAMES[0]}").task.recommended
    seconds = Model(default, **getattr(how, "PARAMETERS", {})).train(log).metadata["cpu_seconds"]
    each = seconds / log.n_events * 100_000
    return {
        "log": name,
        "events": f"{log.n_events:,}",
        "default": default,
        "training CPU s": f"{seconds:.1f}",
        "a 100,000 events": f"{each:.1f}",
    }


def in_child(work: Callable[[], Cells]) -> Cells:
    """What `work` gives, made in a process of its own, and the peak memory of that process."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(sending, "w") as pipe:
            pipe.write("\n".join(f"{key}\t{value}" for key, value in work().items()))
        os._exit(0)
    os.close(sending)
    with os.fdopen(receiving) as pipe:
        lines = pipe.read().splitlines()
    _child, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"a row failed: its process ended with status {status}")
    return dict(line.split("\t") for line in lines) | {"peak MB": f"{usage.ru_maxrss / 1024:.0f}"}


class Table:
    """Rows printed as they come, under the headings of the first."""

    def __init__(self) -> None:
        self.widths: dict[str, int] = {}

    def add(self, cells: Cells) -> None:
        """Prints a row; the first sets the widths."""
        if not self.widths:
            self.widths = {name: max(len(name), len(text), 5) for name, text in cells.items()}
            self.widths |= {"log": 24, "split": 10, "events": 8} | {"algorithm": 17} | {"training CPU s": 14}
            self._print({name: name for name in cells})
        self._print(cells)

    def _print(self, cells: Cells) -> None:
        shown = {name: text.replace("nan", "-") for name, text in cells.items()}
        texts = [
            f"{text:<{self.widths[n]}}" if n in ("log", "algorithm") else f"{text:>{self.widths[n]}}"
            for n, text in shown.items()
        ]
        print(" ".join(texts).rstrip(), flush=True)


if __name__ == "__main__":
    main()

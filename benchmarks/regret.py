"""How much worse each task's default is than the best of its own members, from rows that were measured.

    python benchmarks/regret.py benchmarks/results/NEWER.txt benchmarks/results/TASK.txt ...

Reads files of `benchmarks/predictive.py`: each row is what a saved and loaded model answered for one log,
split and algorithm. Where a row stands twice, the first counts; the rows of defaults are those
of the first file.
Members are the task's baseline and what its default chooses from; a log and split count that have the
default's row and those of two members at least.

Regret: how far the default is from the best member, as a share of what that is from perfect: (best - default)
/ (1 - best) where more is better, (default - best) / best for errors; below zero the default is better.
`beyond`: what is left of it when the default is given the better end of its own 95 % interval; rows hold no
paired one, which would be narrower.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from pmlcli import registry

METRICS = {
    "accuracy": "next-activity",
    "MAE, days": "remaining-time",
    "AUC": "outcome",
    "per trace": "suffix",
}
ERRORS = {"remaining-time"}
ROW = re.compile(
    r"(?P<log>\S+) +(?P<split>literature|strict) +\d+% (?P<algorithm>\S+) +(?:\d+/\d+ +)?"
    r"(?P<value>[\d.]+) \[(?P<lower>[\d.]+), (?P<upper>[\d.]+)\]"
)
MEDIAN_TARGET, WORST_TARGET = 0.03, 0.10


class Row(NamedTuple):
    """What one algorithm came to, with its 95 % interval."""

    value: float
    lower: float
    upper: float


class Regret(NamedTuple):
    """One log and split: the best member, what it and the default came to, and the shares lost."""

    log: str
    split: str
    best: str
    of_best: float
    of_default: float
    regret: float
    beyond: float


Rows = dict[tuple[str, str], dict[str, Row]]
"""By log and split, and by algorithm."""


def rows_of(lines: Iterable[str], found: dict[str, Rows]) -> None:
    """Adds the rows of a result file by task; those that are there already stay."""
    task = None
    for line in lines:
        if line.startswith("log "):
            task = next((name for metric, name in METRICS.items() if f" {metric} " in line), None)
        match = ROW.match(line)
        if task and match:
            rows = found.setdefault(task, {}).setdefault((match["log"], match["split"]), {})
            rows.setdefault(
                match["algorithm"], Row(*(float(match[part]) for part in ("value", "lower", "upper")))
            )


def members_of(task: str) -> tuple[str, set[str]]:
    """The short name of the task's default, and those of what it chooses from."""
    default = registry.resolve(None, task)
    algorithm = registry.build(default, {"label_column": "label"} if task == "outcome" else {})
    return default.partition("/")[2], set(algorithm.member_names() or ())


def regrets(task: str, rows: Rows) -> Iterator[Regret]:
    """Of each log and split that has the default and two members at least."""
    default, members = members_of(task)
    is_error = task in ERRORS
    for (log, split), known in sorted(rows.items()):
        others = {name: row for name, row in known.items() if name in members}
        if default not in known or len(others) < 2:
            continue
        best = (min if is_error else max)(others, key=lambda name: others[name].value)
        value, own = others[best].value, known[default]
        room = value if is_error else 1 - value
        lost = own.value - value if is_error else value - own.value
        with_luck = own.lower - value if is_error else value - own.upper
        yield Regret(log, split, best, value, own.value, lost / room, max(with_luck, 0.0) / room)


def main() -> None:
    """Prints a table a task, and whether the targets are met."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    reading.add_argument("files", nargs="+", type=Path)
    found: dict[str, Rows] = {}
    files = reading.parse_args().files
    for file in files:
        rows_of(file.read_text(encoding="utf-8").splitlines(), found)
        if file == files[0]:
            measured = {task: set(rows) for task, rows in found.items()}
    found = {
        task: {at: rows[at] for at in measured[task]} for task, rows in found.items() if task in measured
    }
    print("$ python benchmarks/regret.py", *(f"benchmarks/results/{file.name}" for file in files))
    everything = []
    for task, rows in found.items():
        lost = list(regrets(task, rows))
        everything += lost
        print(f"\n{task:<35} {'best member':<18} {'its':>7} {'default':>8} {'regret':>8} {'beyond':>8}")
        for one in lost:
            print(
                f"{one.log:<24} {one.split:<10} {one.best:<18} {one.of_best:>7.4g} {one.of_default:>8.4g} "
                f"{one.regret:>8.1%} {one.beyond:>8.1%}"
            )
        summary(lost)
    if len(found) > 1:
        print("\nall tasks")
        summary(everything)


def summary(lost: list[Regret]) -> None:
    """The median regret and the worst beyond the interval, beside their targets."""
    if not lost:
        print("no log has the default's row and those of two members")
        return
    middle, worst = median(one.regret for one in lost), max(one.beyond for one in lost)
    parts = (("median", middle, MEDIAN_TARGET), ("worst beyond the interval", worst, WORST_TARGET))
    said = [
        f"{what} {found:.1%} (target {target:.0%}: {'met' if found <= target else 'missed'})"
        for what, found, target in parts
    ]
    print(f"{', '.join(said)}, {len(lost)} logs and splits")


if __name__ == "__main__":
    main()

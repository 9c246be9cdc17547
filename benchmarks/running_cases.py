"""How well a log tells which of its cases go on: logs cut off at ten moments, whose later events are known.

    python benchmarks/running_cases.py [LOG ...] [--early] [-o FILE]

Each log is cut at 1/11, 2/11, ... 10/11 of its time; a case of the cut log goes on when it has events after
the cut. The processes of `_waiting.py` are simulated (1,000 days of 2,000 cases, and 700 days of 400, more
and more of them). `expected` is the sum of the probabilities by the number of cases that went on, `running`
the number of cases that are called running by it; `within 15 %` says at how many moments that is so. Where
none went on, both are shares of the cases. `ended lately` are the cases of an early moment whose last event
was in the last tenth of the time until then and who did not go on; `seen lately` are all whose last event was
then: logs that were chosen by when their cases ended, or last went on. Brier scores are means over the cases
of all moments; `best idle` is that of calling running what has been silent for less than the best of all
limits, chosen for each row by what really came. Settings were chosen on the
early moments of the real logs (the first five) and on the simulated processes; then the late ones were
looked at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _result import tell
from _waiting import PROCESSES, simulated
from numpy.typing import NDArray

from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.running import standing

EARLY, LATE, ALL = range(1, 6), range(6, 11), range(1, 11)
WITHIN = 0.15
LATELY = 10
HEADER = (
    f"{'log':50}{'moments':>8}{'went on':>9}{'expected':>10}{'within 15 %':>13}{'running':>9}"
    f"{'within 15 %':>13}{'Brier':>9}{'best idle':>11}"
)
Flags = NDArray[np.bool_]


class Found(NamedTuple):
    """What was said of the cases of a log at a moment, and what came, (cases,) each."""

    goes_on: NDArray[np.float64]
    is_running: Flags
    silent: NDArray[np.int64]
    came: Flags


def cut_logs(log: EventLog, moments: Iterable[int]) -> Iterator[tuple[EventLog, Flags]]:
    """The log as it was at each moment, and which of its cases went on."""
    assert log.times is not None
    first, last = int(log.times.min()), int(log.times.max())
    for moment in moments:
        at = first + (last - first) * moment // 11
        lengths = np.bincount(log.case_of_event[log.times <= at], minlength=log.n_cases)
        cases = np.flatnonzero(lengths)
        yield log.take_cases(cases, lengths[cases]), log.ends[cases] > at


def chosen_logs(log: EventLog, moments: Iterable[int], *, ended: bool) -> Iterator[tuple[EventLog, Flags]]:
    """Of the log at each moment the cases whose last event was lately, but for those that went on."""
    for cut, came in cut_logs(log, moments):
        assert cut.times is not None and cut.end is not None
        since = cut.end - (cut.end - int(cut.times.min())) // LATELY
        kept = np.flatnonzero((cut.ends >= since) & ~(came & ended))
        if len(kept):
            yield cut.take_cases(kept), came[kept]


def found_in(cuts: Iterable[tuple[EventLog, Flags]]) -> list[Found]:
    """What the rule says of each log, beside what came."""
    found = []
    for cut, came in cuts:
        stands, end = standing(cut), cut.end
        assert end is not None
        found.append(Found(stands.goes_on, stands.is_running, end - cut.ends, came))
    return found


def best_idle(silent: NDArray[np.int64], came: Flags) -> float:
    """The smallest share of cases that one limit of silence tells wrongly."""
    order = np.argsort(silent, kind="stable")
    wrong = np.concatenate(([came.sum()], came.sum() - np.cumsum(came[order]) + np.cumsum(~came[order])))
    changes = np.concatenate(([True], np.diff(silent[order]) > 0, [True]))
    return float(wrong[changes].min() / len(came))


def line(name: str, found: list[Found]) -> str:
    """A row of the table."""
    goes_on, is_running, silent, came = map(np.concatenate, zip(*found, strict=True))
    counts = np.array([(one.goes_on.sum(), one.is_running.sum(), one.came.sum()) for one in found])
    near = (np.abs(counts[:, :2] - counts[:, 2:]) <= WITHIN * counts[:, 2:]).sum(axis=0)
    ratio = counts[:, :2].sum(axis=0) / (came.sum() or len(came))
    brier = ((goes_on - came) ** 2).mean()
    return (
        f"{name:50}{len(found):8}{came.sum():9,}{ratio[0]:10.2f}{near[0]:8} of {len(found):2}{ratio[1]:9.2f}"
        f"{near[1]:8} of {len(found):2}{brier:9.4f}{best_idle(silent, came):11.4f}"
    )


def rows(paths: Iterable[Path], only_early: bool) -> Iterator[str]:
    """The rows of the table: real logs by early and late moments, simulated processes by all of them."""
    for path in paths:
        log = read_log(path, on_bad_row="drop")
        yield line(f"{path.name}, early", found_in(cut_logs(log, EARLY)))
        if not only_early:
            yield line(f"{path.name}, late", found_in(cut_logs(log, LATE)))
        yield from _lately(path.name, log, EARLY)
    for name in PROCESSES:
        log = simulated(name, seed=1)
        yield line(f"simulated: {name}", found_in(cut_logs(log, ALL)))
        small = simulated(name, cases=400, days=700, growth=2, seed=2)
        yield line(f"simulated: {name}, small", found_in(cut_logs(small, ALL)))
        yield from _lately(f"simulated: {name}", log, EARLY)


def _lately(name: str, log: EventLog, moments: Iterable[int]) -> Iterator[str]:
    """The rows of a log chosen by when its cases ended, and by when they were last seen."""
    for which, ended in (("ended", True), ("seen", False)):
        if found := found_in(chosen_logs(log, moments, ended=ended)):
            yield line(f"{name}, {which} lately", found)


def main() -> None:
    """Measure the logs given and the simulated processes, and print (or also write) the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", nargs="*", type=Path)
    parser.add_argument("--early", action="store_true", help="leave the late moments of the logs alone")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    words = [*(path.name for path in options.logs), *(["--early"] if options.early else [])]
    lines = ["$ python benchmarks/running_cases.py " + " ".join(words), "", HEADER]
    lines += rows(options.logs, options.early)
    tell(lines, options.output)


if __name__ == "__main__":
    main()

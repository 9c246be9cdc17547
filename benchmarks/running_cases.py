"""How well the rule for running cases tells them: logs cut off at a moment whose future is known.

    python benchmarks/running_cases.py LOG ... [-o FILE]

Each log is cut at 40, 50, 60, 70 and 80 % of its time; a case of the cut log is running when it has events
after the cut. `idle only` calls running what is not idle for longer than 99 % of all pauses.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from _result import tell
from numpy.typing import NDArray

from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.running import fit_running_rule

CUTS = (0.4, 0.5, 0.6, 0.7, 0.8)
RULES = ("idle only", "endings only", "pmlcli")
Flags = NDArray[np.bool_]


def cut_logs(log: EventLog) -> Iterator[tuple[EventLog, Flags]]:
    """The log as it was at each cut, and which of its cases went on."""
    assert log.times is not None
    first, last = int(log.times.min()), int(log.times.max())
    for share in CUTS:
        moment = int(first + (last - first) * share)
        lengths = np.bincount(log.case_of_event[log.times <= moment], minlength=log.n_cases)
        cases = np.flatnonzero(lengths)
        yield log.take_cases(cases, lengths[cases]), log.ends[cases] > moment


def told(log: EventLog) -> dict[str, Flags]:
    """What each rule calls running."""
    rule = fit_running_rule(log)
    plain = replace(rule, patience=())
    return dict(zip(RULES, (r.find(log) for r in (replace(plain, endings=()), plain, rule)), strict=True))


def measure(path: Path) -> list[str]:
    """The lines of the result for one log."""
    log = read_log(path, on_bad_row="drop")
    sums = {name: np.zeros(3, dtype=np.int64) for name in RULES}
    for cut, truth in cut_logs(log):
        for name, found in told(cut).items():
            sums[name] += [(found & truth).sum(), found.sum(), truth.sum()]
    now = told(log)
    lines = [f"{path.name}: {log.n_cases:,} cases"]
    for name, (right, found, there) in sums.items():
        shares = f"precision {right / max(found, 1):.2f}  recall {right / max(there, 1):.2f}"
        lines.append(
            f"  {name:13}{shares}  F1 {2 * right / max(found + there, 1):.2f}   "
            f"({there:,} running in all cuts, {found:,} told); at the log's end {now[name].sum():,}"
        )
    return lines


def main() -> None:
    """Measure the logs given and print (or also write) the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    lines = ["$ python benchmarks/running_cases.py " + " ".join(path.name for path in options.logs), ""]
    for path in options.logs:
        lines += measure(path)
    tell(lines, options.output)


if __name__ == "__main__":
    main()

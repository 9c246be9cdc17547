"""Next activity on real logs, beside the best published figures.

    OMP_NUM_THREADS=1 python benchmarks/next_activity.py [-a ALGORITHM,...] LOG ...

`literature`: the last 20 % of the cases by first event are the test part, every case counts as finished;
settings are chosen on the last fifth of the other cases (64/16/20). `strict`: trained on the cases that had
ended when the first test case began, tested on what happened from then on. Accuracy over the prefixes of one
event or more, the end of the case counted as an activity; 95 % intervals bootstrapped by case. `ECE`:
expected calibration error, and `held`, `size`: prediction sets of 90 %, each found on one half of the test
cases and checked on the other. Published figures are on 80/20 splits by time, as their authors report them.
"""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

import numpy as np
from _predictive import Part, all_ended, cpu_seconds, parts, with_interval

from pmlcli import registry
from pmlcli.algorithms._calibration import cross_checked
from pmlcli.algorithms._next_activity import NextActivityPredictor, targets
from pmlcli.eventlog.split import measured_prefixes, seen_share

PUBLISHED = {"helpdesk_erama": 0.713, "sepsis": 0.656, "BPIC13_incidents": 0.701, "BPIC12": 0.852}
NAMES = ("ngram", "linear", "xgboost", "gru", "transformer", "ensemble")


def main() -> None:
    """Prints the table for the logs named."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    reading.add_argument("-a", default=",".join(NAMES), metavar="ALGORITHM,...")
    reading.add_argument("logs", nargs="+")
    asked = reading.parse_args()
    short = " ".join([*sys.argv[1 : -len(asked.logs)], *(Path(log).name for log in asked.logs)])
    print(f"$ OMP_NUM_THREADS=1 python benchmarks/next_activity.py {short}")
    print(f"# Python {platform.python_version()}, one thread; default settings")
    print(
        f"{'log':24} {'split':10} {'seen':>5} {'algorithm':12} {'accuracy':>24} {'published':>9} {'ECE':>6}"
        f" {'held':>5} {'size':>5} {'fit CPU s':>9}"
    )
    for part in parts(asked.logs):
        for name in asked.a.split(","):
            print(_row(part, name), flush=True)


def _row(part: Part, name: str) -> str:
    algorithm = registry.find(f"next-activity/{name}").build({})
    assert isinstance(algorithm, NextActivityPredictor)
    encoding = algorithm.make_encoding().fit(part.split.train)
    train, test = (all_ended(encoding.transform(log)) for log in (part.split.train, part.split.test))
    seconds = cpu_seconds(lambda: algorithm.fit(train))
    counted = measured_prefixes(part.split)
    rows = np.flatnonzero(counted)
    found = algorithm.probabilities(test)[rows]
    told = cross_checked(found, targets(test)[rows], test.case_of_event[rows] % 2 == 0)
    published = PUBLISHED.get(part.log, float("nan")) if part.kind == "literature" else float("nan")
    return (
        f"{part.log:24} {part.kind:10} {seen_share(part.split):5.0%} {name:12}"
        f" {with_interval(algorithm.accuracy(test, counted)):>24} {published:9.3f}"
        f" {told['calibration_error']:6.3f} {told['coverage']:5.2f} {told['set_size']:5.1f} {seconds:9.1f}"
    )


if __name__ == "__main__":
    main()

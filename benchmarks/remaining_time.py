"""Remaining time on real logs, beside the best published figures.

    OMP_NUM_THREADS=1 python benchmarks/remaining_time.py [-a ALGORITHM,...] LOG ...

`literature`: the last 20 % of the cases by first event are the test part, every case counts as finished;
settings are chosen on the last fifth of the other cases (64/16/20). `strict`: trained on the cases that had
ended when the first test case began, tested on what happened from then on. Mean absolute error in days over
prefixes of 2 to n - 1 events, 95 % intervals bootstrapped by case. `held`: share of the later half of the
test part that 90 % intervals held which were set on the earlier half; `width`: their median width, days.
Published: PGTNet's holdout table, the best of four networks.
"""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

from _predictive import Part, all_ended, cpu_seconds, parts, with_interval

from pmlcli import registry
from pmlcli.algorithms._quantiles import coverage
from pmlcli.algorithms._remaining_time import RemainingTimePredictor, known_rows, remaining_seconds
from pmlcli.eventlog.split import measured_prefixes, seen_share

PUBLISHED = {
    "helpdesk_erama": 4.80,
    "BPIC12": 5.49,
    "BPIC12_W_complete": 5.88,
    "sepsis": 15.71,
    "BPIC13_incidents": 2.39,
}
NAMES = ("median", "transition-system", "boosting", "gru", "survival", "ensemble")
DAY = 86_400.0


def main() -> None:
    """Prints the table for the logs named."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    reading.add_argument("-a", default=",".join(NAMES), metavar="ALGORITHM,...")
    reading.add_argument("logs", nargs="+")
    asked = reading.parse_args()
    short = " ".join([*sys.argv[1 : -len(asked.logs)], *(Path(log).name for log in asked.logs)])
    print(f"$ OMP_NUM_THREADS=1 python benchmarks/remaining_time.py {short}")
    print(f"# Python {platform.python_version()}, one thread; default settings")
    print(
        f"{'log':20} {'split':10} {'seen':>5} {'algorithm':17} {'MAE, days':>24} {'published':>9} {'held':>5}"
        f" {'width':>7} {'fit CPU s':>9}"
    )
    for part in parts(asked.logs):
        for name in asked.a.split(","):
            print(_row(part, name), flush=True)


def _row(part: Part, name: str) -> str:
    algorithm = registry.find(f"remaining-time/{name}").build({})
    assert isinstance(algorithm, RemainingTimePredictor)
    encoding = algorithm.make_encoding().fit(part.split.train)
    train, test = (all_ended(encoding.transform(log)) for log in (part.split.train, part.split.test))
    seconds = cpu_seconds(lambda: algorithm.fit(train))
    counted = measured_prefixes(part.split)
    rows = known_rows(test, counted)
    quantiles, came = algorithm.quantiles(test, rows), remaining_seconds(test)[rows]
    order = test.starts[test.case_of_event[rows]]
    told = coverage(quantiles, came, order <= sorted(order)[len(order) // 2])
    published = PUBLISHED.get(part.log, float("nan")) if part.kind == "literature" else float("nan")
    return (
        f"{part.log:20} {part.kind:10} {seen_share(part.split):5.0%} {name:17}"
        f" {with_interval(algorithm.error(test, counted), 2):>24} {published:9.2f}"
        f" {told['coverage_90'] or float('nan'):5.2f} {(told['median_width_seconds'] or 0) / DAY:7.1f}"
        f" {seconds:9.1f}"
    )


if __name__ == "__main__":
    main()

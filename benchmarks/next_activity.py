"""Next activity on real logs: the network beside the n-gram and the best published figure.

    OMP_NUM_THREADS=1 python benchmarks/next_activity.py LOG[:lifecycle] ...

Split: the last 20 % of the cases by first event are the test part; of the others the network trains on the
first 80 % and stops on the last 20 % (64/16/20). `literature` counts every case's end as an activity and all
prefixes of one event or more; `ours` leaves out what follows the last event of cases that were still running
when the log ended (as `pmlcli train` does), with the same weights. Intervals: 95 %, bootstrapped by case.
`:lifecycle` takes name and lifecycle together as the activity. Published figures are on 80/20 splits by time,
as their authors report them. Large logs are trained with one seed, others with three.
"""

from __future__ import annotations

import platform
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from pmlcli.algorithms._next_activity import NextActivityPredictor
from pmlcli.algorithms.next_activity.gru import Gru
from pmlcli.algorithms.next_activity.ngram import Ngram
from pmlcli.encoding.sequences import Sequences
from pmlcli.evaluation.measurement import Measurement, compare
from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.log import ACTIVITY, LIFECYCLE
from pmlcli.eventlog.split import split_by_start

PUBLISHED = {"helpdesk": 0.713, "sepsis": 0.656, "BPIC13_incidents": 0.701, "BPIC12": 0.852}
SEEDS = (0, 1, 2)
LARGE = 100_000
"""Events from which on one seed must do."""
RESAMPLES = 1000


def main(arguments: list[str]) -> None:
    """Prints the table for the logs named."""
    print(f"$ OMP_NUM_THREADS=1 python benchmarks/next_activity.py {' '.join(map(_short, arguments))}")
    print(f"# Python {platform.python_version()}, torch {torch.__version__}, one thread; default settings")
    print(
        f"{'log':24} {'algorithm':10} {'seed':>4} {'literature':>24} {'ours':>8} {'gain over n-gram':>24}"
        f" {'published':>9} {'CPU s':>6}  epochs, memory"
    )
    for argument in arguments:
        path, _, option = argument.partition(":")
        _report(Path(path), _read(Path(path), option == "lifecycle"), option)


def _short(argument: str) -> str:
    return Path(argument).name


def _read(path: Path, with_lifecycle: bool) -> EventLog:
    log = read_log(path)
    if with_lifecycle:
        joined = log.frame[ACTIVITY] + "+" + log.frame[LIFECYCLE]
        log = read_log(log.frame.assign(**{ACTIVITY: joined}))
    return log


def _report(path: Path, log: EventLog, option: str) -> None:
    split = split_by_start(log)
    encoding = Ngram().make_encoding().fit(split.train)
    train, test = encoding.transform(split.train), encoding.transform(split.test)
    name = path.name.partition(".")[0]
    published = next((v for key, v in PUBLISHED.items() if name == key or name == f"{key}_erama"), None)
    baseline: Measurement | None = None
    seeds = SEEDS if log.n_events < LARGE else SEEDS[:1]
    for algorithm in (Ngram(), *(Gru(seed=seed) for seed in seeds)):
        seconds = _train(algorithm, _all_ended(train))
        literature = algorithm.accuracy(_all_ended(test))
        baseline = baseline or literature
        row = [f"{name}{':' + option if option else '':24}"[:24].ljust(24)]
        row.append(f"{'gru' if isinstance(algorithm, Gru) else 'ngram':10} {algorithm.seed:4}")
        row.append(_with_interval(literature).rjust(24))
        row.append(f"{algorithm.accuracy(test).value:8.4f}")
        row.append(_gain(literature, baseline).rjust(24))
        row.append(f"{published or float('nan'):9.3f} {seconds:6.1f} ")
        if isinstance(algorithm, Gru):
            row.append(f"{algorithm.epochs_}, {algorithm.memory_}")
        print(" ".join(row), flush=True)


def _all_ended(data: Sequences) -> Sequences:
    return replace(data, is_running=np.zeros(data.n_cases, dtype=np.bool_))


def _train(algorithm: NextActivityPredictor, data: Sequences) -> float:
    begin = time.process_time()
    algorithm.fit(data)
    return time.process_time() - begin


def _with_interval(measured: Measurement) -> str:
    rng = np.random.Generator(np.random.PCG64(0))
    draws = rng.integers(0, measured.n_units, size=(RESAMPLES, measured.n_units))
    lower, upper = np.quantile([measured.value_of(units) for units in draws], [0.025, 0.975])
    return f"{measured.value:.4f} [{lower:.4f}, {upper:.4f}]"


def _gain(ours: Measurement, baseline: Measurement) -> str:
    if ours is baseline:
        return "-"
    compared = compare(ours, baseline, "ngram", seed=0, is_baseline=False)
    return f"{compared.difference:+.4f} [{compared.lower:+.4f}, {compared.upper:+.4f}]"


if __name__ == "__main__":
    main(sys.argv[1:])

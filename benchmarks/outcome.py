"""Outcome on labelled logs: each algorithm beside the best published figure.

    OMP_NUM_THREADS=1 python benchmarks/outcome.py LOG ...

Protocol of Teinemaa et al. (2019): the last 20 % of the cases by first event are the test part; training
events from the first test event on are dropped; prefixes of 1 to min(40, 90 % quantile of the length of the
rarer class's cases in the whole log) events, in training and test; area under the ROC curve over all test
prefixes together. The label is the column `label`; nothing was chosen on the test part. Intervals: 95 %,
bootstrapped by case. Published: Stevens and De Smedt (2023), the best of seven methods on the same protocol.
"""

from __future__ import annotations

import platform
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from pmlcli import registry
from pmlcli.encoding.outcome import OutcomePrefixes
from pmlcli.evaluation.ranking import macro_auc_over
from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.log import offsets_of
from pmlcli.eventlog.split import split_by_start

PUBLISHED = {"sepsis_cases_1": 0.563, "sepsis_cases_2": 0.923, "Production": 0.759}
NAMES = ("prior", "logistic", "boosting", "gru", "ensemble")
LONGEST = 40
RESAMPLES = 1000


def main(paths: list[str]) -> None:
    """Prints the table for the logs named."""
    print(f"$ OMP_NUM_THREADS=1 python benchmarks/outcome.py {' '.join(Path(p).name for p in paths)}")
    print(f"# Python {platform.python_version()}, one thread; default settings, seed 0")
    print(
        f"{'log':16} {'cases':>9} {'prefixes':>9} {'algorithm':10} {'AUC':>22} {'published':>9} {'CPU s':>9}"
    )
    for path in paths:
        log = read_log(Path(path))
        train, test = _split(log)
        for name in NAMES:
            print(_row(Path(path).name.partition(".")[0], log, train, test, name), flush=True)


def _split(log: EventLog) -> tuple[EventLog, EventLog]:
    """Training part without what happened from the first test event on, and test part."""
    split = split_by_start(log)
    train, test = split.train, split.test
    assert train.times is not None and test.times is not None
    kept = train.times < test.times.min()
    lengths = np.add.reduceat(kept.astype(np.int64), train.offsets[:-1])
    return train.take_rows(np.flatnonzero(kept), offsets_of(lengths[lengths > 0])), test


def _row(log_name: str, log: EventLog, train: EventLog, test: EventLog, name: str) -> str:
    algorithm = registry.find(f"outcome/{name}")(label_column="label")
    encoding = algorithm.make_encoding().fit(train)
    longest = _longest(encoding.transform(log))
    begin = time.process_time()
    algorithm.fit(_short(encoding.transform(train), longest))
    seconds = time.process_time() - begin
    data = _short(encoding.transform(test), longest)
    rows = np.flatnonzero(data.is_counted)
    _cases, unit = np.unique(data.case_of_event[rows], return_inverse=True)
    target = data.target_of_event[rows]
    value_of = macro_auc_over(target, algorithm.probabilities(data, rows), unit, len(_cases))
    rng = np.random.Generator(np.random.PCG64(0))
    drawn = rng.integers(0, len(_cases), size=(RESAMPLES, len(_cases)))
    lower, upper = np.nanquantile([value_of(units) for units in drawn], [0.025, 0.975])
    shown = f"{value_of(np.arange(len(_cases))):.3f} [{lower:.3f}, {upper:.3f}]"
    sizes = f"{train.n_cases}/{test.n_cases}"
    return (
        f"{log_name:16} {sizes:>9} {len(rows):9} {name:10} {shown:>22} {PUBLISHED[log_name]:9.3f}"
        f" {seconds:9.1f}"
    )


def _longest(data: OutcomePrefixes) -> int:
    known = data.target[data.target >= 0]
    rarer = np.bincount(known).argmin()
    return min(LONGEST, int(np.ceil(np.quantile(data.lengths[data.target == rarer], 0.9))))


def _short(data: OutcomePrefixes, longest: int) -> OutcomePrefixes:
    return replace(data, is_counted=data.is_counted & (data.position < longest))


if __name__ == "__main__":
    main(sys.argv[1:])

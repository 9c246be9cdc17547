"""Suffixes on real logs: the ensemble, the network and the medoid and the best published figures.

    OMP_NUM_THREADS=1 python benchmarks/suffix.py LOG ...

`literature`: the last 20 % of the cases by first event are the test part, every case counts as finished.
`strict`: trained on the cases that had ended when the first test case began, tested on what happened from
then on (Weytjens and De Weerdt). Three means of 1 - Damerau-Levenshtein distance / longer length: per trace
first, over all prefixes of one event or more with the empty suffix of the whole case (as the published
figures are); per prefix; per prefix without the empty suffixes. 95 % intervals of the first are bootstrapped
by case. Published: alignments4ppm (chronological 80/20), the best of six methods. At most 1,500 test cases a
log, evenly taken, the same for all algorithms.
"""

from __future__ import annotations

import platform
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pmlcli import registry
from pmlcli.algorithms._suffix import SuffixPredictor, similarities
from pmlcli.encoding.sequences import Sequences
from pmlcli.eventlog import read_log
from pmlcli.eventlog.split import Split, measured_prefixes, seen_share, split_by_start, split_strictly

PUBLISHED = {
    "helpdesk_erama": 0.881,
    "sepsis": 0.419,
    "BPIC13_incidents": 0.667,
    "BPIC20_RequestForPayment": 0.936,
}
MOST_CASES = 1_500
RESAMPLES = 1_000


def main(paths: list[str]) -> None:
    """Prints the table for the logs named."""
    print(f"$ OMP_NUM_THREADS=1 python benchmarks/suffix.py {' '.join(Path(p).name for p in paths)}")
    print(f"# Python {platform.python_version()}, torch {torch.__version__}, one thread; default settings")
    print(
        f"{'log':26} {'split':10} {'seen':>5} {'algorithm':9} {'per trace':>24} {'per prefix':>10}"
        f" {'non-empty':>9} {'published':>9} {'fit CPU s':>9} {'CPU ms a prefix':>15}"
    )
    for path in paths:
        log = read_log(Path(path))
        for kind, split in (("literature", split_by_start(log)), ("strict", split_strictly(log))):
            for name in ("medoid", "gru", "ensemble"):
                algorithm = registry.find(f"suffix/{name}").build({})
                assert isinstance(algorithm, SuffixPredictor)
                print(_row(Path(path).name.partition(".")[0], kind, split, name, algorithm), flush=True)


def _row(log: str, kind: str, split: Split, name: str, algorithm: SuffixPredictor) -> str:
    encoding = algorithm.make_encoding().fit(split.train)
    train, test = _all_ended(encoding.transform(split.train)), _all_ended(encoding.transform(split.test))
    cases = np.unique(np.linspace(0, test.n_cases - 1, MOST_CASES).astype(np.int64))
    events, _offsets = test.rows_of(cases)
    rows = np.flatnonzero(measured_prefixes(split)[events])
    test = test.take(cases)
    begin = time.process_time()
    algorithm.fit(train)
    fitted = time.process_time()
    found = similarities(algorithm, test, rows)
    each = (time.process_time() - fitted) / len(rows)
    published = PUBLISHED.get(log, float("nan")) if kind == "literature" else float("nan")
    not_empty = test.position[rows] + 1 < test.lengths[test.case_of_event[rows]]
    return (
        f"{log:26} {kind:10} {seen_share(split):5.0%} {name:9}"
        f" {_per_trace(found, test.case_of_event[rows]):>24}"
        f" {found.mean():10.4f} {found[not_empty].mean():9.4f}"
        f" {published:9.3f} {fitted - begin:9.1f} {1000 * each:15.2f}"
    )


def _all_ended(data: Sequences) -> Sequences:
    return replace(data, is_running=np.zeros(data.n_cases, dtype=np.bool_))


def _per_trace(found: NDArray[np.float64], case: NDArray[np.int64]) -> str:
    _cases, place = np.unique(case, return_inverse=True)
    means = np.bincount(place, weights=found) / np.bincount(place)
    rng = np.random.Generator(np.random.PCG64(0))
    draws = means[rng.integers(0, len(means), size=(RESAMPLES, len(means)))].mean(axis=1)
    lower, upper = np.quantile(draws, [0.025, 0.975])
    return f"{means.mean():.4f} [{lower:.4f}, {upper:.4f}]"


if __name__ == "__main__":
    main(sys.argv[1:])

"""What the benchmarks of the predictive tasks share: splits, intervals and the way rows are timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pmlcli.evaluation.measurement import Measurement
from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.split import Split, split_by_start, split_strictly

RESAMPLES = 1_000


class Part(NamedTuple):
    """One log on one split."""

    log: str
    kind: str
    split: Split


def parts(paths: list[str]) -> Iterator[Part]:
    """Each log on the literature's split (by start of case) and on the strict one."""
    for path in paths:
        log: EventLog = read_log(Path(path))
        name = Path(path).name.partition(".")[0]
        yield Part(name, "literature", split_by_start(log))
        yield Part(name, "strict", split_strictly(log))


def all_ended(data: Any) -> Any:
    """The same cases, each counted as finished, as the literature does."""
    return replace(data, is_running=np.zeros(data.n_cases, dtype=np.bool_))


def with_interval(measured: Measurement, digits: int = 4) -> str:
    """The value with its 95 % interval, bootstrapped by case."""
    rng = np.random.Generator(np.random.PCG64(0))
    draws = rng.integers(0, measured.n_units, size=(RESAMPLES, measured.n_units))
    lower, upper = np.quantile([measured.value_of(units) for units in draws], [0.025, 0.975])
    return f"{measured.value:.{digits}f} [{lower:.{digits}f}, {upper:.{digits}f}]"


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time of a piece of work."""
    begin = time.process_time()
    work()
    return time.process_time() - begin

"""What the tasks share: the splits of a log, intervals, and the cells of a row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.split import Split, seen_share, split_by_start, split_strictly

RESAMPLES = 1_000
CLASSIFIER = "@"
WITHOUT = "~"
DAY = 86_400.0
NAN = float("nan")

Cells = dict[str, str]


class Part(NamedTuple):
    """One log on one split."""

    log: str
    kind: str
    split: Split

    def published(self, figures: dict[str, float]) -> float:
        """The published figure of this log, which is for the literature's split."""
        return figures.get(self.log.partition(WITHOUT)[0], NAN) if self.kind == "literature" else NAN

    @property
    def seen(self) -> str:
        """Share of test prefixes that some training case began with."""
        return f"{seen_share(self.split):.0%}"


def read(spec: str) -> tuple[str, EventLog]:
    """The name and the log of `PATH`, `PATH@CLASSIFIER` or `PATH~COLUMN`."""
    path, _without, column = spec.partition(WITHOUT)
    path, _at, classifier = path.partition(CLASSIFIER)
    log = read_log(Path(path), classifier=classifier or None)
    if column:
        log = replace(log, frame=log.frame.drop(columns=column))
    return Path(path).name.partition(".")[0] + _without + column, log


def halves(log: EventLog) -> dict[str, Callable[[], Split]]:
    """The two ways to cut a log; see `benchmarks/predictive.py`."""
    return {"literature": lambda: split_by_start(log), "strict": lambda: split_strictly(log)}


def all_ended(data: Any) -> Any:
    """The same cases, each counted as finished, as the literature does."""
    return replace(data, is_running=np.zeros(data.n_cases, dtype=np.bool_))


def encoded(part: Part, algorithm: Any) -> Iterator[Any]:
    """Training and test part as the algorithm takes them, every case counted as finished."""
    encoding = algorithm.make_encoding().fit(part.split.train)
    return (all_ended(encoding.transform(log)) for log in (part.split.train, part.split.test))


def with_interval(value_of: Callable[[NDArray[np.int64]], float], n_units: int, digits: int) -> str:
    """The value with its 95 % interval, bootstrapped by unit (case)."""
    rng = np.random.Generator(np.random.PCG64(0))
    draws = rng.integers(0, n_units, size=(RESAMPLES, n_units))
    lower, upper = np.nanquantile([value_of(units) for units in draws], [0.025, 0.975])
    return f"{value_of(np.arange(n_units)):.{digits}f} [{lower:.{digits}f}, {upper:.{digits}f}]"


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time of a piece of work."""
    begin = time.process_time()
    work()
    return time.process_time() - begin

"""What the tasks share: the splits of a log, intervals, and the cells of a row."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog import EventLog, ReadOptions, read_log
from pmlcli.eventlog.split import Split, seen_share, split_by_start, split_strictly
from pmlcli.lifecycle.model import Model, _log_facts
from pmlcli.lifecycle.training import Trained

RESAMPLES = 1_000
CLASSIFIER = "@"
WITHOUT = "~"
DAY = 86_400.0
NAN = float("nan")

Cells = dict[str, str]


class Part(NamedTuple):
    """One log on one split; `whole` is all of it, `model_type` the algorithm of the row."""

    log: str
    kind: str
    split: Split
    whole: EventLog
    model_type: str = ""

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


class Reopened(NamedTuple):
    """A fitted algorithm and its encoding as a saved model gave them back, and the seconds of fitting."""

    algorithm: Any
    encoding: Any
    seconds: float


def fitted_and_reopened(
    part: Part, algorithm: Any, prepare: Callable[[Any], Any] = lambda data: data
) -> Reopened:
    """Fits on the training part, saves, and loads: every answer that is measured comes from a saved model."""
    encoding = algorithm.make_encoding().fit(part.split.train)
    data = prepare(encoding.transform(part.split.train))
    seconds = cpu_seconds(lambda: algorithm.fit(data))
    algorithm.calibration_ = algorithm.calibrate(encoding, part.split, part.whole)
    algorithm.settle(data)
    model = Model(part.model_type, **algorithm.parameters())
    trained = Trained(algorithm, encoding, algorithm.count_samples(data), None)
    model._keep(trained, _log_facts(part.whole), part.whole, ReadOptions())
    with TemporaryDirectory() as place:
        loaded = Model.load(model.save(Path(place) / "model").path)
    return Reopened(loaded.algorithm, loaded._ready_encoding(), seconds)


def encoded(part: Part, algorithm: Any) -> tuple[Reopened, Any]:
    """The algorithm fitted and reopened, and the test part as it takes it, every case counted as finished."""
    opened = fitted_and_reopened(part, algorithm, all_ended)
    return opened, all_ended(opened.encoding.transform(part.split.test))


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

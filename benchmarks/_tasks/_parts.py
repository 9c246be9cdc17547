"""What the tasks share: the splits of a log, intervals, and the cells of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli import Model, PredictRequest
from pmlcli.evaluation.measurement import mean_over
from pmlcli.eventlog import EventLog, read_log
from pmlcli.eventlog.running import StatedRule
from pmlcli.eventlog.split import Split, seen_share, split_by_start, split_strictly

RESAMPLES = 1_000
CLASSIFIER = "@"
WITHOUT = "~"
DAY = 86_400.0
NAN = float("nan")

Cells = dict[str, str]


class Part(NamedTuple):
    """One log on one split; `model_type` is the algorithm of the row."""

    log: str
    kind: str
    split: Split
    model_type: str

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


def finished(log: EventLog) -> EventLog:
    """The same log, every case counted as finished, as the literature does: a case may end with any activity.

    On the command line `--running mark` and `--end-activity` for each activity say the same.
    """
    return replace(log, running_rule=StatedRule(tuple(log.activities)))


class Predicted(NamedTuple):
    """What a model answered for every prefix of the test part.

    - `table`: (test events,) rows of `Model.predict`, row i for the prefix that event i ends
    - `training_seconds`, `asking_seconds`: processor time of `Model.train` and of `Model.predict`
    """

    table: pd.DataFrame
    training_seconds: float
    asking_seconds: float

    @property
    def costs(self) -> Cells:
        """The cells that end a row."""
        each = 1000 * self.asking_seconds / len(self.table)
        return {"train CPU s": f"{self.training_seconds:.1f}", "ms a prefix": f"{each:.2f}"}


def predicted(part: Part, parameters: dict[str, Any], test: EventLog | None = None) -> Predicted:
    """Trains on the training part, saves, loads, and asks for every prefix of the test part (or of `test`).

    All of it is what a user does: no answer comes from a model in memory.
    """
    test = part.split.test if test is None else test
    model = Model(part.model_type, **parameters)
    trained = model.train(part.split.train)
    with TemporaryDirectory() as place:
        loaded = Model.load(model.save(Path(place) / "model").path)
    begin = _cpu_with_children()
    table = loaded.predict(test, request=PredictRequest(cases="all", every_prefix=True)).predictions
    asking = _cpu_with_children() - begin
    assert (table["case_id"].to_numpy() == test.case_ids[test.case_of_event]).all()
    assert (table["prefix_length"].to_numpy() == test.position + 1).all()
    return Predicted(table, trained.metadata["cpu_seconds"], asking)


def _cpu_with_children() -> float:
    """Processor time of this process and of those it has waited for: a loaded model answers in a child."""
    return sum(used.ru_utime + used.ru_stime for used in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))


def activity_names(log: EventLog) -> NDArray[np.object_]:
    """The activity of each event, (events,)."""
    return np.asarray(log.activities, dtype=object)[log.activity_codes]


def listed(text: str, separator: str) -> list[str]:
    """The names in a column of several; no log here has one that stands in quotes."""
    assert '"' not in text, text
    return text.split(separator)


def mean_by_case(values: NDArray[np.float64], cases: NDArray[np.int64], digits: int) -> str:
    """The mean over prefixes, (rows,), with its interval."""
    _cases, place = np.unique(cases, return_inverse=True)
    sums, counts = np.bincount(place, weights=values), np.bincount(place).astype(np.float64)
    return with_interval(mean_over(sums, counts), len(counts), digits)


def with_interval(value_of: Callable[[NDArray[np.int64]], float], n_units: int, digits: int) -> str:
    """The value with its 95 % interval, bootstrapped by unit (case)."""
    rng = np.random.Generator(np.random.PCG64(0))
    draws = rng.integers(0, n_units, size=(RESAMPLES, n_units))
    lower, upper = np.nanquantile([value_of(units) for units in draws], [0.025, 0.975])
    return f"{value_of(np.arange(n_units)):.{digits}f} [{lower:.{digits}f}, {upper:.{digits}f}]"

"""Several algorithms on one cut of a log: each is trained, saved, loaded and measured as a user's model is.

What is trained on is the log as it stood when the last fifth of its cases began; what is measured on are the
cases that began after. So each number is what `evaluate --only-new` says of a model that was trained then.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.arrays import Floats
from pmlcli.errors import LogError, MissingDependencyError, PredictionError, TrainingError
from pmlcli.evaluation.choosing import Draws, draws
from pmlcli.eventlog.far_events import near_cases
from pmlcli.eventlog.log import EventLog, offsets_of
from pmlcli.eventlog.split import split_by_start
from pmlcli.lifecycle.evaluating import Evaluation, Scope, evaluate
from pmlcli.lifecycle.measuring import subject
from pmlcli.lifecycle.model import Model


@dataclass(frozen=True)
class Candidate:
    """An algorithm with its parameters; `varied` are those of a search, as they were written."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    varied: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Its name in tables: `ngram order=3`."""
        return " ".join([self.name.partition("/")[2], *(f"{k}={v}" for k, v in self.varied.items())])

    @property
    def key(self) -> str:
        """What it is known by in the file of an earlier run: name and all given parameters."""
        return json.dumps([self.name, dict(self.parameters)], sort_keys=True, default=str)


@dataclass(frozen=True)
class Row:
    """One candidate's line of the board.

    - `failure`: why it could not be measured here; all that follows is then empty
    - `metric`, `unit`, `higher_is_better`, `phrase`, `as_percent`: of the task's own metric
    - `n_units`, `evidence`: how many cases (blocks of time) it was measured on, and a digest of their truth
    - `draws`: see `evaluation/choosing.py`
    - `others`: value and unit of the task's other metrics
    - `fit_seconds`: of processor time, measuring in training included
    - `milliseconds`: to predict a case, or to make a forecast
    - `is_earlier`: taken from an earlier run
    """

    candidate: Candidate
    failure: str | None = None
    extra: str | None = None
    metric: str = ""
    unit: str = ""
    higher_is_better: bool = True
    phrase: str = ""
    as_percent: bool = True
    value: float = float("nan")
    n_units: int = 0
    evidence: str = ""
    draws: Draws = Draws(np.empty(0), np.empty(0))
    others: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    fit_seconds: float = 0.0
    milliseconds: float = 0.0
    size_bytes: int = 0
    is_earlier: bool = False

    @property
    def label(self) -> str:
        """The candidate's name in tables."""
        return self.candidate.label

    @property
    def is_measured(self) -> bool:
        """Whether there is a number to rank it by."""
        return self.failure is None and bool(np.isfinite(self.value))

    @property
    def drawn(self) -> Floats:
        """The metric over units drawn anew."""
        return self.draws.drawn


@dataclass(frozen=True)
class Cut:
    """A log cut by time: what is trained on, and all of it, of which the cases begun later are measured.

    `measured` is the digest of what a number of this cut depends on.
    """

    training: EventLog
    log: EventLog
    only_new: bool
    labels: Mapping[str, str] | None
    digest: str


def cut_of(log: EventLog, labels: Mapping[str, str] | None = None) -> Cut:
    """The cut at which the last fifth of the cases began; without times by the order of cases.

    LogError where nothing was there before.
    """
    if not log.n_events:
        raise LogError(
            f"{log.source.name}: the log has no events", code="log.empty", hint="give a longer log"
        )
    near, parts = near_cases(log), split_by_start(log)
    if log.times is None:
        return Cut(parts.train, parts.test, False, labels, _digest(log, labels))
    since = int(parts.test.starts.min())
    training = _as_it_stood(near, since)
    if not training.n_cases or not (near.starts > int(training.times.max()) + 999_999).any():  # type: ignore[union-attr]
        raise LogError(
            f"{log.source.name}: its times do not separate earlier from later cases",
            code="log.split",
            hint="give a log over a longer time",
        )
    return Cut(training, near, True, labels, _digest(log, labels))


def _as_it_stood(log: EventLog, moment: int) -> EventLog:
    """The events that had happened before a moment."""
    assert log.times is not None
    rows = np.flatnonzero(log.times < moment)
    lengths = np.bincount(log.case_of_event[rows], minlength=log.n_cases)
    kept = log.take_rows(rows, offsets_of(lengths[lengths > 0].astype(np.int64)))
    return replace(kept, until=moment - 1, is_cut=False)


def _digest(log: EventLog, labels: Mapping[str, str] | None) -> str:
    """Of the log's cases, activities, times and columns, and of the labels."""
    found = hashlib.sha256()
    parts = [log.offsets, log.activity_codes, *([] if log.times is None else [log.times])]
    for part in parts:
        found.update(np.ascontiguousarray(part).tobytes())
    words = [log.source.sha256, log.activities, list(map(str, log.frame.columns)), log.schema.timezone]
    found.update(repr([*words, sorted((labels or {}).items())]).encode("utf-8", errors="replace"))
    return found.hexdigest()


def race(
    cut: Cut,
    candidates: Iterable[Candidate],
    *,
    earlier: Mapping[str, Row],
    goes_on: Callable[[], bool],
) -> Iterator[Row]:
    """The row of each candidate in turn; those of `earlier`, by key, are not measured again.

    The first, the baseline, is always measured; no other is begun once `goes_on` says no. LogError where the
    log holds no truth for the task, TrainingError where not even the baseline can be trained.
    """
    is_first = True
    for candidate in candidates:
        if candidate.key in earlier:
            yield replace(earlier[candidate.key], candidate=candidate, is_earlier=True)
        elif is_first:
            yield measured(cut, candidate)
        elif goes_on():
            yield _row(cut, candidate)
        is_first = False


def _row(cut: Cut, candidate: Candidate) -> Row:
    """Its line; one that says why where it cannot be measured here."""
    try:
        return measured(cut, candidate)
    except MissingDependencyError as error:
        return Row(candidate, failure=error.message, extra=str(error.context["extra"]))
    except (TrainingError, PredictionError) as error:
        return Row(candidate, failure=error.message)


def measured(cut: Cut, candidate: Candidate) -> Row:
    """Trains, saves, loads and measures one candidate."""
    model = Model(candidate.name, **candidate.parameters)
    result = model.train(cut.training)
    row = _evaluated(cut, _reloaded(model), candidate)
    size = sum(len(data) for data in model.files.values())
    return replace(row, fit_seconds=float(result.metadata["cpu_seconds"]), size_bytes=size)


def _reloaded(model: Model) -> Model:
    """What a user would have: the model read back from its directory."""
    with tempfile.TemporaryDirectory(prefix="pmlcli-compare-") as place:
        path = Path(place) / "model"
        model.save(path, check=False)
        # In this process: its bytes are our own, and training may have left threads that no fork survives.
        return Model.load(path, trusted=True)


def _evaluated(cut: Cut, model: Model, candidate: Candidate) -> Row:
    asked, took = subject(model.trained_state), [0.0]

    def predict(log: EventLog, request: PredictRequest) -> pd.DataFrame:
        started = time.perf_counter()
        try:
            return asked.predict(log, request)
        finally:
            took[0] += time.perf_counter() - started

    scope = Scope(only_new=cut.only_new, labels=cut.labels)
    found = evaluate(replace(asked, predict=predict), cut.log, scope)
    main, n_units = found.main, int(found.units.max()) + 1
    if main.higher_is_better is None:
        raise LogError(
            f"{cut.log.source.name}: does not hold the truth to compare with",
            code="log.truth",
            hint="give it with --labels FILE, a CSV of case_id,label",
        )
    metric = main.over(found.frame, found.units, n_units)
    return Row(
        candidate,
        metric=main.name,
        unit=main.unit,
        higher_is_better=main.higher_is_better,
        phrase=main.phrase,
        as_percent=main.as_percent,
        value=float(metric(np.arange(n_units))),
        n_units=n_units,
        evidence=_evidence(found),
        draws=draws(metric, n_units),
        others=_others(found),
        milliseconds=1000 * took[0] / max(_n_answers(found, cut.log), 1),
    )


def _n_answers(found: Evaluation, log: EventLog) -> int:
    """How many cases were predicted, or how many forecasts were made."""
    return found.frame["origin"].nunique() if "origin" in found.frame.columns else log.n_cases


def _evidence(found: Evaluation) -> str:
    """A digest of what was to be predicted: rows with equal ones can be held against each other."""
    truth = found.frame["truth"] if "truth" in found.frame.columns else pd.Series(found.units)
    hashed = pd.util.hash_pandas_object(truth, index=False).to_numpy()
    return hashlib.sha256(hashed.tobytes() + np.ascontiguousarray(found.units).tobytes()).hexdigest()


def _others(found: Evaluation) -> dict[str, tuple[float, str]]:
    return {
        one.name: (float(one.value), one.unit)
        for one in found.assessment.figures[1:]
        if not one.group and one.value is not None and not one.name.endswith("_training")
    }


def ranked(rows: Sequence[Row]) -> list[Row]:
    """The measured rows, the best first; of equal ones the first that was tried.

    Those that predict something else than the first of all, the baseline, come last: another horizon or KPI
    is easier or harder, not better.
    """
    found = [row for row in rows if row.is_measured]

    def place(row: Row) -> tuple[bool, float]:
        return row.evidence != found[0].evidence, -row.value if row.higher_is_better else row.value

    return sorted(found, key=place)

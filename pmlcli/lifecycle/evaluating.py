"""A trained model on a log that holds the truth: how good it is there, beside training and its baseline.

What is predicted comes from the model, isolated as for any prediction; what is true, and every number, is
computed here from the log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import BesideTruth
from pmlcli.arrays import Codes, Floats
from pmlcli.errors import LogError, ValidationError
from pmlcli.evaluation.assessment import Assessment, Figure, Section
from pmlcli.evaluation.quality import Quality
from pmlcli.eventlog.far_events import near_end
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.running import find_running, fit_running_rule
from pmlcli.eventlog.selection_bias import stand_for
from pmlcli.lifecycle import grouping
from pmlcli.lifecycle.artifacts import used
from pmlcli.lifecycle.evaluation_figures import Judged, change_in, figures_of, numbered, verdict_of
from pmlcli.lifecycle.evaluation_words import sentence_of, told_difference
from pmlcli.store import publish

Predict = Callable[[EventLog, PredictRequest], pd.DataFrame]


@dataclass(frozen=True)
class Subject:
    """A model as an evaluation sees it.

    - `name`; `predict`: its table of predictions for a log and a request
    - `calibration`, `metrics`: what training found, as the model directory keeps it
    - `until`: when the training log ended, microseconds UTC; None where that is not known
    """

    name: str
    algorithm: Algorithm[Any]
    predict: Predict
    calibration: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    until: int | None = None


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    - `frame`: each prediction beside the truth, with the columns that the metrics are made of
    - `assessment`: verdict, figures and sections
    - `units`: which case (or block of time) each row of `frame` is of; `main`: the task's own metric
    """

    frame: pd.DataFrame
    assessment: Assessment
    units: Codes
    main: Quality

    @property
    def verdict(self) -> str:
        """`worse`, `better`, `as in training`, `unclear` (few cases) or `unknown` (nothing to compare)."""
        return self.assessment.verdict

    @property
    def sentence(self) -> str:
        """The verdict as a person would say it."""
        return self.assessment.sentence

    def figure(self, name: str) -> Figure:
        """The figure of this name over all rows; KeyError for one that there is not."""
        found = [one for one in self.assessment.figures if one.name == name and not one.group]
        if not found:
            raise KeyError(name)
        return found[0]

    def with_facts(self, facts: Mapping[str, Any], warnings: Sequence[str]) -> Evaluation:
        """The same, with more to be known of model and log."""
        own = self.assessment
        more = replace(
            own, facts={**own.facts, **facts}, warnings=tuple(dict.fromkeys((*warnings, *own.warnings)))
        )
        return replace(self, assessment=more)

    def pictures(self) -> dict[str, str]:
        """File name to SVG text: `figure.svg` (beside training and baseline), `by-COLUMN.svg` of each group
        that was evaluated; `calibration.svg` and `errors.svg` if predictions have a probability or an error.

        PredictionError if the model's numbers cannot be drawn.
        """
        # matplotlib takes time to import.
        from pmlcli.evaluation.pictures import drawn

        with used(foreign=True):
            return drawn(self.assessment.figures, self.frame)

    def save_pictures(self, place: str | Path, *, force: bool = False) -> list[Path]:
        """Writes `pictures()` to this directory, which is made if it is not there; the paths of the files.

        ValidationError for a file that is already there, unless `force`; OutputError if one cannot be written
        """
        made = {Path(place) / name: text.encode("utf-8") for name, text in self.pictures().items()}
        taken = [path for path in made if path.exists() and not force]
        if taken:
            raise ValidationError(
                f"{taken[0]}: is there already",
                hint="give --force to replace it",
                code="io.exists",
                context={"path": str(taken[0])},
            )
        for path, data in made.items():
            publish.write_file(path, data, force=force)
        return list(made)

    def __repr__(self) -> str:
        return f"<evaluation: {self.sentence} ({len(self.frame):,} predictions)>"

    def _repr_html_(self) -> str:
        return self.assessment._repr_html_()  # noqa: SLF001 (the name that notebooks ask for)


@dataclass(frozen=True)
class Scope:
    """On what a model is evaluated.

    - `by`: what figures are given for each group of: `activity`, `prefix-length`, `month`, `resource` or a
      column of the log
    - `only_new`: only cases that began after the training log ended
    - `labels`: the truth from outside the log, case id to label
    """

    by: tuple[str, ...] = ()
    only_new: bool = False
    labels: Mapping[str, str] | None = None


def evaluate(
    subject: Subject,
    log: EventLog,
    scope: Scope,
    *,
    baseline: Subject | None = None,
    against: Subject | None = None,
    weigh: bool = False,
) -> Evaluation:
    """The model on this log, beside its baseline and another model on the very same predictions.

    With `weigh`, cases whose truth is known stand for those like them that still run: of the latest cases
    only the short ones have ended.
    LogError where the log holds no truth for the task, ValidationError for a scope that is none of it.
    """
    task, log = subject.algorithm.task, _with_rule(log)
    grouping.check(scope.by, log, task.is_about_cases)
    kept = log.take_cases(np.flatnonzero(task.evaluated_cases(log)))
    kept = log if kept.n_cases == log.n_cases else replace(kept, until=near_end(log))
    labels = None if scope.labels is None else _labels(kept, scope.labels)
    seen = _seen(subject, kept, scope, against)
    request = PredictRequest(**task.evaluation_request(subject.algorithm))
    subjects = {"own": subject, "baseline": baseline, "against": against}
    judged = {
        name: _judged(one, kept, request, labels, ~seen if scope.only_new else None, weigh=weigh)
        for name, one in subjects.items()
        if one is not None
    }
    return _assessed(subject, kept, scope, judged.pop("own"), judged, seen)


def _with_rule(log: EventLog) -> EventLog:
    """The log with one rule for which cases run, whatever is taken from it."""
    return log if log.running_rule is not None else replace(log, running_rule=fit_running_rule(log))


def _labels(log: EventLog, labels: Mapping[str, str]) -> NDArray[np.object_]:
    found = np.empty(log.n_cases, dtype=object)
    found[:] = [labels.get(case) for case in log.case_ids.tolist()]
    return found


def _seen(subject: Subject, log: EventLog, scope: Scope, against: Subject | None) -> NDArray[np.bool_]:
    """Which cases began before the training log of these models ended, (cases,)."""
    ends = [one.until for one in (subject, against) if one is not None]
    known = [end for end in ends if end is not None]
    if scope.only_new and (len(known) < len(ends) or log.times is None):
        raise ValidationError(
            "the model does not say when its training log ended, so it is not known which cases are new",
            hint="leave --only-new out, or train the model again on a log with times",
        )
    if not known or log.times is None:
        return np.zeros(log.n_cases, dtype=np.bool_)
    seen = np.asarray(log.starts <= max(known))
    if scope.only_new and seen.all():
        raise LogError(
            f"{log.source.name}: no case began after the training log ended",
            code="log.truth",
            hint="give a newer log, or leave --only-new out",
        )
    return seen


def _judged(
    subject: Subject,
    log: EventLog,
    request: PredictRequest,
    labels: NDArray[np.object_] | None,
    wanted: NDArray[np.bool_] | None,
    *,
    weigh: bool,
) -> Judged:
    algorithm = subject.algorithm
    calibration = dict(subject.calibration)
    table = subject.predict(log, request)
    rows = algorithm.task.beside_truth(algorithm, calibration, log, table, labels)
    if wanted is not None and len(rows.events):
        rows = _only(rows, wanted[log.case_of_event[rows.events]], log)
    units = numbered(rows.units)
    qualities = algorithm.task.qualities(algorithm, calibration, rows.table)
    rows = rows._replace(units=units)
    return Judged(rows, qualities, _weights(log, rows, wanted) if weigh else None)


def _weights(log: EventLog, rows: BesideTruth, wanted: NDArray[np.bool_] | None) -> Floats | None:
    """How many cases the case of each unit stands for, (units,); None where no truth is still to come."""
    end = near_end(log)
    if end is None or not len(rows.events):
        return None
    cases = log.case_of_event[rows.events]
    is_open = find_running(log) & (True if wanted is None else wanted)
    is_open[cases] = False
    if not is_open.any():
        return None
    of_unit = np.zeros(int(rows.units.max()) + 1, dtype=np.int64)
    of_unit[rows.units] = cases
    took, so_far = log.ends - log.starts, np.maximum(end - log.starts[is_open], 0)
    return stand_for(took[of_unit], so_far)


def _only(rows: BesideTruth, kept: NDArray[np.bool_], log: EventLog) -> BesideTruth:
    if not kept.any():
        raise LogError(
            f"{log.source.name}: the truth of the cases that began after the training log ended is not known",
            code="log.truth",
            hint="give a newer log, or leave --only-new out",
        )
    places = np.flatnonzero(kept)
    table = rows.table.iloc[places].reset_index(drop=True)
    return rows._replace(table=table, units=rows.units[places], events=rows.events[places])


def _assessed(
    subject: Subject,
    log: EventLog,
    scope: Scope,
    judged: Judged,
    others: Mapping[str, Judged],
    seen: NDArray[np.bool_],
) -> Evaluation:
    seed = int(subject.algorithm.seed)
    figures = figures_of(judged, others, subject.metrics, seed)
    sections, grouped = grouping.sections(scope.by, log, judged, seed)
    verdict, is_bad = verdict_of(figures)
    phrase = subject.algorithm.task.baseline_phrase
    sentence = sentence_of(judged.main, figures[0], change_in(figures), verdict, phrase)
    as_points = judged.main.as_percent
    more = [told_difference(one, as_points=as_points) for one in figures if one.name == "against_difference"]
    facts = _facts(log, judged, seen, scope)
    assessment = Assessment(
        command="evaluate",
        verdict=verdict,
        sentence="; ".join((sentence, *more)),
        is_bad=is_bad,
        figures=(*figures, *grouped),
        sections=(Section("Measured on", _measured_on(facts, scope, subject)), *sections),
        warnings=(*judged.rows.remarks, *_overlap(facts, scope, subject)),
        facts=facts,
    )
    return Evaluation(judged.rows.table, assessment, judged.rows.units, judged.main)


def about_log(log: EventLog) -> dict[str, Any]:
    """Which log was measured on: the same form from every measuring command."""
    return {"name": log.source.name, "sha256": log.source.sha256}


def _facts(log: EventLog, judged: Judged, seen: NDArray[np.bool_], scope: Scope) -> dict[str, Any]:
    return {
        "log": about_log(log),
        "rows": len(judged.rows.table),
        "units": judged.n_units,
        "log_cases": log.n_cases,
        "cases_seen_in_training": int(seen.sum()),
        "only_new": scope.only_new,
    }


def _measured_on(facts: Mapping[str, Any], scope: Scope, subject: Subject) -> list[str]:
    what = "cases" if subject.algorithm.task.is_about_cases else "blocks of time"
    new = ", begun after the training log ended" if scope.only_new else ""
    found = [f"{facts['rows']:,} predictions of {facts['units']:,} {what}{new}"]
    if facts["log_cases"] and subject.until is not None:
        found.append(
            f"{facts['cases_seen_in_training']:,} of {facts['log_cases']:,} cases of the log began before "
            "the training log ended" + (" and are left out" if scope.only_new else "")
        )
    return found


def _overlap(facts: Mapping[str, Any], scope: Scope, subject: Subject) -> list[str]:
    seen = facts["cases_seen_in_training"]
    if scope.only_new or not seen or not subject.algorithm.task.is_about_cases:
        return []
    return [
        f"{seen:,} of {facts['log_cases']:,} cases began before the training log ended: the model may have "
        "learned from them, and looks better than it is (--only-new leaves them out)"
    ]

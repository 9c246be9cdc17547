"""A trained model on a log that holds the truth: how good it is there, beside training and its baseline.

What is predicted comes from the model, isolated as for any prediction; what is true, and every number, is
computed here from the log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import BesideTruth
from pmlcli.arrays import Codes, Floats
from pmlcli.errors import LogError, ValidationError
from pmlcli.evaluation.assessment import Assessment, Cell, Figure, Section
from pmlcli.evaluation.bootstrap import MINIMUM_UNITS, NOISE, RESAMPLES, ValueOf, bounds, resampled
from pmlcli.evaluation.quality import Quality
from pmlcli.eventlog.far_events import near_end
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.running import fit_running_rule
from pmlcli.lifecycle import grouping
from pmlcli.lifecycle.evaluation_words import sentence_of, told_difference

GROUP_RESAMPLES = 200
MOST_GROUPS = 200

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


@dataclass(frozen=True)
class _Judged:
    """Rows of one model beside the truth, and its metrics over units."""

    rows: BesideTruth
    qualities: tuple[Quality, ...]
    metrics: list[ValueOf]


def evaluate(
    subject: Subject,
    log: EventLog,
    scope: Scope,
    *,
    baseline: Subject | None = None,
    against: Subject | None = None,
) -> Evaluation:
    """The model on this log, beside its baseline and another model on the very same predictions.

    LogError where the log holds no truth for the task, ValidationError for a scope that is none of it.
    """
    task, log = subject.algorithm.task, _with_rule(log)
    grouping.check(scope.by, log, task.is_about_cases)
    kept = log.take_cases(np.flatnonzero(task.evaluated_cases(log)))
    kept = log if kept.n_cases == log.n_cases else replace(kept, until=near_end(log))
    labels = None if scope.labels is None else _labels(kept, scope.labels)
    seen = _seen(subject, kept, scope, against)
    request = PredictRequest(**task.evaluation_request(subject.algorithm))
    judged = [
        _judged(one, kept, request, labels, ~seen if scope.only_new else None)
        for one in (subject, baseline, against)
        if one is not None
    ]
    others = dict(zip(("baseline", "against"), _placed(judged[1:], baseline, against), strict=True))
    return _assessed(subject, kept, scope, judged[0], others, seen)


def _placed(
    judged: Sequence[_Judged], baseline: Subject | None, against: Subject | None
) -> tuple[_Judged | None, _Judged | None]:
    left = list(judged)
    return (left.pop(0) if baseline else None, left.pop(0) if against else None)


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
            "the model does not say when its training log ended, so nothing says which cases are new",
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
) -> _Judged:
    algorithm = subject.algorithm
    calibration = dict(subject.calibration)
    table = subject.predict(log, request)
    rows = algorithm.task.beside_truth(algorithm, calibration, log, table, labels)
    if wanted is not None and len(rows.events):
        rows = _only(rows, wanted[log.case_of_event[rows.events]], log)
    units = _numbered(rows.units)
    qualities = algorithm.task.qualities(algorithm, calibration, rows.table)
    n_units = int(units.max()) + 1
    return _Judged(
        rows._replace(units=units), qualities, [one.over(rows.table, units, n_units) for one in qualities]
    )


def _only(rows: BesideTruth, kept: NDArray[np.bool_], log: EventLog) -> BesideTruth:
    if not kept.any():
        raise LogError(
            f"{log.source.name}: of the cases that began after the training log ended the truth is not known",
            code="log.truth",
            hint="give a newer log, or leave --only-new out",
        )
    places = np.flatnonzero(kept)
    table = rows.table.iloc[places].reset_index(drop=True)
    return rows._replace(table=table, units=rows.units[places], events=rows.events[places])


def _numbered(units: Codes) -> Codes:
    return np.unique(units, return_inverse=True)[1].astype(np.int64)


# --- figures


def _assessed(
    subject: Subject,
    log: EventLog,
    scope: Scope,
    judged: _Judged,
    others: Mapping[str, _Judged | None],
    seen: NDArray[np.bool_],
) -> Evaluation:
    beside = {name: _paired(judged, other) for name, other in others.items() if other is not None}
    n_units = int(judged.rows.units.max()) + 1
    seed = int(subject.algorithm.seed)
    drawn = _drawn([*judged.metrics, *beside.values()], n_units, seed)
    figures = _figures(subject, judged, drawn, beside, n_units)
    main = figures[0]
    change = _from_training(subject, main, drawn[:, 0])
    figures += _differences(main, drawn, beside, list(beside), len(judged.metrics)) + change
    sections, grouped = _sections(log, scope, judged, seed)
    verdict, is_bad = _verdict(main, change, figures)
    sentence = sentence_of(judged.qualities[0], main, change, verdict, subject.algorithm.task.baseline_phrase)
    as_points = judged.qualities[0].as_percent
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
    return Evaluation(judged.rows.table, assessment, judged.rows.units, judged.qualities[0])


def _drawn(metrics: list[ValueOf], n_units: int, seed: int) -> Floats:
    if n_units < MINIMUM_UNITS:
        return np.full((RESAMPLES, len(metrics)), np.nan)
    return resampled(metrics, n_units, seed)


def _paired(judged: _Judged, other: _Judged) -> ValueOf:
    """The other's own metric over the same units; ValidationError where it is another or of other rows."""
    if not _are_of_the_same(judged.rows, other.rows):
        raise ValidationError(
            "the two models do not predict the same things of this log",
            hint="compare models of the same task, outcome and KPI",
        )
    main = judged.qualities[0]
    return main.over(other.rows.table, judged.rows.units, int(judged.rows.units.max()) + 1)


def _are_of_the_same(ours: BesideTruth, others: BesideTruth) -> bool:
    """Whether these are the same predictions, of the same thing: what came true is the same."""
    if len(others.table) != len(ours.table) or not np.array_equal(others.events, ours.events):
        return False
    return "truth" not in ours.table or ours.table["truth"].equals(others.table["truth"])


def _figures(
    subject: Subject, judged: _Judged, drawn: Floats, beside: Mapping[str, ValueOf], n_units: int
) -> list[Figure]:
    everything = np.arange(n_units)
    found = []
    for place, (quality, metric) in enumerate(zip(judged.qualities, judged.metrics, strict=True)):
        lower, upper = bounds(drawn[:, place])
        is_main = place == 0
        found.append(
            Figure(
                quality.name,
                _finite(metric(everything)),
                quality.unit,
                n_units,
                lower,
                upper,
                baseline=_finite(beside["baseline"](everything))
                if is_main and "baseline" in beside
                else None,
                training=_of_training(subject, quality) if is_main else quality.training,
                higher_is_better=quality.higher_is_better,
            )
        )
    return found


def _of_training(subject: Subject, quality: Quality) -> float | None:
    """What training measured by the same metric; None where it measured by another, or nothing sound."""
    match _in_training(subject, quality.name):
        case {"value": int() | float() as value} if np.isfinite(value):
            return float(value)
    return quality.training


def _in_training(subject: Subject, name: str) -> object:
    """What the model directory says of a metric, whose name may have hyphens there; as it was read."""
    return subject.metrics.get(name.replace("_", "-"), subject.metrics.get(name))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _from_training(subject: Subject, main: Figure, drawn: Floats) -> list[Figure]:
    """How far it is from training, with an interval: training's units are taken to vary as these do."""
    if main.value is None or main.training is None or main.n is None:
        return []
    known = _in_training(subject, main.name)
    units = known.get("n_units") if isinstance(known, Mapping) else None
    n_before = units if type(units) is int and units > 0 else main.n
    difference = main.value - main.training
    sound = drawn[np.isfinite(drawn)]
    half = None
    if len(sound) > RESAMPLES / 2:
        half = 1.96 * float(sound.std()) * float(np.sqrt(1 + main.n / n_before))
    return [
        Figure(
            "change_since_training",
            difference,
            "points" if main.unit == "share" else main.unit,
            main.n,
            None if half is None else difference - half,
            None if half is None else difference + half,
            higher_is_better=main.higher_is_better,
        )
    ]


def _differences(
    main: Figure, drawn: Floats, beside: Mapping[str, ValueOf], names: Sequence[str], first: int
) -> list[Figure]:
    """Ours minus the others', on the same draws of units."""
    found = []
    for place, name in enumerate(names):
        other = _finite(beside[name](np.arange(main.n or 0)))
        lower, upper = bounds(drawn[:, 0] - drawn[:, first + place])
        if other is None or main.value is None:
            continue
        unit = "points" if main.unit == "share" else main.unit
        figure = Figure(f"{name}_difference", main.value - other, unit, main.n, lower, upper)
        found.append(replace(figure, baseline=other, higher_is_better=main.higher_is_better))
    return found


def _verdict(main: Figure, change: Sequence[Figure], figures: Sequence[Figure]) -> tuple[str, bool]:
    """In one word, and whether a person should look at it: worse than in training, or than its baseline."""
    if main.higher_is_better is None:
        return "no truth", False
    is_below = any(_side(one) < 0 for one in figures if one.name == "baseline_difference")
    if main.n is not None and main.n < MINIMUM_UNITS:
        return "unclear", False
    if not change:
        return ("worse", True) if is_below else ("unknown", False)
    side = _side(change[0])
    return {-1: "worse", 0: "as in training", 1: "better"}[side], is_below or side < 0


def _side(difference: Figure) -> int:
    """1 where a difference is good beyond chance, -1 where it is bad, 0 where chance may have made it."""
    sign = 0 if difference.higher_is_better is None else 1 if difference.higher_is_better else -1
    lower, upper = difference.lower, difference.upper
    if lower is None or upper is None or lower <= NOISE and upper >= -NOISE:
        return 0
    return sign if lower > 0 else -sign


# --- groups


def _sections(log: EventLog, scope: Scope, judged: _Judged, seed: int) -> tuple[list[Section], list[Figure]]:
    sections, figures = [], []
    for name in scope.by:
        values = grouping.values_of(name, log, judged.rows)
        found = _of_groups(name, values, judged, seed)
        unit = {"value": judged.qualities[0].unit}
        rows = [_row(name, one) for one in found]
        sections.append(Section(f"By {name}, the worst first", _left_out(values, found), rows, unit))
        figures += found
    return sections, figures


def _of_groups(name: str, values: NDArray[np.object_], judged: _Judged, seed: int) -> list[Figure]:
    """The task's own metric of each of the largest groups, the worst first; those too small to tell last."""
    codes, names = pd.factorize(values)
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    kept = np.argsort(-sizes, kind="stable")[:MOST_GROUPS]
    quality = judged.qualities[0]
    found = []
    for code in kept:
        rows = np.flatnonzero(codes == code)
        units = _numbered(judged.rows.units[rows])
        n_units = int(units.max()) + 1
        metric = quality.over(judged.rows.table.iloc[rows], units, n_units)
        drawn = resampled([metric], n_units, seed, GROUP_RESAMPLES) if n_units >= MINIMUM_UNITS else None
        lower, upper = (None, None) if drawn is None else bounds(drawn[:, 0])
        value = _finite(metric(np.arange(n_units)))
        group = {name: str(names[code])}
        figure = Figure(quality.name, value, quality.unit, n_units, lower, upper, group=group)
        found.append(replace(figure, higher_is_better=quality.higher_is_better))
    sign = 1 if quality.higher_is_better else -1
    return sorted(found, key=lambda one: (one.value is None or one.lower is None, sign * (one.value or 0.0)))


def _row(name: str, one: Figure) -> dict[str, Cell]:
    return {name: one.group[name], "value": one.value, "lower": one.lower, "upper": one.upper, "n": one.n}


def _left_out(values: NDArray[np.object_], found: Sequence[Figure]) -> list[str]:
    different = len(pd.unique(values))
    return [f"the largest {len(found)} of {different:,} groups"] if different > len(found) else []


# --- what it was measured on


def about_log(log: EventLog) -> dict[str, Any]:
    """Which log was measured on: the same form from every measuring command."""
    return {"name": log.source.name, "sha256": log.source.sha256}


def _facts(log: EventLog, judged: _Judged, seen: NDArray[np.bool_], scope: Scope) -> dict[str, Any]:
    return {
        "log": about_log(log),
        "rows": len(judged.rows.table),
        "units": int(judged.rows.units.max()) + 1,
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

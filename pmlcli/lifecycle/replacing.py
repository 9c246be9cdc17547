"""Whether a newly trained model may take an older one's place: both are judged on cases that neither saw.

Judged is not the model that would be published, which learns from the whole log, but a stand-in: the same
algorithm, trained on the log as it stood at a moment after which enough cases began. It chose and calibrated
nothing by the cases on which it is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from pmlcli import runtime
from pmlcli.algorithms._interface.base import Algorithm, clone
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import Fitted
from pmlcli.errors import LogError, TrainingError, ValidationError
from pmlcli.evaluation.assessment import Figure
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.split import LAST_SHARE
from pmlcli.lifecycle.columns import learnable
from pmlcli.lifecycle.evaluating import Evaluation, Predict, Scope, Subject, evaluate
from pmlcli.lifecycle.evaluation_words import told_size, told_value
from pmlcli.lifecycle.measuring import require_readable, subject
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.periods import date_of, until_of
from pmlcli.lifecycle.reproducible import reproducible
from pmlcli.lifecycle.sampling import sampled
from pmlcli.lifecycle.time_limit import cut_short, cut_short_words
from pmlcli.lifecycle.trial import fit_on
from pmlcli.lifecycle.unchanged import Recipe

RULES = ("not-worse", "better")
LEAST_CHANGE = 0.01
"""A difference of less than this share of the old model's figure does not count."""
FEWEST_CASES = 30
FEWEST_BLOCKS = 7
"""On fewer new cases (blocks of time for a forecast) nothing is decided."""
STAND_IN_SHARE = 0.4
"""The stand-in may take so much of the time: then follow judging it, and learning from the whole log."""

_TOO_LITTLE = ("training.samples", "log.split", "log.truth")


@dataclass(frozen=True)
class Decision:
    """What became of the old model, and why.

    - `rule`: one of `RULES`; `because`: the reason in a sentence
    - `root_digest`: of the old model
    - `figures`: what was measured; empty where nothing could be
    """

    rule: str
    is_replaced: bool
    because: str
    root_digest: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form, as it stands in the manifest of a model that took another's place."""
        return {**vars(self), "figures": dict(self.figures)}


def check_comparable(recipe: Recipe, old: Model) -> None:
    """Raises ValidationError, before the log is read, where the two models are of different tasks."""
    new = recipe.model
    if new.algorithm.task.name != old.algorithm.task.name:
        raise ValidationError(
            f"the model there is of the task {old.algorithm.task.name}, and cannot be compared "
            f"with {new.model_type}",
            hint="name another place with -o, or replace it with --force",
            context={"option": "replace-if"},
        )


def decide(
    recipe: Recipe, log: EventLog, old: Model, rule: str, labels: Mapping[str, str] | None = None
) -> Decision:
    """Judges a stand-in of the recipe's model beside the old model on cases that neither saw.

    `log` is what the recipe trains on, as it was read; `labels` are the truth from outside it. `not-worse`
    replaces unless the new one is worse, `better` only if it is better: the 95 % interval of the difference,
    from cases drawn anew, lies on that side of zero, and the difference is at least `LEAST_CHANGE` of the old
    model's figure. The old one is kept where too few cases are new. LogError for a log that the old model
    cannot read, ValidationError for models that do not predict the same.
    """
    task, kept = recipe.model.algorithm.task, Decision(rule, False, "", old.root_digest)
    if task.needs_labels and labels is None:
        return replace(
            kept, because=f"nothing in a log tells how right a model of {task.name} is (--labels FILE)"
        )
    require_readable(old.trained_state, log)
    since = _since(log, until_of(old.trained_state.training_log), is_about_cases=task.is_about_cases)
    if isinstance(since, str):
        return replace(kept, because=since)
    limit = replace(recipe.deadline.part(STAND_IN_SHARE), stops=[])
    try:
        with runtime.use_deadline(limit):
            new = stand_in(recipe, log, since)
        found = _judged(new, subject(old.trained_state), log, since, labels)
    except (TrainingError, LogError) as error:
        if error.code not in _TOO_LITTLE:
            raise
        return replace(kept, because=f"it cannot be judged: {error.message}")
    decided = _decided(kept, found, since, is_about_cases=task.is_about_cases)
    words = cut_short_words(cut_short(limit))
    return decided if words is None else replace(decided, because=f"{decided.because}; judged {words}")


def _since(log: EventLog, until: int | None, *, is_about_cases: bool) -> int | str:
    """The moment after which the cases begin on which both are judged, microseconds UTC: when the old model's
    log ended, or the last fifth of the cases began, whichever is later; or why there is none.
    """
    if until is None or log.times is None:
        return "without times nothing says which cases began after it was trained"
    starts = np.sort(log.starts)
    since = max(until, int(starts[log.n_cases - max(round(log.n_cases * LAST_SHARE), 1)]) - 1)
    n_new = int((starts > since).sum())
    if is_about_cases and n_new < FEWEST_CASES:
        since_when = date_of(until)[:10]
        return f"{_new_cases(n_new)} began after its log ended ({since_when}); {FEWEST_CASES} are needed"
    return since


def _new_cases(n: int) -> str:
    return "no case" if n == 0 else "only 1 case" if n == 1 else f"only {n} cases"


def as_of(log: EventLog, moment: int) -> EventLog:
    """The log as it stood at a moment, microseconds UTC: cases that had begun, up to their events by then."""
    assert log.times is not None
    place = np.arange(log.n_events) - np.repeat(log.offsets[:-1], log.lengths)
    after = np.where(log.times > moment, place, log.n_events)
    lengths = np.minimum(np.minimum.reduceat(after, log.offsets[:-1]), log.lengths)
    cases = np.flatnonzero(lengths > 0)
    return replace(log.take_cases(cases, lengths[cases]), until=moment)


def stand_in(recipe: Recipe, log: EventLog, since: int) -> Subject:
    """The recipe's algorithm, trained on the log as it stood at that moment."""
    model = recipe.model
    algorithm = clone(model.algorithm)
    known, _found = learnable(as_of(log, since), algorithm, recipe.columns)
    learned = sampled(known, algorithm.task, recipe.sample_cases)
    with reproducible(algorithm.seed):
        fitted = fit_on(algorithm, model.model_type, learned)
    return Subject(model.model_id, fitted.algorithm, _predict(fitted), fitted.calibration, {}, since)


def _predict(fitted: Fitted[Algorithm[Any], Any]) -> Predict:
    def predict(log: EventLog, request: PredictRequest) -> pd.DataFrame:
        task = fitted.algorithm.task
        with reproducible(fitted.algorithm.seed):
            return task.predict(fitted, log, task.checked(fitted.algorithm, request))

    return predict


def _judged(
    new: Subject, old: Subject, log: EventLog, since: int, labels: Mapping[str, str] | None
) -> Evaluation:
    task = new.algorithm.task
    if not task.evaluated_cases(log).all():
        # Only some cases can be asked about: then none that counts for nothing.
        log = replace(log.take_cases(np.flatnonzero(log.ends > since)), until=log.end)
    if not task.is_about_cases:
        new, old = _on_common_rows(new, old, log)
    scope = Scope(only_new=task.is_about_cases, labels=labels)
    # The model that expects less would look better on the short cases, which are the first to end.
    return evaluate(new, log, scope, against=old, weigh=task.is_about_cases)


def _on_common_rows(new: Subject, old: Subject, log: EventLog) -> tuple[Subject, Subject]:
    """Two forecasters, asked for what both can forecast: buckets after the log that either was trained on."""
    keys = ["kpi", "origin", "timestamp"]
    tables = []
    for one in (new, old):
        request = PredictRequest(**one.algorithm.task.evaluation_request(one.algorithm))
        tables.append(one.predict(log, request))
    common = pd.merge(tables[0][keys], tables[1][keys])
    first, second = (common.merge(table, on=keys, how="left") for table in tables)
    return (
        replace(new, predict=lambda _log, _request: first[tables[0].columns]),
        replace(old, predict=lambda _log, _request: second[tables[1].columns]),
    )


def _decided(kept: Decision, found: Evaluation, since: int, *, is_about_cases: bool) -> Decision:
    main, difference = found.assessment.figures[0], found.figure("against_difference")
    n, fewest = main.n or 0, FEWEST_CASES if is_about_cases else FEWEST_BLOCKS
    what = "cases" if is_about_cases else "blocks of time"
    figures = {
        "metric": main.name,
        "value": main.value,
        "old_value": difference.baseline,
        "difference": difference.value,
        "lower": difference.lower,
        "upper": difference.upper,
        "n": n,
        "since": date_of(since),
    }
    if n < fewest or difference.lower is None:
        because = f"of only {n} {what} after {date_of(since)[:10]} the truth is known; {fewest} are needed"
        return replace(kept, because=because, figures=figures)
    side = side_of(difference)
    figures["verdict"] = ("no different", "better", "worse")[side]
    is_replaced = side > 0 if kept.rule == "better" else side >= 0
    because = _sentence(main, difference, side, as_points=found.main.as_percent)
    return replace(
        kept,
        is_replaced=is_replaced,
        because=f"{because} ({n:,} {what} after {date_of(since)[:10]})",
        figures=figures,
    )


def side_of(difference: Figure) -> int:
    """1 where the new one is better, -1 where it is worse, 0 where the difference does not count, or chance
    may have made it.
    """
    value, lower, upper, before = difference.value, difference.lower, difference.upper, difference.baseline
    if value is None or lower is None or upper is None or difference.higher_is_better is None:
        return 0
    if abs(value) < LEAST_CHANGE * abs(before or 0.0) or lower <= 0 <= upper:
        return 0
    return 1 if (lower > 0) == difference.higher_is_better else -1


def _sentence(main: Figure, difference: Figure, side: int, *, as_points: bool) -> str:
    unit = main.unit if as_points else ""
    both = f"{told_value(main.value, unit)} beside {told_value(difference.baseline, unit)} of the old one"
    size = told_size(difference, as_points=as_points)
    words = {
        1: f"the new model is better by {size}",
        -1: f"the new model is worse by {size}",
        0: f"the new model is neither better nor worse, as far as chance lets one say ({size})",
    }
    return f"{words[side]}: {main.name} {both}"

"""Learning from a sample of whole cases: where it makes sense, and how it is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pmlcli.algorithms._interface.task import Task
from pmlcli.errors import ValidationError
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.sampling import sample_of
from pmlcli.lifecycle.training_log import SAMPLE
from pmlcli.lifecycle.trial import Trained


def sampled(log: EventLog, task: Task[Any, Any, Any, Any], cases: int | None) -> EventLog:
    """The cases to learn from; all where nobody asks for fewer.

    ValidationError for a task whose figures are of the whole log: a sample would make its counts smaller.
    """
    if cases is None:
        return log
    if not task.is_about_cases:
        raise ValidationError(
            f"the task {task.name} needs all cases: a series of a sample has smaller numbers than the log's",
            hint="leave --sample-cases out",
            context={"option": "sample-cases"},
        )
    return sample_of(log, cases)


def said_of_sample(trained: Trained, training_log: Mapping[str, Any]) -> Trained:
    """The same, whose verdicts say that they are of a sample."""
    words = sample_words(training_log)
    if words is None:
        return trained
    comparison, *parts = (
        replace(one, about=f"{one.about}; on {words}") for one in (trained.comparison, *trained.parts)
    )
    remarks = (f"learned from {words}, drawn by a hash of their ids", *trained.remarks)
    return replace(trained, comparison=comparison, parts=tuple(parts), remarks=remarks)


def sample_words(training_log: Mapping[str, Any]) -> str | None:
    """`a sample of 500 of 2,000 cases`; None where a manifest speaks of no sample, or not as pmlcli does."""
    match training_log.get(SAMPLE):
        case {"cases": int() as cases, "of_cases": int() as whole}:
            return f"a sample of {cases:,} of {whole:,} cases"
    return None


def wanted_sample(training_log: Mapping[str, Any]) -> int | None:
    """How many cases a manifest says were drawn; ValidationError for what no training writes."""
    told = training_log.get(SAMPLE)
    match told:
        case None:
            return None
        case {"cases": int() as cases} if not isinstance(cases, bool) and cases >= 1:
            return cases
    raise ValidationError("training_log holds no sample of cases, but something else")

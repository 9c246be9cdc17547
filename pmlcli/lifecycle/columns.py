"""Which of a log's columns a training may learn from: all but those of hindsight, unless its user decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.encoding.hindsight import BY_HAND, ColumnChoice, Found, columns_of_hindsight, without
from pmlcli.errors import ValidationError
from pmlcli.eventlog.log import EventLog

HINDSIGHT = "hindsight"
"""Where it stands in the manifest, in `training_log`; not there where nothing was decided or left out."""


def learnable(log: EventLog, algorithm: Algorithm[Any], choice: ColumnChoice) -> tuple[EventLog, list[Found]]:
    """The log without its columns of hindsight, and these.

    LogError for a chosen column that it lacks; ValidationError for one to leave out that a parameter names,
    and for any choice where the task learns from no columns.
    """
    choice.require(log)
    if (chosen := (*choice.known_at_start, *choice.hindsight)) and not algorithm.task.looks_at_attributes:
        raise ValidationError(
            f"{algorithm.task.name} does not learn from the log's columns, "
            "so --hindsight and --known-at-start change nothing",
            hint="leave them out",
            context={"column": chosen[0]},
        )
    attributes = algorithm.parameters().get("attributes") or ()
    named = (*attributes, *algorithm.task.named_columns(algorithm))
    both = sorted({*named} & {*choice.hindsight})
    if both:
        raise ValidationError(
            f"column '{both[0]}' is named by a parameter, so --hindsight cannot leave it out",
            hint="remove it from one of them",
            context={"column": both[0]},
        )
    found = columns_of_hindsight(log, choice, named) if algorithm.task.looks_at_attributes else ()
    return replace(without(log, found), known_at_start=choice.known_at_start), list(found)


def facts(choice: ColumnChoice, found: Sequence[Found]) -> dict[str, Any]:
    """What was left out and why, and what the user decided, for the manifest; empty where nothing was."""
    told = {
        "left_out": dict(found),
        "known_at_start": list(choice.known_at_start),
        "by_hand": list(choice.hindsight),
    }
    return {HINDSIGHT: told} if any(told.values()) else {}


def choice_of(training_log: Mapping[str, Any]) -> ColumnChoice:
    """What a manifest says that the user decided; ValidationError for what no training writes."""
    told = training_log.get(HINDSIGHT, {})
    if not isinstance(told, Mapping):
        raise ValidationError("training_log holds no columns of hindsight, but something else")
    return ColumnChoice(_names(told, "known_at_start"), _names(told, "by_hand"))


def _names(told: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = told.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValidationError(f"training_log names columns, {key}, that are no text")
    return tuple(names)


def sentences(found: Sequence[Found]) -> list[str]:
    """What `train` says of the columns that it leaves out."""
    return [
        f"column '{column}' is left out: {reason}"
        + ("" if reason == BY_HAND else f" (--known-at-start '{column}' keeps it)")
        for column, reason in found
    ]

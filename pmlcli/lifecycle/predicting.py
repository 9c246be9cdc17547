"""How a trained model predicts: a question is checked, asked, and answered with what is to be known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from pmlcli.algorithms._interface.request import PredictRequest, Request
from pmlcli.encoding.vocabulary import COMMON_VALUES
from pmlcli.errors import ValidationError
from pmlcli.eventlog import ReadOptions, lookalike, read_log
from pmlcli.eventlog.log import ACTIVITY, RESOURCE, TIMESTAMP, EventLog
from pmlcli.eventlog.reader import LogLike
from pmlcli.lifecycle import asking
from pmlcli.lifecycle.contract import check_log, emptied_columns, log_facts, read_options
from pmlcli.lifecycle.foreign import check_process
from pmlcli.lifecycle.kinds import read_as_trained, read_words
from pmlcli.lifecycle.monitoring import drift_sentence, glance
from pmlcli.lifecycle.provenance import now, stamp_of
from pmlcli.lifecycle.result import PredictionResult
from pmlcli.lifecycle.situation import at_moment, situations
from pmlcli.lifecycle.state import TrainedState

_EMPTIED = "no event has a value of '{column}', which the model looks at: it counts as missing everywhere"


@dataclass(frozen=True)
class CheckedLog:
    """A log that the model can be asked about, its columns as those of the training log.

    - `words`: what is to be said of how the columns were read
    - `serious`: what nobody may overlook, such as many new activities
    """

    log: EventLog
    words: tuple[str, ...]
    serious: tuple[str, ...]


def checked_log(
    state: TrainedState, log: LogLike, options: ReadOptions, *, allow_foreign: bool
) -> CheckedLog:
    """The log, read as the training log was and held against the model's data contract.

    LogError where it breaks the contract, or is of another process and that is not allowed.
    """
    read = read_log(log, read_options(state.input_schema, options))
    check_log(read, state.input_schema)
    required = state.input_schema["required"]
    checked, words = read_as_trained(read, required, options.bad_value), read_words(read, required)
    serious = check_process(checked, state.known_activities, allow=allow_foreign)
    return CheckedLog(checked, tuple(words), () if serious is None else (serious,))


@dataclass(frozen=True)
class Question:
    """A request that the model can be asked; without a log for a forecast from the end of training."""

    request: Request
    about: CheckedLog | None = None

    @property
    def log(self) -> EventLog | None:
        """The log that is asked about."""
        return None if self.about is None else self.about.log


def question(
    state: TrainedState,
    log: LogLike | None,
    request: PredictRequest,
    options: ReadOptions,
    moment: datetime | str | None = None,
) -> Question:
    """What is asked, and about which log.

    ValidationError without the log that the task needs, PredictionError for what the model cannot give,
    LogError as from `checked_log`.
    """
    task = state.task
    if log is None and task.needs_log:
        raise ValidationError(f"the task {task.name} predicts for an event log", hint="give the log as well")
    asked = task.checked(state.algorithm, at_moment(request, moment, task))
    if log is None:
        return Question(asked)
    return Question(asked, checked_log(state, log, options, allow_foreign=asked.foreign == "allow"))


def predict(state: TrainedState, asked: Question, *, drift: bool = True) -> PredictionResult:
    """The predictions, where the case of each stands, and what is to be known of both."""
    table, unseen = asking.ask(state, asked.log, asked.request)
    metadata = _metadata(state, table)
    if asked.about is None:
        return PredictionResult(table, metadata | {"warnings": state.unverified(), "notes": []})
    log, request = asked.about.log, asked.request
    metadata |= _log_metadata(state, asked.about, unseen)
    with state.used():
        if drift:
            found = glance(state.reference, log)
            metadata["drift"] = [one.sentence() for one in found]
            metadata["warnings"] += [drift_sentence(found)] if found else []
        # What is learned in a confined child is not known here.
        calibration = {} if state.is_isolated else state.fitted.calibration
        metadata["notes"] = state.task.notes(state.algorithm, calibration, log, table, request)
        return PredictionResult(table, metadata, _situations(state, log, request, table))


def _log_metadata(
    state: TrainedState, about: CheckedLog, unseen: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What is to be known of the log; `warnings` holds what stands in `serious_warnings` too."""
    log, empty = about.log, emptied_columns(about.log, state.input_schema)
    sizes = state.input_schema["vocabulary_sizes"]
    told = [
        _unseen_sentence(name, int(sizes.get(name, 0)), **found)
        for name, found in unseen.items()
        # Of new activities, what is serious says it already.
        if not about.serious or name != ACTIVITY
    ]
    told += [_EMPTIED.format(column=name) for name in empty]
    return {
        "log": log_facts(log),
        "cases": log.n_cases,
        "unseen": unseen,
        "empty_columns": empty,
        "serious_warnings": list(about.serious),
        "warnings": [*about.serious, *told, *state.unverified(), *about.words],
    }


def _metadata(state: TrainedState, table: pd.DataFrame) -> dict[str, Any]:
    """What is to be known of the predictions themselves."""
    return {
        "model_id": state.name.model_id,
        "model_type": state.name.model_type,
        "root_digest": state.root_digest,
        "predicted_at": stamp_of(now()),
        "rows": len(table),
        **_flagged(state, table),
        "units": state.task.units_of(state.algorithm, [str(name) for name in table.columns]),
        "warnings": [],
        "serious_warnings": [],
    }


def _flagged(state: TrainedState, table: pd.DataFrame) -> dict[str, int]:
    """`n_flagged`, where the task flags rows."""
    names = [name for name in state.task.flags if name in table.columns]
    return {"n_flagged": int(table[names[0]].sum())} if names else {}


def _situations(
    state: TrainedState, log: EventLog, request: Request, table: pd.DataFrame
) -> pd.DataFrame | None:
    """Where the case of each row stands; None where rows are not about cases."""
    task = state.task
    return situations(log, table, task.moment(log, request)) if task.is_about_cases else None


def _unseen_sentence(
    column: str, known: int, events: int, examples: list[str], similar: Mapping[str, str]
) -> str:
    if column == TIMESTAMP:
        return (
            f"{events:,} events come longer after the one before them, or after their case's start, than any "
            "in training, and count as the longest that it saw"
        )
    values = ", ".join(repr(example) for example in examples)
    # Training may have seen the rarer values of an attribute of which only the commonest are kept.
    is_bounded = known >= COMMON_VALUES and column not in (ACTIVITY, RESOURCE)
    what = f"is none of the {known:,} that the model knows" if is_bounded else "training never saw"
    more = f": {lookalike.told(similar)}" if similar else ""
    return f"{events:,} events have a value of '{column}' that {what} ({values}){more}"

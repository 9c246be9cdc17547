"""How a trained model is measured on a later log: is it still right, and is it still the same process?"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import LogError, ValidationError
from pmlcli.evaluation.assessment import Assessment, Section
from pmlcli.eventlog import ReadOptions
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.reader import LogLike
from pmlcli.lifecycle import artifacts, asking, evaluating, monitoring
from pmlcli.lifecycle.baseline import baseline_state
from pmlcli.lifecycle.blame import in_place
from pmlcli.lifecycle.contract import check_log
from pmlcli.lifecycle.evaluating import Evaluation, Scope, Subject
from pmlcli.lifecycle.foreign import check_process
from pmlcli.lifecycle.inspection import THRESHOLD_FILE
from pmlcli.lifecycle.kinds import read_as_trained
from pmlcli.lifecycle.monitoring import Monitored
from pmlcli.lifecycle.periods import until_of
from pmlcli.lifecycle.predicting import checked_log
from pmlcli.lifecycle.state import TrainedState


def subject(state: TrainedState) -> Subject:
    """The model as `evaluating` sees it."""

    def predict(log: EventLog, request: PredictRequest) -> pd.DataFrame:
        """The table alone, for a log that was read as another model's training log was."""
        check_log(log, state.input_schema)
        asked = state.task.checked(state.algorithm, request)
        return asking.ask(state, read_as_trained(log, state.input_schema["required"]), asked).table

    return Subject(
        name=state.name.model_id,
        algorithm=state.algorithm,
        predict=predict,
        calibration=artifacts.read_json(state.files, THRESHOLD_FILE, **artifacts.MOST_READ_HERE),
        metrics=state.manifest["performance_metrics"],
        until=until_of(state.training_log),
    )


def evaluate(
    state: TrainedState,
    log: LogLike,
    scope: Scope,
    options: ReadOptions,
    *,
    against: TrainedState | None = None,
    foreign: str = "refuse",
) -> Evaluation:
    """How good the model is on a log that holds the truth; arguments and errors as of `Model.evaluate`."""
    _require_same_task(state, against)
    request = state.task.checked(state.algorithm, PredictRequest(foreign=foreign))
    read = checked_log(state, log, options, allow_foreign=request.foreign == "allow")
    baseline = baseline_state(state)
    found = evaluating.evaluate(
        subject(state),
        read.log,
        scope,
        baseline=None if baseline is None else subject(baseline),
        against=None if against is None else subject(against),
    )
    words = [*read.serious, *read.words, *state.unverified(), *_no_baseline(state)]
    return found.with_facts(state.measured(), words)


def monitor(state: TrainedState, log: LogLike, how: Monitored, options: ReadOptions) -> Assessment:
    """What has changed in the process since training; errors as those of `Model.monitor`."""
    read = checked_log(state, log, options, allow_foreign=False)
    about = {**state.measured(), "log": evaluating.about_log(read.log)}
    learned, known = state.reference, state.known_activities
    with state.used():
        found = monitoring.monitor(learned, read.log, known, how, about)
    sections = [*found.sections, _truth(state, read.log)]
    return replace(found, sections=sections, warnings=[*read.words, *found.warnings])


def require_readable(state: TrainedState, log: EventLog) -> None:
    """Raises LogError where a log lacks what the model was trained on, or is of another process."""
    with in_place(state.place):
        check_log(log, state.input_schema)
        check_process(log, state.known_activities, allow=False)


def _no_baseline(state: TrainedState) -> list[str]:
    """What to say where there is nothing to compare with."""
    if state.name.model_type == state.task.baseline or artifacts.baseline_files(state.files):
        return []
    return ["the model keeps no baseline to compare it with: train it again"]


def _require_same_task(state: TrainedState, other: TrainedState | None) -> None:
    if other is not None and other.task.name != state.task.name:
        raise ValidationError(
            f"{state.name.model_type} and {other.name.model_type} are models of different tasks",
            hint="compare models of one task",
            context={"option": "against"},
        )


def _truth(state: TrainedState, log: EventLog) -> Section:
    """How good the model is on cases that began after training and whose truth is known by now."""
    title, until = "Truth that has arrived", until_of(state.training_log)
    if log.times is None or until is None:
        return Section(title, ["nothing to compare: without times nothing says which cases are new"])
    try:
        found = evaluating.evaluate(subject(state), log, Scope(only_new=state.task.is_about_cases))
    except (LogError, ValidationError) as error:
        told = error.message.removeprefix(f"{log.source.name}: ")
        return Section(title, [f"nothing to compare: {told}"])
    rows = [
        {"metric": one.name, "value": one.value, "lower": one.lower, "upper": one.upper, "n": one.n}
        for one in found.assessment.figures
    ]
    return Section(title, [found.sentence], rows)

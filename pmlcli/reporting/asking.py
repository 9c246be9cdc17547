"""Models are asked about the log: predictions, and how right they are where the log tells the truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.encoding.series.encoding import SeriesEncoding
from pmlcli.errors import LogError, PmlError, ValidationError
from pmlcli.eventlog.log import EventLog
from pmlcli.lifecycle.artifacts import MOST_READ_HERE, read_json
from pmlcli.lifecycle.evaluating import Evaluation, Scope
from pmlcli.lifecycle.foreign import known_activities
from pmlcli.lifecycle.history import recent_history
from pmlcli.lifecycle.inspection import THRESHOLD_FILE
from pmlcli.reporting.story import Asked

if TYPE_CHECKING:
    from pmlcli.lifecycle.model import Model


def require_different(models: Sequence[Model]) -> None:
    """ValidationError for two models of one task: each has its part of the page."""
    tasks = [model.algorithm.task.name for model in models]
    twice = next((task for task in tasks if tasks.count(task) > 1), None)
    if twice is not None:
        names = [model.model_id for model in models if model.algorithm.task.name == twice]
        raise ValidationError(
            f"two models of the task {twice}: {' and '.join(names[:2])}",
            hint="give one model a task; `pmlcli compare MODEL MODEL LOG` says which is better",
            context={"task": twice},
        )


def require_used(models: Sequence[Model], given: Iterable[str]) -> None:
    """ValidationError for a request that no model takes: the page would not show what it was to say."""
    taken = {name for model in models for name in _fields(model.algorithm.task)}
    unused = next((name for name in given if name not in taken), None)
    if unused is not None:
        raise ValidationError(
            f"'{unused}' would change nothing: no model of this report uses it",
            hint="give a model that uses it, such as remaining-time for sla and due, or leave it out",
            context={"option": unused},
        )


def ask(model: Model, log: EventLog, given: dict[str, Any]) -> Asked:
    """What a model says of a log; `given` are requests, of which it is asked those that its task knows."""
    task = model.algorithm.task
    known = {name: value for name, value in given.items() if name in _fields(task)}
    found = model.predict(log, request=PredictRequest(**known))
    events = None
    if "event" in getattr(model.algorithm, "levels", ()):
        events = model.predict(log, request=PredictRequest(level="event", **known), drift=False).predictions
    asked = Asked(
        name=model.model_id,
        task=task.name,
        model_type=model.model_type,
        digest=model.root_digest,
        fields=model.manifest_fields,
        cases=_with_situations(found.predictions, found.situations),
        events=events,
        calibration=read_json(model.files, THRESHOLD_FILE, **MOST_READ_HERE),
        history=_history(model, log) if task.name == "forecast" else {},
        activities=known_activities(model.files),
        simple_way=task.baseline_phrase,
        sla=known.get("sla"),
        drift=tuple(found.metadata.get("drift", ())),
        warnings=tuple(found.metadata["warnings"]),
    )
    return _beside_truth(model, log, asked)


def _history(model: Model, log: EventLog) -> dict[str, dict[str, Any]]:
    """What the model keeps of its training series, and what the log tells of the time after it."""
    frequency = str(model.manifest_fields["hyperparameters"].get("frequency", "D"))
    return {
        kpi: known | {"recent": _longer(known["recent"], kpi, frequency, log)}
        for kpi, known in recent_history(model.files).items()
    }


def _longer(recent: dict[str, Any], kpi: str, frequency: str, log: EventLog) -> dict[str, Any]:
    try:
        found = SeriesEncoding((kpi,), frequency).fit(log).transform(log)[0]
    except PmlError:  # the log tells nothing of this KPI, as where it lacks its activity
        return recent
    last = pd.Timestamp(recent["starts"][-1]) if recent["starts"] else None
    starts = [at.isoformat() for at in pd.DatetimeIndex(found.starts.astype("datetime64[us]"), tz="UTC")]
    later = [
        (at, value)
        for at, value in zip(starts, found.values.tolist(), strict=True)
        if last is None or pd.Timestamp(at) > last
    ]
    return {
        "starts": [*recent["starts"], *(at for at, _ in later)],
        "values": [*recent["values"], *(value for _, value in later)],
    }


def _fields(task: Any) -> set[str]:
    return {*task.request.__dataclass_fields__}


def _with_situations(predictions: pd.DataFrame, situations: pd.DataFrame | None) -> pd.DataFrame:
    if situations is None:
        return predictions
    return pd.concat([predictions.reset_index(drop=True), situations.reset_index(drop=True)], axis=1)


def _beside_truth(model: Model, log: EventLog, asked: Asked) -> Asked:
    """With an evaluation on cases that began after training, where there are such whose truth is known."""
    task = model.algorithm.task
    if task.needs_labels:
        return replace(asked, no_truth="no label tells which cases are odd, so nothing is measured here")
    by = ("prefix-length",) if task.is_about_cases else ()
    try:
        found: Evaluation = model.evaluate(log, scope=Scope(by=by, only_new=task.is_about_cases))
    except (LogError, ValidationError) as error:
        return replace(asked, no_truth=_why(error, log))
    return replace(asked, evaluation=found)


def _why(error: PmlError, log: EventLog) -> str:
    return error.message.removeprefix(f"{log.source.name}: ")

"""`report`: a log, and what models say of it, as one page."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import LogError, ValidationError
from pmlcli.eventlog import ReadOptions, read_log
from pmlcli.eventlog.log import EventLog, no_times
from pmlcli.eventlog.profile import profile
from pmlcli.eventlog.reader import LogLike
from pmlcli.eventlog.running import standing
from pmlcli.lifecycle.artifacts import used
from pmlcli.lifecycle.comparing import of_logs
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.monitoring import Monitored
from pmlcli.lifecycle.provenance import now
from pmlcli.reporting.asking import ask, require_different, require_used
from pmlcli.reporting.made import Report, made
from pmlcli.reporting.pseudonyms import pseudonyms
from pmlcli.reporting.story import TIMED, Asked, ReportOptions, Story

Said = Callable[[str], None]


def report(
    log: LogLike,
    *models: Model | str | Path,
    how: ReportOptions | None = None,
    compare: LogLike | None = None,
    request: PredictRequest | None = None,
    said: Said = lambda _text: None,
) -> Report:
    """One page of a log and of models, each of another task; without a model it is the log's own.

    `how` says what is shown; `compare` is another log of the process; `request` has options for the
    predictions, such as `PredictRequest(sla="30d")`. `said` is told how long each model took. ValidationError
    for two models of one task, LogError for a log of another process or one that lacks what a model needs.

    >>> report("log.csv", "model").save("report.html")  # doctest: +SKIP
    """
    options = how or ReportOptions()
    loaded = [one if isinstance(one, Model) else Model.load(one) for one in models]
    require_different(loaded)
    require_used(loaded, () if request is None else request.given)
    reading = ReadOptions() if not loaded else loaded[0].read_options(ReadOptions())
    read = read_log(log, reading)
    _require_events(read, options)
    other = None if compare is None else read_log(compare, reading)
    # What a model says stands on the page: where it is none that training gives, that is said of the model.
    with used(foreign=bool(loaded), tellable=(LogError, ValidationError)):
        return made(_story(read, loaded, options, other, request or PredictRequest(), said))


def _require_events(log: EventLog, options: ReportOptions) -> None:
    if not log.n_events:
        raise ValidationError(
            f"{log.source.name}: the log has no event to report of", hint="check its filters"
        )
    timed = [name for name in options.sections or () if name in TIMED]
    if timed and log.times is None:
        raise no_times(f"which the section {timed[0]} is about", "leave the section out")


def _story(  # noqa: PLR0913 (all that a story is made of)
    log: EventLog,
    models: list[Model],
    options: ReportOptions,
    other: EventLog | None,
    request: PredictRequest,
    said: Said,
) -> Story:
    compared = (
        None if other is None else of_logs(other, log, Monitored(), (other.source.name, log.source.name))
    )
    asked = tuple(_asked(model, log, dict(request.given), said) for model in models)
    names = None
    if options.anonymise:
        known = (name for one in asked for name in one.activities)
        names = pseudonyms((log,) if other is None else (log, other), known)
        log, asked = names.log(log), tuple(map(names.asked, asked))
        compared = None if compared is None else names.assessment(compared)
        title = None if options.title is None else names.text(options.title)
        options = replace(options, command=names.text(options.command), title=title)
    found = profile(log, now=int(now().timestamp() * 1e6))
    if names is not None:
        found = names.profile(found)
    return Story(log, found, standing(log), asked, options, compared)


def _asked(model: Model, log: EventLog, given: dict[str, Any], said: Said) -> Asked:
    started = _seconds()
    found = ask(model, log, given)
    said(f"{model.model_id}: predictions took {_seconds() - started:.1f} s of processor time")
    return found


def _seconds() -> float:
    """Processor time so far, that of the children in which models are asked with it."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system

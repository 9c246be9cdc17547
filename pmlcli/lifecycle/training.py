"""How a model is trained: what of a log is learned from, and what is kept of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from pmlcli import registry, runtime
from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.encoding.hindsight import ColumnChoice, Found
from pmlcli.encoding.series.regressors import Regressors
from pmlcli.eventlog import ReadOptions, read_log
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.reader import LogLike
from pmlcli.eventlog.sampling import sample_facts
from pmlcli.lifecycle import artifacts
from pmlcli.lifecycle.canary import make_canary
from pmlcli.lifecycle.columns import HINDSIGHT, facts, learnable, sentences
from pmlcli.lifecycle.concerns import check_extent, concerns
from pmlcli.lifecycle.contract import input_schema, log_facts, reading_facts
from pmlcli.lifecycle.periods import span
from pmlcli.lifecycle.provenance import dependencies, determinism, machine, now, stamp_of
from pmlcli.lifecycle.reference import reference
from pmlcli.lifecycle.reproducible import reproducible
from pmlcli.lifecycle.result import TrainingResult
from pmlcli.lifecycle.sampling import said_of_sample, sampled
from pmlcli.lifecycle.state import Name, TrainedState
from pmlcli.lifecycle.time_limit import cut_short, said_of_time
from pmlcli.lifecycle.trial import Trained, train_algorithm
from pmlcli.store.manifest import records_of
from pmlcli.store.schema import SCHEMA_VERSION


@dataclass(frozen=True)
class Order:
    """How a model is to be trained; see `Model.train`. `began`: processor seconds when it was given."""

    options: ReadOptions = ReadOptions()
    regressors: Regressors | None = None
    columns: ColumnChoice = ColumnChoice()
    sample_cases: int | None = None
    began: float = field(default_factory=time.process_time)


def read(algorithm: Algorithm[Any], log: LogLike, order: Order) -> EventLog:
    """The log to train on, whole; the algorithm takes its exogenous columns."""
    if order.regressors is not None:
        algorithm.task.take_inputs(algorithm, {"regressors": order.regressors})
    whole = read_log(log, order.options)
    check_extent(whole)
    return whole


def train(
    algorithm: Algorithm[Any], name: Name, whole: EventLog, order: Order
) -> tuple[TrainedState, TrainingResult]:
    """Trains on what of the log was known in time: measured beside the baseline, then fitted on all of it.

    Raises LogError, TrainingError or TimeLimitError, and what the algorithm raises.
    """
    log, found = learnable(whole, algorithm, order.columns)
    learned = sampled(log, algorithm.task, order.sample_cases)
    about = facts(order.columns, found) | sample_facts(log, learned)
    exogenous = {} if order.regressors is None else {"regressors": order.regressors.facts()}
    reading = {"reading": reading_facts(order.options)}
    training_log = log_facts(log) | span(whole) | exogenous | about | reading
    with reproducible(algorithm.seed):
        trained = said_of_sample(train_algorithm(algorithm, name.model_type, learned), about)
        trained = said_of_time(trained, runtime.deadline())
        state = _state(trained, name, log, training_log | cut_short(runtime.deadline()))
    return state, _result(trained, state, whole, found, order.began)


def _state(trained: Trained, name: Name, log: EventLog, training_log: dict[str, Any]) -> TrainedState:
    """What training found, with the bytes that `save` will write."""
    algorithm, stamp = trained.fitted.algorithm, stamp_of(now())
    schema = input_schema(log, trained.fitted.encoding)
    canary = make_canary(trained.fitted, schema["required"])
    files = artifacts.to_files(trained.fitted, reference(log), canary, trained.baseline)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        **name._asdict(),
        "status": "trained",
        "created_at": stamp,
        "trained_at": stamp,
        "hyperparameters": algorithm.parameters(),
        "performance_metrics": {one.metric: one.to_dict() for one in (trained.comparison, *trained.parts)},
        "training_samples": trained.samples,
        "input_schema": schema,
        "training_log": training_log,
        "seed": algorithm.seed,
        "dependencies": dependencies(_libraries(algorithm, name.model_type)),
        "platform": machine(),
        "determinism": determinism(algorithm.tolerance),
    }
    return TrainedState(algorithm, manifest, files, records_of(files), trained.fitted)


def _libraries(algorithm: Algorithm[Any], model_type: str) -> set[str]:
    """What the algorithm and its members import."""
    names = (model_type, *(f"{algorithm.task.name}/{member}" for member in algorithm.kept_members()))
    return {library for name in names for library in registry.card(name).libraries}


def _result(
    trained: Trained, state: TrainedState, whole: EventLog, found: list[Found], began: float
) -> TrainingResult:
    metadata = {
        "model_id": state.name.model_id,
        "model_type": state.name.model_type,
        "samples": trained.samples,
        "parameters": state.algorithm.parameters(),
        "training_log": log_facts(whole),
        HINDSIGHT: state.training_log.get(HINDSIGHT, {}),
        "columns": dict(whole.schema.columns),
        "timezone": whole.schema.timezone,
        "cpu_seconds": time.process_time() - began,
        "measuring_cpu_seconds": trained.measuring_seconds,
        "remarks": [*sentences(found), *trained.remarks],
        "warnings": list(concerns(whole)),
    }
    return TrainingResult(True, dict(state.manifest["performance_metrics"]), metadata)

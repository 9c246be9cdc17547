"""`Model`: the whole life of a model, the same for every algorithm."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import pandas as pd

from pmlcli import registry
from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.request import PredictRequest, Request
from pmlcli.algorithms._interface.task import Fitted
from pmlcli.encoding.hindsight import ColumnChoice
from pmlcli.encoding.series.regressors import Regressors
from pmlcli.encoding.vocabulary import COMMON_VALUES
from pmlcli.errors import (
    LogError,
    PersistenceError,
    PmlError,
    PredictionError,
    TrainingError,
    ValidationError,
    ended_by,
)
from pmlcli.evaluation.assessment import Assessment, Section
from pmlcli.evaluation.notebook import page, table
from pmlcli.eventlog import ReadOptions, lookalike, read_log
from pmlcli.eventlog.log import ACTIVITY, RESOURCE, TIMESTAMP, EventLog
from pmlcli.eventlog.options import CLASSIFIER_PREFIX, NONE, OPTIONAL_ROLES
from pmlcli.eventlog.sampling import sample_facts
from pmlcli.lifecycle import answer, artifacts, contract, evaluating, expectation, fresh, isolation, opening
from pmlcli.lifecycle._binding import of_class_or_instance
from pmlcli.lifecycle.answer import Answer
from pmlcli.lifecycle.canary import REPLAYED_EVENTS, Replay, make_canary, replay
from pmlcli.lifecycle.columns import HINDSIGHT, facts, learnable, sentences
from pmlcli.lifecycle.concerns import check_extent, concerns
from pmlcli.lifecycle.confinement import Limits
from pmlcli.lifecycle.context import Hook, LifecycleContext, call_hooks, frozen, installed_hooks
from pmlcli.lifecycle.contract import check_log, emptied_columns, input_schema, unseen_values
from pmlcli.lifecycle.evaluating import Evaluation, Scope, Subject
from pmlcli.lifecycle.foreign import check_process, known_activities
from pmlcli.lifecycle.inspection import THRESHOLD_FILE
from pmlcli.lifecycle.kinds import read_as_trained, read_words
from pmlcli.lifecycle.monitoring import Monitored, drift_sentence, glance, monitor
from pmlcli.lifecycle.periods import span, until_of
from pmlcli.lifecycle.provenance import dependencies, determinism, machine, now, stamp_of
from pmlcli.lifecycle.reference import read_reference, reference
from pmlcli.lifecycle.reproducible import reproducible
from pmlcli.lifecycle.result import ModelMetadata, PredictionResult, SavedModel, TrainingResult, told_metrics
from pmlcli.lifecycle.sampling import said_of_sample, sampled
from pmlcli.lifecycle.situation import at_moment, situations
from pmlcli.lifecycle.training import Trained, baseline_of, train_algorithm
from pmlcli.store.artifacts import ArtifactStore, Sign, seal
from pmlcli.store.directory import ModelFiles, SealCheck
from pmlcli.store.manifest import (
    ARTIFACTS_NAME,
    MANIFEST_NAME,
    Manifest,
    is_artifact_filename,
    records_of,
    root_digest,
)
from pmlcli.store.publish import Publication
from pmlcli.store.schema import SCHEMA_VERSION
from pmlcli.store.verification import other_versions

LogLike = Any
"""An EventLog, a DataFrame, a list of event dicts, or a path."""


class Model(Hook):
    """An algorithm with its encoding and everything that vouches for them.

    `model_type` is `task/name`; keyword arguments are the algorithm's parameters (`seed` among them).
    A subclass may override the hook methods; `hooks` are called around them. It may have an `__init__` of its
    own: `Class.load` does not call it, so give what your hooks need as class attributes or set it in
    `after_load`; `Class(...).load` keeps what your `__init__` set.

    >>> model = Model("anomaly/isolation-forest", model_id="p2p", contamination=0.05)  # doctest: +SKIP
    >>> model.train("log.csv").metrics  # doctest: +SKIP
    """

    def __init__(
        self,
        model_type: str,
        *,
        model_id: str | None = None,
        version: str = "1",
        hooks: Sequence[Hook] = (),
        **parameters: Any,
    ) -> None:
        name = registry.resolve(model_type)
        self._begin(registry.build(name, parameters), name, model_id, version, hooks)

    def _begin(
        self,
        algorithm: Algorithm[Any],
        model_type: str,
        model_id: str | None,
        version: str,
        hooks: Sequence[Hook],
    ) -> None:
        """An untrained model of this algorithm."""
        self.algorithm, self.model_type = algorithm, model_type
        self.model_id = model_id or model_type.replace("/", "-")
        self.version = version
        self.hooks: tuple[Hook, ...] = (*installed_hooks(), *hooks)
        self.metadata = ModelMetadata(self.model_id, self.model_type)
        self.manifest_fields: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self._fitted: Fitted[Algorithm[Any], Any] | None = None
        self._is_loaded = False
        self._is_isolated = False
        self._place: Path | None = None
        self._stored_digest: str | None = None

    @property
    def is_trained(self) -> bool:
        """Whether it can be asked and saved."""
        return self.metadata.is_trained

    @property
    def root_digest(self) -> str:
        """The one hash over all of a trained model: of its directory, or of what `save` would write."""
        self._require_trained()
        return self._stored_digest or root_digest(seal(self.manifest_fields, self.files))

    def __repr__(self) -> str:
        return f"<model {self._told()}>"

    def _repr_html_(self) -> str:
        given = {} if not self.is_trained else self.manifest_fields["hyperparameters"]
        rows = [(name, str(value)) for name, value in given.items()]
        return page(
            self._told(), self._unverified() if self.files else (), table(("parameter", "value"), rows)
        )

    def _told(self) -> str:
        """`next-activity/ngram 'orders', trained on 608 cases until 2024-12-01; better: accuracy 0.81`."""
        name = f"{self.model_type} {self.model_id!r}"
        if not self.is_trained:
            return (
                f"{name}, {'not trained' if self.metadata.status == 'initialized' else self.metadata.status}"
            )
        log = self.manifest_fields["training_log"]
        until = f" until {str(log['until'])[:10]}" if log.get("until") else ""
        told = f"{name}, trained on {log.get('cases')} cases{until}"
        metrics = told_metrics(self.manifest_fields["performance_metrics"])
        return f"{told}; {metrics}" if metrics else told

    # --- train

    def train(
        self,
        log: LogLike,
        *,
        options: ReadOptions | None = None,
        regressors: Regressors | None = None,
        columns: ColumnChoice | None = None,
        sample_cases: int | None = None,
        hooks: Sequence[Hook] = (),
    ) -> TrainingResult:
        """Trains on a log: split by time, measured beside the baseline, then fitted on all of it.

        `options` say how a path is to be read, or how an EventLog was, so that it can be read so again.
        `regressors` are exogenous columns, for the forecasters that take them.
        `columns` says which columns you know to be known when a case starts, or not until later; of the
        others, those of hindsight are found and left out.
        `sample_cases` learns from so many whole cases, drawn by a stable hash of their ids; from all where
        the log has no more.

        Raises LogError, TrainingError or HookError; then `metadata.status` is `failed`.
        """
        with self._operation("train", hooks) as run:
            self.metadata.status = "training"
            started = time.process_time()
            if regressors is not None:
                self.algorithm.task.take_inputs(self.algorithm, {"regressors": regressors})
            whole = read_log(log, options or ReadOptions())
            check_extent(whole)
            run.call("before_train", log=whole, parameters=self.algorithm.parameters())
            choice = columns or ColumnChoice()
            log, found = learnable(whole, self.algorithm, choice)
            learned = sampled(log, self.algorithm.task, sample_cases)
            about = facts(choice, found) | sample_facts(log, learned)
            with reproducible(self.algorithm.seed):
                trained = said_of_sample(train_algorithm(self.algorithm, self.model_type, learned), about)
                exogenous = {} if regressors is None else {"regressors": regressors.facts()}
                self._keep(
                    trained, _log_facts(log) | span(whole) | exogenous | about, log, options or ReadOptions()
                )
            trained = replace(trained, remarks=(*sentences(found), *trained.remarks))
            result = self._training_result(trained, whole, time.process_time() - started)
            self.metadata.status = "trained"
            run.call("after_train", metrics=result.metrics, metadata=result.metadata)
        return result

    def _keep(self, trained: Trained, log_facts: dict[str, Any], log: EventLog, options: ReadOptions) -> None:
        """Takes over what training found, and turns it into the bytes that `save` will write."""
        self._fitted, algorithm, self._stored_digest = trained.fitted, trained.fitted.algorithm, None
        self.algorithm = algorithm
        self.metadata.training_samples = trained.samples
        self.metadata.created_at = self.metadata.trained_at = now()
        schema = input_schema(log, trained.fitted.encoding)
        canary = make_canary(trained.fitted, schema["required"])
        self.files = artifacts.to_files(trained.fitted, reference(log), canary, trained.baseline)
        self.metadata.artifacts = records_of(self.files)
        metrics = {one.metric: one.to_dict() for one in (trained.comparison, *trained.parts)}
        stamp = stamp_of(self.metadata.trained_at)
        self.manifest_fields = {
            "schema_version": SCHEMA_VERSION,
            "model_id": self.model_id,
            "model_type": self.model_type,
            "version": self.version,
            "status": "trained",
            "created_at": stamp,
            "trained_at": stamp,
            "hyperparameters": algorithm.parameters(),
            "performance_metrics": metrics,
            "training_samples": trained.samples,
            "input_schema": schema,
            "training_log": log_facts | {"reading": contract.reading_facts(options)},
            "seed": algorithm.seed,
            "dependencies": dependencies(self._libraries(algorithm)),
            "platform": machine(),
            "determinism": determinism(algorithm.tolerance),
        }

    def _libraries(self, algorithm: Algorithm[Any]) -> set[str]:
        """What the algorithm and its members import."""
        names = (self.model_type, *(f"{algorithm.task.name}/{member}" for member in algorithm.kept_members()))
        return {library for name in names for library in registry.card(name).libraries}

    def _training_result(self, trained: Trained, log: EventLog, cpu_seconds: float) -> TrainingResult:
        metadata = {
            "model_id": self.model_id,
            "model_type": self.model_type,
            "samples": trained.samples,
            "parameters": trained.fitted.algorithm.parameters(),
            "training_log": _log_facts(log),
            HINDSIGHT: self.manifest_fields["training_log"].get(HINDSIGHT, {}),
            "columns": dict(log.schema.columns),
            "timezone": log.schema.timezone,
            "cpu_seconds": cpu_seconds,
            "measuring_cpu_seconds": trained.measuring_seconds,
            "remarks": list(trained.remarks),
            "warnings": list(concerns(log)),
        }
        return TrainingResult(True, dict(self.manifest_fields["performance_metrics"]), metadata)

    # --- predict

    def predict(
        self,
        log: LogLike | None = None,
        *,
        request: PredictRequest | None = None,
        now: datetime | str | None = None,
        options: ReadOptions | None = None,
        drift: bool = True,
        hooks: Sequence[Hook] = (),
    ) -> PredictionResult:
        """The task's predictions for a log; a forecaster needs none and then continues its training series.

        With `drift`, `metadata["drift"]` says which activities and paths are more or less common than in
        training, beyond chance, and a warning names the largest change.
        `now` is the moment of asking, for the tasks that predict how running cases go on; what came later is
        not looked at. Without it the log's last event is taken for now: right for a whole log, too early for
        that of one case. A time without a zone is one of the log's.

        Raises PredictionError when the model is untrained or cannot give what is asked, LogError when
        the log breaks the model's data contract.
        """
        self._require_trained()
        with self._operation("predict", hooks) as run:
            self._require_log(log)
            wanted = at_moment(request or PredictRequest(), now, self.algorithm.task)
            asked = self.algorithm.task.checked(self.algorithm, wanted)
            checked, words = (None, []) if log is None else self._checked(log, options)
            serious = None if checked is None else self._check_process(checked, asked)
            run.call("before_predict", log=checked)
            table, unseen = self._answer(checked, asked)
            metadata = self._prediction_metadata(checked, unseen, table, serious)
            metadata["warnings"] += words
            if checked is not None and drift:
                metadata |= self._drift(checked, metadata["warnings"])
            with artifacts.used(foreign=self._is_loaded):
                metadata["notes"] = [] if checked is None else self._notes(checked, table, asked)
                standing = None if checked is None else self._situations(checked, table, asked)
            run.call("after_predict", predictions=table.copy(), metadata=metadata)
        return PredictionResult(table, metadata, standing)

    def _situations(self, log: EventLog, table: pd.DataFrame, request: Request) -> pd.DataFrame | None:
        """Where the case of each row stands; None where rows are not about cases."""
        task = self.algorithm.task
        return situations(log, table, task.moment(log, request)) if task.is_about_cases else None

    def _answer(self, log: EventLog | None, request: Request) -> Answer:
        """The table and what is told beside it; from a confined child when the model is isolated."""
        tellable = expectation.tellable(log, request, self.manifest_fields["input_schema"])
        if self._is_isolated:
            limits = self._limits(0 if log is None else log.n_events)
            files = self._ask(fresh.Question(log, request), limits, tellable)
            rows = self.algorithm.task.prediction_form(self.algorithm, log, request).rows
            given = answer.decode(files, most_characters=limits.result_bytes, rows=rows)
        else:
            used = artifacts.used(foreign=self._is_loaded, tellable=tellable)
            with reproducible(self.algorithm.seed), used:
                given = self._table(log, request)
        if self._is_loaded:
            expectation.check_answer(self.algorithm, log, request, given)
        return given

    def _limits(self, events: int) -> Limits:
        return isolation.limits_for(events=events, files=self.files)

    def _ask(
        self,
        question: fresh.Question | None,
        limits: Limits,
        tellable: tuple[type[PmlError], ...] = (),
    ) -> isolation.Files:
        """From a fork of this process, or where there is none from a freshly started one."""
        if not isolation.is_possible():
            manifest = seal(self.manifest_fields, self.files)
            return fresh.ask(fresh.Job(manifest, self.files, limits, question), tellable)
        within = reproducible(self.algorithm.seed)
        return isolation.ask(lambda: self.told(question), limits, within, tellable)

    def told(self, question: fresh.Question | None) -> isolation.Files:
        """The answer as a confined child sends it; without a question how the canary's answers compare."""
        if question is None:
            return self._replayed().to_files()
        return answer.encode(self._table(question.log, question.request))

    def _table(self, log: EventLog | None, request: Request) -> Answer:
        fitted, task = self._ready(), self.algorithm.task
        if log is None:
            return Answer(task.predict_without_log(fitted, request), {})
        return Answer(task.predict(fitted, log, request), unseen_values(log, fitted.encoding))

    def _notes(self, log: EventLog, table: pd.DataFrame, request: Request) -> list[str]:
        calibration = self._fitted.calibration if self._fitted else {}
        return self.algorithm.task.notes(self.algorithm, calibration, log, table, request)

    def _checked(self, log: LogLike, options: ReadOptions | None) -> tuple[EventLog, list[str]]:
        """The log with columns as trained, and what is to be said of how they were read."""
        read = read_log(log, self.read_options(options or ReadOptions()))
        check_log(read, self.manifest_fields["input_schema"])
        required = self.manifest_fields["input_schema"]["required"]
        bad_value = (options or ReadOptions()).bad_value
        return read_as_trained(read, required, bad_value), read_words(read, required)

    def _check_process(self, log: EventLog, request: Request) -> str | None:
        return check_process(log, known_activities(self.files), allow=request.foreign == "allow")

    def read_options(self, options: ReadOptions) -> ReadOptions:
        """The caller's options, completed by how the training log was read."""
        schema = self.manifest_fields["input_schema"]
        columns = dict.fromkeys(OPTIONAL_ROLES, NONE) | dict(schema["columns"])
        return replace(
            options,
            preferred_columns=columns,
            preferred_kinds=schema["required"],
            classifier=options.classifier or _classifier(columns["activity"]),
            timezone=options.timezone or schema["timezone"],
            order=options.order or schema["order"],
            # Who gives an order settles it otherwise than training did.
            preferred_tie_breaker=schema.get("tie_breaker") if options.order is None else None,
            pair_lifecycle=options.pair_lifecycle or schema.get("pair_lifecycle", False),
            lifecycle=options.lifecycle or tuple(schema.get("lifecycle", ())),
            preferred_object_type=schema.get("object_type"),
        )

    def _prediction_metadata(
        self,
        log: EventLog | None,
        unseen: Mapping[str, dict[str, Any]],
        table: pd.DataFrame,
        serious: str | None,
    ) -> dict[str, Any]:
        """`warnings` holds what stands in `serious_warnings` too: what nobody may overlook."""
        metadata: dict[str, Any] = {
            "model_id": self.model_id,
            "model_type": self.model_type,
            "root_digest": self.root_digest,
            "predicted_at": stamp_of(now()),
            "rows": len(table),
            **self._flagged(table),
            "units": self.algorithm.task.units_of(self.algorithm, [str(name) for name in table.columns]),
            "warnings": [],
            "serious_warnings": [] if serious is None else [serious],
        }
        if log is not None:
            empty = emptied_columns(log, self.manifest_fields["input_schema"])
            metadata |= {
                "log": _log_facts(log),
                "cases": log.n_cases,
                "unseen": unseen,
                "empty_columns": empty,
            }
            told = [
                _unseen_sentence(name, self._known_values(name), **found)
                for name, found in unseen.items()
                if serious is None or name != ACTIVITY
            ]
            told += [_EMPTIED.format(column=name) for name in empty]
            metadata["warnings"] = [*metadata["serious_warnings"], *told]
        metadata["warnings"] += self._unverified()
        return metadata

    def _flagged(self, table: pd.DataFrame) -> dict[str, int]:
        """`n_flagged`, where the task flags rows."""
        names = [name for name in self.algorithm.task.flags if name in table.columns]
        return {"n_flagged": int(table[names[0]].sum())} if names else {}

    # --- evaluate

    def evaluate(
        self,
        log: LogLike,
        *,
        scope: Scope | None = None,
        against: Model | None = None,
        options: ReadOptions | None = None,
        foreign: str = "refuse",
        hooks: Sequence[Hook] = (),
    ) -> Evaluation:
        """How good the model is on a log that holds the truth, beside training and its baseline.

        `scope` says of what; `against` is another model of the same task, held against the same truth.
        `frame` of what comes back has each prediction beside the truth. LogError where the log holds no truth
        or breaks the data contract, ValidationError for a scope that is none of this log.
        """
        self._require_trained()
        with self._operation("evaluate", hooks):
            self._require_same_task(against)
            read, words = self._checked(log, options)
            asked = self.algorithm.task.checked(self.algorithm, PredictRequest(foreign=foreign))
            serious = self._check_process(read, asked)
            baseline = self.baseline()
            found = evaluating.evaluate(
                self.subject(),
                read,
                scope or Scope(),
                baseline=None if baseline is None else baseline.subject(),
                against=None if against is None else against.subject(),
            )
        return found.with_facts(
            self._measured(),
            [*([] if serious is None else [serious]), *words, *self._unverified(), *self._no_baseline()],
        )

    def _measured(self) -> dict[str, Any]:
        """Which model was measured, and when: the same form from every measuring command."""
        return {
            "model": {"name": self.model_id, "type": self.model_type},
            "root_digest": self.root_digest,
            "measured_at": stamp_of(now()),
        }

    def baseline(self) -> Model | None:
        """The task's baseline as it was fitted on the same log; None where the model is it, or keeps none."""
        files = artifacts.baseline_files(self.files)
        if files is None:
            return None
        name, parameters = self.algorithm.task.baseline, baseline_of(self.algorithm).parameters()
        model = Model(name, model_id=self.model_id, version=self.version, **parameters)
        others = {"model_type": name, "hyperparameters": parameters, "performance_metrics": {}}
        model.files, model.manifest_fields = files, self.manifest_fields | others
        model._is_loaded, model._is_isolated = self._is_loaded, self._is_isolated
        model._place = self._place
        return model

    def _no_baseline(self) -> list[str]:
        """What to say where there is nothing to compare with."""
        if self.model_type == self.algorithm.task.baseline or artifacts.baseline_files(self.files):
            return []
        return ["the model keeps no baseline to compare it with: train it again"]

    def _require_same_task(self, other: Model | None) -> None:
        if other is not None and other.algorithm.task.name != self.algorithm.task.name:
            raise ValidationError(
                f"{self.model_type} and {other.model_type} are models of different tasks",
                hint="compare models of one task",
                context={"option": "against"},
            )

    def require_readable(self, log: EventLog) -> None:
        """Raises LogError where a log lacks what the model was trained on, or is of another process."""
        self._require_trained()
        with in_place(self._place):
            check_log(log, self.manifest_fields["input_schema"])
            check_process(log, known_activities(self.files), allow=False)

    def keep_decision(self, decision: Mapping[str, Any]) -> None:
        """Notes in the manifest that `save` will write how a trained model took another one's place."""
        self._require_trained()
        self.manifest_fields["training_log"] |= {"replaced": dict(decision)}
        self._stored_digest = None

    def keep_left_out(self, algorithms: Sequence[str], extras: Sequence[str]) -> None:
        """Notes in the manifest that `save` will write which algorithms the default of the task had to leave
        out, and the extras that they need.
        """
        self._require_trained()
        missing = {"algorithms": list(algorithms), "extras": list(extras)}
        self.manifest_fields["training_log"] |= {"went_without": missing}
        self._stored_digest = None

    def subject(self) -> Subject:
        """This model as `evaluating` sees it."""
        calibration = artifacts.read_json(self.files, THRESHOLD_FILE, **artifacts.MOST_READ_HERE)
        return Subject(
            name=self.model_id,
            algorithm=self.algorithm,
            predict=self._predicted,
            calibration=calibration,
            metrics=self.manifest_fields["performance_metrics"],
            until=until_of(self.manifest_fields["training_log"]),
        )

    def _predicted(self, log: EventLog, request: PredictRequest) -> pd.DataFrame:
        """The table alone, for a log that was read as another model's training log was."""
        schema = self.manifest_fields["input_schema"]
        check_log(log, schema)
        asked = self.algorithm.task.checked(self.algorithm, request)
        return self._answer(read_as_trained(log, schema["required"]), asked).table

    def _known_values(self, column: str) -> int:
        return int(self.manifest_fields["input_schema"]["vocabulary_sizes"].get(column, 0))

    def _unverified(self) -> list[str]:
        """What to warn of where a loaded model meets other versions of its libraries."""
        others = other_versions(self.manifest_fields["dependencies"]) if self._is_loaded else []
        return [f"made with {', '.join(others)}, and not verified here: run pmlcli verify"] if others else []

    def _require_trained(self) -> None:
        if not self.files:
            raise PredictionError(
                f"model '{self.model_id}' is not trained",
                code="prediction.untrained",
                hint="train it, or load one",
            )

    def _require_log(self, log: LogLike | None) -> None:
        task = self.algorithm.task
        if log is None and task.needs_log:
            raise ValidationError(
                f"the task {task.name} predicts for an event log", hint="give the log as well"
            )

    def _ready(self) -> Fitted[Algorithm[Any], Any]:
        """The algorithm with its state restored; an isolated model's only in its child."""
        self._require_trained()
        if self._fitted is None:
            self._fitted = artifacts.restore(self.algorithm, self.files)
        return self._fitted

    # --- monitor

    def monitor(
        self, log: LogLike, *, how: Monitored | None = None, options: ReadOptions | None = None
    ) -> Assessment:
        """What has changed in the process since training, told from a later log, and since when.

        The log is compared with the training log's counts and quantiles; of the cases whose truth has arrived
        since, the model is asked how right it is.
        Raises LogError when the log breaks the data contract or is of another process.
        """
        self._require_trained()
        with in_place(self._place):
            checked, words = self._checked(log, options)
            known = known_activities(self.files)
            check_process(checked, known, allow=False)
            about = {**self._measured(), "log": evaluating.about_log(checked)}
            learned = read_reference(self.files)
            with artifacts.used(foreign=self._is_loaded):
                found = monitor(learned, checked, known, how or Monitored(), about)
            truth = self._truth(checked)
        return replace(found, sections=[*found.sections, truth], warnings=[*words, *found.warnings])

    def _truth(self, log: EventLog) -> Section:
        """How good the model is on cases that began after training and whose truth is known by now."""
        title, until = "Truth that has arrived", until_of(self.manifest_fields["training_log"])
        if log.times is None or until is None:
            return Section(title, ["nothing to compare: without times nothing says which cases are new"])
        try:
            scope = Scope(only_new=self.algorithm.task.is_about_cases)
            found = evaluating.evaluate(self.subject(), log, scope)
        except (LogError, ValidationError) as error:
            told = error.message.removeprefix(f"{log.source.name}: ")
            return Section(title, [f"nothing to compare: {told}"])
        rows = [
            {"metric": one.name, "value": one.value, "lower": one.lower, "upper": one.upper, "n": one.n}
            for one in found.assessment.figures
        ]
        return Section(title, [found.sentence], rows)

    def _drift(self, log: EventLog, warnings: list[str]) -> dict[str, Any]:
        """`drift`: what has changed since training, of what is cheap to see; a warning where anything has."""
        with artifacts.used(foreign=self._is_loaded):
            found = glance(read_reference(self.files), log)
        if found:
            warnings.append(drift_sentence(found))
        return {"drift": [one.sentence() for one in found]}

    # --- save and load

    def save(
        self,
        path: str | Path,
        *,
        force: bool = False,
        hooks: Sequence[Hook] = (),
        sign: Sign | None = None,
        publication: Publication | None = None,
        check: bool | None = None,
    ) -> SavedModel:
        """Writes the model directory, whole or not at all; `force` replaces an existing model.

        `sign` (see `store.signing.signer`) makes its signature; `publication` is the right to write `path`
        when the caller holds it already. Before anything is written, a freshly started interpreter opens the
        model from its bytes and replays the canary; `check=False` leaves that out (so does the variable
        PMLCLI_SKIP_OPENING=1, unless `check=True`). Raises PersistenceError when the model is untrained,
        UnopenedModelError when it does not answer there, ValidationError when `path` is taken, OutputError
        when it cannot be written.
        """
        if not self.files:
            raise PersistenceError(
                f"model '{self.model_id}' is not trained, so there is nothing to save", code="model.untrained"
            )
        with self._operation("save", hooks) as run:
            run.call("before_save", path=Path(path))
            held = Publication(path) if publication is None else nullcontext(publication)
            with held as publication:
                publication.refuse_existing(force=force)
                if opening.is_wanted(check):
                    opening.require_answers(seal(self.manifest_fields, self.files), self.files)
                what = (self.manifest_fields, self.files)
                digest = ArtifactStore().save_in(publication, *what, force=force, sign=sign)
        return SavedModel(Path(path), digest)

    @of_class_or_instance
    def load(
        cls: type[Model],  # noqa: N805
        instance: Model | None,
        path: str | Path,
        *,
        hooks: Sequence[Hook] = (),
        check_seal: SealCheck | None = None,
        trusted: bool = False,
    ) -> Model:
        """The model in a directory: verified first, then built from the very bytes that were verified.

        `Model.load(path)` takes any type; `Model("task/name").load(path)` takes that type alone, and becomes
        the model that it returns. `check_seal` (see `store.signing.checker`) may refuse before anything is
        parsed. The model is built and asked in a confined child process, anew for each prediction; where
        there is no fork, or time counts, a `trusted` one may be in this process.
        Raises a PersistenceError when anything is missing, changed, unexpected or untrusted.
        """
        with in_place(Path(path)):
            stored = ArtifactStore().load(Path(path), check_seal=check_seal, check_manifest=_check_files)
        if instance is not None and stored.manifest.model_type != instance.model_type:
            raise _other_type(Path(path), stored.manifest.model_type, instance.model_type)
        model = cls.from_stored(stored, hooks=hooks, trusted=trusted, place=Path(path))
        if instance is not None:
            model = instance._become(model, hooks)
        with model._operation("load", ()) as run:
            run.call("after_load", path=Path(path))
        return model

    def _become(self, loaded: Model, hooks: Sequence[Hook]) -> Model:
        """Takes over all of a loaded model; of hooks it keeps its own, and these."""
        own = self.hooks
        vars(self).update(vars(loaded))
        self.hooks = (*own, *hooks)
        return self

    @classmethod
    def from_stored(
        cls,
        stored: ModelFiles,
        *,
        hooks: Sequence[Hook] = (),
        trusted: bool = False,
        place: Path | None = None,
    ) -> Self:
        """The model in verified bytes; raises a PersistenceError when they are not what pmlcli writes.

        `place` is the directory that errors name; `trusted` as in `load`.
        """
        with in_place(place):
            return cls._from_stored(stored, hooks=hooks, trusted=trusted, place=place)

    @classmethod
    def _from_stored(
        cls, stored: ModelFiles, *, hooks: Sequence[Hook], trusted: bool, place: Path | None
    ) -> Self:
        manifest = stored.manifest
        with contract.written_by_pmlcli(contract.MODEL_TYPE):
            registry.find(manifest.model_type)
        with contract.written_by_pmlcli("hyperparameters"):
            parameters = contract.checked_hyperparameters(manifest.hyperparameters)
            algorithm = registry.build_to_load(manifest.model_type, parameters, stored.current_files)
        # The class may have an `__init__` of its own, with arguments that no manifest knows. This stands
        # outside the guard above, for what fails in a caller's code is not the file's fault.
        model = cls.__new__(cls)
        Model._begin(model, algorithm, manifest.model_type, manifest.model_id, manifest.version, hooks)
        model.manifest_fields = _fields_of(manifest)
        with contract.written_by_pmlcli("input_schema"):
            contract.check_schema(manifest.input_schema)
            model.read_options(ReadOptions())
        model.files, model._is_loaded, model._is_isolated = dict(stored.current_files), True, not trusted
        model._place, model._stored_digest = place, stored.seal.root_digest
        with contract.written_by_pmlcli("created_at or trained_at"):
            model.metadata = ModelMetadata.of(manifest)
        if trusted:
            model._ready()
        return model

    def replay(self) -> Replay:
        """How the answers to the canary cases on this machine compare with the recorded ones."""
        self._require_trained()
        if self._is_isolated:
            limits = self._limits(REPLAYED_EVENTS)
            return Replay.from_files(self._ask(None, limits))
        with reproducible(self.algorithm.seed), artifacts.used(foreign=self._is_loaded):
            return self._replayed()

    def _replayed(self) -> Replay:
        recorded = artifacts.read_json(self.files, artifacts.CANARY_FILE)
        # What other commands read of the model is vouched for too.
        known_activities(self.files)
        read_reference(self.files)
        return replay(self._ready(), recorded)

    # --- hooks and failure

    def _forget(self) -> None:
        """A failed training leaves nothing that could be saved or asked."""
        self.metadata = ModelMetadata(self.model_id, self.model_type, "failed")
        self.files, self.manifest_fields, self._fitted = {}, {}, None

    @contextmanager
    def _operation(self, operation: str, hooks: Sequence[Hook]) -> Iterator[_Run]:
        """One train, predict, save or load: gives hooks their context, and tells them when it fails."""
        run = _Run(self, operation, (*self.hooks, self, *hooks))
        try:
            with in_place(self._place), _not_ended():
                yield run
        except Exception as error:
            if operation == "train":
                self._forget()
            run.tell_failure(error)
            if isinstance(error, MemoryError):
                raise TrainingError(
                    "out of memory", hint="use a smaller log or a lighter algorithm"
                ) from error
            raise


class _Run:
    """The hooks of one operation and the context they are shown."""

    def __init__(self, model: Model, operation: str, hooks: tuple[Hook, ...]) -> None:
        self._model, self._operation, self._hooks = model, operation, hooks

    def call(self, point: str, **data: Any) -> None:
        """Calls one hook point on all hooks with this data."""
        call_hooks(point, self._hooks, self._context(data))

    def _context(self, data: dict[str, Any]) -> LifecycleContext:
        model = self._model
        return LifecycleContext(model.model_id, model.model_type, self._operation, now(), frozen(data))

    def tell_failure(self, error: Exception) -> None:
        """Calls on_failure of every hook; the first error stays the one that is raised.

        What a hook raises there is noted on it, and stands in its context as `failed_hooks`.
        """
        for hook in reversed(self._hooks):
            try:
                call_hooks("on_failure", (hook,), self._context({"error": error}))
            except PmlError as second:
                error.add_note(second.message)
                if isinstance(error, PmlError):
                    error.context.setdefault("failed_hooks", []).append(second.message)


@contextmanager
def _not_ended() -> Iterator[None]:
    """Makes an error of a plugin or library that would end the program, so that hooks are told of it."""
    try:
        yield
    except SystemExit as error:
        raise ended_by(error) from error


@contextmanager
def in_place(place: Path | None) -> Iterator[None]:
    """Makes errors about the model in a directory begin with its path, or with that of the file in it."""
    try:
        yield
    except PersistenceError as error:
        if place is not None and not error.message.startswith(str(place)):
            name = error.message.partition(": ")[0]
            is_artifact = is_artifact_filename(name) and name != MANIFEST_NAME
            inner = f"/{ARTIFACTS_NAME}/{name}" if is_artifact else f"/{name}"
            known = is_artifact or name == MANIFEST_NAME
            error.begin_with(f"{place}{inner}" if known else f"{place}: {name}", instead_of=name)
        raise


def _check_files(manifest: Manifest) -> None:
    """Refuses, before one is read, files that the algorithm does not write; `restore` asks again of all."""
    with contract.written_by_pmlcli(contract.MODEL_TYPE):
        container = registry.card(manifest.model_type).container
    if manifest.schema_version == SCHEMA_VERSION:
        artifacts.require_known_files(container, (record.filename for record in manifest.artifacts))


def _other_type(path: Path, found: str, expected: str) -> PersistenceError:
    return PersistenceError(
        f"{path}: holds a model of {found}, not of {expected}",
        hint=f"load it as Model('{found}'), or by Model.load(path), which takes any type",
        code="model.type",
        context={"path": str(path), "found": found, "expected": expected},
    )


def _classifier(activity: str) -> str | None:
    """The classifier that a training log's activities were made with, if any."""
    return activity.removeprefix(CLASSIFIER_PREFIX) if activity.startswith(CLASSIFIER_PREFIX) else None


def _fields_of(manifest: Manifest) -> dict[str, Any]:
    """The manifest's fields as `save` takes them: all but the artifacts, which are computed anew."""
    kept = {f.name: getattr(manifest, f.name) for f in fields(manifest) if f.name != "artifacts"}
    return kept | {"schema_version": SCHEMA_VERSION}


def _log_facts(log: EventLog) -> dict[str, Any]:
    return {
        "name": log.source.name,
        "format": log.source.format,
        "sha256": log.source.sha256,
        "size_bytes": log.source.size_bytes,
        "cases": log.n_cases,
        "events": log.n_events,
        "ledger": log.ledger.to_dict(),
    }


_EMPTIED = "no event has a value of '{column}', which the model looks at: it counts as missing everywhere"


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

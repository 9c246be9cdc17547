"""`Model`: the whole life of a model, the same for every algorithm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from pmlcli import registry, runtime
from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.encoding.hindsight import ColumnChoice
from pmlcli.encoding.series.regressors import Regressors
from pmlcli.errors import PersistenceError, PredictionError
from pmlcli.evaluation.assessment import Assessment
from pmlcli.eventlog import ReadOptions
from pmlcli.eventlog.reader import LogLike
from pmlcli.lifecycle import asking, contract, keeping, measuring, predicting, training
from pmlcli.lifecycle._binding import of_class_or_instance
from pmlcli.lifecycle.blame import in_place
from pmlcli.lifecycle.canary import Replay
from pmlcli.lifecycle.context import Hook, Run, installed_hooks, running
from pmlcli.lifecycle.evaluating import Evaluation, Scope
from pmlcli.lifecycle.monitoring import Monitored
from pmlcli.lifecycle.result import (
    ModelMetadata,
    PredictionResult,
    SavedModel,
    TrainingResult,
    model_page,
    told_model,
)
from pmlcli.lifecycle.state import Name, TrainedState
from pmlcli.lifecycle.time_limit import TimeLimit, deadline_of
from pmlcli.store.artifacts import Sign
from pmlcli.store.directory import ModelFiles, SealCheck
from pmlcli.store.publish import Publication


class Model(Hook):
    """A model: an algorithm with its encoding, and the commands `train`, `predict`, `evaluate`, `monitor`,
    `save` and `load` as methods.

    `model_type` is `task/name`; keyword arguments are the algorithm's parameters (`seed` among them).
    A subclass may override the hook methods; `hooks` are called around them. It may have its own `__init__`.
    `Class.load` does not call that, so set what your hooks need as class attributes or in `after_load`;
    `Class(...).load` keeps what your `__init__` set.

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
        algorithm = registry.build(name, parameters)
        self._begin(algorithm, Name(model_id or name.replace("/", "-"), name, version), hooks)

    def _begin(self, algorithm: Algorithm[Any], name: Name, hooks: Sequence[Hook]) -> None:
        """An untrained model of this algorithm."""
        self.algorithm = algorithm
        self.model_id, self.model_type, self.version = name
        self.hooks: tuple[Hook, ...] = (*installed_hooks(), *hooks)
        self.metadata = ModelMetadata(self.model_id, self.model_type)
        self._state: TrainedState | None = None

    @classmethod
    def from_state(cls, state: TrainedState, *, hooks: Sequence[Hook] = ()) -> Self:
        """The model of this class in a trained state."""
        # The class may have an `__init__` of its own, with arguments that no state knows.
        model = cls.__new__(cls)
        Model._begin(model, state.algorithm, state.name, hooks)
        return model._take(state)

    def _take(self, state: TrainedState) -> Self:
        """Becomes the model of this state; what a subclass added, and the hooks, stay."""
        self._state, self.algorithm = state, state.algorithm
        self.model_id, self.model_type, self.version = state.name
        vars(self.metadata).update(vars(state.metadata()))
        return self

    @property
    def trained_state(self) -> TrainedState:
        """The result of the training; PredictionError if the model is not trained."""
        if self._state is None:
            raise PredictionError(
                f"model '{self.model_id}' is not trained",
                code="prediction.untrained",
                hint="train it, or load one",
            )
        return self._state

    @property
    def is_trained(self) -> bool:
        """Whether it is trained, so that it can predict and be saved."""
        return self.metadata.is_trained

    @property
    def manifest_fields(self) -> dict[str, Any]:
        """A copy of its manifest without the artifacts; empty if it is not trained."""
        return {} if self._state is None else dict(self._state.manifest)

    @property
    def files(self) -> dict[str, bytes]:
        """A copy of its artifacts, bytes by file name; empty if it is not trained."""
        return {} if self._state is None else dict(self._state.files)

    @property
    def root_digest(self) -> str:
        """The hash of a trained model: of its directory, or of what `save` would write."""
        return self.trained_state.root_digest

    def __repr__(self) -> str:
        return f"<model {told_model(self.metadata, self.manifest_fields)}>"

    def _repr_html_(self) -> str:
        warnings = () if self._state is None else self._state.unverified()
        return model_page(self.metadata, self.manifest_fields, warnings)

    def train(  # noqa: PLR0913 (each says one thing of a training)
        self,
        log: LogLike,
        *,
        options: ReadOptions | None = None,
        regressors: Regressors | None = None,
        columns: ColumnChoice | None = None,
        sample_cases: int | None = None,
        time_limit: TimeLimit | None = None,
        hooks: Sequence[Hook] = (),
    ) -> TrainingResult:
        """Trains on a log: measures the algorithm and the baseline on splits by time, then fits on all of it.

        `options` say how a path is to be read, or how an EventLog was, so that it can be read so again.
        `regressors` are exogenous columns, for the forecasters that take them.
        `columns` names columns that are known when a case starts, or only later; of all others, columns of
        hindsight are found and left out. `sample_cases` learns from this many whole cases, drawn by a stable
        hash of their ids, if the log has more. `time_limit`, seconds or a timedelta, is looked at between
        epochs, rounds of boosting, members and cuts; what it leaves out stands in the verdict and the
        manifest.

        Raises LogError, TrainingError, HookError, or TimeLimitError where the time is over before there is
        anything to keep; then `metadata.status` is `failed`.
        """
        limit = runtime.use_deadline(deadline_of(time_limit))
        with limit, self._running("train", hooks) as run, self._forgotten_on_failure():
            self.metadata.status = "training"
            how = (options or ReadOptions(), regressors, columns or ColumnChoice(), sample_cases)
            order = training.Order(*how)
            whole = training.read(self.algorithm, log, order)
            run.call("before_train", log=whole, parameters=self.algorithm.parameters())
            name = Name(self.model_id, self.model_type, self.version)
            state, result = training.train(self.algorithm, name, whole, order)
            self._take(state)
            run.call("after_train", metrics=result.metrics, metadata=result.metadata)
        return result

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
        `now` is the moment of the prediction, for the tasks that predict how running cases continue; later
        events are ignored. Without it, the log's last event counts as now: right for a whole log, too early
        for the log of one case. A time without a zone is in the log's zone.

        Raises PredictionError when the model is untrained or cannot give what is asked, LogError when
        the log breaks the model's data contract.
        """
        state = self.trained_state
        with self._running("predict", hooks) as run:
            given = (log, request or PredictRequest(), options or ReadOptions())
            asked = predicting.question(state, *given, moment=now)
            run.call("before_predict", log=asked.log)
            result = predicting.predict(state, asked, drift=drift)
            run.call("after_predict", predictions=result.predictions.copy(), metadata=result.metadata)
        return result

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

        `scope` selects and groups what is measured; `against` is another model of the same task, measured on
        the same cases. `frame` of the result has each prediction beside the truth. LogError if the log does
        not hold the truth or breaks the data contract, ValidationError for a scope that does not fit the log.
        """
        state, other = self.trained_state, None if against is None else against.trained_state
        with self._running("evaluate", hooks):
            how = options or ReadOptions()
            return measuring.evaluate(state, log, scope or Scope(), how, against=other, foreign=foreign)

    def monitor(
        self, log: LogLike, *, how: Monitored | None = None, options: ReadOptions | None = None
    ) -> Assessment:
        """What has changed in the process since training, judged by a later log, and since when.

        The log is compared with the training log's counts and quantiles; the model is measured on the cases
        that have ended since then. Raises LogError when the log breaks the data contract or is of another
        process.
        """
        with in_place(self.trained_state.place):
            return measuring.monitor(self.trained_state, log, how or Monitored(), options or ReadOptions())

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
        """Writes the model directory, completely or not at all; `force` replaces an existing model.

        `sign` (see `store.signing.signer`) makes its signature; `publication` is the right to write `path`
        when the caller holds it already. Before anything is written, a freshly started interpreter opens the
        model from its bytes and replays the canary; `check=False` leaves that out (so does the variable
        PMLCLI_SKIP_OPENING=1, unless `check=True`). Raises PersistenceError when the model is untrained,
        UnopenedModelError when it does not answer there, ValidationError when `path` is taken, OutputError
        when it cannot be written.
        """
        if self._state is None:
            raise PersistenceError(
                f"model '{self.model_id}' is not trained, so there is nothing to save", code="model.untrained"
            )
        with self._running("save", hooks) as run:
            run.call("before_save", path=Path(path))
            return keeping.save(
                self._state, path, force=force, sign=sign, publication=publication, check=check
            )

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
        expected = None if instance is None else instance.model_type
        stored = keeping.read(Path(path), check_seal=check_seal, model_type=expected)
        if instance is None:
            model = cls.from_stored(stored, hooks=hooks, trusted=trusted, place=Path(path))
        else:
            model = instance._take(keeping.state_of(stored, trusted=trusted, place=Path(path)))
            model.hooks = (*model.hooks, *hooks)
        with model._running("load", ()) as run:
            run.call("after_load", path=Path(path))
        return model

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
        return cls.from_state(keeping.state_of(stored, trusted=trusted, place=place), hooks=hooks)

    def replay(self) -> Replay:
        """How the predictions for the canary cases on this machine compare with the recorded ones."""
        return asking.replay(self.trained_state)

    def read_options(self, options: ReadOptions) -> ReadOptions:
        """The caller's options; what they leave open is read as the training log was."""
        return contract.read_options(self.trained_state.input_schema, options)

    def keep_decision(self, decision: Mapping[str, Any]) -> None:
        """Notes in the manifest that `save` will write how a trained model took another one's place."""
        self._state = keeping.with_decision(self.trained_state, decision)

    def keep_left_out(self, algorithms: Sequence[str], extras: Sequence[str]) -> None:
        """Notes in the manifest that `save` will write which algorithms the default of the task had to leave
        out, and the extras that they need.
        """
        self._state = keeping.with_left_out(self.trained_state, algorithms, extras)

    def _running(self, operation: str, hooks: Sequence[Hook]) -> AbstractContextManager[Run]:
        place = None if self._state is None else self._state.place
        return running(self, operation, (*self.hooks, self, *hooks), place)

    @contextmanager
    def _forgotten_on_failure(self) -> Iterator[None]:
        """A failed training leaves nothing that could be saved or asked."""
        try:
            yield
        except (Exception, SystemExit):
            self.metadata = ModelMetadata(self.model_id, self.model_type, "failed")
            self._state = None
            raise

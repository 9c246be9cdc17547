"""What every algorithm is: a dataclass of parameters with a learned state, of one task and one encoding.

Three hands hold it. The *algorithm's file* declares parameters, encoding and `fit` (and what its task
asks for: `score`, `forecast`, ...). Its *task's base* (`<task>/_task.py`) turns that into targets, calibrated
output columns and measurements. The *lifecycle* decides the order of steps. None does another's work.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import pandas as pd

from pmlcli.algorithms._interface.form import Form
from pmlcli.algorithms._interface.param import Param, specs, validated
from pmlcli.algorithms._interface.unseen import UNSEEN_CHOICES
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.series.regressors import Regressors
from pmlcli.errors import UntrustedArtifactError, ValidationError, unknown_name
from pmlcli.evaluation.measurement import Measurement
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.split import Split, split_by_start


@dataclass(frozen=True)
class PredictRequest:
    """What a caller wants of a prediction; a task refuses what it cannot give.

    - `level`: `case` or `event` (anomaly); `fdr`: flag by the false discovery rate instead of the threshold
    - `cases`: `running` or `all` (predictive tasks); `every_prefix`: one row a prefix instead of a case
    - `as_of`: only events up to this ISO 8601 time count, read in the log's zone where it names none
    - `unseen`: what becomes of cases with activities or resources that training never saw: `ignore`
      (answered for), `flag` (a column says so) or `fail`
    - `foreign`: what becomes of a log most of whose events have an activity that training never saw:
      `refuse` or `allow`
    - `explain`: say in a column what moved each answer; `sla`: seconds that a case may take (remaining-time)
    - `horizon`: steps ahead (forecast), None for the trained one; `top`: how many classes (next-activity)
    - `regressors`: columns from outside the log for the buckets to come (forecast)
    """

    level: str | None = None
    cases: str = "running"
    every_prefix: bool = False
    horizon: int | None = None
    top: int = 3
    fdr: float | None = None
    as_of: str | None = None
    unseen: str = "ignore"
    foreign: str = "refuse"
    explain: bool = False
    sla: float | None = None
    regressors: Regressors | None = None


FOREIGN_CHOICES = ("refuse", "allow")
_OF_EVERY_TASK = ("cases", "unseen", "foreign")
"""The fields of `PredictRequest` that may be given to any task."""
_WISHES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "text"),
    "bool": ((bool, np.bool_), "True or False"),
    "int": (Integral, "a whole number"),
    "float": (Real, "a number"),
}
"""What each type of a wish accepts, and how it is called."""


@dataclass(kw_only=True)
class Algorithm(ABC):
    """A method that can be trained. Fields are its parameters; attributes that end in `_` its learned state.

    It never saves, loads, logs, prints or touches a raw event.
    """

    seed: Annotated[int, Param("Seed of every random step.", ge=0, le=4294967295)] = 0
    calibration_: dict[str, Any] = field(init=False, default_factory=dict, repr=False)
    """What the task learned from held-out data (threshold, residuals): JSON-plain, kept in threshold.json."""

    task: ClassVar[str]
    baseline: ClassVar[str]
    """Name of the task's baseline, as in the registry."""
    recommended: ClassVar[str]
    """Name of the algorithm that the task takes when none is named."""
    source: ClassVar[str]
    """The paper or text that describes the method."""
    extra: ClassVar[str | None] = None
    """The pip extra that holds the libraries it needs."""
    container: ClassVar[str] = "plain"
    """How its learned state is kept: plain (JSON and arrays), sklearn (joblib), safetensors, xgboost, or
    members (its own as plain, that of each algorithm that it asks in the other's way)."""
    allowed_globals: ClassVar[frozenset[str]] = frozenset()
    """`sklearn` only: the exact `module.Class` names that its joblib file may hold beside the common ones."""
    estimator_class: ClassVar[str | None] = None
    """`sklearn` only: the `module.Class` of `estimator_`."""
    minimum_samples: ClassVar[int] = 10
    sample_name: ClassVar[str] = "samples"
    """What `count_samples` counts, in the plural."""
    understands: ClassVar[tuple[str, ...]] = ()
    """The fields of `PredictRequest` that mean something to this task alone or to few."""
    needs_log: ClassVar[bool] = True
    """Whether a prediction needs a log; a forecaster can continue its training series without one."""
    tolerance: ClassVar[float] = 0.0
    """Largest difference that other cases in the batch may make to an answer, as a share of it where it is
    more than 1; 0 promises the same bits."""
    looks_around: ClassVar[bool] = False
    """Whether an answer depends on what else goes on in the log at that moment; never on what comes later."""
    find_member: ClassVar[Callable[..., Any] | None] = None
    """The registry's `find`, which it puts here on import: how an algorithm of algorithms gets at others."""

    @classmethod
    def build(cls, parameters: dict[str, Any]) -> Self:
        """The algorithm with these parameters, checked and coerced; ValidationError names what is wrong."""
        return cls(**validated(cls, parameters))

    def parameters(self) -> dict[str, Any]:
        """All parameters and their values, JSON-plain."""
        values = {spec.name: getattr(self, spec.name) for spec in specs(type(self))}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    @abstractmethod
    def make_encoding(self) -> Encoding[Any]:
        """The unfitted encoding that it takes its data from."""

    @abstractmethod
    def fit(self, data: Any) -> None:
        """Learns from encoded training data."""

    def refit(self, data: Any, trial: Self) -> None:
        """Learns from all data, guided by what `trial` (fitted on the training part) found."""
        self.fit(data)

    def asked_algorithms(self) -> dict[str, Algorithm]:
        """The algorithms that this one asks, by short name, as far as it does; see `members.py`."""
        return {}

    def state(self) -> dict[str, Any]:
        """The learned state: every attribute that ends in `_` except the calibration."""
        return {k: v for k, v in vars(self).items() if k.endswith("_") and k != "calibration_"}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`; UntrustedArtifactError for a name that no learned state has."""
        for name, value in state.items():
            if not name.endswith("_") or name.startswith("_") or name == "calibration_":
                raise UntrustedArtifactError(f"a learned state has no '{name}'")
            setattr(self, name, value)

    # What a task's base answers for all of its algorithms.

    @abstractmethod
    def count_samples(self, data: Any) -> int:
        """How many samples the encoded data holds: cases, prefixes or buckets."""

    def make_split(self, log: EventLog) -> Split:
        """Training and test part of a log: the last fifth of the cases by start."""
        return split_by_start(log)

    def calibrate(self, encoding: Encoding[Any], split: Split, log: EventLog) -> dict[str, Any]:
        """What this trial, fitted on `split.train`, learns from data it has not seen; for `calibration_`."""
        return {}

    def settle(self, data: Any) -> None:  # noqa: B027 (most tasks have nothing to settle)
        """Completes `calibration_` once the final model is fitted on all of the data (a threshold, say)."""

    def calibrated_numbers(self) -> tuple[str, ...]:
        """The keys of `calibration_` that hold one finite number each; checked when a model is loaded."""
        return ()

    def remarks(self, data: Any, log: EventLog) -> list[str]:
        """Sentences about the trained algorithm and its data that its user should know."""
        return []

    @abstractmethod
    def measure(self, encoding: Encoding[Any], split: Split, log: EventLog) -> Measurement:
        """How well this trial, fitted on `split.train`, does on the test part."""

    @abstractmethod
    def predict(self, encoding: Encoding[Any], log: EventLog, request: PredictRequest) -> pd.DataFrame:
        """The task's table of predictions for a log: key columns first, units as the task documents."""

    def predict_without_log(self, encoding: Encoding[Any], request: PredictRequest) -> pd.DataFrame:
        """The table for what follows the training log; only where `needs_log` is false."""
        raise NotImplementedError

    def check_request(self, request: PredictRequest) -> None:
        """Raises ValidationError for a wish of another type, or that means nothing to this task."""
        for asked in dataclasses.fields(PredictRequest):
            wish = getattr(request, asked.name)
            _require_type(asked, wish)
            is_asked = wish != asked.default
            if is_asked and asked.name not in {*_OF_EVERY_TASK, *self.understands}:
                options = [_option(name) for name in (*self.understands, "unseen", "foreign")]
                raise ValidationError(
                    f"a prediction of the task {self.task} has no '{asked.name}'",
                    hint=f"it can be asked for: {', '.join(options)}",
                    context={"option": asked.name},
                )
        if request.unseen not in UNSEEN_CHOICES:
            raise unknown_name("choice of unseen values", request.unseen, UNSEEN_CHOICES)
        if request.foreign not in FOREIGN_CHOICES:
            raise unknown_name("choice for a foreign log", request.foreign, FOREIGN_CHOICES)

    def take_regressors(self, regressors: Regressors) -> None:
        """Columns from outside the log to learn from; ValidationError where the method takes none."""
        raise ValidationError(
            f"the task {self.task} takes no columns from outside the log",
            hint="--regressor is for forecasts",
            context={"option": "regressor"},
        )

    def canary_request(self, encoding: Encoding[Any]) -> PredictRequest:
        """What the canary is asked for: the answers that are kept with the model."""
        return PredictRequest(cases="all")

    def notes(self, log: EventLog, table: pd.DataFrame, request: PredictRequest) -> list[str]:
        """Sentences about this prediction that its user should know; needs no learned state."""
        return []

    @abstractmethod
    def answer_form(self, log: EventLog | None, request: PredictRequest) -> Form:
        """The columns and rows that a table for this request has, whatever was learned; needs no state."""

    def output_units(self) -> dict[str, str]:
        """Unit of each numeric output column; needs no learned state."""
        return {}

    def units_of(self, names: Sequence[str]) -> dict[str, str]:
        """Units of those of these columns that have one, in their order."""
        units = self.output_units()
        return {name: units[name] for name in names if name in units}


def _option(wish: str) -> str:
    """The option by which a wish is made on the command line."""
    return {"regressors": "--regressor"}.get(wish, f"--{wish.replace('_', '-')}")


def _require_type(asked: dataclasses.Field[Any], wish: Any) -> None:
    kind, _bar, none = str(asked.type).partition(" | ")
    if kind not in _WISHES or (none and wish is None):
        return
    accepted, words = _WISHES[kind]
    if not isinstance(wish, accepted) or (isinstance(wish, bool) and kind != "bool"):
        raise ValidationError(
            f"{asked.name} is {wish!r}, but must be {words}", context={"option": asked.name}
        )


def clone(algorithm: Algorithm) -> Algorithm:
    """The same algorithm with the same parameters, untrained."""
    names = {f.name for f in dataclasses.fields(algorithm) if f.init}
    return type(algorithm)(**{n: v for n, v in vars(algorithm).items() if n in names})


def field_names(cls: type[Algorithm]) -> set[str]:
    """Names of all dataclass fields of an algorithm."""
    return {f.name for f in dataclasses.fields(cls)}

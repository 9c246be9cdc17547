"""Tasks that are still superclasses of their algorithms: calls are passed on to the algorithm."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.form import Form
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import Calibration, Fitted, Task
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.series.regressors import Regressors
from pmlcli.errors import ValidationError
from pmlcli.evaluation.measurement import Measurement
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.split import Split, split_by_start

_HeldOut = tuple[Encoding[Any], Split, EventLog]


@dataclass(kw_only=True)
class TaskAlgorithm(Algorithm[Any]):
    """An algorithm that inherits what its task does."""

    calibration_: dict[str, Any] = field(init=False, default_factory=dict, repr=False)
    """What the task learned from held-out data (threshold, residuals): JSON-plain, kept in threshold.json."""

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
        """Raises ValidationError for what this algorithm cannot give."""

    def take_regressors(self, regressors: Regressors) -> None:
        """Columns from outside the log to learn from; ValidationError where the method takes none."""
        raise ValidationError(
            f"the task {self.task.name} takes no columns from outside the log",
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


class InheritedTask(Task[Any, Any, _HeldOut]):
    """Passes on; its algorithms find the calibration on themselves."""

    def count_samples(self, algorithm: Any, data: Any) -> int:
        """As the algorithm says."""
        return int(algorithm.count_samples(data))

    def cuts(self, algorithm: Any, log: EventLog) -> Sequence[Split]:
        """The algorithm's one split."""
        return (algorithm.make_split(log),)

    def held_out(self, fitted: Fitted[Any, Any], split: Split, log: EventLog) -> _HeldOut:
        """What the algorithm's own methods take."""
        encoding: Any = fitted.encoding
        return encoding, split, log

    def calibrate(self, algorithm: Any, held_out: Sequence[_HeldOut]) -> Calibration:
        """As the algorithm says."""
        return dict(algorithm.calibrate(*held_out[0]))

    def measure(self, algorithm: Any, held_out: Sequence[_HeldOut], calibration: Calibration) -> Measurement:
        """As the algorithm says."""
        algorithm.calibration_ = calibration
        found: Measurement = algorithm.measure(*held_out[0])
        return found

    def settle(self, fitted: Fitted[Any, Any], data: Any) -> Calibration:
        """As the algorithm says."""
        _calibrated(fitted).settle(data)
        return dict(fitted.algorithm.calibration_)

    def calibrated_numbers(self, algorithm: Any) -> tuple[str, ...]:
        """As the algorithm says."""
        return tuple(algorithm.calibrated_numbers())

    def remarks(self, fitted: Fitted[Any, Any], data: Any, log: EventLog) -> list[str]:
        """As the algorithm says."""
        return list(_calibrated(fitted).remarks(data, log))

    def take_regressors(self, algorithm: Any, regressors: Regressors) -> None:
        """As the algorithm says."""
        algorithm.take_regressors(regressors)

    def predict(self, fitted: Fitted[Any, Any], log: EventLog, request: PredictRequest) -> pd.DataFrame:
        """As the algorithm says."""
        table: pd.DataFrame = _calibrated(fitted).predict(fitted.encoding, log, request)
        return table

    def predict_without_log(self, fitted: Fitted[Any, Any], request: PredictRequest) -> pd.DataFrame:
        """As the algorithm says."""
        table: pd.DataFrame = _calibrated(fitted).predict_without_log(fitted.encoding, request)
        return table

    def check_request(self, algorithm: Any, request: PredictRequest) -> None:
        """As the algorithm says."""
        algorithm.check_request(request)

    def canary_request(self, fitted: Fitted[Any, Any]) -> PredictRequest:
        """As the algorithm says."""
        request: PredictRequest = _calibrated(fitted).canary_request(fitted.encoding)
        return request

    def notes(
        self,
        algorithm: Any,
        calibration: Calibration,
        log: EventLog,
        table: pd.DataFrame,
        request: PredictRequest,
    ) -> list[str]:
        """As the algorithm says."""
        algorithm.calibration_ = calibration
        return list(algorithm.notes(log, table, request))

    def answer_form(self, algorithm: Any, log: EventLog | None, request: PredictRequest) -> Form:
        """As the algorithm says."""
        found: Form = algorithm.answer_form(log, request)
        return found

    def units(self, algorithm: Any) -> dict[str, str]:
        """As the algorithm says."""
        return dict(algorithm.output_units())

    def units_of(self, algorithm: Any, names: Sequence[str]) -> dict[str, str]:
        """As the algorithm says."""
        return dict(algorithm.units_of(names))


def _calibrated(fitted: Fitted[Any, Any]) -> Any:
    fitted.algorithm.calibration_ = fitted.calibration
    return fitted.algorithm

"""What a task is: the object that owns split, target, calibration, measurement, requests and answers.

An algorithm learns; its task knows what the learned thing is for. Each algorithm's class holds its task's
object, and every step that is not learning goes through it, so an algorithm's file says nothing of
thresholds, columns or metrics.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.form import Form
from pmlcli.algorithms._interface.param import option_cards
from pmlcli.algorithms._interface.request import Fields, PredictRequest, Request, TrainingInputs
from pmlcli.arrays import Codes
from pmlcli.encoding.base import Encodes
from pmlcli.errors import ValidationError
from pmlcli.evaluation.measurement import Measurement
from pmlcli.evaluation.quality import Quality
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.split import Split, rolling_splits


class HasCuts(Protocol):
    """What every method has: on how many cuts of the log it is tried."""

    cuts: int


Method = TypeVar("Method", bound=HasCuts)
"""What the task's algorithms are: the class, or the protocol, that says what they give."""
Data = TypeVar("Data")
"""What their encoding makes of a log."""
HeldOut = TypeVar("HeldOut")
"""The task's table of predictions for the test part of one cut."""
TaskRequest = TypeVar("TaskRequest", bound=Request)
"""What a prediction of the task can be asked for, as it declares it."""

Calibration = dict[str, Any]
"""What a task learned from held-out data (a threshold, residuals): JSON-plain, kept in threshold.json."""


@dataclass(frozen=True)
class Fitted(Generic[Method, Data]):
    """An algorithm that has learned, the encoding it reads a log by, and what its task learned beside it."""

    algorithm: Method
    encoding: Encodes[Data]
    calibration: Calibration = field(default_factory=dict)


class BesideTruth(NamedTuple):
    """Predictions whose truth is known, and that truth.

    - `table`: keys, predictions, `truth`, and the columns that metrics are made of, (rows,)
    - `units`: int64 (rows,), which case (or block of time) each is of: what can be resampled
    - `events`: int64 (rows,), the position in the log of the event after which it is predicted; empty where
      predictions are about no case
    - `remarks`: sentences on what could not be measured
    """

    table: pd.DataFrame
    units: Codes
    events: Codes
    remarks: tuple[str, ...] = ()


class Task(ABC, Generic[Method, Data, HeldOut, TaskRequest]):
    """One kind of question, for all algorithms that answer it. It holds no state: an algorithm's parameters
    and what was learned come in as arguments.
    """

    name: ClassVar[str]
    baseline: ClassVar[str]
    """Name of the algorithm beside which all are measured, as in the registry."""
    recommended: ClassVar[str]
    """Name of the algorithm that is taken when none is named."""
    sample_name: ClassVar[str] = "samples"
    """What `count_samples` counts, in the plural."""
    minimum_samples: ClassVar[int] = 10
    """Fewer are refused in training."""
    request: type[TaskRequest]
    """What a prediction can be asked for: command line, completion, docs and checks follow it. Every task
    names its own, or `Request` itself."""
    inputs: ClassVar[type[TrainingInputs]] = TrainingInputs
    """What training can be given beside the log: command line and help follow it."""
    is_about_cases: ClassVar[bool] = True
    """Whether a row of predictions is about a case or event of the log, and can be written into it."""
    baseline_phrase: ClassVar[str] = "by the baseline"
    """How an evaluation says what the baseline reaches, after its number."""
    needs_labels: ClassVar[bool] = False
    """Whether nothing in a log tells how right a prediction is, so that its truth must come from outside."""
    has_chart: ClassVar[bool] = False
    """Whether predictions can be drawn."""
    looks_at_attributes: ClassVar[bool] = True
    """Whether its algorithms may learn from columns that have no role, such as a case's amount."""
    needs_log: ClassVar[bool] = True
    """Whether a prediction needs a log; a forecast can continue the training series without one."""

    pools_cuts: ClassVar[bool] = False
    """Whether calibration looks at the held-out predictions of all cuts, or of the last alone."""
    flags: ClassVar[tuple[str, ...]] = ()
    """Columns of truth values that mark rows which a person should look at: the first that a table has."""
    risks: ClassVar[tuple[str, ...]] = ()
    """Columns by which rows are the riskier the higher they are (the lower, with `-` before the name): the
    first of which a table has values."""

    # --- training

    @abstractmethod
    def count_samples(self, algorithm: Method, data: Data) -> int:
        """How many samples the encoded data holds; an error where none can be learned from."""

    def cuts(self, algorithm: Method, log: EventLog) -> Sequence[Split]:
        """Training and test parts on which the algorithm is tried, in order of time; here by start of case.

        As many as the algorithm's parameter `cuts`, or fewer where the log is small. The last tests the last
        fifth, and the final fit is guided by it.
        """
        return rolling_splits(log, algorithm.cuts)

    def needs_ended(self, algorithm: Method) -> bool:
        """Whether only cases that have ended can be measured on, so that a part of young cases is biased."""
        return False

    @abstractmethod
    def held_out(self, fitted: Fitted[Method, Data], split: Split, log: EventLog) -> HeldOut:
        """What an algorithm fitted on `split.train` predicts for the test part, beside the truth.

        It is all that `calibrate` and `measure` look at, so nothing is predicted twice.
        """

    def calibrate(self, algorithm: Method, held_out: Sequence[HeldOut]) -> Calibration:
        """What is learned from held-out predictions, a table each; nothing by default."""
        return {}

    @abstractmethod
    def measure(
        self, algorithm: Method, held_out: Sequence[HeldOut], calibration: Calibration
    ) -> Measurement:
        """How good the held-out predictions of one cut are (a table; several count as one); `calibration` is
        empty for a baseline.
        """

    def named_columns(self, algorithm: Method) -> tuple[str, ...]:
        """Columns that the task's own parameters name: nothing else decides about them."""
        return ()

    def settle(self, fitted: Fitted[Method, Data], data: Data, log: EventLog) -> Calibration:
        """The calibration, completed once the final algorithm is fitted on all of the data."""
        return fitted.calibration

    def calibrated_numbers(self, algorithm: Method) -> tuple[str, ...]:
        """The keys of the calibration that hold one finite number each; checked when a model is loaded."""
        return ()

    def remarks(self, fitted: Fitted[Method, Data], data: Data, log: EventLog) -> list[str]:
        """Sentences about the trained algorithm and its data that its user should know."""
        return []

    def take_inputs(self, algorithm: Method, inputs: Mapping[str, Any]) -> None:
        """What training is given beside the log, by the names of `inputs`; ValidationError for any other, or
        where the algorithm takes none.
        """
        strange = sorted({*inputs} - {card.name for card in option_cards(self.inputs)})
        if strange:
            raise ValidationError(
                f"the task {self.name} takes no {', '.join(strange)} to learn from",
                hint="leave it out; `pmlcli train --help` says which task takes what",
                context={"option": strange[0]},
            )

    # --- evaluation of a trained model on a log that holds the truth

    def evaluation_request(self, algorithm: Method) -> Fields:
        """What to ask of a model that is to be held against the truth."""
        return {"cases": "all"}

    def evaluated_cases(self, log: EventLog) -> NDArray[np.bool_]:
        """The cases that are predicted for an evaluation, (cases,): all, unless that takes too long."""
        return np.ones(log.n_cases, dtype=np.bool_)

    def beside_truth(
        self,
        algorithm: Method,
        calibration: Calibration,
        log: EventLog,
        table: pd.DataFrame,
        labels: NDArray[np.object_] | None,
    ) -> BesideTruth:
        """Predictions as `evaluation_request` asked for them beside what came true, as the log tells it.

        `labels` are the truth from outside the log, a text a case or None, (cases,). LogError where no truth
        is known; ValidationError for labels that the task has no use for.
        """
        raise ValidationError(
            f"models of the task {self.name} cannot be evaluated", hint="its task does not define the truth"
        )

    def qualities(
        self, algorithm: Method, calibration: Calibration, table: pd.DataFrame
    ) -> tuple[Quality, ...]:
        """What is measured on the table of `beside_truth`, the task's own metric first."""
        return ()

    # --- prediction

    @abstractmethod
    def predict(self, fitted: Fitted[Method, Data], log: EventLog, request: TaskRequest) -> pd.DataFrame:
        """The task's table of predictions for a log: key columns first, units as the task documents."""

    def predict_without_log(self, fitted: Fitted[Method, Data], request: TaskRequest) -> pd.DataFrame:
        """The table for what follows the training log; only where `needs_log` is false."""
        raise NotImplementedError

    def checked(self, algorithm: Method, request: PredictRequest) -> TaskRequest:
        """The request as this task's own, which all other methods take; ValidationError for what the task has
        not, or cannot give.
        """
        own = self.request.of(request, self.name)
        self.check_request(algorithm, own)
        return own

    def check_request(self, algorithm: Method, request: TaskRequest) -> None:  # noqa: B027
        """Raises ValidationError for what this algorithm cannot give; types and bounds are checked."""

    def canary_request(self, fitted: Fitted[Method, Data]) -> TaskRequest:
        """What the canary is asked for: the answers that are kept with the model."""
        return self.request(cases="all")

    def notes(
        self,
        algorithm: Method,
        calibration: Calibration,
        log: EventLog,
        table: pd.DataFrame,
        request: TaskRequest,
    ) -> list[str]:
        """Sentences about this prediction that its user should know; `calibration` is empty where a child
        process holds the model.
        """
        return []

    @abstractmethod
    def prediction_form(self, algorithm: Method, log: EventLog | None, request: TaskRequest) -> Form:
        """The columns and rows that a table for this request has, whatever was learned."""

    def moment(self, log: EventLog, request: TaskRequest) -> int | None:
        """When all predictions are for, microseconds UTC; None where each is for the moment of its event."""
        return None

    def risk_of(self, table: pd.DataFrame) -> tuple[str, bool] | None:
        """The column by which rows are riskier, and whether the lowest are; None where there is none."""
        for risk in self.risks:
            name = risk.removeprefix("-")
            if name in table.columns and (table[name].notna().any() or not len(table)):
                return name, risk.startswith("-")
        return None

    def has_worsened(self, table: pd.DataFrame, before: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows are riskier than in an earlier run, (rows,): by 0.1 where the risk is a probability,
        else by a tenth. `before` has the earlier rows in the same order, with None for what was not there.
        """
        risk = self.risk_of(table)
        if risk is None or risk[0] not in before.columns:
            return np.zeros(len(table), dtype=np.bool_)
        name, is_lowest = risk
        now = table[name].to_numpy(dtype=np.float64)
        then = pd.to_numeric(before[name], errors="coerce").to_numpy(dtype=np.float64)
        step = 0.1 if name.endswith("probability") else 0.1 * np.abs(then)
        return np.asarray((then - now if is_lowest else now - then) > step)

    def units(self, algorithm: Method) -> dict[str, str]:
        """Unit of each numeric output column."""
        return {}

    def units_of(self, algorithm: Method, names: Sequence[str]) -> dict[str, str]:
        """Units of those of these columns that have one, in their order."""
        units = self.units(algorithm)
        return {name: units[name] for name in names if name in units}

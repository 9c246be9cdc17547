"""What the predictive tasks share: which prefixes are asked for, which split is honest, what was unseen."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, ClassVar, Generic, Literal, Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.form import Column, Form, at_most, columns, exactly
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.task import Fitted, HeldOut, Task
from pmlcli.algorithms._interface.unseen import HAS_UNSEEN, unseen_columns
from pmlcli.algorithms._prefixes.explain import LONGEST, explanations
from pmlcli.algorithms._prefixes.request import Columns, OwnRequest, PrefixData, Requested
from pmlcli.algorithms._prefixes.rows import STALLED, asks_of_running, chosen_prefixes, unseen_prefixes
from pmlcli.arrays import Codes
from pmlcli.eventlog import ReadOptions
from pmlcli.eventlog.far_events import near_end
from pmlcli.eventlog.filters import instant, up_to
from pmlcli.eventlog.log import CASE_ID, EventLog
from pmlcli.eventlog.running import standing
from pmlcli.eventlog.split import Split, rolling_splits, rolling_strict_splits

SplitChoice = Annotated[
    Literal["temporal", "strict"],
    Param(
        "How to split off the test part: by start of case, or strict: training and test share no time.",
        has_option=True,
        metavar="temporal|strict",
    ),
]
"""The parameter `split` of every predictive algorithm."""


class _HasSplit(Protocol):
    cuts: int
    split: SplitChoice


Predictor = TypeVar("Predictor", bound=_HasSplit)


class PrefixTask(
    Task[Predictor, PrefixData, HeldOut, OwnRequest], Generic[Predictor, PrefixData, HeldOut, OwnRequest]
):
    """Answers for prefixes of cases; an answer depends on the events of its case so far alone, unless the
    algorithm says that it uses inter-case features.
    """

    sample_name: ClassVar[str] = "cases"
    # The last part's cases are often young, and those that have ended the short ones: with the parts before
    # it intervals and sets held nearer to what they say.
    pools_cuts: ClassVar[bool] = True

    @abstractmethod
    def predictions(
        self, fitted: Fitted[Predictor, PrefixData], requested: Requested[PrefixData, OwnRequest]
    ) -> Columns:
        """The task's columns beside the keys, each (prefixes,)."""

    @abstractmethod
    def prediction_columns(self, request: OwnRequest) -> tuple[Column, ...]:
        """The columns that `predictions` gives, in the same order, with their kinds."""

    @abstractmethod
    def strength(
        self,
        fitted: Fitted[Predictor, PrefixData],
        requested: Requested[PrefixData, OwnRequest],
        predictions: Columns,
        data: PrefixData,
        rows: Codes,
    ) -> NDArray[np.float64]:
        """The one number of each answer that `explain` follows, (prefixes,), computed for `data` and `rows`:
        the prefixes asked for, changed a little, in their order.
        """

    @abstractmethod
    def say_change(self, change: float) -> str:
        """A difference of two strengths in words, a number and its unit, such as `+3.1 d`."""

    def cuts(self, algorithm: Predictor, log: EventLog) -> Sequence[Split]:
        """Blocks of whole cases by start; strict: only what happened from the first of a block's cases on."""
        roll = rolling_strict_splits if algorithm.split == "strict" else rolling_splits
        return roll(log, algorithm.cuts)

    def count_samples(self, algorithm: Predictor, data: PrefixData) -> int:
        """Cases."""
        return data.n_cases

    def predict(
        self, fitted: Fitted[Predictor, PrefixData], log: EventLog, request: OwnRequest
    ) -> pd.DataFrame:
        """One row a case, or a prefix, in the log's order: case_id, prefix_length and the task's columns.

        Empty when running cases are asked for and none is.
        """
        requested = _requested(fitted, log, request)
        table: Columns = {CASE_ID: requested.log.case_ids[requested.cases]}
        table["prefix_length"] = requested.data.position[requested.rows] + 1
        predictions = self.predictions(fitted, requested)
        table |= predictions
        if asks_of_running(request):
            table[STALLED] = requested.data.is_stalled[requested.cases]
        if request.unseen != "ignore":
            table[HAS_UNSEEN] = unseen_prefixes(requested)
        if request.explain:
            strength = partial(self.strength, fitted)
            table["because"] = explanations(requested, predictions, strength, self.say_change)
        # A list without rows would become a column of numbers.
        return pd.DataFrame(
            {n: np.asarray(v, dtype=object) if isinstance(v, list) else v for n, v in table.items()}
        )

    def prediction_form(self, algorithm: Predictor, log: EventLog | None, request: OwnRequest) -> Form:
        """Keys and predictions, a row for each of the log's cases or prefixes, or for some of them."""
        units = 0 if log is None else log.n_events if request.every_prefix else log.n_cases
        is_whole = request.as_of is None and (request.every_prefix or request.cases == "all")
        return Form(
            (
                *columns("text", CASE_ID),
                *columns("number", "prefix_length"),
                *self.prediction_columns(request),
                *(columns("flag", STALLED) if asks_of_running(request) else ()),
                *unseen_columns(request.unseen),
                *(columns("text", "because") if request.explain else ()),
            ),
            exactly(units) if is_whole else at_most(units),
        )

    def check_request(self, algorithm: Predictor, request: OwnRequest) -> None:
        """What `as_of` may be."""
        if request.as_of is not None:
            instant(request.as_of, ReadOptions(timezone="UTC"), "--as-of")

    def moment(self, log: EventLog, request: OwnRequest) -> int | None:
        """Running cases stand where they are at one moment: `as_of`, else the log's end."""
        if not asks_of_running(request):
            return None
        if request.as_of is None:
            return near_end(log)
        return instant(request.as_of, ReadOptions(timezone=log.schema.timezone), "--as-of")

    def units(self, algorithm: Predictor) -> dict[str, str]:
        """A prefix is as long as it has events."""
        return {"prefix_length": "events"}

    def notes(
        self,
        algorithm: Predictor,
        calibration: dict[str, Any],
        log: EventLog,
        table: pd.DataFrame,
        request: OwnRequest,
    ) -> list[str]:
        """How many cases are running, where only these are answered for; which prefixes are not explained."""
        if request.every_prefix:
            longer = int((table["prefix_length"] > LONGEST).sum()) if request.explain else 0
            why = f"{longer:,} prefixes of more than {LONGEST:,} events are not explained"
            return [f"{why} (without --every-prefix the latest of each case is)"] if longer else []
        if request.cases == "all":
            return []
        found = [
            f"{len(table):,} of {log.n_cases:,} cases are running, and only these are predicted "
            "(--cases all predicts all)"
        ]
        if request.as_of is None and log.n_cases == 1 and log.times is not None:
            found.append(
                "the last event of a log of one case is taken for now, which is too early where time has "
                "gone by since (--as-of TIME says when it is)"
            )
        stalled = int(table[STALLED].sum())
        if stalled:
            found.append(
                f"{stalled:,} of them stalled: silent for longer than nearly all pauses last, and not known "
                f"to have ended (column {STALLED})"
            )
        if request.as_of is not None and log.times is not None and len(table) == 0:
            last = pd.Timestamp(int(log.times.max()), unit="us", tz="UTC").tz_convert(log.schema.timezone)
            found.append(f"--as-of {request.as_of}: the log's last event is of {last.isoformat()}")
        return found


def _requested(
    fitted: Fitted[Any, PrefixData], log: EventLog, request: OwnRequest
) -> Requested[PrefixData, OwnRequest]:
    log, at = (log, near_end(log)) if request.as_of is None else up_to(log, request.as_of)
    data = fitted.encoding.transform(log)
    if request.as_of is not None:
        stands = standing(log, data.running_rule, at=at)
        data = replace(data, is_running=stands.is_running, is_stalled=stands.is_stalled)
    rows = np.flatnonzero(chosen_prefixes(data, request))
    return Requested(fitted.encoding, log, data, rows, request, at)

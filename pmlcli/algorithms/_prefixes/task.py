"""What the predictive tasks share: which prefixes are asked for, which split is honest, what was unseen."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.form import Column, Form, at_most, columns, exactly
from pmlcli.algorithms._interface.inherited import TaskAlgorithm
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.unseen import HAS_UNSEEN, never_seen, unseen_columns, unseen_events
from pmlcli.algorithms._prefixes.explain import LONGEST, explanations
from pmlcli.algorithms._prefixes.request import Asked, Columns, Rows
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.events.sequences import SequenceEncoding, Sequences
from pmlcli.eventlog import ReadOptions
from pmlcli.eventlog.filters import instant, up_to
from pmlcli.eventlog.log import CASE_ID, EventLog
from pmlcli.eventlog.running import standing
from pmlcli.eventlog.split import Split, seen_share, split_by_start, split_strictly

STALLED = "is_stalled"
"""The column that says which running cases have been silent for unusually long."""


@dataclass(kw_only=True)
class PrefixPredictor(TaskAlgorithm):
    """Answers for prefixes of cases; an answer depends on the events of its case so far alone, unless the
    algorithm says that it looks around.

    A task's base adds `answer`, `strength` and what it measures.
    """

    split: Annotated[
        Literal["temporal", "strict"],
        Param(
            "How the test part is cut off: by start of case; or strict, which shares no moment with it.",
            has_option=True,
            metavar="temporal|strict",
        ),
    ] = "temporal"

    def make_encoding(self) -> SequenceEncoding:
        """Whole traces as sequences."""
        return SequenceEncoding()

    @abstractmethod
    def answer(self, asked: Asked) -> Columns:
        """The task's columns beside the keys, each (prefixes,)."""

    @abstractmethod
    def strength(self, asked: Asked, answers: Columns, data: Any, rows: Rows) -> NDArray[np.float64]:
        """The one number of each answer that `explain` follows, (prefixes,), computed for `data` and `rows`:
        the prefixes asked for, changed a little, in their order.
        """

    @abstractmethod
    def say_change(self, change: float) -> str:
        """A difference of two strengths in words, a number and its unit, such as `+3.1 d`."""

    @abstractmethod
    def answer_columns(self, request: PredictRequest) -> tuple[Column, ...]:
        """The columns that `answer` gives."""

    def make_split(self, log: EventLog) -> Split:
        """The last fifth of the cases by start; strict: only what happened since the first of them began."""
        return split_strictly(log) if self.split == "strict" else split_by_start(log)

    def count_samples(self, data: Sequences) -> int:
        """Cases."""
        return data.n_cases

    def predict(self, encoding: Encoding[Any], log: EventLog, request: PredictRequest) -> pd.DataFrame:
        """One row a case, or a prefix, in the log's order: case_id, prefix_length and the task's columns.

        Empty when running cases are asked for and none is.
        """
        request = self.task.checked(self, request)
        asked = self._asked(encoding, log, request)
        table: Columns = {CASE_ID: asked.log.case_ids[asked.cases]}
        table["prefix_length"] = asked.data.position[asked.rows] + 1
        answers = self.answer(asked)
        table |= answers
        if asks_of_running(request):
            table[STALLED] = asked.data.is_stalled[asked.cases]
        if request.unseen != "ignore":
            table[HAS_UNSEEN] = unseen_prefixes(asked)
        if request.explain:
            table["because"] = explanations(asked, answers, self.strength, self.say_change)
        # A list without rows would become a column of numbers.
        return pd.DataFrame(
            {n: np.asarray(v, dtype=object) if isinstance(v, list) else v for n, v in table.items()}
        )

    def _asked(self, encoding: Encoding[Any], log: EventLog, request: PredictRequest) -> Asked:
        log, at = (log, log.end) if request.as_of is None else up_to(log, request.as_of)
        data = encoding.transform(log)
        if request.as_of is not None and isinstance(encoding, SequenceEncoding):
            data = replace(data, **standing(log, encoding.running_rule, at=at)._asdict())
        rows = np.flatnonzero(chosen_prefixes(data, request))
        return Asked(encoding, log, data, rows, request, at)

    def answer_form(self, log: EventLog | None, request: PredictRequest) -> Form:
        """Keys and answers, a row for each of the log's cases or prefixes, or for some of them."""
        units = 0 if log is None else log.n_events if request.every_prefix else log.n_cases
        is_whole = request.as_of is None and (request.every_prefix or request.cases == "all")
        return Form(
            (
                *columns("text", CASE_ID),
                *columns("number", "prefix_length"),
                *self.answer_columns(request),
                *(columns("flag", STALLED) if asks_of_running(request) else ()),
                *unseen_columns(request.unseen),
                *(columns("text", "because") if request.explain else ()),
            ),
            exactly(units) if is_whole else at_most(units),
        )

    def check_request(self, request: PredictRequest) -> None:
        """What `as_of` may be."""
        if request.as_of is not None:
            instant(request.as_of, ReadOptions(timezone="UTC"), "--as-of")

    def output_units(self) -> dict[str, str]:
        """A prefix is as long as it has events."""
        return {"prefix_length": "events"}

    def notes(self, log: EventLog, table: pd.DataFrame, request: PredictRequest) -> list[str]:
        """How many cases are running, where only these are answered for; which prefixes are not explained."""
        if request.every_prefix:
            longer = int((table["prefix_length"] > LONGEST).sum()) if request.explain else 0
            why = f"{longer:,} prefixes of more than {LONGEST:,} events are not explained"
            return [f"{why} (without --every-prefix the latest of each case is)"] if longer else []
        if request.cases == "all":
            return []
        found = [
            f"{len(table):,} of {log.n_cases:,} cases are running, and only these are answered for "
            "(--cases all answers for all)"
        ]
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


def asks_of_running(request: PredictRequest) -> bool:
    """Whether only running cases are asked for, as they stand at one moment."""
    return request.cases == "running" and not request.every_prefix


def evenly(rows: Rows, most: int) -> Rows:
    """So many of these rows at most, evenly chosen."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64))]


def joined(names: Sequence[str], separator: str) -> str:
    """Names with the separator between them; one that holds it itself stands in double quotes."""
    return separator.join(
        '"' + name.replace('"', '""') + '"' if separator in f" {name} " else name for name in names
    )


def chosen_prefixes(data: Sequences, request: PredictRequest) -> NDArray[np.bool_]:
    """Which events end a prefix that is asked for: all with `every_prefix`, else the last of the cases."""
    if request.every_prefix:
        return np.ones(data.n_events, dtype=np.bool_)
    chosen = np.zeros(data.n_events, dtype=np.bool_)
    chosen[data.offsets[1:] - 1] = data.is_running if request.cases == "running" else True
    return chosen


def about_split(split: Split) -> str:
    """What a measurement on the test part should say of it."""
    kind = (
        "the last fifth of the cases by start" if split.since is None else "what happened in the last period"
    )
    return f"measured on {kind}; {seen_share(split):.0%} of its prefixes were seen word for word in training"


def unseen_prefixes(asked: Asked) -> NDArray[np.bool_]:
    """Which prefixes hold an activity or resource that training never saw; LogError when that is to fail."""
    data, is_unseen = asked.data, unseen_events(asked.encoding, asked.log)
    so_far = np.cumsum(is_unseen)
    before = np.concatenate(([0], so_far))[data.offsets[:-1]]
    found = np.asarray((so_far - np.repeat(before, data.lengths))[asked.rows] > 0)
    if asked.request.unseen == "fail" and found.any():
        first = data.offsets[asked.cases[int(np.argmax(found))]]
        told = f"{int(found.sum()):,} of {len(found):,} prefixes asked for hold what training never saw"
        raise never_seen(asked.encoding, asked.log, int(first + np.argmax(is_unseen[first:])), told)
    return found

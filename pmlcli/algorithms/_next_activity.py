"""Next activity: what follows each prefix, the end of the case included."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._base import Algorithm, PredictRequest
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.sequences import END, SequenceEncoding, Sequences
from pmlcli.encoding.vocabulary import FIRST_CODE, Vocabulary
from pmlcli.errors import ValidationError
from pmlcli.evaluation.measurement import Measurement, mean_over
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, EventLog
from pmlcli.eventlog.split import Split

NO_TARGET = -1
CHUNK_CELLS = 2_000_000
"""Distributions are asked for whole cases of about so many events x classes together, to bound the memory."""


class NextActivityPredictor(Algorithm):
    """Gives each prefix a distribution over the activities seen in training and the end of the case."""

    task: ClassVar[str] = "next-activity"
    baseline: ClassVar[str] = "next-activity/ngram"
    recommended: ClassVar[str] = "next-activity/gru"
    understands: ClassVar[tuple[str, ...]] = ("every_prefix", "top")

    def make_encoding(self) -> SequenceEncoding:
        """Whole traces as sequences."""
        return SequenceEncoding()

    @abstractmethod
    def probabilities(self, data: Sequences) -> NDArray[np.float64]:
        """(events, classes): row i is what follows the prefix that ends with event i; rows sum to 1.

        Classes are the codes of the activities, then the end of the case; the codes of the unseen and
        the missing have probability 0. A row depends on the events of its case up to i alone.
        """

    def count_samples(self, data: Sequences) -> int:
        """Cases."""
        return data.n_cases

    def measure(self, encoding: Encoding[Any], split: Split, log: EventLog) -> Measurement:
        """Accuracy over all prefixes of the test cases, the end of the case counted as an activity."""
        return self.accuracy(encoding.transform(split.test))

    def accuracy(self, data: Sequences) -> Measurement:
        """Share of prefixes whose likeliest class came true, resampled by case (those that have one)."""
        target = targets(data)
        hits = np.concatenate([p.argmax(axis=1) for _cases, p in self._chunks(data)]) == target
        case = np.repeat(np.arange(data.n_cases), data.lengths)
        sums = np.bincount(case, weights=hits, minlength=data.n_cases).astype(np.float64)
        counts = np.bincount(case[target != NO_TARGET], minlength=data.n_cases).astype(np.float64)
        has_any = counts > 0
        return Measurement(
            metric="accuracy",
            unit="share",
            higher_is_better=True,
            n_units=int(has_any.sum()),
            value_of=mean_over(sums[has_any], counts[has_any]),
            about="next activity of every prefix of one event or more, the end of the case counted as an "
            "activity, what follows the last event of a running case left out",
        )

    def predict(self, encoding: Encoding[Any], log: EventLog, request: PredictRequest) -> pd.DataFrame:
        """The likeliest next activities: one row a case, or a prefix, in the log's order.

        Columns: case_id, prefix_length, next_activity, probability, next_activity_2, probability_2, ...
        Empty when running cases are asked for and none is.
        """
        self.check_request(request)
        data = encoding.transform(log)
        top = min(request.top, data.end_class - FIRST_CODE + 1)
        rows = np.flatnonzero(chosen_prefixes(data, request))
        classes = np.zeros((len(rows), top), dtype=np.int64)
        shares = np.zeros((len(rows), top))
        for first, distributions in self._rows(data, rows):
            here = slice(first, first + len(distributions))
            classes[here] = np.argsort(-distributions, axis=1, kind="stable")[:, :top]
            shares[here] = np.take_along_axis(distributions, classes[here], axis=1)
        case = np.searchsorted(data.offsets, rows, side="right") - 1
        table = {CASE_ID: log.case_ids[case], "prefix_length": data.position[rows] + 1}
        activities = Vocabulary(encoding.vocabularies()[ACTIVITY])
        names = np.asarray([*map(activities.name_of, range(activities.size)), END], dtype=object)
        for rank in range(top):
            suffix = f"_{rank + 1}" if rank else ""
            table[f"next_activity{suffix}"] = names[classes[:, rank]]
            table[f"probability{suffix}"] = shares[:, rank]
        return pd.DataFrame(table)

    def check_request(self, request: PredictRequest) -> None:
        """Also what `cases` and `top` may be."""
        super().check_request(request)
        if request.cases not in ("running", "all"):
            raise ValidationError(f"cases is {request.cases!r}, but must be running or all")
        if request.top < 1:
            raise ValidationError(f"top is {request.top}, but must be 1 or more")

    def notes(self, log: EventLog, table: pd.DataFrame, request: PredictRequest) -> list[str]:
        """How many cases are running, where only these are answered for."""
        if request.every_prefix or request.cases == "all":
            return []
        return [
            f"{len(table):,} of {log.n_cases:,} cases are running, and only these are answered for "
            "(--cases all answers for all)"
        ]

    def output_units(self) -> dict[str, str]:
        """Probabilities are shares; beyond the default `top` they go on in the same way."""
        ranks = range(2, PredictRequest().top + 1)
        return {"probability": "share"} | {f"probability_{rank}": "share" for rank in ranks}

    def _chunks(
        self, data: Sequences, cases: NDArray[np.int64] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Runs of whole cases (all of them by default) with the distributions of their events."""
        cases = np.arange(data.n_cases) if cases is None else cases
        chunk = np.cumsum(data.lengths[cases]) * (data.end_class + 1) // CHUNK_CELLS
        for some in np.split(cases, np.flatnonzero(np.diff(chunk)) + 1):
            yield some, self.probabilities(data.take(some))

    def _rows(self, data: Sequences, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """The distributions of the chosen events (sorted), in runs that begin at the given position."""
        if len(rows) == 0:
            return
        done = 0
        cases = np.unique(np.searchsorted(data.offsets, rows, side="right") - 1)
        for some, distributions in self._chunks(data, cases):
            events, _offsets = data.rows_of(some)
            wanted = distributions[np.isin(events, rows, assume_unique=True)]
            yield done, wanted
            done += len(wanted)


def targets(data: Sequences) -> NDArray[np.int64]:
    """The class that follows each event, (events,); `NO_TARGET` after the last event of a running case."""
    following = np.full(data.n_events, NO_TARGET, dtype=np.int64)
    following[:-1] = data.activity[1:]
    following[data.offsets[1:] - 1] = np.where(data.is_running, NO_TARGET, data.end_class)
    return following


def chosen_prefixes(data: Sequences, request: PredictRequest) -> NDArray[np.bool_]:
    """Which events end a prefix that is asked for: all with `every_prefix`, else the last of the cases."""
    if request.every_prefix:
        return np.ones(data.n_events, dtype=np.bool_)
    chosen = np.zeros(data.n_events, dtype=np.bool_)
    chosen[data.offsets[1:] - 1] = data.is_running if request.cases == "running" else True
    return chosen

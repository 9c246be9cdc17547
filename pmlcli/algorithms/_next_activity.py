"""Next activity: what follows each prefix, the end of the case included."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._base import PredictRequest
from pmlcli.algorithms._prefix import Asked, Columns, PrefixPredictor, Rows, about_split
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.sequences import END, Sequences
from pmlcli.encoding.vocabulary import FIRST_CODE, Vocabulary
from pmlcli.errors import ValidationError
from pmlcli.evaluation.measurement import Measurement, mean_over
from pmlcli.eventlog.log import ACTIVITY, EventLog
from pmlcli.eventlog.split import Split, measured_prefixes

NO_TARGET = -1
CHUNK_CELLS = 2_000_000
"""Distributions are asked for whole cases of about so many events x classes together, to bound the memory."""


@dataclass(kw_only=True)
class NextActivityPredictor(PrefixPredictor):
    """Gives each prefix a distribution over the activities seen in training and the end of the case."""

    task: ClassVar[str] = "next-activity"
    baseline: ClassVar[str] = "next-activity/ngram"
    recommended: ClassVar[str] = "next-activity/gru"
    understands: ClassVar[tuple[str, ...]] = (*PrefixPredictor.understands, "top")

    @abstractmethod
    def probabilities(self, data: Sequences) -> NDArray[np.float64]:
        """(events, classes): row i is what follows the prefix that ends with event i; rows sum to 1.

        Classes are the codes of the activities, then the end of the case; the codes of the unseen and
        the missing have probability 0. A row depends on the events of its case up to i alone.
        """

    def measure(self, encoding: Encoding[Any], split: Split, log: EventLog) -> Measurement:
        """Accuracy over the prefixes of the test part, the end of the case counted as an activity."""
        found = self.accuracy(encoding.transform(split.test), measured_prefixes(split))
        return replace(found, about=f"{found.about}; {about_split(split)}")

    def accuracy(self, data: Sequences, counted: NDArray[np.bool_] | None = None) -> Measurement:
        """Share of prefixes (of those counted) whose likeliest class came true, resampled by case."""
        target = targets(data)
        if counted is not None:
            target = np.where(counted, target, NO_TARGET)
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

    def answer(self, asked: Asked) -> Columns:
        """next_activity, probability, next_activity_2, probability_2, ..."""
        data, rows = asked.data, asked.rows
        top = min(asked.request.top, data.end_class - FIRST_CODE + 1)
        classes = np.zeros((len(rows), top), dtype=np.int64)
        shares = np.zeros((len(rows), top))
        for first, distributions in self._rows(data, rows):
            here = slice(first, first + len(distributions))
            classes[here] = np.argsort(-distributions, axis=1, kind="stable")[:, :top]
            shares[here] = np.take_along_axis(distributions, classes[here], axis=1)
        activities = Vocabulary(asked.encoding.vocabularies()[ACTIVITY])
        names = np.asarray([*map(activities.name_of, range(activities.size)), END], dtype=object)
        table: Columns = {}
        for rank in range(top):
            suffix = f"_{rank + 1}" if rank else ""
            table[f"next_activity{suffix}"] = names[classes[:, rank]]
            table[f"probability{suffix}"] = shares[:, rank]
        return table

    def strength(self, asked: Asked, answers: Columns, data: Any, rows: Rows) -> NDArray[np.float64]:
        """The probability of what was the likeliest next activity."""
        known = Vocabulary(asked.encoding.vocabularies()[ACTIVITY])
        code_of = {known.name_of(code): code for code in range(FIRST_CODE, known.size)}
        classes = np.array([code_of.get(name, data.end_class) for name in answers["next_activity"]])
        found = np.concatenate([shares for _first, shares in self._rows(data, rows)])
        return np.asarray(found[np.arange(len(rows)), classes])

    def say_change(self, change: float) -> str:
        """Percentage points."""
        return f"{100 * change:+.0f} points"

    def check_request(self, request: PredictRequest) -> None:
        """Also what `top` may be."""
        super().check_request(request)
        if request.top < 1:
            raise ValidationError(f"top is {request.top}, but must be 1 or more")

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

"""Next activity: what follows each prefix, the end of the case included."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.form import Column
from pmlcli.algorithms._interface.inherited import InheritedTask
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._learning.calibration import COVERAGE, cross_checked, in_set, tempered
from pmlcli.algorithms._prefixes.request import Asked, Columns, Rows
from pmlcli.algorithms._prefixes.task import PrefixPredictor, about_split, evenly, joined
from pmlcli.algorithms.next_activity._request import NextActivityRequest
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.events.sequences import END, NO_TARGET, Sequences, targets
from pmlcli.encoding.vocabulary import FIRST_CODE, Vocabulary
from pmlcli.evaluation.measurement import Measurement, mean_over
from pmlcli.eventlog.log import ACTIVITY, EventLog
from pmlcli.eventlog.split import Split, measured_prefixes

SET_SEPARATOR = " | "
MOST_CALIBRATED = 50_000
"""Calibration looks at so many prefixes at most, evenly chosen."""
CHUNK_CELLS = 2_000_000
"""Distributions are asked for whole cases of about so many events x classes together, to bound the memory."""


class _NextActivity(InheritedTask):
    request = NextActivityRequest
    name = "next-activity"
    baseline = "next-activity/ngram"
    recommended = "next-activity/ensemble"
    sample_name = "cases"


@dataclass(kw_only=True)
class NextActivityPredictor(PrefixPredictor):
    """Gives each prefix a distribution over the activities seen in training and the end of the case."""

    task: ClassVar[InheritedTask] = _NextActivity()

    @abstractmethod
    def probabilities(self, data: Any) -> NDArray[np.float64]:
        """(events, classes): row i is what follows the prefix that ends with event i; rows sum to 1.

        Classes are the codes of the activities, then the end of the case; the codes of the unseen and
        the missing have probability 0. A row depends on the events of its case up to i alone.
        """

    def calibrate(self, encoding: Encoding[Any], split: Split, log: EventLog) -> dict[str, Any]:
        """The temperature and the limit of prediction sets, and how good they are: see `cross_checked`."""
        data = encoding.transform(split.test)
        truth = targets(data)
        rows = evenly(np.flatnonzero(measured_prefixes(split) & (truth != NO_TARGET)), MOST_CALIBRATED)
        found = [np.zeros((0, data.end_class + 1)), *(shares for _first, shares in self._rows(data, rows))]
        return cross_checked(np.concatenate(found), truth[rows], data.case_of_event[rows] % 2 == 0)

    def measure(self, encoding: Encoding[Any], split: Split, log: EventLog) -> Measurement:
        """Accuracy over the prefixes of the test part, the end of the case counted as an activity."""
        found = self.accuracy(encoding.transform(split.test), measured_prefixes(split))
        return replace(found, about="; ".join((found.about, about_split(split), *self._about_calibration())))

    def _about_calibration(self) -> list[str]:
        known = self.calibration_
        if not known.get("rows"):
            return []
        return [
            f"expected calibration error {known['calibration_error']:.3f} "
            f"({known['calibration_error_before']:.3f} before its probabilities were calibrated)",
            f"prediction sets of {COVERAGE:.0%} held {known['coverage']:.1%} of what came next, "
            f"{known['set_size']:.1f} activities each",
        ]

    def accuracy(self, data: Sequences, counted: NDArray[np.bool_] | None = None) -> Measurement:
        """Share of prefixes (of those counted) whose likeliest class came true, resampled by case."""
        target = targets(data)
        if counted is not None:
            target = np.where(counted, target, NO_TARGET)
        likeliest = [self._tempered(p).argmax(axis=1) for _cases, p in self._chunks(data)]
        hits = np.concatenate(likeliest) == target
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
        """next_activity, probability, next_activity_2, probability_2, ..., prediction_set (if calibrated)."""
        data, rows = asked.data, asked.rows
        top = min(asked.request.top, data.end_class - FIRST_CODE + 1)
        classes = np.zeros((len(rows), top), dtype=np.int64)
        shares = np.zeros((len(rows), top))
        activities = Vocabulary(asked.encoding.vocabularies()[ACTIVITY])
        names = np.asarray([*map(activities.name_of, range(activities.size)), END], dtype=object)
        least = self.calibration_.get("least_probability")
        sets: list[str] = []
        for first, distributions in self._rows(data, rows):
            here = slice(first, first + len(distributions))
            classes[here] = np.argsort(-distributions, axis=1, kind="stable")[:, :top]
            shares[here] = np.take_along_axis(distributions, classes[here], axis=1)
            sets += [] if least is None else _sets(distributions, least, names)
        table: Columns = {}
        for rank in range(top):
            suffix = f"_{rank + 1}" if rank else ""
            table[f"next_activity{suffix}"] = names[classes[:, rank]]
            table[f"probability{suffix}"] = shares[:, rank]
        return table if least is None else table | {"prediction_set": np.asarray(sets, dtype=object)}

    def answer_columns(self, request: PredictRequest) -> tuple[Column, ...]:
        """A name and a share for each of `top`, as far as training saw so many activities, and the set."""
        ranks = [f"_{rank}" if rank > 1 else "" for rank in range(1, request.top + 1)]
        named: list[Column] = []
        for suffix in ranks:
            named.append(Column(f"next_activity{suffix}", "text", always=not suffix))
            named.append(Column(f"probability{suffix}", "number", always=not suffix))
        return (*named, Column("prediction_set", "text", always=False))

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

    def output_units(self) -> dict[str, str]:
        """Probabilities are shares; `units_of` goes on beyond the default `top`."""
        ranks = range(2, NextActivityRequest().top + 1)
        shares = {"probability": "share"} | {f"probability_{rank}": "share" for rank in ranks}
        return super().output_units() | shares

    def units_of(self, names: Sequence[str]) -> dict[str, str]:
        """Also of as many probabilities as were asked for."""
        more = {name: "share" for name in names if name.startswith("probability")}
        return super().units_of(names) | more

    def _chunks(
        self, data: Sequences, cases: NDArray[np.int64] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Runs of whole cases (all by default) with the distributions of their events, not yet calibrated."""
        cases = np.arange(data.n_cases) if cases is None else cases
        chunk = np.cumsum(data.lengths[cases]) * (data.end_class + 1) // CHUNK_CELLS
        for some in np.split(cases, np.flatnonzero(np.diff(chunk)) + 1):
            yield some, self.probabilities(data.take(some))

    def _tempered(self, distributions: NDArray[np.float64]) -> NDArray[np.float64]:
        return tempered(distributions, self.calibration_.get("temperature", 1.0))

    def _rows(self, data: Sequences, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """The calibrated distributions of the chosen events (sorted), in runs from the given position on."""
        if len(rows) == 0:
            return
        done = 0
        cases = np.unique(np.searchsorted(data.offsets, rows, side="right") - 1)
        for some, distributions in self._chunks(data, cases):
            events, _offsets = data.rows_of(some)
            wanted = self._tempered(distributions[np.isin(events, rows, assume_unique=True)])
            yield done, wanted
            done += len(wanted)


@dataclass(kw_only=True)
class RememberingPredictor(NextActivityPredictor):
    """One that may give late cases more weight. Learned: `memory_`, whether it does."""

    memory: Annotated[
        Literal["long", "short", "auto"],
        Param("Whether all samples count alike, or late ones more; auto: what predicts the latest better."),
    ] = "auto"

    memory_: str = field(init=False, repr=False)


def _sets(probabilities: NDArray[np.float64], least: float, names: NDArray[Any]) -> list[str]:
    """The names in each row's prediction set, the likeliest first; the same set is written once."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    many = in_set(probabilities, least).sum(axis=1)
    order[np.arange(order.shape[1]) >= many[:, None]] = -1
    different, which = np.unique(order, axis=0, return_inverse=True)
    texts = [joined(names[row[row >= 0]], SET_SEPARATOR) for row in different]
    return [texts[place] for place in which]


def pooled(counts: NDArray[np.int64], fewest: int) -> NDArray[np.float64]:
    """(groups, classes): a group for each class that came at least so often, and one for all rarer ones, each
    of which has its share of it by how often it came.
    """
    common, rare = np.flatnonzero(counts >= fewest), np.flatnonzero(counts < fewest)
    rare = rare[rare >= FIRST_CODE]
    shares = np.zeros((max(len(common) + 1, 2), len(counts)))
    shares[np.arange(len(common)), common] = 1.0
    shares[-1, rare] = (counts[rare] + 0.5) / max((counts[rare] + 0.5).sum(), 1.0)
    return shares


def unpooled(found: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(rows, groups) as (rows, classes), for the groups of `pooled`; rows sum to 1."""
    spread = found[:, shares.argmax(axis=0)] * shares.max(axis=0)
    return np.asarray(spread / spread.sum(axis=1, keepdims=True))

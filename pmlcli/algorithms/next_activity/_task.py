"""Next activity: what follows each prefix, the end of the case included."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.form import Column
from pmlcli.algorithms._interface.request import Fields
from pmlcli.algorithms._interface.task import BesideTruth, Calibration, Fitted
from pmlcli.algorithms._learning.calibration import COVERAGE, cross_checked, in_set, tempered
from pmlcli.algorithms._prefixes.request import Columns, PrefixData, Requested
from pmlcli.algorithms._prefixes.rows import about_split, evenly, joined, pooled
from pmlcli.algorithms._prefixes.task import PrefixTask, SplitChoice
from pmlcli.algorithms._prefixes.truth import NO_LABELS, Prefixes, held_by, learned
from pmlcli.algorithms.next_activity._request import NextActivityRequest
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.sequences import END, NO_TARGET, Sequences, targets
from pmlcli.encoding.vocabulary import FIRST_CODE, Vocabulary
from pmlcli.evaluation.measurement import Measurement, mean_over
from pmlcli.evaluation.quality import Quality, calibration_error_of, mean_of
from pmlcli.eventlog.log import ACTIVITY, EventLog
from pmlcli.eventlog.split import Split, measured_prefixes

SET_SEPARATOR = " | "
MOST_CALIBRATED = 50_000
"""Calibration looks at so many prefixes at most, evenly chosen."""
CHUNK_CELLS = 2_000_000
"""Distributions are asked for whole cases of about so many events x classes together, to bound the memory."""


class HeldOut(NamedTuple):
    """Prefixes of a test part whose next activity is known, (prefixes,), in order of events.

    The distributions of all would be too many: `shares`, (kept, classes), and the classes that came true,
    `truth`, (kept,), are of the prefixes at the positions `kept`.
    """

    is_right: NDArray[np.bool_]
    """Whether the likeliest class came true."""
    cases: Codes
    kept: Codes
    shares: Floats
    truth: Codes
    about: str
    """What the test part is."""


class NextActivityTask(PrefixTask["NextActivityPredictor[Any]", Sequences, HeldOut, NextActivityRequest]):
    """Gives each prefix a distribution over the activities seen in training and the end of the case."""

    name = "next-activity"
    baseline = "next-activity/ngram"
    recommended = "next-activity/ensemble"
    request = NextActivityRequest
    risks = ("-probability",)
    baseline_phrase = "by counting"

    # --- measured on held-out cases

    def held_out(
        self, fitted: Fitted[NextActivityPredictor[Any], Sequences], split: Split, log: EventLog
    ) -> HeldOut:
        """The prefixes of the test part that count."""
        data = fitted.encoding.transform(split.test)
        return predicted(fitted.algorithm, data, measured_prefixes(split), about_split(split))

    def calibrate(self, algorithm: NextActivityPredictor[Any], held_out: Sequence[HeldOut]) -> Calibration:
        """The temperature and the limit of prediction sets, and how good they are: see `cross_checked`."""
        found = joined_parts(held_out)
        return cross_checked(found.shares, found.truth, found.cases[found.kept] % 2 == 0)

    def measure(
        self, algorithm: NextActivityPredictor[Any], held_out: Sequence[HeldOut], calibration: Calibration
    ) -> Measurement:
        """Accuracy: the share of prefixes whose likeliest class came true, resampled by case."""
        found = joined_parts(held_out)
        cases, unit = np.unique(found.cases, return_inverse=True)
        hits = np.bincount(unit, weights=found.is_right, minlength=len(cases))
        counts = np.bincount(unit, minlength=len(cases)).astype(np.float64)
        about = (
            "next activity of every prefix of one event or more, the end of the case counted as an activity, "
            "what follows the last event of a running case left out"
        )
        return Measurement(
            metric="accuracy",
            unit="share",
            higher_is_better=True,
            n_units=len(cases),
            value_of=mean_over(hits.astype(np.float64), counts),
            about="; ".join((about, found.about, *_about_calibration(calibration))),
        )

    # --- evaluation

    def evaluation_request(self, algorithm: NextActivityPredictor[Any]) -> Fields:
        """The likeliest next activity of every prefix, and its prediction set."""
        return {"every_prefix": True, "candidates": 1}

    def beside_truth(
        self,
        algorithm: NextActivityPredictor[Any],
        calibration: Calibration,
        log: EventLog,
        table: pd.DataFrame,
        labels: NDArray[np.object_] | None,
    ) -> BesideTruth:
        """Every prefix but the whole of a running case, beside the activity that came next."""
        known = Prefixes(log, labels, NO_LABELS)
        truth = known.next_activities(END)
        found = known.beside(table, ~known.is_whole | ~known.is_running, truth)
        said, came = found.table["next_activity"].to_numpy(), found.table["truth"].to_numpy()
        more = {"is_right": said == came}
        if "prediction_set" in found.table:
            is_held, sizes = held_by(found.table["prediction_set"].to_numpy(), came, SET_SEPARATOR)
            more |= {"is_in_set": is_held, "set_size": sizes}
        return found._replace(table=found.table.assign(**more))

    def qualities(
        self, algorithm: NextActivityPredictor[Any], calibration: Calibration, table: pd.DataFrame
    ) -> tuple[Quality, ...]:
        """Accuracy, how honest the probability is, and how often the prediction set held what came."""
        sets = (
            Quality("coverage_90", "share", None, mean_of("is_in_set"), learned(calibration, "coverage")),
            Quality("set_size", "activities", None, mean_of("set_size"), learned(calibration, "set_size")),
        )
        off = calibration_error_of("is_right", "probability")
        return (
            Quality("accuracy", "share", True, mean_of("is_right"), phrase="right {}"),
            Quality("calibration_error", "share", False, off, learned(calibration, "calibration_error")),
            *(sets if "is_in_set" in table else ()),
        )

    # --- answers

    def predictions(
        self,
        fitted: Fitted[NextActivityPredictor[Any], Sequences],
        requested: Requested[Sequences, NextActivityRequest],
    ) -> Columns:
        """next_activity, probability, next_activity_2, probability_2, ..., prediction_set (if calibrated)."""
        data, rows = requested.data, requested.rows
        candidates = min(requested.request.candidates, data.end_class - FIRST_CODE + 1)
        classes = np.zeros((len(rows), candidates), dtype=np.int64)
        shares = np.zeros((len(rows), candidates))
        activities = Vocabulary(requested.encoding.vocabularies()[ACTIVITY])
        names = np.asarray([*map(activities.name_of, range(activities.size)), END], dtype=object)
        least = fitted.calibration.get("least_probability")
        sets: list[str] = []
        for first, distributions in _calibrated(fitted, data, rows):
            here = slice(first, first + len(distributions))
            classes[here] = np.argsort(-distributions, axis=1, kind="stable")[:, :candidates]
            shares[here] = np.take_along_axis(distributions, classes[here], axis=1)
            sets += [] if least is None else _sets(distributions, least, names)
        table: Columns = {}
        for rank in range(candidates):
            suffix = f"_{rank + 1}" if rank else ""
            table[f"next_activity{suffix}"] = names[classes[:, rank]]
            table[f"probability{suffix}"] = shares[:, rank]
        return table if least is None else table | {"prediction_set": np.asarray(sets, dtype=object)}

    def prediction_columns(self, request: NextActivityRequest) -> tuple[Column, ...]:
        """A name and a share for each candidate, as far as training saw so many activities, and the set."""
        ranks = [f"_{rank}" if rank > 1 else "" for rank in range(1, request.candidates + 1)]
        named: list[Column] = []
        for suffix in ranks:
            named.append(Column(f"next_activity{suffix}", "text", always=not suffix))
            named.append(Column(f"probability{suffix}", "number", always=not suffix))
        return (*named, Column("prediction_set", "text", always=False))

    def strength(
        self,
        fitted: Fitted[NextActivityPredictor[Any], Sequences],
        requested: Requested[Sequences, NextActivityRequest],
        predictions: Columns,
        data: Sequences,
        rows: Codes,
    ) -> Floats:
        """The probability of what was the likeliest next activity."""
        known = Vocabulary(requested.encoding.vocabularies()[ACTIVITY])
        code_of = {known.name_of(code): code for code in range(FIRST_CODE, known.size)}
        classes = np.array([code_of.get(name, data.end_class) for name in predictions["next_activity"]])
        found = np.concatenate([shares for _first, shares in _calibrated(fitted, data, rows)])
        return np.asarray(found[np.arange(len(rows)), classes])

    def say_change(self, change: float) -> str:
        """Percentage points."""
        return f"{100 * change:+.0f} points"

    def units(self, algorithm: NextActivityPredictor[Any]) -> dict[str, str]:
        """Probabilities are shares; `units_of` goes on beyond the default `candidates`."""
        ranks = range(2, NextActivityRequest().candidates + 1)
        shares = {"probability": "share"} | {f"probability_{rank}": "share" for rank in ranks}
        return super().units(algorithm) | shares

    def units_of(self, algorithm: NextActivityPredictor[Any], names: Sequence[str]) -> dict[str, str]:
        """Also of as many probabilities as were asked for."""
        more = {name: "share" for name in names if name.startswith("probability")}
        return super().units_of(algorithm, names) | more


@dataclass(kw_only=True)
class NextActivityPredictor(Algorithm[PrefixData]):
    """An algorithm of the task next-activity: it gives probabilities."""

    task: ClassVar[NextActivityTask] = NextActivityTask()

    split: SplitChoice = "temporal"

    @abstractmethod
    def probabilities(self, data: PrefixData) -> Floats:
        """(events, classes): row i is what follows the prefix that ends with event i; rows sum to 1.

        Classes are the codes of the activities, then the end of the case; the codes of unseen and missing
        values have probability 0. A row depends on the events of its case up to i alone.
        """


def predicted(
    algorithm: NextActivityPredictor[Any], data: Sequences, is_counted: NDArray[np.bool_], about: str
) -> HeldOut:
    """What the algorithm says of those prefixes that count, (events,), and are followed by what is known."""
    following = targets(data)
    rows = np.flatnonzero(is_counted & (following != NO_TARGET))
    kept = evenly(np.arange(len(rows)), MOST_CALIBRATED)
    likeliest, shares = np.zeros(len(rows), dtype=np.int64), np.zeros((len(kept), data.end_class + 1))
    for first, found in _distributions(algorithm, data, rows):
        likeliest[first : first + len(found)] = found.argmax(axis=1)
        here = slice(*np.searchsorted(kept, (first, first + len(found))))
        shares[here] = found[kept[here] - first]
    truth = following[rows]
    return HeldOut(likeliest == truth, data.case_of_event[rows], kept, shares, truth[kept], about)


def joined_parts(held_out: Sequence[HeldOut]) -> HeldOut:
    """The tables of several cuts as one.

    Calibration does not mind which class is which, only what the true one was given: where a cut has fewer
    classes, the others were given nothing. No more distributions are kept than of one cut.
    """
    if len(held_out) == 1:
        return held_out[0]
    n_classes = max(one.shares.shape[1] for one in held_out)
    alike, n_prefixes = [], 0
    for one in held_out:
        shares = np.pad(one.shares, ((0, 0), (0, n_classes - one.shares.shape[1])))
        alike.append(one._replace(shares=shares, kept=one.kept + n_prefixes))
        n_prefixes += len(one.cases)
    found = pooled(alike, ("is_right", "kept", "shares", "truth"))
    some = evenly(np.arange(len(found.kept)), MOST_CALIBRATED)
    return found._replace(kept=found.kept[some], shares=found.shares[some], truth=found.truth[some])


def _about_calibration(known: Calibration) -> list[str]:
    if not known.get("rows"):
        return []
    return [
        f"expected calibration error {known['calibration_error']:.3f} "
        f"({known['calibration_error_before']:.3f} before its probabilities were calibrated)",
        f"prediction sets of {COVERAGE:.0%} held {known['coverage']:.1%} of what came next, "
        f"{known['set_size']:.1f} activities each",
    ]


def _distributions(
    algorithm: NextActivityPredictor[Any], data: Sequences, rows: Codes
) -> Iterator[tuple[int, Floats]]:
    """The distributions of the chosen events (sorted), in runs from the given position on; some whole cases
    are asked about at a time.
    """
    if len(rows) == 0:
        return
    done = 0
    cases = np.unique(np.searchsorted(data.offsets, rows, side="right") - 1)
    chunk = np.cumsum(data.lengths[cases]) * (data.end_class + 1) // CHUNK_CELLS
    for some in np.split(cases, np.flatnonzero(np.diff(chunk)) + 1):
        events, _offsets = data.rows_of(some)
        found = algorithm.probabilities(data.take(some))[np.isin(events, rows, assume_unique=True)]
        yield done, found
        done += len(found)


def _calibrated(
    fitted: Fitted[NextActivityPredictor[Any], Sequences], data: Sequences, rows: Codes
) -> Iterator[tuple[int, Floats]]:
    temperature = fitted.calibration.get("temperature", 1.0)
    for first, found in _distributions(fitted.algorithm, data, rows):
        yield first, tempered(found, temperature)


def _sets(probabilities: Floats, least: float, names: NDArray[Any]) -> list[str]:
    """The names in each row's prediction set, the likeliest first; the same set is written once."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    many = in_set(probabilities, least).sum(axis=1)
    order[np.arange(order.shape[1]) >= many[:, None]] = -1
    different, which = np.unique(order, axis=0, return_inverse=True)
    texts = [joined(names[row[row >= 0]], SET_SEPARATOR) for row in different]
    return [texts[place] for place in which]

"""Suffix: the activities that are still to come until a case ends, and how long they take."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.form import Column, columns
from pmlcli.algorithms._interface.request import Fields
from pmlcli.algorithms._interface.task import BesideTruth, Calibration, Fitted
from pmlcli.algorithms._prefixes.due import DueRequest, due_columns, due_micros, lateness
from pmlcli.algorithms._prefixes.request import Columns, PrefixData, Requested
from pmlcli.algorithms._prefixes.rows import about_split, joined, pooled
from pmlcli.algorithms._prefixes.task import PrefixTask, SplitChoice
from pmlcli.algorithms._prefixes.truth import NO_LABELS, Prefixes, names_in
from pmlcli.algorithms.suffix._continuations import (
    FIRST_LETTER,
    Chosen,
    Continuations,
    alike,
    case_means,
    even_cases,
    medoids,
    suffix_texts,
)
from pmlcli.arrays import Codes
from pmlcli.encoding.events.sequences import END, Sequences
from pmlcli.encoding.vocabulary import Vocabulary
from pmlcli.evaluation.measurement import Measurement, mean_over
from pmlcli.evaluation.quality import Quality, mean_by_unit
from pmlcli.eventlog.log import ACTIVITY, EventLog, no_times
from pmlcli.eventlog.split import Split, measured_prefixes

ARROW = " > "
"""Between the activities of a suffix as it is written."""
CHUNK_ROWS = 2_000
"""Prefixes answered for together, to bound the memory."""
MOST_EVALUATED = 20_000
"""A log of more prefixes is evaluated on cases evenly taken from it, of about so many together."""
MEASURED = 2_000
"""A test part of more prefixes is measured on cases evenly taken from it, of about so many together."""

Known: TypeAlias = "Fitted[SuffixPredictor[Any], Sequences]"
"""An algorithm of this task that has learned; its encoding gives what its `continuations` take."""


class HeldOut(NamedTuple):
    """Prefixes of the finished cases of a test part, or of some of these, (rows,), in order of events.

    - `chosen`, `came`: the predicted and the true suffix of each, as letters; `cases`: which case
    - `n_counted`: how many prefixes there are of which these are
    - `about`: what the test part is
    """

    chosen: list[str]
    came: list[str]
    cases: Codes
    n_counted: int
    about: str


class SuffixTask(PrefixTask["SuffixPredictor[Any]", Sequences, HeldOut, DueRequest]):
    """Answers with that of the possible suffixes which is most like all others.

    Similarity is to be high on average over cases, whatever their length, as it is measured. A case of n
    events has n prefixes, so in the choice a suffix that would end the case after n events may weigh 1/n as
    much, see `is_by_case`: right if the possible ways are as likely as they seem, worse if they are not.
    """

    name = "suffix"
    baseline = "suffix/medoid"
    recommended = "suffix/ensemble"
    request = DueRequest
    flags = ("is_late",)
    risks = ("remaining_seconds", "events_left")
    baseline_phrase = "by the most typical ending"

    def needs_ended(self, algorithm: SuffixPredictor[Any]) -> bool:
        """What is still to come of a running case nobody knows."""
        return True

    # --- measured on held-out cases

    def held_out(self, fitted: Known, split: Split, log: EventLog) -> HeldOut:
        """The prefixes of the finished cases of the test part; of some of the cases where they are many."""
        data = fitted.encoding.transform(split.test)
        counted = measured_prefixes(split) & np.repeat(~data.is_running, data.lengths)
        rows = np.flatnonzero(counted & np.repeat(even_cases(data.lengths, MEASURED), data.lengths))
        return HeldOut(
            chosen=choose(fitted.algorithm, data, rows).texts,
            came=suffix_texts(data, rows),
            cases=data.case_of_event[rows],
            n_counted=int(counted.sum()),
            about=about_split(split),
        )

    def measure(
        self, algorithm: SuffixPredictor[Any], held_out: Sequence[HeldOut], calibration: Calibration
    ) -> Measurement:
        """Mean similarity of predicted and true suffixes of a finished case of the test part, over cases."""
        found = joined_parts(held_out)
        means = case_means(alike(found.chosen, found.came), found.cases)
        n_measured = len(found.came)
        which = "all" if n_measured == found.n_counted else f"{n_measured:,} of {found.n_counted:,}"
        return Measurement(
            metric="similarity",
            unit="share",
            higher_is_better=True,
            n_units=len(means),
            value_of=mean_over(means, np.ones(len(means))),
            about=f"1 - Damerau-Levenshtein distance / longer length, of the suffixes of {which} prefixes of "
            "one event or more of finished cases, the empty suffix of the whole case included, each case "
            f"counting alike; {found.about}",
        )

    # --- evaluation

    def evaluation_request(self, algorithm: SuffixPredictor[Any]) -> Fields:
        """Of every prefix."""
        return {"every_prefix": True}

    def evaluated_cases(self, log: EventLog) -> NDArray[np.bool_]:
        """Some of the cases where they have many prefixes."""
        return even_cases(log.lengths, MOST_EVALUATED)

    def beside_truth(
        self,
        algorithm: SuffixPredictor[Any],
        calibration: Calibration,
        log: EventLog,
        table: pd.DataFrame,
        labels: NDArray[np.object_] | None,
    ) -> BesideTruth:
        """Every prefix of the cases that have ended, beside how they went on."""
        known = Prefixes(log, labels, NO_LABELS)
        found = known.beside(table, ~known.is_running, known.suffixes(ARROW, END))
        letters = {name: chr(FIRST_LETTER + place) for place, name in enumerate(known.names)}
        texts = {}
        for text in pd.unique(found.table[["suffix", "truth"]].to_numpy().ravel()):
            names = names_in(text, ARROW)[:-1]  # without the end of the case
            texts[text] = "".join(letters.setdefault(n, chr(FIRST_LETTER + len(letters))) for n in names)
        said, came = ([texts[text] for text in found.table[column]] for column in ("suffix", "truth"))
        return found._replace(
            table=found.table.rename(columns={"similarity": "expected_similarity"}).assign(
                similarity=alike(said, came)
            )
        )

    def qualities(
        self, algorithm: SuffixPredictor[Any], calibration: Calibration, table: pd.DataFrame
    ) -> tuple[Quality, ...]:
        """Similarity, beside that which was expected."""
        return (
            Quality("similarity", "share", True, mean_by_unit("similarity"), phrase="alike {}"),
            Quality("expected_similarity", "share", None, mean_by_unit("expected_similarity")),
        )

    # --- answers

    def predictions(self, fitted: Known, requested: Requested[Sequences, DueRequest]) -> Columns:
        """suffix, events_left, probability, similarity, remaining_seconds, and with `due` due and is_late."""
        chosen = choose(fitted.algorithm, requested.data, requested.rows)
        known = Vocabulary(requested.encoding.vocabularies()[ACTIVITY])
        names = {chr(FIRST_LETTER + code): known.name_of(code) for code in range(known.size)}
        seconds = _known_seconds(chosen, requested.silent)
        table: Columns = {
            "suffix": [joined([*(names[letter] for letter in text), END], ARROW) for text in chosen.texts],
            "events_left": np.array([len(text) for text in chosen.texts], dtype=np.int64),
            "probability": chosen.share,
            "similarity": chosen.similarity,
            "remaining_seconds": seconds,
        }
        if requested.request.due is not None:
            if requested.data.micros is None:
                raise no_times("from which it follows when a case ends")
            ends = requested.data.micros[requested.rows] + (np.nan_to_num(seconds) * 1e6).astype(np.int64)
            table |= lateness(requested, due_micros(requested, requested.request.due), ends)
        return table

    def prediction_columns(self, request: DueRequest) -> tuple[Column, ...]:
        """The suffix, and what is told of it in numbers; with `due` when the case is due."""
        numbers = columns("number", "events_left", "probability", "similarity", "remaining_seconds")
        return (*columns("text", "suffix"), *numbers, *due_columns(request))

    def strength(
        self,
        fitted: Known,
        requested: Requested[Sequences, DueRequest],
        predictions: Columns,
        data: Sequences,
        rows: Codes,
    ) -> NDArray[np.float64]:
        """How many events are left."""
        chosen = choose(fitted.algorithm, data, rows)
        return np.array([len(text) for text in chosen.texts], dtype=np.float64)

    def say_change(self, change: float) -> str:
        """Events more or fewer."""
        return f"{change:+.0f} {'event' if abs(change) == 1 else 'events'}"

    def units(self, algorithm: SuffixPredictor[Any]) -> dict[str, str]:
        """Events, shares and seconds."""
        return super().units(algorithm) | {
            "events_left": "events",
            "probability": "share",
            "similarity": "share",
            "remaining_seconds": "seconds",
        }


@dataclass(kw_only=True)
class SuffixPredictor(Algorithm[PrefixData], Generic[PrefixData]):
    """An algorithm of the task suffix: it gives each prefix possible suffixes."""

    task: ClassVar[SuffixTask] = SuffixTask()

    split: SplitChoice = "temporal"

    @abstractmethod
    def continuations(self, data: PrefixData, rows: Codes) -> Continuations:
        """At least one suffix for each of these prefixes, by the events that end them (ascending)."""

    def is_by_case(self) -> bool:
        """Whether possible suffixes count less the longer they make the case."""
        return False


def choose(algorithm: SuffixPredictor[Any], data: Sequences, rows: Codes) -> Chosen:
    """The answers for these prefixes, some at a time."""
    parts = []
    for start in range(0, len(rows), CHUNK_ROWS):
        some = rows[start : start + CHUNK_ROWS]
        so_far = data.position[some] + 1 if algorithm.is_by_case() else None
        parts.append(medoids(algorithm.continuations(data, some), so_far))
    texts = [text for part in parts for text in part.texts]
    numbers = [np.concatenate([np.empty(0), *(part[i] for part in parts)]) for i in (1, 2, 3)]
    return Chosen(texts, *numbers)


def joined_parts(held_out: Sequence[HeldOut]) -> HeldOut:
    """The tables of several cuts as one."""
    return pooled(held_out, ())._replace(
        chosen=[text for one in held_out for text in one.chosen],
        came=[text for one in held_out for text in one.came],
        n_counted=sum(one.n_counted for one in held_out),
    )


def _known_seconds(chosen: Chosen, silent: NDArray[np.float64]) -> NDArray[np.float64]:
    """How long each suffix takes: no time where nothing is to come, else no less than has passed already."""
    is_empty = np.array([not text for text in chosen.texts], dtype=np.bool_)
    return np.where(is_empty & ~np.isnan(chosen.seconds), 0.0, np.maximum(chosen.seconds, np.ceil(silent)))

"""Anomaly detection: scores of cases and events, thresholds, p-values, and reasons in process words."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, NamedTuple, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.form import Form, columns, exactly
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.task import BesideTruth, Calibration, Fitted, Task
from pmlcli.algorithms._interface.unseen import HAS_UNSEEN, never_seen, unseen_columns, unseen_events
from pmlcli.algorithms.anomaly._judgement import (
    CaseData,
    CaseJudgement,
    CaseScores,
    Detects,
    Scored,
    chunks,
    judged,
    n_chunks,
)
from pmlcli.algorithms.anomaly._request import AnomalyRequest
from pmlcli.algorithms.anomaly._share import clearest, standing_out
from pmlcli.algorithms.anomaly._truth import beside_labels, flagged_in_training, qualities_of
from pmlcli.algorithms.anomaly._verdict import (
    HELD_OUT,
    SEVERITY_WORDS,
    THRESHOLDS,
    VERDICT,
    WORDS,
    Flags,
    event_keys,
    standing_out_words,
    table_of,
)
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.base import Encodes
from pmlcli.errors import ValidationError
from pmlcli.evaluation.conformal import held_out as thinned
from pmlcli.evaluation.measurement import Measurement
from pmlcli.evaluation.metrics import auc
from pmlcli.evaluation.quality import Quality
from pmlcli.eventlog.deviations import delay, deviate
from pmlcli.eventlog.log import CASE_ID, TIMESTAMP, EventLog
from pmlcli.eventlog.running import find_running
from pmlcli.eventlog.split import Split
from pmlcli.runtime import track

AUTO: Final = "auto"
MEASURED_CASES = 2000
MEASURED_COPIES, MOST_COPIES = 1000, 8
"""Few held-out cases are copied several times, each copy with another deviation, up to so many copies in all
and of a case: which deviations were drawn then matters less to the verdict."""
COPIED_CASES = 1000
"""So many training cases at most are copied, with a deviation each, to see which scores stand out."""
STANDING_OUT = "standing_out"
"""Where the calibration keeps the share of training cases that stand out at each level, and its interval."""
DEVIATION_SEED = 0
"""Fixed, so that an algorithm and its baseline are measured on the same deviations."""


class HeldOut(NamedTuple):
    """Scores of a test part by a trial.

    - `cases`: (cases,); `events`: (events,), empty where the detector scores no events
    - `measured`: positions of the cases on which quality is measured
    - `deviant`: (copies, measured), the score of each of these with one injected deviation, another in each
    """

    cases: Floats
    events: Floats
    measured: Codes
    deviant: Floats


class AnomalyTask(Task[Detects[CaseData], CaseData, HeldOut, AnomalyRequest], Generic[CaseData]):
    """Flags cases, or events, that are less like the training log than others.

    The threshold is the (1 - contamination) quantile of the training cases' scores; with `auto` it is where
    the oddest of them part from the others (`_share.py`). A p-value is the share of held-out cases, scored by
    the same method fitted on the earlier part of the log, that are at least as odd; `severity` puts it in
    words.
    """

    name = "anomaly"
    baseline = "anomaly/variant-frequency"
    recommended = "anomaly/likelihood"
    baseline_phrase = "by counting variants"
    needs_labels = True
    sample_name = "samples"
    request = AnomalyRequest
    flags = ("is_anomaly",)
    risks = ("score",)

    # --- training

    def count_samples(self, algorithm: Detects[CaseData], data: CaseData) -> int:
        """Cases."""
        return data.n_cases

    def held_out(self, fitted: Fitted[Detects[CaseData], CaseData], split: Split, log: EventLog) -> HeldOut:
        """Scores of the test part, and of some of its cases with an injected deviation."""
        test, encoding = split.test, fitted.encoding
        found = fitted.algorithm.held_out_scores(chunks(encoding, test))
        measured = np.arange(0, test.n_cases, -(-test.n_cases // MEASURED_CASES))
        kept = test if len(measured) == test.n_cases else test.take_cases(measured)
        seeds = range(DEVIATION_SEED, DEVIATION_SEED + copies_of(kept.n_cases))
        deviant = [_deviant_scores(fitted, kept, seed) for seed in seeds]
        return HeldOut(found["case"], found.get("event", np.empty(0)), measured, np.stack(deviant))

    def calibrate(self, algorithm: Detects[CaseData], held_out: Sequence[HeldOut]) -> Calibration:
        """Scores of held-out cases (and events), thinned below the highest, for p-values."""
        found = {"case": [one.cases for one in held_out], "event": [one.events for one in held_out]}
        return {HELD_OUT[level]: thinned(np.concatenate(found[level])) for level in algorithm.levels}

    def settle(
        self, fitted: Fitted[Detects[CaseData], CaseData], data: CaseData, log: EventLog
    ) -> Calibration:
        """Also the thresholds, from the final model's scores of all training cases as if they were new.

        An event is flagged when it alone would put its case among the `contamination` oddest, or among those
        that stand out by their oddest events.
        """
        algorithm = fitted.algorithm
        if algorithm.border is not None:
            return fitted.calibration | {THRESHOLDS[level]: algorithm.border for level in algorithm.levels}
        scored = algorithm.judge_training(data)
        if isinstance(algorithm.contamination, str):
            return fitted.calibration | _parted(fitted, scored, log)
        share = 1 - algorithm.contamination
        limits = {level: float(np.quantile(scored.oddest(level), share)) for level in algorithm.levels}
        return fitted.calibration | {THRESHOLDS[level]: limit for level, limit in limits.items()}

    def remarks(
        self, fitted: Fitted[Detects[CaseData], CaseData], data: CaseData, log: EventLog
    ) -> list[str]:
        """How many cases stand out, where that was estimated."""
        found = fitted.calibration.get(STANDING_OUT)
        return [] if found is None else [standing_out_words(**found["case"])]

    def calibrated_numbers(self, algorithm: Detects[CaseData]) -> tuple[str, ...]:
        """A threshold for each level."""
        return tuple(THRESHOLDS[level] for level in algorithm.levels)

    def measure(
        self, algorithm: Detects[CaseData], held_out: Sequence[HeldOut], calibration: Calibration
    ) -> Measurement:
        """How well injected deviations are told from the held-out cases that they were made from."""
        before = np.concatenate([one.cases[one.measured] for one in held_out])
        copies = min(len(one.deviant) for one in held_out)
        after = np.concatenate([one.deviant[:copies] for one in held_out], axis=1)

        def value_of(units: Codes) -> float:
            is_deviant = np.repeat([False, True], [len(units), copies * len(units)])
            return auc(is_deviant, np.concatenate([before[units], after[:, units].reshape(-1)]))

        return Measurement(
            metric="auc",
            unit="share",
            higher_is_better=True,
            n_units=len(before),
            value_of=value_of,
            about="how often a held-out case with one injected deviation (an event skipped, repeated, "
            "swapped or moved, an activity or resource replaced) scores above one left as it was; 0.5 is "
            "chance",
        )

    # --- evaluation

    def beside_truth(
        self,
        algorithm: Detects[CaseData],
        calibration: Calibration,
        log: EventLog,
        table: pd.DataFrame,
        labels: NDArray[np.object_] | None,
    ) -> BesideTruth:
        """The cases that have a label; without labels all, of which nobody knows the truth."""
        return beside_labels(log, table, labels)

    def qualities(
        self, algorithm: Detects[CaseData], calibration: Calibration, table: pd.DataFrame
    ) -> tuple[Quality, ...]:
        """Average precision, AUC, and F1 at the model's own threshold; without truth the share flagged."""
        return qualities_of(
            table, flagged_in_training(calibration.get(STANDING_OUT), algorithm.contamination)
        )

    # --- prediction

    def predict(
        self, fitted: Fitted[Detects[CaseData], CaseData], log: EventLog, request: AnomalyRequest
    ) -> pd.DataFrame:
        """One row a case: case_id, score, threshold, is_anomaly, severity, p_value, reason.

        At level `event` one row an event: its keys, the same, and for flagged ones the value that stands out:
        `attribute` is its column, `value` what it holds, `expected` what was expected there. With `fdr`, what
        is flagged is chosen by Benjamini and Hochberg over the p-values of this log: flags then depend on its
        other cases, scores and p-values never do. ValidationError for a level that the detector cannot score.
        """
        level = request.level or "case"
        is_unseen = None
        if request.unseen != "ignore":
            is_unseen = _unseen(fitted.encoding, log, level, request.unseen)
        flags = Flags(fitted.calibration, level, request.fdr)
        table = table_of(log, track(judged(fitted, log), "scoring", n_chunks(log)), flags)
        return table if is_unseen is None else table.assign(**{HAS_UNSEEN: is_unseen})

    def check_request(self, algorithm: Detects[CaseData], request: AnomalyRequest) -> None:
        """What `level` may be."""
        level = request.level or "case"
        if level not in algorithm.levels:
            raise ValidationError(
                f"this detector has no level '{level}', only {' and '.join(algorithm.levels)}",
                hint=f"ask for level {algorithm.levels[0]}",
                context={"level": level, "levels": list(algorithm.levels)},
            )

    def prediction_form(
        self, algorithm: Detects[CaseData], log: EventLog | None, request: AnomalyRequest
    ) -> Form:
        """A row a case, or an event."""
        level = request.level or "case"
        keys = event_keys(log) if level == "event" else columns("text", CASE_ID)
        units = 0 if log is None else log.n_events if level == "event" else log.n_cases
        told = (*columns("text", *WORDS[level]), *unseen_columns(request.unseen))
        return Form((*keys, *VERDICT, *told), exactly(units))

    def has_worsened(self, table: pd.DataFrame, before: pd.DataFrame) -> NDArray[np.bool_]:
        """Of a severity that is higher than it was; scores of other moments say little beside each other."""
        rank = {word: place for place, word in enumerate(("none", *SEVERITY_WORDS))}
        now = table["severity"].map(rank).to_numpy(dtype=np.float64)
        then = before["severity"].map(rank).to_numpy(dtype=np.float64)
        return np.asarray(now > then)

    def units(self, algorithm: Detects[CaseData]) -> dict[str, str]:
        """Units of the numeric columns."""
        positions = {"event_index": "position in the case, from 0"} if "event" in algorithm.levels else {}
        return {
            "score": "higher is more anomalous",
            "threshold": "as score; what lies above it is flagged",
            "p_value": "share of held-out cases (or events) at least as odd",
        } | positions

    def notes(
        self,
        algorithm: Detects[CaseData],
        calibration: Calibration,
        log: EventLog,
        table: pd.DataFrame,
        request: AnomalyRequest,
    ) -> list[str]:
        """Running cases look odd for what they have not done yet."""
        running = int(find_running(log).sum())
        if not running:
            return []
        return [
            f"{running:,} of {log.n_cases:,} cases seem to be running still; what they have not done yet can "
            "make them look odd"
        ]


TASK: AnomalyTask[Any] = AnomalyTask()
"""The one object of the task, which detectors of cases and of events hold alike."""
Contamination = Annotated[
    float | Literal["auto"],
    Param(
        "Share of cases expected to be anomalous; sets the threshold. auto: estimated from the scores.",
        gt=0,
        le=0.5,
        has_option=True,
        metavar="SHARE",
    ),
]
"""The parameter `contamination` of every detector."""


@dataclass(kw_only=True)
class AnomalyDetector(Algorithm[CaseData], Generic[CaseData]):
    """An algorithm of the task anomaly that scores cases: the higher, the less like the training log."""

    contamination: Contamination = AUTO

    task: ClassVar[AnomalyTask[Any]] = TASK

    @property
    def border(self) -> float | None:
        """The threshold, if the method has its own; None: `contamination` says how many of the training cases
        are above it.
        """
        return None

    @property
    @final
    def levels(self) -> tuple[str, ...]:
        """The levels that it can score: cases, events."""
        return ("case",)

    @abstractmethod
    def score(self, data: CaseData) -> Floats:
        """(cases,), higher is more anomalous. A case's score depends on that case alone, to the bit."""

    @abstractmethod
    def reasons(self, data: CaseData, flagged: Codes) -> Sequence[str]:
        """Why each of these cases (positions in `data`) is anomalous, one sentence for each."""

    def training_scores(self, data: CaseData) -> Floats:
        """(cases,), the scores that the training cases would have if they were new; they set the threshold.

        A case that the model was trained on may score lower than an equal new one. Detectors with this effect
        leave each case out of what they learned; the default is `score`.
        """
        return self.score(data)

    def judge(self, data: CaseData) -> CaseJudgement:
        """Scores, and reasons on request; override it if both need the same work."""
        return CaseJudgement(self.score(data), lambda flagged: self.reasons(data, flagged))

    @final
    def judge_training(self, data: CaseData) -> CaseScores:
        """Scores as if the cases were new."""
        return CaseScores(self.training_scores(data))

    def held_out_scores(self, parts: Iterable[CaseData]) -> Mapping[str, Floats]:
        """Scores of cases that this trial was not fitted on, in parts. A detector that learns from these
        scores does it here; `refit` takes the result from the trial.
        """
        return {"case": np.concatenate([self.score(data) for data in parts])}


def copies_of(cases: int) -> int:
    """How often each of so many held-out cases is copied to measure a detector."""
    return min(MOST_COPIES, -(-MEASURED_COPIES // cases))


def _deviant_scores(fitted: Fitted[Detects[CaseData], CaseData], log: EventLog, seed: int) -> Floats:
    """Scores of a log's cases, (cases,), each with one deviation injected."""
    found = judged(fitted, deviate(log, seed).log)
    return np.concatenate([one.scores("case") for one in found])


def _parted(fitted: Fitted[Detects[CaseData], CaseData], scored: Scored, log: EventLog) -> Calibration:
    """At each level the threshold above which training cases stand out, and the share that does.

    They are told from copies of up to `COPIED_CASES` of them, with one deviation each: in steps and hands, or
    in a wait, whichever the detector sees better.
    """
    chosen = np.arange(0, log.n_cases, -(-log.n_cases // COPIED_CASES))
    kept = log if len(chosen) == log.n_cases else log.take_cases(chosen)
    copies = [_oddest(fitted, deviate(kept, DEVIATION_SEED).log)]
    if TIMESTAMP in fitted.encoding.required_columns():
        copies.append(_oddest(fitted, delay(kept, DEVIATION_SEED)))
    elif kept.times is not None:  # to a detector that sees no times a delayed case is as it was
        copies.append({level: scored.oddest(level)[chosen] for level in fitted.algorithm.levels})
    calibration: Calibration = {STANDING_OUT: {}}
    for level in fitted.algorithm.levels:
        scores = scored.oddest(level)
        raised = clearest(scores[chosen], [copy[level] for copy in copies])
        threshold, share, low, high = standing_out(scores, raised, fitted.algorithm.seed)
        calibration[THRESHOLDS[level]] = threshold
        calibration[STANDING_OUT][level] = {"share": share, "low": low, "high": high}
    return calibration


def _oddest(fitted: Fitted[Detects[CaseData], CaseData], log: EventLog) -> dict[str, Floats]:
    """The highest score of each case by level, (cases,)."""
    levels = fitted.algorithm.levels
    found = [[one.oddest(level) for level in levels] for one in judged(fitted, log)]
    return {
        level: np.concatenate(parts) for level, parts in zip(levels, zip(*found, strict=True), strict=True)
    }


def _unseen(encoding: Encodes[object], log: EventLog, level: str, choice: str) -> NDArray[np.bool_]:
    """Which cases or events hold what training never saw; LogError when that is to fail."""
    events = unseen_events(encoding, log)
    found = events if level == "event" else np.logical_or.reduceat(events, log.offsets[:-1])
    if choice == "fail" and found.any():
        told = f"{int(found.sum()):,} of {len(found):,} {level}s hold what training never saw"
        raise never_seen(encoding, log, int(np.argmax(events)), told)
    return found

"""Anomaly detection: a score a case, a threshold, a p-value, and a reason in process words."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.form import Column, Form, columns, exactly
from pmlcli.algorithms._interface.inherited import InheritedTask, TaskAlgorithm
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.unseen import HAS_UNSEEN, never_seen, unseen_columns, unseen_events
from pmlcli.algorithms.anomaly._request import AnomalyRequest
from pmlcli.encoding.base import Encoding
from pmlcli.errors import ValidationError
from pmlcli.evaluation.conformal import benjamini_hochberg, held_out, p_values, score_limit
from pmlcli.evaluation.measurement import Measurement
from pmlcli.evaluation.metrics import auc
from pmlcli.eventlog.deviations import deviate
from pmlcli.eventlog.log import CASE_ID, EventLog
from pmlcli.eventlog.running import find_running
from pmlcli.eventlog.split import Split
from pmlcli.runtime import track

CHUNK_CASES = 4096
"""Cases that are encoded and scored together, to bound the memory; no score depends on it."""
MEASURED_CASES = 2000
DEVIATION_SEED = 0
"""Fixed, so that an algorithm and its baseline are measured on the same deviations."""
THRESHOLDS = {"case": "threshold", "event": "event_threshold"}
HELD_OUT = {"case": "held_out", "event": "held_out_events"}
"""Where `calibration_` keeps what belongs to each level."""
VERDICT = (
    *columns("number", "score", "threshold"),
    *columns("flag", "is_anomaly"),
    *columns("text", "severity"),
    *columns("number", "p_value"),
)
SEVERITIES = ((0.001, "critical"), (0.01, "high"), (0.05, "medium"), (1.0, "low"))
"""Severity of a flagged case by its p-value (share of held-out cases at least as odd); others: `none`."""


class _Anomaly(InheritedTask):
    request = AnomalyRequest
    name = "anomaly"
    baseline = "anomaly/variant-frequency"
    recommended = "anomaly/likelihood"
    sample_name = "samples"


@dataclass(kw_only=True)
class AnomalyDetector(TaskAlgorithm):
    """Scores cases: the higher, the less like the training log.

    The threshold is the (1 - contamination) quantile of the training cases' scores. A p-value is the share
    of held-out cases, scored by the same method fitted on the earlier part of the log, that are at least
    as odd; `severity` puts it in words.
    """

    contamination: Annotated[
        float,
        Param(
            "Share of cases expected to be anomalous; sets the threshold.",
            gt=0,
            le=0.5,
            has_option=True,
            metavar="SHARE",
        ),
    ] = 0.05

    task: ClassVar[InheritedTask] = _Anomaly()
    levels: ClassVar[tuple[str, ...]] = ("case",)
    """What a detector can score: cases, and events where it also gives `event_table`."""

    @abstractmethod
    def score(self, data: Any) -> NDArray[np.float64]:
        """(cases,), higher is more anomalous. A case's score depends on that case alone, to the bit."""

    @abstractmethod
    def reasons(self, data: Any, flagged: NDArray[np.int64]) -> Sequence[str]:
        """Why each of these cases (positions in `data`) stands out, a sentence each."""

    def count_samples(self, data: Any) -> int:
        """Cases."""
        return int(data.n_cases)

    def calibrate(self, encoding: Encoding[Any], split: Split, log: EventLog) -> dict[str, Any]:
        """Scores of the test cases by this trial, thinned below the highest, for p-values."""
        return {"held_out": held_out(self._all_scores(encoding, split.test))}

    def training_scores(self, data: Any) -> NDArray[np.float64]:
        """(cases,), what the training cases would score had they been new; they set the threshold.

        A case that the model has seen itself may be part of what is usual and score lower than a new one like
        it. Detectors in which that shows take each case out of what they learned; here it is `score`.
        """
        return self.score(data)

    def settle(self, data: Any) -> None:
        """Sets the threshold from the final model's scores of all training cases, as if they were new."""
        threshold = np.quantile(self.training_scores(data), 1 - self.contamination)
        self.calibration_["threshold"] = float(threshold)

    def calibrated_numbers(self) -> tuple[str, ...]:
        """A threshold for each level."""
        return tuple(THRESHOLDS[level] for level in self.levels)

    def measure(self, encoding: Encoding[Any], split: Split, log: EventLog) -> Measurement:
        """How well injected deviations are told from the held-out cases that they were made from."""
        test = split.test
        step = -(-test.n_cases // MEASURED_CASES)
        test = test if step == 1 else test.take_cases(np.arange(0, test.n_cases, step))
        deviant = deviate(test, DEVIATION_SEED).log
        before, after = self._all_scores(encoding, test), self._all_scores(encoding, deviant)

        def value_of(units: NDArray[np.int64]) -> float:
            is_deviant = np.repeat([False, True], len(units))
            return auc(is_deviant, np.concatenate([before[units], after[units]]))

        return Measurement(
            metric="auc",
            unit="share",
            higher_is_better=True,
            n_units=test.n_cases,
            value_of=value_of,
            about="how often a held-out case with one injected deviation (an event skipped, repeated, "
            "swapped or moved, an activity or resource replaced) scores above one left as it was; 0.5 is "
            "chance",
        )

    def notes(self, log: EventLog, table: pd.DataFrame, request: PredictRequest) -> list[str]:
        """Running cases look odd for what they have not done yet."""
        running = int(find_running(log).sum())
        if not running:
            return []
        return [
            f"{running:,} of {log.n_cases:,} cases seem to be running still; what they have not done yet can "
            "make them look odd"
        ]

    def predict(self, encoding: Encoding[Any], log: EventLog, request: PredictRequest) -> pd.DataFrame:
        """One row a case: case_id, score, threshold, is_anomaly, severity, p_value, reason.

        At level `event` one row an event; see `_values.py`. With `fdr`, what is flagged is chosen by
        Benjamini and Hochberg over the p-values of this log: flags then depend on its other cases, scores and
        p-values never do. ValidationError for a level that this detector cannot score.
        """
        request = self.task.checked(self, request)
        level = request.level or "case"
        is_unseen = None if request.unseen == "ignore" else _unseen(encoding, log, level, request.unseen)
        largest_p = None if request.fdr is None else self._largest_p(encoding, log, level, request.fdr)
        make = self.case_table if level == "case" else self.event_table
        total = -(-log.n_cases // CHUNK_CASES)
        tables = [
            make(part, data, largest_p) for part, data in track(_chunks(encoding, log), "scoring", total)
        ]
        table = pd.concat(tables, ignore_index=True)
        return table if is_unseen is None else table.assign(**{HAS_UNSEEN: is_unseen})

    def check_request(self, request: PredictRequest) -> None:
        """Also what `level` and `fdr` may be."""
        level, rate = request.level or "case", request.fdr
        if level not in self.levels:
            raise ValidationError(
                f"this detector has no level '{level}', only {' and '.join(self.levels)}",
                hint=f"ask for level {self.levels[0]}",
                context={"level": level, "levels": list(self.levels)},
            )
        if rate is not None and not 0 < rate < 1:
            raise ValidationError(f"the false discovery rate is {rate:g}, but must lie between 0 and 1")

    def answer_form(self, log: EventLog | None, request: PredictRequest) -> Form:
        """A row a case, or an event."""
        is_event = request.level == "event"
        keys = self.event_keys(log) if is_event else columns("text", CASE_ID)
        told = ("attribute", "value", "expected", "reason") if is_event else ("reason",)
        units = 0 if log is None else log.n_events if is_event else log.n_cases
        more = unseen_columns(request.unseen)
        return Form((*keys, *VERDICT, *columns("text", *told), *more), exactly(units))

    def event_keys(self, log: EventLog | None) -> tuple[Column, ...]:
        """The columns that say which event a row of `event_table` is about."""
        return ()

    def case_table(self, log: EventLog, data: Any, largest_p: float | None) -> pd.DataFrame:
        """The predictions for the cases of one chunk; flagged above the threshold, or up to this p-value."""
        found = self.verdicts(self.score(data), "case", largest_p)
        reasons = np.full(len(found), "", dtype=object)
        flagged = np.flatnonzero(found["is_anomaly"])
        if len(flagged):
            reasons[flagged] = list(self.reasons(data, flagged))
        return pd.concat([pd.DataFrame({CASE_ID: log.case_ids}), found.assign(reason=reasons)], axis=1)

    def event_table(self, log: EventLog, data: Any, largest_p: float | None) -> pd.DataFrame:
        """The predictions for the events of one chunk; for detectors whose `levels` hold `event`."""
        raise NotImplementedError

    def verdicts(self, scores: NDArray[np.float64], level: str, largest_p: float | None) -> pd.DataFrame:
        """score, threshold, is_anomaly, severity and p_value of these cases or events."""
        known = self.calibration_[HELD_OUT[level]]
        p = p_values(known, scores)
        if largest_p is None:
            threshold = self.calibration_[THRESHOLDS[level]]
            is_anomaly = scores > threshold
        else:
            threshold = score_limit(known, largest_p)
            is_anomaly = p <= largest_p
        severity = np.where(is_anomaly, severity_words(p), "none")
        return pd.DataFrame(
            {
                "score": scores,
                "threshold": threshold,
                "is_anomaly": is_anomaly,
                "severity": severity,
                "p_value": p,
            }
        )

    def level_scores(self, data: Any, level: str) -> NDArray[np.float64]:
        """The scores of the level's units: (cases,) here; (events,) too for detectors that score events."""
        return self.score(data)

    def _all_scores(self, encoding: Encoding[Any], log: EventLog, level: str = "case") -> NDArray[np.float64]:
        return np.concatenate([self.level_scores(data, level) for _log, data in _chunks(encoding, log)])

    def _largest_p(self, encoding: Encoding[Any], log: EventLog, level: str, rate: float) -> float:
        p = p_values(self.calibration_[HELD_OUT[level]], self._all_scores(encoding, log, level))
        return benjamini_hochberg(p, rate)

    def output_units(self) -> dict[str, str]:
        """Units of the numeric columns."""
        return {
            "score": "higher is more anomalous",
            "threshold": "as score; what lies above it is flagged",
            "p_value": "share of held-out cases (or events) at least as odd",
        }


def severity_words(p: NDArray[np.float64]) -> NDArray[np.object_]:
    """The word of `SEVERITIES` for each p-value."""
    limits = np.array([limit for limit, _word in SEVERITIES])
    return np.array([word for _limit, word in SEVERITIES], dtype=object)[np.searchsorted(limits, p)]


def _unseen(encoding: Encoding[Any], log: EventLog, level: str, choice: str) -> NDArray[np.bool_]:
    """Which cases or events hold what training never saw; LogError when that is to fail."""
    events = unseen_events(encoding, log)
    found = events if level == "event" else np.logical_or.reduceat(events, log.offsets[:-1])
    if choice == "fail" and found.any():
        told = f"{int(found.sum()):,} of {len(found):,} {level}s hold what training never saw"
        raise never_seen(encoding, log, int(np.argmax(events)), told)
    return found


def _chunks(encoding: Encoding[Any], log: EventLog) -> Iterator[tuple[EventLog, Any]]:
    """The log in runs of cases, each with its encoding."""
    for first in range(0, log.n_cases, CHUNK_CASES):
        part = log
        if log.n_cases > CHUNK_CASES:
            part = log.take_cases(np.arange(first, min(first + CHUNK_CASES, log.n_cases)))
        yield part, encoding.transform(part)

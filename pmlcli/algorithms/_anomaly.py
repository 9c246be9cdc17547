"""Anomaly detection: a score a case, a threshold, a p-value, and a reason in process words."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._base import Algorithm, PredictRequest
from pmlcli.algorithms._param import Param
from pmlcli.encoding.base import Encoding
from pmlcli.errors import PredictionError
from pmlcli.evaluation.measurement import Measurement
from pmlcli.evaluation.metrics import auc
from pmlcli.eventlog.deviations import deviate
from pmlcli.eventlog.log import CASE_ID, EventLog
from pmlcli.eventlog.split import Split
from pmlcli.runtime import track

CHUNK_CASES = 4096
"""Cases that are encoded and scored together, to bound the memory; no score depends on it."""
CALIBRATION_POINTS = 1000
MEASURED_CASES = 2000
DEVIATION_SEED = 0
"""Fixed, so that an algorithm and its baseline are measured on the same deviations."""
SEVERITIES = ((0.001, "critical"), (0.01, "high"), (0.05, "medium"), (1.0, "low"))
"""Severity of a flagged case by its p-value (share of held-out cases at least as odd); others: `none`."""


@dataclass(kw_only=True)
class AnomalyDetector(Algorithm):
    """Scores cases: the higher, the less like the training log.

    The threshold is the (1 - contamination) quantile of the training cases' scores. A p-value is the share
    of held-out cases, scored by the same method fitted on the earlier part of the log, that are at least
    as odd; `severity` puts it in words.
    """

    contamination: Annotated[
        float, Param("Share of cases expected to be anomalous; sets the threshold.", gt=0, le=0.5)
    ] = 0.05

    task: ClassVar[str] = "anomaly"
    baseline: ClassVar[str] = "anomaly/variant-frequency"
    recommended: ClassVar[str] = "anomaly/isolation-forest"
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
        """Scores of the test cases by this trial, thinned to quantiles, for p-values."""
        held_out = np.concatenate([self.score(data) for _log, data in _chunks(encoding, split.test)])
        points = np.linspace(0, 1, min(len(held_out), CALIBRATION_POINTS))
        kept = np.quantile(held_out, points, method="closest_observation")
        return {"held_out_scores": kept.tolist(), "held_out_cases": len(held_out)}

    def settle(self, data: Any) -> None:
        """Sets the threshold from the final model's scores of all training cases."""
        threshold = np.quantile(self.score(data), 1 - self.contamination)
        self.calibration_["threshold"] = float(threshold)

    def measure(self, encoding: Encoding[Any], split: Split, log: EventLog) -> Measurement:
        """How well injected deviations are told from the held-out cases that they were made from."""
        test = split.test
        step = -(-test.n_cases // MEASURED_CASES)
        test = test if step == 1 else test.take_cases(np.arange(0, test.n_cases, step))
        deviant = deviate(test, DEVIATION_SEED).log
        before = np.concatenate([self.score(data) for _log, data in _chunks(encoding, test)])
        after = np.concatenate([self.score(data) for _log, data in _chunks(encoding, deviant)])

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

    def predict(self, encoding: Encoding[Any], log: EventLog, request: PredictRequest) -> pd.DataFrame:
        """One row a case: case_id, score, threshold, is_anomaly, severity, p_value, reason.

        PredictionError for a level that this detector cannot score.
        """
        level = request.level or "case"
        if level not in self.levels:
            raise PredictionError(
                f"this detector has no level '{level}', only {' and '.join(self.levels)}",
                hint=f"use --level {self.levels[0]}",
                context={"level": level, "levels": list(self.levels)},
            )
        make = self.case_table if level == "case" else self.event_table
        total = -(-log.n_cases // CHUNK_CASES)
        tables = [make(part, data) for part, data in track(_chunks(encoding, log), "scoring", total)]
        return pd.concat(tables, ignore_index=True)

    def case_table(self, log: EventLog, data: Any) -> pd.DataFrame:
        """The predictions for the cases of one chunk."""
        scores = self.score(data)
        threshold = self.calibration_["threshold"]
        is_anomaly = scores > threshold
        p_values = self.p_values(scores)
        flagged = np.flatnonzero(is_anomaly)
        reasons = np.full(len(scores), "", dtype=object)
        if len(flagged):
            reasons[flagged] = list(self.reasons(data, flagged))
        return pd.DataFrame(
            {
                CASE_ID: log.case_ids,
                "score": scores,
                "threshold": threshold,
                "is_anomaly": is_anomaly,
                "severity": np.where(is_anomaly, severity_words(p_values), "none"),
                "p_value": p_values,
                "reason": reasons,
            }
        )

    def event_table(self, log: EventLog, data: Any) -> pd.DataFrame:
        """The predictions for the events of one chunk; for detectors whose `levels` hold `event`."""
        raise NotImplementedError

    def p_values(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of held-out cases that score at least as high, the case itself counted in; never zero."""
        kept = np.asarray(self.calibration_["held_out_scores"])
        cases = self.calibration_["held_out_cases"]
        as_odd = (len(kept) - np.searchsorted(kept, scores, side="left")) / len(kept)
        return np.asarray((1 + np.round(as_odd * cases)) / (1 + cases))

    def output_units(self) -> dict[str, str]:
        """Units of the numeric columns."""
        return {
            "score": "higher is more anomalous",
            "threshold": "as score; a case above it is flagged",
            "p_value": "share of held-out cases at least as odd",
        }


def severity_words(p_values: NDArray[np.float64]) -> NDArray[np.object_]:
    """The word of `SEVERITIES` for each p-value."""
    limits = np.array([limit for limit, _word in SEVERITIES])
    return np.array([word for _limit, word in SEVERITIES], dtype=object)[np.searchsorted(limits, p_values)]


def _chunks(encoding: Encoding[Any], log: EventLog) -> Iterator[tuple[EventLog, Any]]:
    """The log in runs of cases, each with its encoding."""
    for first in range(0, log.n_cases, CHUNK_CASES):
        part = log
        if log.n_cases > CHUNK_CASES:
            part = log.take_cases(np.arange(first, min(first + CHUNK_CASES, log.n_cases)))
        yield part, encoding.transform(part)

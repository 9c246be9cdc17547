"""The table of what is flagged: thresholds, p-values, severity, and the words for what stands out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.form import Column, columns
from pmlcli.algorithms._interface.task import Calibration
from pmlcli.algorithms.anomaly._judgement import Judgement
from pmlcli.arrays import Codes, Floats
from pmlcli.evaluation.conformal import benjamini_hochberg, p_values, score_limit
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, TIMESTAMP, EventLog

THRESHOLDS = {"case": "threshold", "event": "event_threshold"}
HELD_OUT = {"case": "held_out", "event": "held_out_events"}
"""Where the calibration keeps what belongs to each level."""
VERDICT = (
    *columns("number", "score", "threshold"),
    *columns("flag", "is_anomaly"),
    *columns("text", "severity"),
    *columns("number", "p_value"),
)
WORDS = {"case": ("reason",), "event": ("attribute", "value", "expected", "reason")}
"""The columns of each level that say why a unit is flagged; empty for the others."""
SEVERITIES = ((0.001, "critical"), (0.01, "high"), (0.05, "medium"), (1.0, "low"))
"""Severity of a flagged case by its p-value (share of held-out cases at least as odd); others: `none`."""


WHOLE_PERCENTS = 0.0995
"""Smaller shares are said with two digits."""

SEVERITY_WORDS = tuple(word for _limit, word in reversed(SEVERITIES))
"""The same words, the least severe first."""


@dataclass(frozen=True)
class Flags:
    """What is flagged at a level: scores above the threshold or, with a false discovery rate, what Benjamini
    and Hochberg choose of all units.
    """

    calibration: Calibration
    level: str
    rate: float | None = None

    def possible(self, scores: Floats) -> Codes:
        """Positions of the units that may be flagged, whatever the others score."""
        if self.rate is None:
            return np.flatnonzero(scores > self.calibration[THRESHOLDS[self.level]])
        return np.flatnonzero(p_values(self.calibration[HELD_OUT[self.level]], scores) <= self.rate)

    def verdicts(self, scores: Floats) -> pd.DataFrame:
        """score, threshold, is_anomaly, severity and p_value of all cases or events."""
        known = self.calibration[HELD_OUT[self.level]]
        p = p_values(known, scores)
        if self.rate is None:
            threshold = self.calibration[THRESHOLDS[self.level]]
            is_anomaly = scores > threshold
        else:
            largest_p = benjamini_hochberg(p, self.rate)
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


def severity_words(p: Floats) -> NDArray[np.object_]:
    """The word of `SEVERITIES` for each p-value."""
    limits = np.array([limit for limit, _word in SEVERITIES])
    return np.array([word for _limit, word in SEVERITIES], dtype=object)[np.searchsorted(limits, p)]


def table_of(log: EventLog, judgements: Iterable[Judgement], flags: Flags) -> pd.DataFrame:
    """The predictions for a log that is judged in runs of cases, each of them once.

    Which units a false discovery rate flags is known only after the last run; words are had beforehand for
    all that it may flag.
    """
    level = flags.level
    scores, texts = [], []
    for judgement in judgements:
        scores.append(judgement.scores(level))
        texts.append(_texts(judgement, level, flags.possible(scores[-1]), len(scores[-1])))
    found = flags.verdicts(np.concatenate(scores))
    for place, name in enumerate(WORDS[level]):
        found[name] = np.where(found["is_anomaly"], np.concatenate([one[place] for one in texts]), "")
    return pd.concat([_keys(log, level), found], axis=1)


def _texts(judgement: Judgement, level: str, possible: Codes, units: int) -> list[NDArray[np.object_]]:
    """The words of these of a run's units, an array of all units by column of `WORDS`."""
    told = judgement.words(level, possible) if len(possible) else dict.fromkeys(WORDS[level], ())
    found = [np.full(units, "", dtype=object) for _name in WORDS[level]]
    for texts, name in zip(found, WORDS[level], strict=True):
        texts[possible] = list(told[name])
    return found


def _keys(log: EventLog, level: str) -> pd.DataFrame:
    if level == "case":
        return pd.DataFrame({CASE_ID: log.case_ids})
    keys = {CASE_ID: log.frame[CASE_ID], "event_index": log.position, ACTIVITY: log.frame[ACTIVITY]}
    return pd.DataFrame(keys if log.times is None else keys | {TIMESTAMP: log.frame[TIMESTAMP]})


def event_keys(log: EventLog | None) -> tuple[Column, ...]:
    """The case, the event's position in it, its activity, and its time where the log has times."""
    times = columns("time", TIMESTAMP) if log is not None and log.times is not None else ()
    return (*columns("text", CASE_ID), *columns("number", "event_index"), *columns("text", ACTIVITY), *times)


def standing_out_words(share: float, low: float, high: float) -> str:
    """How many training cases stand out: `about 9 % of cases stand out (6 to 12 %)`."""
    if not share:
        return "no case stands out; what scores above all of this log is flagged"
    return f"about {_percent(share)} % of cases stand out ({_percent(low)} to {_percent(high)} %)"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= WHOLE_PERCENTS else f"{100 * share:.2g}"

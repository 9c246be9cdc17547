"""Scores of several detectors on one scale: p-values with a tail, weights by agreement, their combination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pmlcli.algorithms.anomaly._judgement import CaseJudgement, Judgement
from pmlcli.arrays import Codes, Floats
from pmlcli.evaluation.conformal import p_values

TAIL = 0.1
"""The share of the highest held-out scores from which the tail's slope is learned."""
SMALLEST = 1e-200
TOP = 0.1
LEAD = 3.0
"""How many times the recommended detector counts; chosen on logs with deviations of our own."""
LEAST_AGREEMENT = 0.02
"""A detector that agrees with none of the others counts as if it shared so much with them."""


def tail_p_values(calibration: dict[str, Any], scores: Floats) -> Floats:
    """Conformal p-values, continued beyond the highest held-out score by an exponential.

    Without the tail all scores above the highest would be equally odd, and their order lost.
    """
    kept = np.asarray(calibration["scores"], dtype=np.float64)
    top = kept[np.asarray(calibration["at_least"]) <= max(TAIL * calibration["count"], 1)]
    slope = float(np.mean(top - top[0])) if len(top) > 1 else 0.0
    beyond = np.maximum(scores - kept[-1], 0.0) / (slope or abs(float(kept[-1])) or 1.0)
    return np.asarray(np.clip(p_values(calibration, scores) * np.exp(-beyond), SMALLEST, 1.0))


def case_scores(judged: Sequence[Judgement]) -> Floats:
    """What the detectors find of the same cases, (cases, detectors)."""
    return np.column_stack([one.scores("case") for one in judged])


def reasons_of(judged: Sequence[Judgement], which: Codes, flagged: Codes) -> list[str]:
    """The reason of each flagged case by the detector at this place among those that judged."""
    told = np.full(len(flagged), "", dtype=object)
    for place in np.unique(which).tolist():
        mine = np.flatnonzero(which == place)
        told[mine] = list(judged[place].words("case", flagged[mine])["reason"])
    return [str(text) for text in told]


def agreement(scores: Floats) -> Floats:
    """Weights of the columns, their sum one: how much of its oddest tenth of the cases a column shares with
    the others', beyond chance, squared; never quite zero.
    """
    cases, columns = scores.shape
    if columns == 1:
        return np.ones(1)
    oddest = np.zeros((cases, columns))
    count = max(round(cases * TOP), 1)
    for place, column in enumerate(scores.T):
        oddest[np.argsort(-column, kind="stable")[:count], place] = 1.0
    shared = oddest.T @ oddest / count
    np.fill_diagonal(shared, 0.0)
    beyond = shared.sum(axis=0) / (columns - 1) - count / cases
    weights = np.maximum(beyond, LEAST_AGREEMENT) ** 2
    return np.asarray(weights / weights.sum())


def weighed(scores: Floats, leads: Sequence[bool]) -> Floats:
    """Weights of the columns by `agreement`, those that lead times `LEAD`; their sum one."""
    weights = agreement(scores) * np.where(leads, LEAD, 1.0)
    return np.asarray(weights / weights.sum())


def joint_surprise(p: Floats, weights: Floats) -> Floats:
    """-log of the weighted geometric mean of p-values, (cases, detectors) to (cases,); Good (1955)."""
    total = np.zeros(len(p))
    for column, weight in zip(p.T, weights.tolist(), strict=True):
        total = total - weight * np.log(column)
    return total


@dataclass(frozen=True)
class Weighing:
    """How scores of several detectors make one: a scale of each, for `tail_p_values`, and its weight."""

    scales: Sequence[dict[str, Any]]
    weights: Floats

    def joint(self, scores: Floats) -> Floats:
        """One score a case of (cases, detectors)."""
        return joint_surprise(self._p_values(scores), self.weights)

    def judgement(self, judged: Sequence[Judgement]) -> CaseJudgement:
        """Of the same cases; the reason is that of the detector that adds most to the score."""
        scores = case_scores(judged)

        def reasons(flagged: Codes) -> list[str]:
            p = self._p_values(scores[flagged])
            return reasons_of(judged, (np.log(p) * self.weights).argmin(axis=1), flagged)

        return CaseJudgement(self.joint(scores), reasons)

    def _p_values(self, scores: Floats) -> Floats:
        pairs = zip(self.scales, scores.T, strict=True)
        return np.column_stack([tail_p_values(scale, column) for scale, column in pairs])

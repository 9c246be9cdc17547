"""Logistic regression: weights for counts, last events, times and attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.calibration import softmax
from pmlcli.algorithms.outcome._rows import ASKED_ROWS, Lessons, held_out_parts, lessons
from pmlcli.algorithms.outcome._scales import log_loss
from pmlcli.algorithms.outcome._task import OutcomePredictor
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.table import tabulate
from pmlcli.encoding.outcome.encoding import OutcomePrefixes

CHOICES = (1e-3, 1e-2, 1e-1)


@dataclass(kw_only=True)
class Logistic(OutcomePredictor):
    """Each standardised feature of a prefix adds to the log-odds of each outcome. Long cases count no more
    than short ones. Held-out cases choose the strength of regularisation.
    """

    source: ClassVar[str] = "Teinemaa et al. (2019), Outcome-oriented predictive process monitoring, TKDD 13"

    strength_of_fit: Annotated[
        float | None, Param("C, the inverse of the penalty; none: chosen on held-out cases.", gt=0)
    ] = None

    chosen_: float = field(init=False, repr=False)
    middle_: Floats = field(init=False, repr=False)
    spread_: Floats = field(init=False, repr=False)
    low_: Floats = field(init=False, repr=False)
    high_: Floats = field(init=False, repr=False)
    """Least and largest of each column in training; beyond them nothing is known of its weight."""
    weights_: Floats = field(init=False, repr=False)
    """(columns + 1, classes), the constant last."""

    def fit(self, data: OutcomePrefixes) -> None:
        """Chooses the penalty, then learns from all prefixes that count."""
        taught = lessons(data)
        table = tabulate(data, taught.rows, "one-hot")
        self.chosen_ = self.strength_of_fit or self._choose(data, taught, table)
        self._learn(table, taught.target, taught.weights, data.n_classes)

    def refit(self, data: OutcomePrefixes, trial: Self) -> None:
        """Learns from all, with the penalty that the trial chose."""
        taught = lessons(data)
        self.chosen_ = trial.chosen_
        table = tabulate(data, taught.rows, "one-hot")
        self._learn(table, taught.target, taught.weights, data.n_classes)

    def _choose(self, data: OutcomePrefixes, taught: Lessons, table: NDArray[np.float32]) -> float:
        losses, target, weights = np.zeros(len(CHOICES)), taught.target, taught.weights
        for late in held_out_parts(data, taught):
            for place, self.chosen_ in enumerate(CHOICES):
                self._learn(table[~late], target[~late], weights[~late], data.n_classes)
                losses[place] += log_loss(self._shares(table[late]), target[late], weights[late])
        return CHOICES[int(losses.argmin())]

    def _learn(self, table: NDArray[np.float32], target: Codes, weights: Floats, n_classes: int) -> None:
        self.middle_ = table.mean(axis=0, dtype=np.float64)
        self.low_, self.high_ = (table.min(axis=0).astype(np.float64), table.max(axis=0).astype(np.float64))
        spread = table.std(axis=0, dtype=np.float64)
        self.spread_ = np.where(spread > 0, spread, 1.0)
        rows = (table - self.middle_) / self.spread_
        fitted = LogisticRegression(C=self.chosen_, max_iter=300).fit(rows, target, weights)
        both = np.column_stack([fitted.coef_, fitted.intercept_]).T
        self.weights_ = np.zeros((table.shape[1] + 1, n_classes))
        # Of two classes scikit-learn gives one column; of a class that no row has, none.
        self.weights_[-1] = -np.inf
        self.weights_[-1, fitted.classes_] = 0.0
        self.weights_[:, fitted.classes_[-both.shape[1] :]] = both

    def _shares(self, table: NDArray[np.float32]) -> Floats:
        """Softmax of the weighted sums, (rows, classes), column by column: one order for any company."""
        logits = np.tile(self.weights_[-1], (len(table), 1))
        table = np.clip(table, self.low_, self.high_)
        for column, middle, spread, weights in zip(
            table.T, self.middle_, self.spread_, self.weights_, strict=False
        ):
            if weights.any():
                logits += ((column - middle) / spread)[:, None] * weights
        return softmax(logits)

    def probabilities(self, data: OutcomePrefixes, rows: Codes) -> Floats:
        """The shares of each outcome, some prefixes at a time."""
        parts: Iterator[Codes] = (rows[at : at + ASKED_ROWS] for at in range(0, len(rows), ASKED_ROWS))
        found = [self._shares(tabulate(data, part, "one-hot")) for part in parts]
        return np.concatenate([np.zeros((0, data.n_classes)), *found])

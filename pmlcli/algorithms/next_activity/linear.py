"""Logistic regression: weights for the last activities, counts, times, resource and attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.parameters import LearningRate, MostRows, Recency
from pmlcli.algorithms._learning.calibration import softmax
from pmlcli.algorithms._learning.recency import recencies, recency_weights
from pmlcli.algorithms._learning.validation import latest_rows
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.algorithms.next_activity._tokens import Steps, fit_weights, tokens
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.sequences import targets
from pmlcli.encoding.vocabulary import FIRST_CODE


@dataclass(kw_only=True)
class Linear(NextActivityPredictor[Prefixes]):
    """Every feature of a prefix adds to the log-odds of each next activity: its last one to five activities
    in a row, how often each activity occurred, position, times, resource and attributes, alone and together
    with the last activity. Features are hashed into a table of fixed size.
    """

    source: ClassVar[str] = (
        "Weinberger et al. (2009), Feature hashing for large scale multitask learning, ICML; "
        "Duchi, Hazan and Singer (2011), Adaptive subgradient methods for online learning, JMLR 12"
    )

    recency: Recency = "auto"
    bits: Annotated[int, Param("The feature table has 2 to the power of this many entries.", ge=8, le=22)] = (
        15
    )
    epochs: Annotated[int, Param("Passes over the training part.", ge=1, le=1_000, unit="epochs")] = 6
    learning_rate: LearningRate = 0.05
    most_rows: MostRows = 150_000

    recency_: str = field(init=False, repr=False)
    weights_: NDArray[np.float32] = field(init=False, repr=False)
    """(places + 1, classes), the constant last."""

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def fit_held_out(self, data: Prefixes) -> None:
        """Learns from the earlier cases, with the `recency` that predicts the others better."""
        is_late = latest_rows(data, data.offsets[:-1])
        early, late = (data.take(np.flatnonzero(side)) for side in (~is_late, is_late))
        tried = {}
        for recency in recencies(self.recency):
            self.recency_ = recency
            self._learn(early)
            tried[recency] = self._loss(late), self.weights_
        self.recency_ = min(tried, key=lambda recency: tried[recency][0])
        self.weights_ = tried[self.recency_][1]

    def fit(self, data: Prefixes) -> None:
        """Chooses `recency` on the latest cases, if it is to, then learns from all."""
        if self.recency == "auto":
            self.fit_held_out(data)
        else:
            self.recency_ = self.recency
        self._learn(data)

    def refit(self, data: Prefixes, trial: Self) -> None:
        """Learns from all, with the `recency` that was best for `trial`."""
        self.recency_ = trial.recency_
        self._learn(data)

    def probabilities(self, data: Prefixes) -> NDArray[np.float64]:
        """Softmax of the sums of weights; place by place, so that company changes nothing."""
        logits = np.tile(self.weights_[-1].astype(np.float64), (data.n_events, 1))
        for places in tokens(data, self.bits):
            logits += self.weights_[places]
        logits[:, :FIRST_CODE] = -np.inf
        return softmax(logits)

    def _learn(self, data: Prefixes) -> None:
        following = targets(data)
        rows = np.flatnonzero(following >= FIRST_CODE)[-self.most_rows :]
        weights = recency_weights(data, self.recency_)[rows]
        self.weights_ = fit_weights(
            [places[rows] for places in tokens(data, self.bits)], following[rows], weights,
            (2**self.bits, data.end_class + 1), Steps(self.epochs, self.learning_rate, self.seed),
        )  # fmt: skip

    def _loss(self, data: Prefixes) -> float:
        following = targets(data)
        rows = np.flatnonzero(following >= FIRST_CODE)
        shares = self.probabilities(data)[rows, following[rows]]
        return float(-np.log(np.maximum(shares, 1e-12)).sum())

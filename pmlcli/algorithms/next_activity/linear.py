"""Logistic regression on what happened last, how often, when, by whom and with which attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._calibration import softmax
from pmlcli.algorithms._next_activity import NextActivityPredictor, late_cases, targets
from pmlcli.algorithms._param import Param
from pmlcli.algorithms._tokens import MEMORIES, fit_weights, memory_weights, tokens
from pmlcli.encoding.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.vocabulary import FIRST_CODE


@dataclass(kw_only=True)
class Linear(NextActivityPredictor):
    """Every fact of a prefix adds to the log-odds of each next activity: its last one to five activities in a
    row, how often each activity occurred, position, times, resource and attributes, alone and together
    with the last activity. Each fact has a place in a table of fixed size, found by hashing.
    """

    source: ClassVar[str] = (
        "Weinberger et al. (2009), Feature hashing for large scale multitask learning, ICML; "
        "Agarwal, Chapelle, Dudik and Langford (2014), A reliable effective terascale linear learning system"
    )

    bits: Annotated[int, Param("The table has 2 to the power of so many places.", ge=8, le=22)] = 15
    penalty: Annotated[float, Param("How strongly weights are held small.", gt=0)] = 1.0
    iterations: Annotated[int, Param("Most steps of the optimiser.", ge=1, le=10_000)] = 60
    most_rows: Annotated[int, Param("Prefixes learned from, the latest.", ge=100)] = 150_000

    memory_: str = field(init=False, repr=False)
    weights_: NDArray[np.float32] = field(init=False, repr=False)
    """(places + 1, classes), the constant last."""

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def rehearse(self, data: Prefixes) -> None:
        """Learns from the earlier cases, with the memory that predicts the others better."""
        is_late = late_cases(data)
        early, late = (data.take(np.flatnonzero(side)) for side in (~is_late, is_late))
        tried = {}
        for self.memory_ in MEMORIES:
            self._learn(early)
            tried[self.memory_] = self._loss(late), self.weights_
        self.memory_ = min(MEMORIES, key=lambda memory: tried[memory][0])
        self.weights_ = tried[self.memory_][1]

    def fit(self, data: Prefixes) -> None:
        """Chooses the memory on the latest cases, then learns from all."""
        self.rehearse(data)
        self._learn(data)

    def refit(self, data: Prefixes, trial: Self) -> None:
        """Learns from all, with the memory that was best for `trial`."""
        self.memory_ = trial.memory_
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
        weights = memory_weights(data, self.memory_)[rows]
        self.weights_ = fit_weights(
            [places[rows] for places in tokens(data, self.bits)], following[rows], weights,
            (2**self.bits, data.end_class + 1), penalty=self.penalty, iterations=self.iterations,
        )  # fmt: skip

    def _loss(self, data: Prefixes) -> float:
        following = targets(data)
        rows = np.flatnonzero(following >= FIRST_CODE)
        shares = self.probabilities(data)[rows, following[rows]]
        return float(-np.log(np.maximum(shares, 1e-12)).sum())

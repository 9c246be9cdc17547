"""Medoid: the most typical suffix of training cases with the same activities so far (baseline)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.suffix._contexts import Contexts, context_keys, learn_contexts
from pmlcli.algorithms.suffix._continuations import Continuations
from pmlcli.algorithms.suffix._task import SuffixPredictor
from pmlcli.arrays import Codes
from pmlcli.encoding.events.sequences import SequenceEncoding, Sequences


@dataclass(kw_only=True)
class Medoid(SuffixPredictor[Sequences]):
    """Looks up how training cases continued after the same activities: all of them since the start of the
    case if enough cases began this way, else the last few, else fewer. Of the most common continuations it
    takes the one with the highest expected similarity.
    """

    source: ClassVar[str] = (
        "Kaufman and Rousseeuw (1987), Clustering by means of medoids; Katz (1987), Estimation of "
        "probabilities from sparse data for the language model component of a speech recognizer"
    )

    order: Annotated[
        int, Param("Maximum number of last activities in a context.", ge=1, le=30, unit="activities")
    ] = 6
    examples: Annotated[int, Param("Fewest training cases with the same activities.", ge=1, unit="cases")] = (
        10
    )
    candidates: Annotated[
        int, Param("How many of the most common continuations to compare.", ge=1, le=200)
    ] = 15

    contexts_: Contexts = field(init=False, repr=False)

    def make_encoding(self) -> SequenceEncoding:
        """Whole traces as sequences."""
        return SequenceEncoding()

    def fit(self, data: Sequences) -> None:
        """Counts the continuations of every context of the finished cases."""
        self.contexts_ = learn_contexts(data, self.order, self.examples, self.candidates)

    def continuations(self, data: Sequences, rows: Codes) -> Continuations:
        """Those of the longest context that is known."""
        return self.contexts_.find([keys[rows] for keys in context_keys(data, self.order)])

    def state(self) -> dict[str, NDArray[np.int64]]:
        """The contexts' arrays."""
        return self.contexts_.state()

    def restore(self, state: dict[str, NDArray[np.int64]]) -> None:
        """The inverse of `state`."""
        self.contexts_ = Contexts.from_state(state, self.candidates)

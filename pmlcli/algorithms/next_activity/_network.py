"""Networks that say after every event of a trace what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.neural import (
    Batch,
    NeuralAlgorithm,
    Samples,
    answers_by_event,
    padded,
    padded_rows,
)
from pmlcli.algorithms._learning.sequence_network import network_sizes, prefix_inputs
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.sequences import NO_TARGET, known_targets
from pmlcli.encoding.vocabulary import MISSING_CODE, UNSEEN_CODE


@dataclass(kw_only=True)
class NextActivityNetwork(NeuralAlgorithm, NextActivityPredictor):
    """Reads activity, resource, times and attributes of all events so far; its file says how."""

    learns_from_all: ClassVar[bool] = True
    most_read: ClassVar[int | None] = 300_000

    units: Annotated[int, Param("Width of the hidden layer.", ge=1, le=4096)] = 64
    embedding: Annotated[int, Param("Numbers that stand for a code, at most.", ge=1, le=1024)] = 32
    patience: Annotated[int, Param("Passes without progress before stopping.", ge=1, unit="epochs")] = 3
    dropout: Annotated[float, Param("Share of inputs and units silenced in training.", ge=0, lt=1)] = 0.1

    def make_encoding(self) -> PrefixEncoding:
        """Whole traces with their attributes."""
        return PrefixEncoding()

    def sizes(self, data: Prefixes) -> Sizes:
        """Widths and the numbers of codes."""
        own = {"units": self.units, "embedding": self.embedding, "outputs": data.end_class + 1}
        return Sizes(own) | network_sizes(data)

    def samples(self, data: Prefixes) -> Samples:
        """One sample a case."""
        inputs, target = prefix_inputs(data), padded(known_targets(data), NO_TARGET)

        def batch(cases: NDArray[np.int64]) -> Batch:
            rows = padded_rows(data.offsets, cases)
            return (*inputs(rows), target(rows))

        return Samples(data.lengths, data.starts, batch)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross entropy of each position that has a target."""
        codes, numbers, target = batch
        logits = _possible(network(codes, numbers)).transpose(1, 2)
        each = functional.cross_entropy(logits, target, ignore_index=NO_TARGET, reduction="none")
        return each.sum(dim=1), (target != NO_TARGET).sum(dim=1)

    def probabilities(self, data: Prefixes) -> NDArray[np.float64]:
        """Softmax of the network's answers, in double precision."""
        inputs, found = prefix_inputs(data), np.zeros((data.n_events, data.end_class + 1))
        with self.answering() as network:

            def logits(rows: NDArray[np.int64]) -> Tensor:
                codes, numbers = inputs(rows)
                return _possible(network(codes, numbers.double()))

            for events, said in answers_by_event(data, np.arange(data.n_cases), logits):
                found[events] = functional.softmax(said, dim=-1).numpy()
        return found


def _possible(logits: Tensor) -> Tensor:
    """What is unseen or missing never comes next."""
    return logits.index_fill(-1, torch.tensor([UNSEEN_CODE, MISSING_CODE]), float("-inf"))

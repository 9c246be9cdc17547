"""A small recurrent network over whole traces with attributes: how a case will end, after each event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._interface.parameters import Dropout, Embedding, HiddenSize, Recency
from pmlcli.algorithms._learning.calibration import softmax
from pmlcli.algorithms._learning.neural import (
    Batch,
    NeuralAlgorithm,
    Samples,
    answers_by_event,
    padded,
    padded_rows,
)
from pmlcli.algorithms._learning.sequence_network import PrefixNetwork, network_sizes, prefix_inputs
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.outcome._rows import counted_rows
from pmlcli.algorithms.outcome._task import OutcomePredictor
from pmlcli.encoding.outcome.encoding import UNKNOWN, OutcomePrefixes


@dataclass(kw_only=True)
class Gru(NeuralAlgorithm[OutcomePrefixes], OutcomePredictor):
    """A gated recurrent unit reads activity, resource, times and attributes of a case event by event, and
    says after each how the case will end; what it says once that is settled does not count.
    """

    source: ClassVar[str] = (
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, EMNLP"
    )

    most_read = 300_000
    hidden_size: HiddenSize = 64
    embedding: Embedding = 16
    dropout: Dropout = 0.3
    recency: Recency = "off"

    def sizes(self, data: OutcomePrefixes) -> Sizes:
        """Widths and the numbers of codes."""
        own = {"hidden_size": self.hidden_size, "embedding": self.embedding, "outputs": data.n_classes}
        return Sizes(own) | network_sizes(data)

    def make_network(self, sizes: Sizes) -> nn.Module:
        """Embeddings, one recurrent layer, one linear layer."""
        return PrefixNetwork(sizes, self.dropout)

    def fit(self, data: OutcomePrefixes) -> None:
        """Learns from the cases that have a prefix that counts."""
        super().fit(_taught(data))

    def refit(self, data: OutcomePrefixes, trial: Self) -> None:
        """Learns from all such cases."""
        super().refit(_taught(data), trial)

    def samples(self, data: OutcomePrefixes) -> Samples:
        """One sample a case."""
        target = np.where(data.is_counted, data.target_of_event, UNKNOWN)
        inputs, targets = prefix_inputs(data), padded(target, UNKNOWN)

        def batch(cases: NDArray[np.int64]) -> Batch:
            rows = padded_rows(data.offsets, cases)
            return (*inputs(rows), targets(rows))

        return Samples(data.lengths, data.starts, batch)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross entropy of each prefix that counts."""
        codes, numbers, target = batch
        logits = network(codes, numbers).transpose(1, 2)
        each = functional.cross_entropy(logits, target, ignore_index=UNKNOWN, reduction="none")
        return each.sum(dim=1), (target != UNKNOWN).sum(dim=1)

    def probabilities(self, data: OutcomePrefixes, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Softmax of what the network says after each of these events, in double precision."""
        inputs, found = prefix_inputs(data), np.zeros((data.n_events, data.n_classes))
        cases = np.unique(data.case_of_event[rows])
        with self.answering() as network:

            def logits(events: NDArray[np.int64]) -> Tensor:
                codes, numbers = inputs(events)
                said: Tensor = network(codes, numbers.double())
                return said

            for events, said in answers_by_event(data, cases, logits):
                found[events] = said.numpy()
        return softmax(found[rows])


def _taught(data: OutcomePrefixes) -> OutcomePrefixes:
    return data.take(np.unique(data.case_of_event[counted_rows(data)]))

"""A small recurrent network over whole traces: activity, resource, times and attributes of all events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._interface.parameters import Dropout, Embedding, HiddenSize, Patience
from pmlcli.algorithms._learning.neural import Batch, NeuralAlgorithm, Samples
from pmlcli.algorithms._learning.sequence_network import Reader
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.next_activity._network import (
    MOST_READ,
    cross_entropy,
    samples_of,
    shares_of,
    sizes_for,
)
from pmlcli.algorithms.next_activity._pieces import whole_cases
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes


class _Network(Reader):
    """Codes and numbers of events to (cases, steps, outputs) logits; step t sees steps 0..t alone."""

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        logits: Tensor = self.output(self.read(codes, numbers))
        return logits


@dataclass(kw_only=True)
class Gru(NeuralAlgorithm[Prefixes], NextActivityPredictor[Prefixes]):
    """A gated recurrent unit reads a case event by event and says after each what comes next."""

    source: ClassVar[str] = (
        "Tax, Verenich, La Rosa and Dumas (2017), Predictive business process monitoring with LSTM networks; "
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder"
    )
    learns_from_all: ClassVar[bool] = True
    most_read: ClassVar[int | None] = MOST_READ

    hidden_size: HiddenSize = 64
    embedding: Embedding = 32
    patience: Patience = 3
    dropout: Dropout = 0.1

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def sizes(self, data: Prefixes) -> Sizes:
        """Widths and the numbers of codes."""
        return sizes_for(data, hidden_size=self.hidden_size, embedding=self.embedding)

    def make_network(self, sizes: Sizes) -> nn.Module:
        """Embeddings, one recurrent layer, one linear layer."""
        return _Network(sizes, self.dropout)

    def samples(self, data: Prefixes) -> Samples:
        """One sample a case."""
        return samples_of(data, whole_cases(data))

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross entropy of each position that has a target."""
        return cross_entropy(network, batch)

    def probabilities(self, data: Prefixes) -> NDArray[np.float64]:
        """Softmax of the network's answers, in double precision."""
        with self.answering() as network:
            return shares_of(network, data, whole_cases(data))

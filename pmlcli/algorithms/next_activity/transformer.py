"""A small network with attention over whole traces, which looks back and never ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._interface.parameters import Dropout, Embedding, Heads, HiddenSize, Layers, Patience
from pmlcli.algorithms._learning.neural import Batch, NeuralAlgorithm, Samples
from pmlcli.algorithms._learning.sequence_network import Events
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.next_activity._attention import AttentionLayer
from pmlcli.algorithms.next_activity._network import (
    MOST_READ,
    cross_entropy,
    samples_of,
    shares_of,
    sizes_for,
)
from pmlcli.algorithms.next_activity._pieces import cut_cases
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.errors import ValidationError


class _Network(nn.Module):
    """Codes and numbers of events to (cases, steps, outputs) logits; step t sees steps 0..t alone."""

    def __init__(self, sizes: Sizes, dropout: float) -> None:
        super().__init__()
        self.events = Events(sizes)
        self.enter = nn.Linear(self.events.width, sizes["hidden_size"])
        self.layers = nn.Sequential(
            *(AttentionLayer(sizes["hidden_size"], sizes["heads"], dropout) for _ in range(sizes["layers"]))
        )
        self.norm, self.output = (
            nn.LayerNorm(sizes["hidden_size"]),
            nn.Linear(sizes["hidden_size"], sizes["outputs"]),
        )

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        logits: Tensor = self.output(self.norm(self.layers(self.enter(self.events(codes, numbers)))))
        return logits


@dataclass(kw_only=True)
class Transformer(NeuralAlgorithm[Prefixes], NextActivityPredictor[Prefixes]):
    """Attention: each event is read beside all earlier ones of its case, near ones apart from far ones, and
    says what comes next. Of a case of more than 256 events at least the last 128 are read.
    """

    source: ClassVar[str] = (
        "Bukhsh, Saeed and Dijkman (2021), ProcessTransformer: Predictive business process monitoring with "
        "transformer network; Vaswani et al. (2017), Attention is all you need"
    )
    learns_from_all: ClassVar[bool] = True
    most_read: ClassVar[int | None] = MOST_READ

    hidden_size: HiddenSize = 64
    embedding: Embedding = 32
    patience: Patience = 3
    dropout: Dropout = 0.1
    layers: Layers = 2
    heads: Heads = 4

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def sizes(self, data: Prefixes) -> Sizes:
        """Widths, layers, heads and the numbers of codes; ValidationError for heads that do not fit."""
        if self.hidden_size % self.heads:
            raise ValidationError(
                f"hidden_size is {self.hidden_size}, which {self.heads} heads do not divide",
                hint=f"hidden_size={self.hidden_size // self.heads * self.heads or self.heads}, say",
                context={"parameter": "hidden_size"},
            )
        own = sizes_for(data, hidden_size=self.hidden_size, embedding=self.embedding)
        return own | Sizes({"layers": self.layers, "heads": self.heads})

    def make_network(self, sizes: Sizes) -> nn.Module:
        """Embeddings, layers of attention, one linear layer."""
        return _Network(sizes, self.dropout)

    def samples(self, data: Prefixes) -> Samples:
        """One sample a case, or a piece of a long one."""
        return samples_of(data, cut_cases(data))

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross entropy of each position that has a target."""
        return cross_entropy(network, batch)

    def probabilities(self, data: Prefixes) -> NDArray[np.float64]:
        """Softmax of the network's answers, in double precision."""
        with self.answering() as network:
            return shares_of(network, data, cut_cases(data))

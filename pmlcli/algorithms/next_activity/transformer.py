"""A small network with attention over whole traces, which looks back and never ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.neural import Batch, NeuralAlgorithm, Samples
from pmlcli.algorithms._learning.sequence_network import Events
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.next_activity._attention import AttentionLayer
from pmlcli.algorithms.next_activity._network import (
    MOST_READ,
    Dropout,
    Embedding,
    Patience,
    Units,
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
        self.enter = nn.Linear(self.events.width, sizes["units"])
        self.layers = nn.Sequential(
            *(AttentionLayer(sizes["units"], sizes["heads"], dropout) for _ in range(sizes["layers"]))
        )
        self.calm, self.output = nn.LayerNorm(sizes["units"]), nn.Linear(sizes["units"], sizes["outputs"])

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        logits: Tensor = self.output(self.calm(self.layers(self.enter(self.events(codes, numbers)))))
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

    units: Units = 64
    embedding: Embedding = 32
    patience: Patience = 3
    dropout: Dropout = 0.1
    layers: Annotated[int, Param("Rounds of attention.", ge=1, le=24)] = 2
    heads: Annotated[int, Param("Questions asked at once; divides `units`.", ge=1, le=64)] = 4

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def sizes(self, data: Prefixes) -> Sizes:
        """Widths, layers, heads and the numbers of codes; ValidationError for heads that do not fit."""
        if self.units % self.heads:
            raise ValidationError(
                f"units is {self.units}, which {self.heads} heads do not divide",
                hint=f"units={self.units // self.heads * self.heads or self.heads}, say",
                context={"parameter": "units"},
            )
        own = sizes_for(data, units=self.units, embedding=self.embedding)
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

"""A small network with attention over whole traces, which looks back and never ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._interface.parameters import Dropout, Embedding, Heads, HiddenSize, Layers, Patience
from pmlcli.algorithms._learning.learner import Learner
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms._learning.sequence_network import Events
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.next_activity._attention import AttentionLayer
from pmlcli.algorithms.next_activity._network import NextActivities
from pmlcli.algorithms.next_activity._pieces import cut_cases
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes

OBJECTIVE = NextActivities(cut_cases)


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

    hidden_size: HiddenSize = 64
    embedding: Embedding = 32
    patience: Patience = 3
    dropout: Dropout = 0.1
    layers: Layers = 2
    heads: Heads = 4

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def make_learner(self) -> Learner[Prefixes]:
        """Layers of attention over cases, long ones in pieces, and a linear one."""
        return Learner(lambda sizes: _Network(sizes, self.dropout), OBJECTIVE)

    def probabilities(self, data: Prefixes) -> NDArray[np.float64]:
        """Softmax of the network's answers, in double precision."""
        with self.answering() as network:
            return OBJECTIVE.probabilities(network, data)

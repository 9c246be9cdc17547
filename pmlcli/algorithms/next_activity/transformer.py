"""Transformer: a small network with attention over whole traces with attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._interface.parameters import Dropout, Embedding, Heads, HiddenSize, Layers, Patience
from pmlcli.algorithms._learning.learner import Learner
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms._learning.sequence_network import Events
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.next_activity._network import NextActivities
from pmlcli.algorithms.next_activity._pieces import cut_cases
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes

OBJECTIVE = NextActivities(cut_cases)
REACH = 32
"""Distances in the trace are told apart up to so many events."""
MOST_WEIGHTS = 2**23
"""Answers are worked out for cases with at most so many weights (heads x steps x steps) together."""


class AttentionLayer(nn.Module):
    """Every step attends to itself and the steps before it; each distance has a learned weight."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))
        self.relative_position_bias = nn.Embedding(REACH + 1, heads)
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, steps: Tensor) -> Tensor:
        """(cases, steps, width) to the same."""
        normed = self.attention_norm(steps)
        query, key, value = (
            layer(normed).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        read = self._read(query, key, value) if self.training else self._read_in_turn(query, key, value)
        steps = steps + self.dropout(self.output(read.transpose(1, 2).flatten(2)))
        found: Tensor = steps + self.dropout(self.feed_forward(self.norm(steps)))
        return found

    def _read_in_turn(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """As `_read`, for some cases at a time. (Training keeps all weights for the way back in any case.)"""
        together = max(MOST_WEIGHTS // (self.heads * query.shape[2] ** 2), 1)
        parts = zip(*(torch.split(part, together) for part in (query, key, value)), strict=True)
        return torch.cat([self._read(*some) for some in parts])

    def _read(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """What each step takes from those up to it, (cases, heads, steps, width)."""
        places = torch.arange(query.shape[2])
        back = places[:, None] - places
        bias = self.relative_position_bias(back.clamp(0, REACH)).permute(2, 0, 1)
        weights = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5 + bias
        found: Tensor = self.dropout(weights.masked_fill(back < 0, float("-inf")).softmax(dim=-1)) @ value
        return found


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
    """Each event is read together with all earlier ones of its case, with weights that depend on their
    distance. After each event the network predicts what comes next. Of a case of more than 256 events at
    least the last 128 are read.
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

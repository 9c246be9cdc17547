"""Events that a network with attention cannot rebuild from a summary of their case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from pmlcli.algorithms._interface.parameters import Heads, LatentSize, Layers, LearningRate
from pmlcli.algorithms._learning.attention import Attention
from pmlcli.algorithms._learning.learner import Learner
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.anomaly._network import (
    LONGEST,
    TraceParameters,
    answers_of,
    event_width,
    explanations,
    surprises,
    trace_learner,
)
from pmlcli.algorithms.anomaly._values import EventDetector, Explanation, rare_surprises, usual_surprises
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.attributes_of_events import EventEncoding, Events


class _Body(nn.Module):
    """Reads a trace into `latent_size` numbers, and writes a hidden state for each place from these alone."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, heads = sizes["hidden_size"], sizes["heads"]
        self.events = nn.Linear(event_width(sizes), width)
        self.reader = nn.ModuleList(Attention(width, heads) for _ in range(sizes["layers"]))
        self.latent = nn.Linear(width, sizes["latent_size"])
        self.places = nn.Embedding(LONGEST, width)
        self.start = nn.Linear(sizes["latent_size"], width)
        self.writer = nn.ModuleList(Attention(width, heads) for _ in range(sizes["layers"]))

    def forward(self, events: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """No penalty."""
        places = self.places(torch.arange(mask.shape[1]))
        read = self.events(events) + places
        for layer in self.reader:
            read = layer(read, mask)
        mean = (read * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        written = self.start(torch.tanh(self.latent(mean)))[:, None] + places
        for layer in self.writer:
            written = layer(written, mask)
        return written, torch.zeros_like(written[:, 0, 0])


@dataclass(kw_only=True)
class TransformerAutoencoder(TraceParameters, NeuralAlgorithm[Events], EventDetector[Events]):
    """A network with attention, in which every event is read beside all others of its case, sums the case up
    in a few numbers; another one rebuilds the case from them, all events at once. An event is odd when
    the rebuilt case has something else in its place.
    """

    learning_rate: LearningRate = 0.003
    latent_size: LatentSize = 16
    layers: Layers = 1
    heads: Heads = 4

    source: ClassVar[str] = "Vaswani et al.: Attention is all you need. NeurIPS 2017"

    def make_encoding(self) -> EventEncoding:
        """Coded events."""
        return EventEncoding(self.attributes)

    def make_learner(self) -> Learner[Events]:
        """Embeddings, layers of attention around the summary, a layer for each column."""
        return trace_learner(_Body, self.dropout)

    def learn(self, data: Events, trial: Self | None, *, all_of_it: bool = True) -> None:
        """Trains the network, and learns how large surprises usually are."""
        super().learn(data, trial, all_of_it=all_of_it)
        self.usual_ = usual_surprises(surprises(answers_of(self, data)), data.offsets)

    def value_scores(self, data: Events) -> Floats:
        """Surprise times how rare one as large is among the training cases, (events, columns)."""
        return rare_surprises(surprises(answers_of(self, data)), self.usual_)

    def explain(self, data: Events, events: Codes, columns: Codes) -> list[Explanation]:
        """How likely the value was, and how likely the likeliest one."""
        return explanations(answers_of(self, data), data, events, columns)

"""Transformer autoencoder: flags events that a network with attention cannot reconstruct."""

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
    event_width,
    surprises_of,
    trace_learner,
)
from pmlcli.algorithms.anomaly._surprise import BySurprise, Surprises
from pmlcli.algorithms.anomaly._values import EventDetector
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
class TransformerAutoencoder(TraceParameters, BySurprise, NeuralAlgorithm[Events], EventDetector[Events]):
    """A network with attention reads every event together with all others of its case, and encodes the case
    in a few numbers. Another one reconstructs the case from them, all events at once. An event is anomalous
    if the reconstructed case has something else in its place.
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
        self.learn_usual(data)

    def surprises(self, data: Events) -> Surprises:
        """How many times likelier the likeliest value was, to the network."""
        return surprises_of(self, data)

"""Transformer autoencoder: flags events that a network with attention cannot reconstruct."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from pmlcli.algorithms._interface.parameters import Heads, LatentSize, Layers, LearningRate
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

REACH = 16
"""Distances in the trace are told apart up to so many events."""


class _Attention(nn.Module):
    """Every step attends to all steps of its case; each distance between steps has a learned weight."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))
        self.relative_position_bias = nn.Embedding(2 * REACH + 1, heads)
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """(cases, steps, width) to the same; `mask`: (cases, steps), where a case has an event."""
        places = torch.arange(steps.shape[1])
        bias = self.relative_position_bias((places - places[:, None]).clamp(-REACH, REACH) + REACH).permute(
            2, 0, 1
        )
        query, key, value = (
            layer(steps).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        weights = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5 + bias
        weights = weights.masked_fill(~mask[:, None, None], float("-inf")).softmax(dim=-1)
        steps = self.attention_norm(steps + self.output((weights @ value).transpose(1, 2).flatten(2)))
        found: Tensor = self.norm(steps + self.feed_forward(steps))
        return found


class _Body(nn.Module):
    """Reads a trace into `latent_size` numbers, and writes a hidden state for each place from these alone."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, heads = sizes["hidden_size"], sizes["heads"]
        self.events = nn.Linear(event_width(sizes), width)
        self.reader = nn.ModuleList(_Attention(width, heads) for _ in range(sizes["layers"]))
        self.latent = nn.Linear(width, sizes["latent_size"])
        self.places = nn.Embedding(LONGEST, width)
        self.start = nn.Linear(sizes["latent_size"], width)
        self.writer = nn.ModuleList(_Attention(width, heads) for _ in range(sizes["layers"]))

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

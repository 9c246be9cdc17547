"""LSTM autoencoder: flags events that a recurrent network cannot reconstruct."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from pmlcli.algorithms._interface.parameters import LatentSize
from pmlcli.algorithms._learning.learner import Learner
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.anomaly._network import (
    TraceParameters,
    event_width,
    last_states,
    surprises_of,
    trace_learner,
)
from pmlcli.algorithms.anomaly._surprise import BySurprise, Surprises
from pmlcli.algorithms.anomaly._values import EventDetector
from pmlcli.encoding.events.attributes_of_events import EventEncoding, Events


class _Body(nn.Module):
    """Reads a trace into `latent_size` numbers, and writes a hidden state for each step from these alone."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.reader = nn.LSTM(event_width(sizes), sizes["hidden_size"], batch_first=True)
        self.latent = nn.Linear(sizes["hidden_size"], sizes["latent_size"])
        self.writer = nn.LSTM(sizes["latent_size"], sizes["hidden_size"], batch_first=True)

    def forward(self, events: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """No penalty."""
        summary = torch.tanh(self.latent(last_states(self.reader(events)[0], mask)))
        hidden, _last = self.writer(summary[:, None].expand(-1, events.shape[1], -1))
        return hidden, torch.zeros_like(events[:, 0, 0])


@dataclass(kw_only=True)
class LstmAutoencoder(TraceParameters, BySurprise, NeuralAlgorithm[Events], EventDetector[Events]):
    """One recurrent network encodes a whole case in a few numbers, another reconstructs the case from them,
    event by event. What is usual can be reconstructed. An event is anomalous if the reconstructed case has
    something else in its place.
    """

    latent_size: LatentSize = 16

    source: ClassVar[str] = (
        "Malhotra et al.: LSTM-based encoder-decoder for multi-sensor anomaly detection. ICML workshop 2016; "
        "Nguyen et al.: Autoencoders for improving quality of process event logs. Exp. Syst. Appl. 131 (2019)"
    )

    def make_encoding(self) -> EventEncoding:
        """Coded events."""
        return EventEncoding(self.attributes)

    def make_learner(self) -> Learner[Events]:
        """Embeddings, a reader and a writer, a layer for each column."""
        return trace_learner(_Body, self.dropout)

    def learn(self, data: Events, trial: Self | None, *, all_of_it: bool = True) -> None:
        """Trains the network, and learns how large surprises usually are."""
        super().learn(data, trial, all_of_it=all_of_it)
        self.learn_usual(data)

    def surprises(self, data: Events) -> Surprises:
        """How many times likelier the likeliest value was, to the network."""
        return surprises_of(self, data)

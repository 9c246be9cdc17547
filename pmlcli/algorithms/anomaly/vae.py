"""Variational autoencoder: flags events that are unlikely in similar cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

import torch
from torch import Tensor, nn

from pmlcli.algorithms._interface.param import Param
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
    """Reads a trace into a place on a map, and writes hidden states from that place; in training from one
    nearby, so that near places stand for like cases.
    """

    def __init__(self, sizes: Sizes, beta: float) -> None:
        super().__init__()
        self.beta = beta
        self.reader = nn.GRU(event_width(sizes), sizes["hidden_size"], batch_first=True)
        self.mean = nn.Linear(sizes["hidden_size"], sizes["latent_size"])
        self.log_variance = nn.Linear(sizes["hidden_size"], sizes["latent_size"])
        self.writer = nn.GRU(sizes["latent_size"], sizes["hidden_size"], batch_first=True)

    def forward(self, events: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The penalty is the divergence from a normal distribution, times beta."""
        read = last_states(self.reader(events)[0], mask)
        mean, log_variance = self.mean(read), self.log_variance(read).clamp(-10, 10)
        place = mean
        if self.training:
            place = mean + torch.randn_like(mean) * torch.exp(log_variance / 2)
        hidden, _last = self.writer(place[:, None].expand(-1, events.shape[1], -1))
        divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=1) / 2
        return hidden, self.beta * divergence


@dataclass(kw_only=True)
class VariationalAutoencoder(TraceParameters, BySurprise, NeuralAlgorithm[Events], EventDetector[Events]):
    """Encodes each case as a point in a space where similar cases are close together, and reconstructs a case
    from its point. An anomalous case is reconstructed like the usual ones around it, so its anomalous events
    come out as something else. Scoring uses the mean of the point's distribution, so nothing is random.
    """

    latent_size: LatentSize = 16
    beta: Annotated[
        float, Param("Weight of the regularisation term against the reconstruction error.", ge=0)
    ] = 0.5

    source: ClassVar[str] = "Kingma, Welling: Auto-encoding variational Bayes. ICLR 2014"

    def make_encoding(self) -> EventEncoding:
        """Coded events."""
        return EventEncoding(self.attributes)

    def make_learner(self) -> Learner[Events]:
        """Embeddings, a reader, the map and a writer, a layer for each column."""
        return trace_learner(lambda sizes: _Body(sizes, self.beta), self.dropout)

    def learn(self, data: Events, trial: Self | None, *, all_of_it: bool = True) -> None:
        """Trains the network, and learns how large surprises usually are."""
        super().learn(data, trial, all_of_it=all_of_it)
        self.learn_usual(data)

    def surprises(self, data: Events) -> Surprises:
        """How many times likelier the likeliest value was, to the network."""
        return surprises_of(self, data)

"""Variational autoencoder: events that are unlikely in any case like theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.anomaly._network import TraceNetworkDetector, event_width, last_states
from pmlcli.encoding.events.attributes_of_events import Events


class _Body(nn.Module):
    """Reads a trace into a place on a map, and writes hidden states from that place; in training from one
    nearby, so that near places stand for like cases.
    """

    def __init__(self, sizes: Sizes, beta: float) -> None:
        super().__init__()
        self.beta = beta
        self.reader = nn.GRU(event_width(sizes), sizes["units"], batch_first=True)
        self.mean = nn.Linear(sizes["units"], sizes["latent"])
        self.log_variance = nn.Linear(sizes["units"], sizes["latent"])
        self.writer = nn.GRU(sizes["latent"], sizes["units"], batch_first=True)

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
class VariationalAutoencoder(TraceNetworkDetector):
    """Lays cases out on a map where like cases lie close together, and rebuilds from each place on it the
    case that belongs there. An odd case is taken for the usual ones around it, so that odd events are rebuilt
    as something else. Scoring takes the middle of a case's place: no chance is involved.
    """

    learning_rate: Annotated[float, Param("Step size of Adam.", gt=0, le=1)] = 0.01
    latent: Annotated[int, Param("Dimensions of the map.", ge=1, le=1024)] = 16
    beta: Annotated[float, Param("Weight of the map's order beside exact rebuilding.", ge=0)] = 0.5

    source: ClassVar[str] = "Kingma, Welling: Auto-encoding variational Bayes. ICLR 2014"

    def sizes(self, data: Events) -> Sizes:
        """Those of the network, and the map's."""
        return super().sizes(data) | Sizes({"latent": self.latent})

    def make_body(self, sizes: Sizes) -> nn.Module:
        """A reader, the map, a writer."""
        return _Body(sizes, self.beta)

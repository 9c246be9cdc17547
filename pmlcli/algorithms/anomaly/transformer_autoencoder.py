"""Transformer autoencoder: events that cannot be rebuilt from a summary made by attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.anomaly._network import LONGEST, TraceNetworkDetector, event_width
from pmlcli.encoding.events.attributes_of_events import Events
from pmlcli.errors import ValidationError

REACH = 16
"""Distances in the trace are told apart up to so many events."""


class _Layer(nn.Module):
    """Every step asks all steps of its case; each distance between steps has a learned weight."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ask, self.key, self.value, self.join = (nn.Linear(width, width) for _ in range(4))
        self.nearness = nn.Embedding(2 * REACH + 1, heads)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.think = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        places = torch.arange(steps.shape[1])
        near = self.nearness((places - places[:, None]).clamp(-REACH, REACH) + REACH).permute(2, 0, 1)
        ask, key, value = (
            layer(steps).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.ask, self.key, self.value)
        )
        weights = ask @ key.transpose(-1, -2) / ask.shape[-1] ** 0.5 + near
        weights = weights.masked_fill(~mask[:, None, None], float("-inf")).softmax(dim=-1)
        steps = self.first(steps + self.join((weights @ value).transpose(1, 2).flatten(2)))
        answer: Tensor = self.second(steps + self.think(steps))
        return answer


class _Body(nn.Module):
    """Reads a trace into `summary` numbers, and writes a hidden state for each place from these alone."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, heads = sizes["units"], sizes["heads"]
        self.events = nn.Linear(event_width(sizes), width)
        self.reader = nn.ModuleList(_Layer(width, heads) for _ in range(sizes["layers"]))
        self.summary = nn.Linear(width, sizes["summary"])
        self.places = nn.Embedding(LONGEST, width)
        self.start = nn.Linear(sizes["summary"], width)
        self.writer = nn.ModuleList(_Layer(width, heads) for _ in range(sizes["layers"]))

    def forward(self, events: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """No penalty."""
        places = self.places(torch.arange(mask.shape[1]))
        read = self.events(events) + places
        for layer in self.reader:
            read = layer(read, mask)
        mean = (read * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        written = self.start(torch.tanh(self.summary(mean)))[:, None] + places
        for layer in self.writer:
            written = layer(written, mask)
        return written, torch.zeros_like(written[:, 0, 0])


@dataclass(kw_only=True)
class TransformerAutoencoder(TraceNetworkDetector):
    """A network with attention, in which every event is read beside all others of its case, sums the case up
    in a few numbers; another one rebuilds the case from them, all events at once. An event is odd when
    the rebuilt case has something else in its place.
    """

    summary: Annotated[int, Param("Numbers that a case is summed up in.", ge=1, le=1024)] = 16
    layers: Annotated[int, Param("Rounds of attention, of reader and writer each.", ge=1, le=24)] = 1
    heads: Annotated[int, Param("Questions asked at once; divides `units`.", ge=1, le=64)] = 4

    source: ClassVar[str] = "Vaswani et al.: Attention is all you need. NeurIPS 2017"

    def sizes(self, data: Events) -> Sizes:
        """Those of the network, and its own; ValidationError for heads that do not fit."""
        if self.units % self.heads:
            raise ValidationError(
                f"units is {self.units}, which {self.heads} heads do not divide",
                hint=f"units={self.units // self.heads * self.heads or self.heads}, say",
                context={"parameter": "units"},
            )
        own = {"summary": self.summary, "layers": self.layers, "heads": self.heads}
        return super().sizes(data) | Sizes(own)

    def make_body(self, sizes: Sizes) -> nn.Module:
        """Layers of attention around the summary."""
        return _Body(sizes)

"""A small network with attention over whole traces, which looks back and never ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.sequence_network import Events
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.next_activity._network import NextActivityNetwork
from pmlcli.encoding.events.prefixes import Prefixes
from pmlcli.errors import ValidationError

REACH = 32
"""Distances in the trace are told apart up to so many events."""
CHUNK_STEPS = 512
"""Attention is worked out for so many steps at a time, to bound the memory of long traces."""


class _Layer(nn.Module):
    """Every step asks itself and the steps before it; each distance has a learned weight."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.ask, self.key, self.value, self.join = (nn.Linear(width, width) for _ in range(4))
        self.nearness = nn.Embedding(REACH + 1, heads)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.think = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, steps: Tensor) -> Tensor:
        calm = self.first(steps)
        ask, key, value = (
            layer(calm).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.ask, self.key, self.value)
        )
        places = torch.arange(steps.shape[1])
        read = [self._read(ask, key, value, some) for some in torch.split(places, CHUNK_STEPS)]
        steps = steps + self.dropout(self.join(torch.cat(read, dim=2).transpose(1, 2).flatten(2)))
        answer: Tensor = steps + self.dropout(self.think(self.second(steps)))
        return answer

    def _read(self, ask: Tensor, key: Tensor, value: Tensor, some: Tensor) -> Tensor:
        """What the steps `some`, in a row, take from those up to them, (cases, heads, some, width)."""
        back = some[:, None] - torch.arange(int(some[-1]) + 1)
        near = self.nearness(back.clamp(0, REACH)).permute(2, 0, 1)
        key, value = (part[:, :, : back.shape[1]] for part in (key, value))
        weights = ask[:, :, some] @ key.transpose(-1, -2) / ask.shape[-1] ** 0.5 + near
        found: Tensor = self.dropout(weights.masked_fill(back < 0, float("-inf")).softmax(dim=-1)) @ value
        return found


class _Network(nn.Module):
    """Codes and numbers of events to (cases, steps, outputs) logits; step t sees steps 0..t alone."""

    def __init__(self, sizes: Sizes, dropout: float) -> None:
        super().__init__()
        self.events = Events(sizes)
        self.enter = nn.Linear(self.events.width, sizes["units"])
        self.layers = nn.Sequential(
            *(_Layer(sizes["units"], sizes["heads"], dropout) for _ in range(sizes["layers"]))
        )
        self.calm, self.output = nn.LayerNorm(sizes["units"]), nn.Linear(sizes["units"], sizes["outputs"])

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        logits: Tensor = self.output(self.calm(self.layers(self.enter(self.events(codes, numbers)))))
        return logits


@dataclass(kw_only=True)
class Transformer(NextActivityNetwork):
    """Attention: each event is read beside all earlier ones of its case, near ones apart from far ones, and
    says what comes next.
    """

    source: ClassVar[str] = (
        "Bukhsh, Saeed and Dijkman (2021), ProcessTransformer: Predictive business process monitoring with "
        "transformer network; Vaswani et al. (2017), Attention is all you need"
    )

    layers: Annotated[int, Param("Rounds of attention.", ge=1, le=24)] = 2
    heads: Annotated[int, Param("Questions asked at once; divides `units`.", ge=1, le=64)] = 4

    def sizes(self, data: Prefixes) -> Sizes:
        """Widths, layers, heads and the numbers of codes; ValidationError for heads that do not fit."""
        if self.units % self.heads:
            raise ValidationError(
                f"units is {self.units}, which {self.heads} heads do not divide",
                hint=f"units={self.units // self.heads * self.heads or self.heads}, say",
                context={"parameter": "units"},
            )
        return super().sizes(data) | Sizes({"layers": self.layers, "heads": self.heads})

    def make_network(self, sizes: Sizes) -> nn.Module:
        """Embeddings, layers of attention, one linear layer."""
        return _Network(sizes, self.dropout)

"""Attention over the events of a case, each beside those before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

REACH = 32
"""Distances in the trace are told apart up to so many events."""
CHUNK_STEPS = 512
"""Attention is worked out for so many steps at a time, to bound the memory of long traces."""


class AttentionLayer(nn.Module):
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

"""Attention over the events of a case, each beside those before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

REACH = 32
"""Distances in the trace are told apart up to so many events."""
MOST_WEIGHTS = 2**23
"""Answers are worked out for cases with at most so many weights (heads x steps x steps) together."""


class AttentionLayer(nn.Module):
    """Every step asks itself and the steps before it; each distance has a learned weight."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))
        self.relative_position_bias = nn.Embedding(REACH + 1, heads)
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, steps: Tensor) -> Tensor:
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

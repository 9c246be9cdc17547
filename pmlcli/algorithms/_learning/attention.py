"""A layer of attention over the steps of whole traces."""

from __future__ import annotations

import torch
from torch import Tensor, nn

REACH = 16
"""Distances in the trace are told apart up to so many events."""


class Attention(nn.Module):
    """Every step asks all steps of its case; each distance between steps has a learned weight."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))
        self.relative_position_bias = nn.Embedding(2 * REACH + 1, heads)
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
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

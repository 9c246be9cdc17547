"""A recurrent network over whole traces with their attributes, which says something after each event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._learning.batches import padded
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.encoding.events.prefixes import Prefixes
from pmlcli.encoding.events.sequences import TIME_FEATURES
from pmlcli.encoding.vocabulary import UNSEEN_CODE

CODES = "codes"
"""What the list of the columns' numbers of codes is called among a network's sizes."""
_USUAL = 10.0
"""Logarithms of numbers are divided by it, so that all inputs are of one size."""


class Events(nn.Module):
    """(cases, steps, codes) and (cases, steps, numbers) side by side, each code as learned numbers."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        codes = sizes.lists[CODES]
        self.embeddings = nn.ModuleList(
            nn.Embedding(size, min(sizes["embedding"], size), padding_idx=UNSEEN_CODE) for size in codes
        )
        self.width = sum(min(sizes["embedding"], size) for size in codes) + sizes["numbers"]

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        parts = [embed(codes[..., place]) for place, embed in enumerate(self.embeddings)]
        return torch.cat([*parts, numbers], dim=-1)


class Reader(nn.Module):
    """One recurrent layer over events: step t sees steps 0..t alone."""

    def __init__(self, sizes: Sizes, dropout: float) -> None:
        super().__init__()
        self.events = Events(sizes)
        self.recurrent = nn.GRU(self.events.width, sizes["hidden_size"], batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(sizes["hidden_size"], sizes["outputs"])

    def read(self, codes: Tensor, numbers: Tensor) -> Tensor:
        """(cases, steps, hidden_size): all that is remembered after each step."""
        states, _last = self.recurrent(self.dropout(self.events(codes, numbers)))
        found: Tensor = self.dropout(states)
        return found


class PrefixNetwork(nn.Module):
    """(cases, steps, codes) and (cases, steps, numbers) to (cases, steps, outputs); t sees 0..t alone."""

    def __init__(self, sizes: Sizes, dropout: float) -> None:
        super().__init__()
        codes = sizes.lists[CODES]
        self.embeddings = nn.ModuleList(
            nn.Embedding(size, sizes["embedding"], padding_idx=UNSEEN_CODE) for size in codes
        )
        width = len(codes) * sizes["embedding"] + sizes["numbers"]
        self.recurrent = nn.GRU(width, sizes["hidden_size"], batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(sizes["hidden_size"], sizes["outputs"])

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        parts = [embed(codes[..., place]) for place, embed in enumerate(self.embeddings)]
        hidden, _last = self.recurrent(self.dropout(torch.cat([*parts, numbers], dim=-1)))
        found: Tensor = self.output(self.dropout(hidden))
        return found


def network_sizes(data: Prefixes, more: int = 0) -> Sizes:
    """The numbers of codes, and how many numbers there are, `more` of them of the caller's own."""
    codes = [data.n_activities, data.n_resources, *data.category_sizes]
    numbers = len(TIME_FEATURES) + 2 * data.numbers.shape[1] + more
    return Sizes({"numbers": numbers}, {CODES: codes})


def prefix_inputs(
    data: Prefixes, *more: NDArray[Any]
) -> Callable[[NDArray[np.int64]], tuple[Tensor, Tensor]]:
    """Rows to what the network reads: codes (cases, steps, columns), and numbers of about 0 to 1.

    `more` are the caller's own numbers, (events,) or (events, columns) each.
    """
    codes = padded(np.column_stack([data.activity, data.resource, data.categories]), UNSEEN_CODE)
    values = np.nan_to_num(np.sign(data.numbers) * np.log1p(np.abs(data.numbers))) / _USUAL
    table = np.column_stack([data.times, values, np.isfinite(data.numbers), *more]).astype(np.float32)
    numbers = padded(table, 0)
    return lambda rows: (codes(rows), numbers(rows))

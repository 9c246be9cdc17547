"""A small recurrent network over whole traces: activity, resource, times and attributes of all events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from pmlcli.algorithms._next_network import NextActivityNetwork
from pmlcli.algorithms._prefix_network import Events


class _Network(nn.Module):
    """Codes and numbers of events to (cases, steps, outputs) logits; step t sees steps 0..t alone."""

    def __init__(self, sizes: dict[str, int], dropout: float) -> None:
        super().__init__()
        self.events = Events(sizes)
        self.recurrent = nn.GRU(self.events.width, sizes["units"], batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(sizes["units"], sizes["outputs"])

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        hidden, _last = self.recurrent(self.dropout(self.events(codes, numbers)))
        logits: Tensor = self.output(self.dropout(hidden))
        return logits


@dataclass(kw_only=True)
class Gru(NextActivityNetwork):
    """A gated recurrent unit reads a case event by event and says after each what comes next."""

    source: ClassVar[str] = (
        "Tax, Verenich, La Rosa and Dumas (2017), Predictive business process monitoring with LSTM networks; "
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder"
    )

    def make_network(self, sizes: dict[str, int]) -> nn.Module:
        """Embeddings, one recurrent layer, one linear layer."""
        return _Network(sizes, self.dropout)

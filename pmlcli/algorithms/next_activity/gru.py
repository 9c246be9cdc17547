"""A small recurrent network over whole traces: activity, resource, times and attributes of all events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from pmlcli.algorithms._learning.sequence_network import Reader
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.next_activity._network import NextActivityNetwork


class _Network(Reader):
    """Codes and numbers of events to (cases, steps, outputs) logits; step t sees steps 0..t alone."""

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        logits: Tensor = self.output(self.read(codes, numbers))
        return logits


@dataclass(kw_only=True)
class Gru(NextActivityNetwork):
    """A gated recurrent unit reads a case event by event and says after each what comes next."""

    source: ClassVar[str] = (
        "Tax, Verenich, La Rosa and Dumas (2017), Predictive business process monitoring with LSTM networks; "
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder"
    )

    def make_network(self, sizes: Sizes) -> nn.Module:
        """Embeddings, one recurrent layer, one linear layer."""
        return _Network(sizes, self.dropout)

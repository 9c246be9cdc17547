"""GRU: flags activities and attributes that a recurrent network did not expect next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from pmlcli.algorithms._learning.learner import Learner
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.anomaly._network import (
    TraceParameters,
    event_width,
    nth,
    surprises_of,
    trace_learner,
)
from pmlcli.algorithms.anomaly._surprise import BySurprise, Surprises
from pmlcli.algorithms.anomaly._values import EventDetector
from pmlcli.encoding.events.attributes_of_events import EventEncoding, Events


class _Body(nn.Module):
    """The hidden state of step t has read the events before t."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.recurrent = nn.GRU(event_width(sizes), sizes["hidden_size"], batch_first=True)

    def forward(self, events: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Shifted by one step, so that no event sees itself; no penalty."""
        before = torch.cat([torch.zeros_like(events[:, :1]), events[:, :-1]], dim=1)
        hidden, _last = self.recurrent(before)
        return hidden, torch.zeros_like(events[:, 0, 0])


@dataclass(kw_only=True)
class NextEventDetector(TraceParameters, BySurprise, NeuralAlgorithm[Events], EventDetector[Events]):
    """A gated recurrent unit reads a case event by event. It predicts how likely each activity is next and,
    given the activity, each attribute. An event is anomalous if another one was far more likely after the
    events so far.
    """

    source: ClassVar[str] = (
        "Nolle, Luettgen, Seeliger, Muehlhaeuser: BINet, multi-perspective business process anomaly "
        "classification. Inf. Syst. 103 (2022)"
    )

    def make_encoding(self) -> EventEncoding:
        """Coded events."""
        return EventEncoding(self.attributes)

    def make_learner(self) -> Learner[Events]:
        """Embeddings, one recurrent layer, a layer for each column."""
        return trace_learner(_Body, self.dropout)

    def learn(self, data: Events, trial: Self | None, *, all_of_it: bool = True) -> None:
        """Trains the network, and learns how large surprises usually are."""
        super().learn(data, trial, all_of_it=all_of_it)
        self.learn_usual(data)

    def surprises(self, data: Events) -> Surprises:
        """How many times likelier the likeliest value was, to the network."""
        return surprises_of(self, data, _place)


def _place(data: Events, event: int, column: int) -> str:
    """What came right before, or the activity of an attribute."""
    if column:
        return f" for `{data.text(event, 0)}`"
    if nth(data, event) == 0:
        return " as the first event"
    return f" right after `{data.text(event - 1, 0)}`"

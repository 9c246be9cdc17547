"""LSTM autoencoder: events that cannot be rebuilt from a summary of their case."""

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
    """Reads a trace into `summary` numbers, and writes a hidden state for each step from these alone."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.reader = nn.LSTM(event_width(sizes), sizes["units"], batch_first=True)
        self.summary = nn.Linear(sizes["units"], sizes["summary"])
        self.writer = nn.LSTM(sizes["summary"], sizes["units"], batch_first=True)

    def forward(self, events: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """No penalty."""
        summary = torch.tanh(self.summary(last_states(self.reader(events)[0], mask)))
        hidden, _last = self.writer(summary[:, None].expand(-1, events.shape[1], -1))
        return hidden, torch.zeros_like(events[:, 0, 0])


@dataclass(kw_only=True)
class LstmAutoencoder(TraceNetworkDetector):
    """One recurrent network sums a whole case up in a few numbers, another rebuilds the case from them, event
    by event. What is usual fits into the summary; an event is odd when the rebuilt case has something
    else in its place.
    """

    learning_rate: Annotated[float, Param("Step size of Adam.", gt=0, le=1)] = 0.01
    summary: Annotated[int, Param("Numbers that a case is summed up in.", ge=1, le=1024)] = 16

    source: ClassVar[str] = (
        "Malhotra et al.: LSTM-based encoder-decoder for multi-sensor anomaly detection. ICML workshop 2016; "
        "Nguyen et al.: Autoencoders for improving quality of process event logs. Exp. Syst. Appl. 131 (2019)"
    )

    def sizes(self, data: Events) -> Sizes:
        """Those of the network, and the summary's."""
        return super().sizes(data) | Sizes({"summary": self.summary})

    def make_body(self, sizes: Sizes) -> nn.Module:
        """A reader and a writer."""
        return _Body(sizes)

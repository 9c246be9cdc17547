"""Next event: activities and attributes that a recurrent network did not expect after what came before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.anomaly._network import TraceNetworkDetector, event_width, nth
from pmlcli.encoding.events.attributes_of_events import Events


class _Body(nn.Module):
    """The hidden state of step t has read the events before t."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.recurrent = nn.GRU(event_width(sizes), sizes["units"], batch_first=True)

    def forward(self, events: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Shifted by one step, so that no event sees itself; no penalty."""
        before = torch.cat([torch.zeros_like(events[:, :1]), events[:, :-1]], dim=1)
        hidden, _last = self.recurrent(before)
        return hidden, torch.zeros_like(events[:, 0, 0])


@dataclass(kw_only=True)
class NextEventDetector(TraceNetworkDetector):
    """A gated recurrent unit reads a case event by event and says how likely each activity is to come next,
    and, given the activity, each attribute. An event is odd when another one was far likelier after what
    had happened so far.
    """

    learning_rate: Annotated[float, Param("Step size of Adam.", gt=0, le=1)] = 0.01

    source: ClassVar[str] = (
        "Nolle, Luettgen, Seeliger, Muehlhaeuser: BINet, multi-perspective business process anomaly "
        "classification. Inf. Syst. 103 (2022)"
    )

    def make_body(self, sizes: Sizes) -> nn.Module:
        """One recurrent layer."""
        return _Body(sizes)

    def place(self, data: Events, event: int, column: int) -> str:
        """What came right before, or the activity of an attribute."""
        if column:
            return f" for `{data.text(event, 0)}`"
        if nth(data, event) == 0:
            return " as the first event"
        return f" right after `{data.text(event - 1, 0)}`"

"""Survival analysis: the hazard that a case ends in each span of time to come; running cases count too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.neural import Batch
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.remaining_time._network import RemainingTimeNetwork
from pmlcli.algorithms.remaining_time._quantiles import LEVELS, Floats
from pmlcli.algorithms.remaining_time._rows import learned_rows, remaining_seconds
from pmlcli.encoding.events.prefixes import Prefixes
from pmlcli.errors import UntrustedArtifactError

ENDS = "ends"
"""What the list of the seconds at which the spans end is called among the sizes."""
NO_TARGET = -1


@dataclass(kw_only=True)
class Survival(RemainingTimeNetwork):
    """The time to come is cut into spans. For each, a recurrent network says how likely a case that has
    come so far ends within it. A case that was running when the log ended has survived the spans until
    then, and teaches that much: leaving such cases out, as others must, makes long cases rare.
    """

    source: ClassVar[str] = (
        "Gensheimer and Narasimhan (2019), A scalable discrete-time survival model for neural networks, "
        "PeerJ 7:e6257"
    )

    spans: Annotated[int, Param("Spans of time, of as many endings each.", ge=2, le=200)] = 30

    def outputs(self) -> int:
        """One a span."""
        return self.spans

    def sizes(self, data: Prefixes) -> Sizes:
        """Also the seconds at which the spans end."""
        return super().sizes(data) | Sizes({}, {ENDS: [int(end) for end in self._span_ends(data)]})

    def restore(self, state: dict[str, Any]) -> None:
        """The network, whose spans must be as many as the parameter says."""
        super().restore(state)
        if len(self.sizes_.lists.get(ENDS, ())) != self.spans:
            raise UntrustedArtifactError(f"no training gives a network of {self.spans} spans with other ends")

    def targets(self, data: Prefixes) -> tuple[tuple[NDArray[Any], float], ...]:
        """Spans survived, and whether the case ended in the next one; -1 after the last event."""
        assert data.micros is not None
        ends = self._span_ends(data)
        running = np.repeat(data.is_running, data.lengths)
        so_far = (data.micros.max() - data.micros) / 1e6
        seconds = np.where(running, so_far, remaining_seconds(data))
        span = np.minimum(np.searchsorted(ends, seconds, side="left"), self.spans - 1)
        last = data.offsets[1:] - 1
        span[last] = np.where(data.is_running, span[last], NO_TARGET)
        return (span, NO_TARGET), (~running, False)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross entropy of each hazard up to the end, or up to what is known of a running case."""
        *inputs, span, has_ended = batch
        logits, known = network(*inputs), span != NO_TARGET
        faced = torch.arange(self.spans) < (span + has_ended)[..., None]
        at_end = logits.gather(-1, span.clamp(min=0)[..., None])[..., 0]
        each = (functional.softplus(logits) * faced).sum(dim=-1) - at_end * (has_ended & known)
        return each.sum(dim=1), known.sum(dim=1)

    def read(self, found: Tensor) -> Floats:
        """The times at which the share that has ended reaches each level, evenly within a span."""
        survived = torch.cumsum(functional.logsigmoid(-found), dim=-1).exp().numpy()
        survived[:, -1] = 0.0
        shares = np.column_stack([np.zeros(len(survived)), 1 - survived])
        ends = np.array([0, *self.sizes_.lists[ENDS]], dtype=np.float64)
        quantiles = np.zeros((len(shares), len(LEVELS)))
        for column, level in enumerate(LEVELS):
            right = np.maximum((shares < level).sum(axis=1), 1)
            before = np.take_along_axis(shares, right[:, None] - 1, axis=1)[:, 0]
            width = np.take_along_axis(shares, right[:, None], axis=1)[:, 0] - before
            part = np.clip((level - before) / np.where(width > 0, width, 1.0), 0.0, 1.0)
            quantiles[:, column] = ends[right - 1] + part * (ends[right] - ends[right - 1])
        return quantiles

    def _span_ends(self, data: Prefixes) -> NDArray[np.float64]:
        seconds = remaining_seconds(data)[learned_rows(data)]
        ends = np.ceil(np.quantile(seconds, np.arange(1, self.spans + 1) / self.spans))
        return np.asarray(np.maximum.accumulate(ends))

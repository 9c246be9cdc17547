"""A small recurrent network over whole traces, trained for quantiles of the time that remains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._learning.neural import Batch
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.remaining_time._network import RemainingTimeNetwork, scaled_seconds
from pmlcli.algorithms.remaining_time._quantiles import LEVELS, Floats
from pmlcli.algorithms.remaining_time._rows import learned_rows
from pmlcli.encoding.events.prefixes import Prefixes

NO_TARGET = -1.0


@dataclass(kw_only=True)
class Gru(RemainingTimeNetwork):
    """A gated recurrent unit reads a case event by event and says after each how long it still takes: a
    median, and how much sooner or later it may be. Errors count as they are, never squared.
    """

    source: ClassVar[str] = (
        "Navarin, Vincenzi, Polato and Sperduti (2017), LSTM networks for data-aware remaining time "
        "prediction of business process instances; Koenker and Bassett (1978), Regression quantiles"
    )

    def outputs(self) -> int:
        """One a level."""
        return len(LEVELS)

    def sizes(self, data: Prefixes) -> Sizes:
        """Also the seconds that count as one."""
        return super().sizes(data) | Sizes({"seconds": max(round(scaled_seconds(data)[1]), 1)})

    def targets(self, data: Prefixes) -> tuple[tuple[NDArray[Any], float], ...]:
        """Remaining times in units of their mean, of the prefixes that something came after."""
        rows = learned_rows(data)
        seconds, mean = scaled_seconds(data)
        target = np.full(data.n_events, NO_TARGET, dtype=np.float32)
        target[rows] = seconds[rows] / max(round(mean), 1)
        return ((target, NO_TARGET),)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Quantile loss of all levels at each position that has a target."""
        *inputs, target = batch
        found, has_target = functional.softplus(network(*inputs)), target >= 0
        error, levels = target[..., None] - found, torch.tensor(LEVELS)
        each = torch.maximum(levels * error, (levels - 1) * error).mean(dim=-1) * has_target
        return each.sum(dim=1), has_target.sum(dim=1)

    def read(self, found: Tensor) -> Floats:
        """Seconds."""
        return np.asarray(functional.softplus(found).numpy() * self.sizes_["seconds"])

"""GRU: a small recurrent network that predicts quantiles of the remaining time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._interface.parameters import (
    BatchSize,
    Dropout,
    Embedding,
    HiddenSize,
    LearningRate,
    MaxEpochs,
)
from pmlcli.algorithms._learning.batches import Batch
from pmlcli.algorithms._learning.learner import Learner, Objective, Samples
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms._learning.sequence_network import PrefixNetwork
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.remaining_time._network import read_quantiles, scaled_seconds, trace_samples
from pmlcli.algorithms.remaining_time._quantiles import LEVELS
from pmlcli.algorithms.remaining_time._rows import learned_rows
from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes

NO_TARGET = -1.0


class _Quantiles(Objective[Prefixes]):
    """Quantile loss of all levels. Remaining times are in units of their mean, which is kept as a size."""

    def samples(self, data: Prefixes) -> Samples:
        """One a case: remaining times of the prefixes that something came after."""
        rows = learned_rows(data)
        seconds, mean = scaled_seconds(data)
        unit = max(round(mean), 1)
        target = np.full(data.n_events, NO_TARGET, dtype=np.float32)
        target[rows] = seconds[rows] / unit
        return trace_samples(data, Sizes({"outputs": len(LEVELS), "seconds": unit}), (target, NO_TARGET))

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """At each position that has a target."""
        *inputs, target = batch
        found, has_target = functional.softplus(network(*inputs)), target >= 0
        error, levels = target[..., None] - found, torch.tensor(LEVELS)
        each = torch.maximum(levels * error, (levels - 1) * error).mean(dim=-1) * has_target
        return each.sum(dim=1), has_target.sum(dim=1)


@dataclass(kw_only=True)
class Gru(NeuralAlgorithm[Prefixes], RemainingTimePredictor[Prefixes]):
    """A gated recurrent unit reads a case event by event and predicts after each how long it still takes: a
    median and other quantiles. Errors are absolute, never squared.
    """

    source: ClassVar[str] = (
        "Navarin, Vincenzi, Polato and Sperduti (2017), LSTM networks for data-aware remaining time "
        "prediction of business process instances; Koenker and Bassett (1978), Regression quantiles"
    )

    tolerance: ClassVar[float] = 0.0  # answers are whole seconds

    hidden_size: HiddenSize = 64
    embedding: Embedding = 16
    dropout: Dropout = 0.1
    learning_rate: LearningRate = 0.006
    batch_size: BatchSize = 256
    max_epochs: MaxEpochs = 14

    def make_encoding(self) -> PrefixEncoding:
        """Whole traces with their attributes."""
        return PrefixEncoding()

    def make_learner(self) -> Learner[Prefixes]:
        """One recurrent layer over whole cases, and a linear one."""
        return Learner(lambda sizes: PrefixNetwork(sizes, self.dropout), _Quantiles())

    def quantiles(self, data: Prefixes, rows: Codes) -> Floats:
        """What the network says after each of these events."""
        with self.answering() as network:
            return read_quantiles(network, data, rows, self._seconds)

    def _seconds(self, found: Tensor) -> Floats:
        return np.asarray(functional.softplus(found).numpy() * self.sizes_["seconds"])

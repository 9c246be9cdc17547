"""Networks that learn to write a case on, from whole traces with their attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._learning.neural import Batch, NeuralAlgorithm, Samples, padded, padded_rows
from pmlcli.algorithms._learning.sequence_network import prefix_inputs
from pmlcli.algorithms.suffix._task import SuffixPredictor
from pmlcli.algorithms.suffix._writer import SCALE, Writer, WriterBatch, writer_loss
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.sequences import NO_TARGET, known_targets


@dataclass(kw_only=True)
class SuffixNetwork(NeuralAlgorithm, SuffixPredictor):
    """Learns from the earlier cases until the others are predicted no better, then from all as long."""

    learns_from_all: ClassVar[bool] = True
    most_read: ClassVar[int | None] = 300_000

    def make_encoding(self) -> PrefixEncoding:
        """Whole traces with their attributes."""
        return PrefixEncoding()

    def samples(self, data: Prefixes) -> Samples:
        """One sample a case."""
        left = np.log1p(data.seconds_left) / SCALE
        left[np.repeat(data.is_running, data.lengths)] = np.nan
        inputs, target = prefix_inputs(data), padded(known_targets(data), NO_TARGET)
        remaining = padded(left.astype(np.float32), np.nan)

        def batch(cases: NDArray[np.int64]) -> Batch:
            rows = padded_rows(data.offsets, cases)
            return WriterBatch(*inputs(rows), target(rows), remaining(rows))

        return Samples(data.lengths, data.starts, batch)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of what follows, and of the time left."""
        return writer_loss(cast(Writer, network), cast(WriterBatch, batch))

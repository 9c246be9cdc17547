"""Recurrent networks that say after every event of a trace what is known of the time until its end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.neural import (
    Batch,
    NeuralAlgorithm,
    Samples,
    answers_by_event,
    padded,
    padded_rows,
)
from pmlcli.algorithms._learning.sequence_network import PrefixNetwork, network_sizes, prefix_inputs
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms._prefixes.request import Rows
from pmlcli.algorithms.remaining_time._quantiles import LEVELS, Floats
from pmlcli.algorithms.remaining_time._rows import DAY, HOUR, remaining_seconds
from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes

SCALES = (HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY)
"""Seconds."""


@dataclass(kw_only=True)
class RemainingTimeNetwork(NeuralAlgorithm, RemainingTimePredictor):
    """One recurrent layer over activity, resource, times and attributes; its file says what it gives."""

    tolerance = 0.0  # answers are whole seconds
    most_read = 1_000_000

    units: Annotated[int, Param("Width of the recurrent layer.", ge=1, le=4096)] = 64
    embedding: Annotated[int, Param("Numbers that stand for a code.", ge=1, le=1024)] = 16
    dropout: Annotated[float, Param("Share of inputs and units silenced in training.", ge=0, lt=1)] = 0.1
    learning_rate: Annotated[float, Param("Step size of Adam.", gt=0, le=1)] = 0.006
    batch_size: Annotated[int, Param("Samples a step.", ge=1)] = 256
    max_epochs: Annotated[int, Param("Most passes; fewer over long logs.", ge=1)] = 14

    def make_encoding(self) -> PrefixEncoding:
        """Whole traces with their attributes."""
        return PrefixEncoding()

    @abstractmethod
    def outputs(self) -> int:
        """How many numbers the network gives."""

    @abstractmethod
    def targets(self, data: Prefixes) -> tuple[tuple[NDArray[Any], float], ...]:
        """What `loss` takes beside the inputs: values of all events, and what stands for padding."""

    @abstractmethod
    def read(self, found: Tensor) -> Floats:
        """The network's answers, double precision (prefixes, outputs), as quantiles of seconds."""

    def sizes(self, data: Prefixes) -> Sizes:
        """Widths and the numbers of codes."""
        own = {"units": self.units, "embedding": self.embedding, "outputs": self.outputs()}
        return Sizes(own) | network_sizes(data, 2 * len(SCALES))

    def make_network(self, sizes: Sizes) -> nn.Module:
        """Embeddings, one recurrent layer, one linear layer."""
        return PrefixNetwork(sizes, self.dropout)

    def samples(self, data: Prefixes) -> Samples:
        """One sample a case."""
        inputs, targets = (
            prefix_inputs(data, _clock(data)),
            [padded(values, fill) for values, fill in self.targets(data)],
        )

        def batch(cases: NDArray[np.int64]) -> Batch:
            rows = padded_rows(data.offsets, cases)
            return (*inputs(rows), *(target(rows) for target in targets))

        return Samples(data.lengths, data.starts, batch)

    def quantiles(self, data: Prefixes, rows: Rows) -> Floats:
        """What the network says after each of these events."""
        quantiles = np.zeros((len(rows), len(LEVELS)))
        cases = np.unique(np.searchsorted(data.offsets, rows, side="right") - 1)
        place = np.full(data.n_events, -1)
        place[rows] = np.arange(len(rows))
        for events, found in self._answers_of(data, cases):
            wanted = place[events] >= 0
            quantiles[place[events[wanted]]] = self.read(found[torch.from_numpy(wanted)])
        return quantiles

    def _answers_of(self, data: Prefixes, cases: NDArray[np.int64]) -> Iterator[tuple[Rows, Tensor]]:
        inputs = prefix_inputs(data, _clock(data))
        with self.answering() as network:

            def answer(rows: Rows) -> Tensor:
                codes, numbers = inputs(rows)
                said: Tensor = network(codes, numbers.double())
                return said

            yield from answers_by_event(data, cases, answer)


def _clock(data: Prefixes) -> NDArray[np.float32]:
    """Time since the case's start and since its last event, as shares of each of `SCALES`, 1 at most: a
    logarithm alone hardly tells the fifth week from the sixth. (events, 2 * scales).
    """
    assert data.micros is not None
    since = data.micros - data.began
    gap = np.where(data.position > 0, np.diff(data.micros, prepend=data.micros[:1]), 0)
    seconds = np.maximum(np.column_stack([since, gap]), 0) / 1e6
    if data.longest is not None:
        seconds = np.minimum(seconds, data.longest[::-1])
    shares = seconds[:, :, None] / np.array(SCALES)
    return np.asarray(np.minimum(shares, 1.0).reshape(data.n_events, -1), dtype=np.float32)


def scaled_seconds(data: Prefixes) -> tuple[Floats, float]:
    """`remaining_seconds`, and the mean of them: 1 where there is none."""
    seconds = remaining_seconds(data)
    mean = float(np.nanmean(seconds)) if np.isfinite(seconds).any() else 0.0
    return seconds, mean or 1.0

"""What the networks that read whole traces share: their inputs, their parameters and their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._learning.batches import Batch, answers_by_event, padded, padded_rows
from pmlcli.algorithms._learning.learner import Samples
from pmlcli.algorithms._learning.sequence_network import network_sizes, prefix_inputs
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.remaining_time._quantiles import LEVELS
from pmlcli.algorithms.remaining_time._rows import DAY, HOUR, remaining_seconds
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.prefixes import Prefixes

SCALES = (HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY)
"""Seconds."""


MOST_READ = 1_000_000
"""Events that are read in all passes together."""


Target = tuple[NDArray[Any], float]
"""What a loss takes of each event, (events,), and what stands for padding."""


def trace_samples(data: Prefixes, own: Sizes, *targets: Target) -> Samples:
    """One sample a case: what a `PrefixNetwork` that also reads the clock reads, and these targets; `own` are
    the objective's sizes.
    """
    inputs = prefix_inputs(data, _clock(data))
    padded_targets = [padded(values, fill) for values, fill in targets]

    def batch(cases: NDArray[np.int64]) -> Batch:
        rows = padded_rows(data.offsets, cases)
        return (*inputs(rows), *(target(rows) for target in padded_targets))

    sizes = own | network_sizes(data, 2 * len(SCALES))
    return Samples(data.lengths, data.starts, batch, sizes, most_read=MOST_READ)


def read_quantiles(
    network: nn.Module, data: Prefixes, rows: Codes, read: Callable[[Tensor], Floats]
) -> Floats:
    """What a network in double precision says after each of these events, (rows, levels), in seconds; `read`
    turns its outputs (prefixes, outputs) into quantiles.
    """
    quantiles = np.zeros((len(rows), len(LEVELS)))
    cases = np.unique(np.searchsorted(data.offsets, rows, side="right") - 1)
    place = np.full(data.n_events, -1)
    place[rows] = np.arange(len(rows))
    inputs = prefix_inputs(data, _clock(data))

    def answer(events: Codes) -> Tensor:
        codes, numbers = inputs(events)
        said: Tensor = network(codes, numbers.double())
        return said

    for events, found in answers_by_event(data, cases, answer):
        wanted = place[events] >= 0
        quantiles[place[events[wanted]]] = read(found[torch.from_numpy(wanted)])
    return quantiles


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

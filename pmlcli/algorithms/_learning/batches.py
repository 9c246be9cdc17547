"""Samples of unlike length as tensors: batches of like length, padding, and answers event by event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pmlcli.encoding.events.sequences import Sequences

PREDICT_BATCH = 256

Batch = tuple[Tensor, ...]


def like_length(
    lengths: NDArray[np.int64],
    samples: NDArray[np.int64],
    batch_size: int,
    rng: np.random.Generator | None = None,
) -> Iterator[NDArray[np.int64]]:
    """Batches of samples of like length, so that little is padded; with `rng` in random order.

    Then ties in length are mixed anew in every epoch too.
    """
    if len(samples) == 0:
        return iter(())
    samples = samples if rng is None else rng.permutation(samples)
    by_length = samples[np.argsort(lengths[samples], kind="stable")]
    batches = np.split(by_length, np.arange(batch_size, len(by_length), batch_size))
    order = np.arange(len(batches)) if rng is None else rng.permutation(len(batches))
    return (batches[i] for i in order)


def padded_rows(offsets: NDArray[np.int64], cases: NDArray[np.int64]) -> NDArray[np.int64]:
    """The events of these cases, (cases, longest), `offsets[-1]` (one past the last event) as padding."""
    lengths = np.diff(offsets)[cases]
    steps = np.arange(lengths.max(initial=0))
    return np.where(steps < lengths[:, None], offsets[cases][:, None] + steps, offsets[-1])


def padded(values: NDArray[Any], fill: float) -> Callable[[NDArray[np.int64]], Tensor]:
    """Rows (see `padded_rows`) to a tensor of the values there, `fill` for padding."""
    last = np.full_like(values, fill, shape=(1, *values.shape[1:]))
    with_fill = torch.from_numpy(np.concatenate([values, last]))
    return lambda rows: with_fill[torch.from_numpy(rows)]


def answers_by_event(
    data: Sequences, cases: NDArray[np.int64], answer: Callable[[NDArray[np.int64]], Tensor]
) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """Some events of these cases, and what `answer` says of each, (events, outputs), batch by batch.

    `answer` takes rows (see `padded_rows`) and gives (cases, steps, outputs).
    """
    for some in like_length(data.lengths, cases, PREDICT_BATCH):
        rows = padded_rows(data.offsets, some)
        is_event = rows < data.n_events
        yield rows[is_event], answer(rows)[torch.from_numpy(is_event)]

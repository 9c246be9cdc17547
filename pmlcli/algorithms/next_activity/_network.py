"""What the networks share that say after every event of a trace what comes next."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._learning.neural import PREDICT_BATCH, Batch, Samples, like_length, padded
from pmlcli.algorithms._learning.sequence_network import network_sizes, prefix_inputs
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.next_activity._pieces import Pieces
from pmlcli.encoding.events.prefixes import Prefixes
from pmlcli.encoding.events.sequences import NO_TARGET, known_targets
from pmlcli.encoding.vocabulary import MISSING_CODE, UNSEEN_CODE

MOST_READ = 300_000
"""Events that are read in all passes together, where those are not few."""


def sizes_for(data: Prefixes, *, hidden_size: int, embedding: int) -> Sizes:
    """Widths and the numbers of codes; an output for each class."""
    own = {"hidden_size": hidden_size, "embedding": embedding, "outputs": data.end_class + 1}
    return Sizes(own) | network_sizes(data)


def samples_of(data: Prefixes, pieces: Pieces) -> Samples:
    """One sample a piece: codes, numbers, and what follows each event that it answers for."""
    inputs, target = prefix_inputs(data), padded(known_targets(data), NO_TARGET)

    def batch(some: NDArray[np.int64]) -> Batch:
        rows, is_answered = pieces.rows(some, data.n_events)
        return (*inputs(rows), target(np.where(is_answered, rows, data.n_events)))

    return Samples(pieces.lengths, data.starts[pieces.case], batch)


def cross_entropy(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Its sum over the positions of each sample that have a target, and their number; both (samples,)."""
    codes, numbers, target = batch
    logits = _possible(network(codes, numbers)).transpose(1, 2)
    each = functional.cross_entropy(logits, target, ignore_index=NO_TARGET, reduction="none")
    return each.sum(dim=1), (target != NO_TARGET).sum(dim=1)


def shares_of(network: nn.Module, data: Prefixes, pieces: Pieces) -> NDArray[np.float64]:
    """Softmax of the answers of a network in double precision, (events, classes)."""
    inputs, found = prefix_inputs(data), np.zeros((data.n_events, data.end_class + 1))
    for some in like_length(pieces.lengths, np.arange(len(pieces.lengths)), PREDICT_BATCH):
        rows, is_answered = pieces.rows(some, data.n_events)
        codes, numbers = inputs(rows)
        said = _possible(network(codes, numbers.double()))[torch.from_numpy(is_answered)]
        found[rows[is_answered]] = functional.softmax(said, dim=-1).numpy()
    return found


def _possible(logits: Tensor) -> Tensor:
    """What is unseen or missing never comes next."""
    return logits.index_fill(-1, torch.tensor([UNSEEN_CODE, MISSING_CODE]), float("-inf"))

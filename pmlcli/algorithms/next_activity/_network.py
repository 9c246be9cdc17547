"""What the networks share that say after every event of a trace what comes next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._learning.batches import PREDICT_BATCH, Batch, like_length, padded
from pmlcli.algorithms._learning.learner import Objective, Samples
from pmlcli.algorithms._learning.sequence_network import network_sizes, prefix_inputs
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.next_activity._pieces import Pieces
from pmlcli.encoding.events.prefixes import Prefixes
from pmlcli.encoding.events.sequences import NO_TARGET, known_targets
from pmlcli.encoding.vocabulary import MISSING_CODE, UNSEEN_CODE

MOST_READ = 300_000
"""Events that are read in all passes together, where those are not few."""


@dataclass(frozen=True)
class NextActivities(Objective[Prefixes]):
    """Cross entropy of what follows each event. `pieces` says how cases are cut for the network to read."""

    pieces: Callable[[Prefixes], Pieces]

    def samples(self, data: Prefixes) -> Samples:
        """One a piece: codes, numbers, and what follows each event that it answers for."""
        pieces = self.pieces(data)
        inputs, target = prefix_inputs(data), padded(known_targets(data), NO_TARGET)

        def batch(some: NDArray[np.int64]) -> Batch:
            rows, is_answered = pieces.rows(some, data.n_events)
            return (*inputs(rows), target(np.where(is_answered, rows, data.n_events)))

        sizes = Sizes({"outputs": data.end_class + 1}) | network_sizes(data)
        starts = data.starts[pieces.case]
        return Samples(pieces.lengths, starts, batch, sizes, most_read=MOST_READ, learns_from_all=True)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Over the positions of each sample that have a target."""
        codes, numbers, target = batch
        logits = _possible(network(codes, numbers)).transpose(1, 2)
        each = functional.cross_entropy(logits, target, ignore_index=NO_TARGET, reduction="none")
        return each.sum(dim=1), (target != NO_TARGET).sum(dim=1)

    def probabilities(self, network: nn.Module, data: Prefixes) -> NDArray[np.float64]:
        """Softmax of the answers of a network in double precision, (events, classes)."""
        inputs, found = prefix_inputs(data), np.zeros((data.n_events, data.end_class + 1))
        pieces = self.pieces(data)
        for some in like_length(pieces.lengths, np.arange(len(pieces.lengths)), PREDICT_BATCH):
            rows, is_answered = pieces.rows(some, data.n_events)
            codes, numbers = inputs(rows)
            said = _possible(network(codes, numbers.double()))[torch.from_numpy(is_answered)]
            found[rows[is_answered]] = functional.softmax(said, dim=-1).numpy()
        return found


def _possible(logits: Tensor) -> Tensor:
    """What is unseen or missing never comes next."""
    return logits.index_fill(-1, torch.tensor([UNSEEN_CODE, MISSING_CODE]), float("-inf"))

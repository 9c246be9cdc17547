"""What the networks share that say after every event of a trace what comes next."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.neural import Batch, Samples, answers_by_event, padded, padded_rows
from pmlcli.algorithms._learning.sequence_network import network_sizes, prefix_inputs
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.encoding.events.prefixes import Prefixes
from pmlcli.encoding.events.sequences import NO_TARGET, known_targets
from pmlcli.encoding.vocabulary import MISSING_CODE, UNSEEN_CODE

MOST_READ = 300_000
"""Events that are read in all passes together, where those are not few."""

Units = Annotated[int, Param("Width of the hidden layer.", ge=1, le=4096)]
Embedding = Annotated[int, Param("Numbers that stand for a code, at most.", ge=1, le=1024)]
Patience = Annotated[int, Param("Passes without progress before stopping.", ge=1, unit="epochs")]
Dropout = Annotated[float, Param("Share of inputs and units silenced in training.", ge=0, lt=1)]


def sizes_for(data: Prefixes, *, units: int, embedding: int) -> Sizes:
    """Widths and the numbers of codes; an output for each class."""
    own = {"units": units, "embedding": embedding, "outputs": data.end_class + 1}
    return Sizes(own) | network_sizes(data)


def case_samples(data: Prefixes) -> Samples:
    """One sample a case: codes, numbers, and what follows each event."""
    inputs, target = prefix_inputs(data), padded(known_targets(data), NO_TARGET)

    def batch(cases: NDArray[np.int64]) -> Batch:
        rows = padded_rows(data.offsets, cases)
        return (*inputs(rows), target(rows))

    return Samples(data.lengths, data.starts, batch)


def cross_entropy(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Its sum over the positions of each case that have a target, and their number; both (cases,)."""
    codes, numbers, target = batch
    logits = _possible(network(codes, numbers)).transpose(1, 2)
    each = functional.cross_entropy(logits, target, ignore_index=NO_TARGET, reduction="none")
    return each.sum(dim=1), (target != NO_TARGET).sum(dim=1)


def shares_of(network: nn.Module, data: Prefixes) -> NDArray[np.float64]:
    """Softmax of the answers of a network in double precision, (events, classes)."""
    inputs, found = prefix_inputs(data), np.zeros((data.n_events, data.end_class + 1))

    def logits(rows: NDArray[np.int64]) -> Tensor:
        codes, numbers = inputs(rows)
        return _possible(network(codes, numbers.double()))

    for events, said in answers_by_event(data, np.arange(data.n_cases), logits):
        found[events] = functional.softmax(said, dim=-1).numpy()
    return found


def _possible(logits: Tensor) -> Tensor:
    """What is unseen or missing never comes next."""
    return logits.index_fill(-1, torch.tensor([UNSEEN_CODE, MISSING_CODE]), float("-inf"))

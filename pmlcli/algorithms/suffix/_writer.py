"""A recurrent network that writes a case on, and many ways it may go on, drawn from it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._learning.sequence_network import Reader
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.suffix._continuations import Continuations, as_letters
from pmlcli.encoding.events.sequences import NO_TARGET, TIME_FEATURES
from pmlcli.encoding.vocabulary import MISSING_CODE, UNSEEN_CODE
from pmlcli.eventlog.log import offsets_of

SCALE = 20.0
"""log1p of seconds is divided by this: about 1 for the longest cases there are."""


class Writer(Reader):
    """(cases, steps) codes and numbers to the logits of what follows and the log of the seconds left.

    From some step on only activities are read, beside the attributes as they were then: of what is yet to
    come, nobody knows resource, time and what else will change.
    """

    def __init__(self, sizes: Sizes, dropout: float) -> None:
        super().__init__(sizes, dropout)
        self.left = nn.Linear(sizes["hidden_size"], 1)

    def logits(self, states: Tensor) -> Tensor:
        """Of the activities and the end of the case; never of the unseen and the missing."""
        found: Tensor = self.output(states)
        return found.index_fill(-1, torch.tensor([UNSEEN_CODE, MISSING_CODE]), float("-inf"))

    def write(self, states: Tensor, activity: Tensor, codes: Tensor, numbers: Tensor) -> Tensor:
        """(rows, hidden_size) after one more activity each, (rows,); some stays as it was, see `staying`."""
        events = self.events(torch.cat([activity[:, None], codes[:, 1:]], dim=-1), numbers)
        after: Tensor = self.recurrent(events[:, None], states[None].contiguous())[1][0]
        return after


class WriterBatch(NamedTuple):
    """Inputs and targets, (cases, steps, ...): `target` NO_TARGET, `left` NaN where unknown."""

    codes: Tensor
    numbers: Tensor
    target: Tensor
    left: Tensor


def staying(codes: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """What is known of later events: these codes without the resource, these numbers without the times."""
    codes, numbers = codes.clone(), numbers.clone()
    codes[..., 1] = MISSING_CODE
    numbers[..., : len(TIME_FEATURES)] = 0.0
    return codes, numbers


def writer_loss(network: Writer, batch: WriterBatch) -> tuple[Tensor, Tensor]:
    """Cross entropy of what follows, and the error of the seconds left, from a step on that is drawn anew
    for each case in training (half-way otherwise) as `write` has it; sums and counts, (cases,).
    """
    known = batch.target != NO_TARGET
    lengths = known.sum(dim=1, keepdim=True)
    share = torch.rand(lengths.shape) if network.training else torch.full(lengths.shape, 0.5)
    cut = (share * lengths).floor().long()
    is_written = torch.arange(known.shape[1])[None] > cut
    codes, numbers = _written_from(batch, cut, is_written)
    states = network.read(codes, numbers)
    each = functional.cross_entropy(
        network.logits(states).transpose(1, 2), batch.target, ignore_index=NO_TARGET, reduction="none"
    )
    error = (network.left(states)[..., 0] - batch.left.nan_to_num()).abs()
    error = error.masked_fill(batch.left.isnan() | is_written, 0.0)
    return (each + error).sum(dim=1), lengths[:, 0]


def _written_from(batch: WriterBatch, cut: Tensor, is_written: Tensor) -> tuple[Tensor, Tensor]:
    """The inputs, with what was known at step `cut` in place of what is written."""
    case = torch.arange(len(cut))[:, None]
    kept = staying(batch.codes[case, cut], batch.numbers[case, cut])
    codes, numbers = (
        torch.where(is_written[..., None], at_cut, own)
        for at_cut, own in zip(kept, (batch.codes, batch.numbers), strict=True)
    )
    codes[..., 0] = batch.codes[..., 0]
    return codes, numbers


class Draws(NamedTuple):
    """How many suffixes of a prefix are drawn, how long they may get, and the seed."""

    draws: int
    longest: int
    seed: int


def written(network: Writer, states: Tensor, codes: Tensor, numbers: Tensor, how: Draws) -> Continuations:
    """Possible suffixes of each prefix: its state, codes and numbers, (rows, ...).

    Every prefix is given the same random numbers, spread evenly: what is drawn for one does not depend on
    the others. The seconds left are the same for all suffixes of a prefix.
    """
    rows, draws = len(states), how.draws
    codes, numbers = staying(codes, numbers)
    rng = np.random.Generator(np.random.PCG64(how.seed))
    seconds = np.expm1(np.maximum(network.left(states)[:, 0].numpy(), 0.0) * SCALE)
    state, live = states.repeat_interleave(draws, dim=0), np.arange(rows * draws)
    drawn = np.full((rows * draws, how.longest), NO_TARGET, dtype=np.int64)
    for step in range(how.longest):
        even = (rng.permutation(draws) + rng.random(draws)) / draws
        chances = functional.softmax(network.logits(state), dim=-1)
        # Below one by rounding: the last class is the end, and every number falls to some class.
        found = (chances.cumsum(dim=-1) < torch.from_numpy(even[live % draws])[:, None]).sum(dim=-1)
        goes_on = found < chances.shape[1] - 1
        drawn[live[goes_on.numpy()], step] = found[goes_on].numpy()
        live, state = live[goes_on.numpy()], state[goes_on]
        if len(live) == 0:
            break
        prefix = torch.from_numpy(live // draws)
        state = network.write(state, found[goes_on], codes[prefix], numbers[prefix])
    return _counted(drawn, rows, draws, seconds)


def _counted(codes: NDArray[np.int64], rows: int, draws: int, seconds: NDArray[np.float64]) -> Continuations:
    """The different suffixes of each prefix, weighed by how often each was drawn."""
    lengths = (codes != NO_TARGET).sum(axis=1)
    letters, offsets = as_letters(codes[codes != NO_TARGET]), offsets_of(lengths)
    bounds = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    texts = [letters[start:end] for start, end in bounds]
    # In order of text, whatever else was drawn: a tie between suffixes is settled by their order.
    known = sorted(set(texts))
    number = {text: place for place, text in enumerate(known)}
    which = np.repeat(np.arange(rows), draws) * len(known) + np.array(
        [number[text] for text in texts], dtype=np.int64
    )
    pairs, weights = np.unique(which, return_counts=True)
    prefix, text = np.divmod(pairs, max(len(known), 1))
    names = np.asarray([*known, ""], dtype=object)
    counts = np.bincount(prefix, minlength=rows)
    return Continuations(offsets_of(counts), list(names[text]), weights.astype(np.float64), seconds[prefix])

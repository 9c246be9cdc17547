"""A recurrent network that writes a case on, and many ways it may go on, drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._neural import NeuralAlgorithm
from pmlcli.algorithms._next_activity import NO_TARGET
from pmlcli.algorithms._param import Param
from pmlcli.algorithms._suffix import Continuations, SuffixPredictor, as_letters
from pmlcli.encoding.sequences import TIME_FEATURES
from pmlcli.encoding.vocabulary import MISSING_CODE, UNSEEN_CODE
from pmlcli.eventlog.log import offsets_of

SCALE = 20.0
"""log1p of seconds is divided by this: about 1 for the longest cases there are."""


@dataclass(kw_only=True)
class SuffixNetwork(NeuralAlgorithm, SuffixPredictor):
    """Learns from the earlier cases until the others are predicted no better, then from all as long."""

    learns_from_all: ClassVar[bool] = True
    most_read: ClassVar[int | None] = 500_000

    memory: Annotated[
        Literal["long", "short", "auto"],
        Param("Whether all samples count alike, or late ones more; auto: what predicts the latest better."),
    ] = "long"


class Writer(nn.Module):
    """(cases, steps) codes and times to the logits of what follows and the log of the seconds left.

    From some step on only activities are read: of what is yet to come, nobody knows resource and time.
    """

    def __init__(self, sizes: dict[str, int], dropout: float) -> None:
        super().__init__()
        self.activity = nn.Embedding(sizes["activities"], sizes["embedding"], padding_idx=UNSEEN_CODE)
        self.resource = nn.Embedding(sizes["resources"], sizes["embedding"], padding_idx=UNSEEN_CODE)
        self.recurrent = nn.GRU(2 * sizes["embedding"] + len(TIME_FEATURES), sizes["units"], batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(sizes["units"], sizes["activities"] + 1)
        self.left = nn.Linear(sizes["units"], 1)

    def read(self, activity: Tensor, resource: Tensor, times: Tensor) -> Tensor:
        """(cases, steps, units): all that is remembered after each step."""
        events = torch.cat([self.activity(activity), self.resource(resource), times], dim=-1)
        states, _last = self.recurrent(self.dropout(events))
        found: Tensor = self.dropout(states)
        return found

    def logits(self, states: Tensor) -> Tensor:
        """Of the activities and the end of the case; never of the unseen and the missing."""
        found: Tensor = self.output(states)
        return found.index_fill(-1, torch.tensor([UNSEEN_CODE, MISSING_CODE]), float("-inf"))

    def write(self, states: Tensor, activity: Tensor) -> Tensor:
        """(rows, units) after one more activity each, (rows,)."""
        missing = torch.full_like(activity, MISSING_CODE)
        times = torch.zeros((*activity.shape, 1, len(TIME_FEATURES)), dtype=states.dtype)
        events = torch.cat([self.activity(activity)[:, None], self.resource(missing)[:, None], times], dim=-1)
        after: Tensor = self.recurrent(events, states[None].contiguous())[1][0]
        return after


class WriterBatch(NamedTuple):
    """Inputs and targets, (cases, steps): `target` NO_TARGET where unknown, `left` NaN where unknown."""

    activity: Tensor
    resource: Tensor
    times: Tensor
    target: Tensor
    left: Tensor


def writer_loss(network: Writer, batch: WriterBatch) -> tuple[Tensor, Tensor]:
    """Cross entropy of what follows, and the error of the seconds left, from a step on that is drawn anew
    for each case in training (half-way otherwise) without resources and times; sums and counts, (cases,).
    """
    known = batch.target != NO_TARGET
    lengths = known.sum(dim=1, keepdim=True)
    share = torch.rand(lengths.shape) if network.training else torch.full(lengths.shape, 0.5)
    is_written = torch.arange(known.shape[1])[None] > (share * lengths).floor()
    resource = batch.resource.masked_fill(is_written, MISSING_CODE)
    states = network.read(batch.activity, resource, batch.times.masked_fill(is_written[..., None], 0.0))
    each = functional.cross_entropy(
        network.logits(states).transpose(1, 2), batch.target, ignore_index=NO_TARGET, reduction="none"
    )
    error = (network.left(states)[..., 0] - batch.left.nan_to_num()).abs()
    error = error.masked_fill(batch.left.isnan() | is_written, 0.0)
    return (each + error).sum(dim=1), lengths[:, 0]


def written(network: Writer, states: Tensor, draws: int, longest: int, seed: int) -> Continuations:
    """So many possible suffixes of each prefix, (rows, units), none longer than `longest`.

    Every prefix is given the same random numbers, spread evenly: what is drawn for one does not depend on
    the others. The seconds left are the same for all suffixes of a prefix.
    """
    rows = len(states)
    rng = np.random.Generator(np.random.PCG64(seed))
    seconds = np.expm1(np.maximum(network.left(states)[:, 0].numpy(), 0.0) * SCALE)
    state, live = states.repeat_interleave(draws, dim=0), np.arange(rows * draws)
    codes = np.full((rows * draws, longest), NO_TARGET, dtype=np.int64)
    for step in range(longest):
        even = (rng.permutation(draws) + rng.random(draws)) / draws
        chances = functional.softmax(network.logits(state), dim=-1)
        # Below one by rounding: the last class is the end, and every number falls to some class.
        drawn = (chances.cumsum(dim=-1) < torch.from_numpy(even[live % draws])[:, None]).sum(dim=-1)
        goes_on = drawn < chances.shape[1] - 1
        codes[live[goes_on.numpy()], step] = drawn[goes_on].numpy()
        live, state = live[goes_on.numpy()], state[goes_on]
        if len(live) == 0:
            break
        state = network.write(state, drawn[goes_on])
    return _counted(codes, rows, draws, seconds)


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

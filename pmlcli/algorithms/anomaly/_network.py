"""What detectors by a network over the coded events of whole traces share: its form, its loss, its answers.

The network says how likely each value of each event is. A value's surprise is the logarithm of how many times
likelier the likeliest value is. An algorithm's file builds the body, see `TraceNetwork`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._interface.parameters import (
    Attributes,
    BatchSize,
    Dropout,
    Embedding,
    HiddenSize,
    LearningRate,
    MaxEpochs,
    Patience,
    Recency,
)
from pmlcli.algorithms._learning.batches import Batch, padded_rows
from pmlcli.algorithms._learning.learner import Learner, Objective, Samples
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.anomaly._surprise import Surprises
from pmlcli.algorithms.anomaly._values import Explanation, Why, explained
from pmlcli.arrays import Codes, Floats, as_one
from pmlcli.encoding.events.attributes_of_events import Events
from pmlcli.encoding.events.traces import DistinctTraces
from pmlcli.encoding.vocabulary import UNSEEN_CODE
from pmlcli.eventlog.log import offsets_of

CODES = "codes"
"""What the list of the columns' numbers of codes is called among the sizes."""
LONGEST = 256
"""Longer traces are read in pieces of so many events, to bound the memory."""
SCORED_EVENTS = 2048
"""Events, padding included, that go through the network together when scoring; more of them pad more."""
LEAST = -14.0
"""Logarithm of the least probability: about one in a million. What training never saw has this one."""
DECIMALS = 6
"""Surprises are rounded, so that the last bits, which depend on the company in a batch, decide nothing."""


class Answers(NamedTuple):
    """What a network thinks of each value: (events, columns) each.

    - `seen`, `best`: logarithms of the probability of the value, and of the likeliest one
    - `expected`: code of the likeliest
    """

    seen: Floats
    best: Floats
    expected: Codes


@dataclass(kw_only=True)
class TraceParameters:
    """The parameters that all of these detectors have, and their values where a detector names no other."""

    attributes: Attributes = None
    learning_rate: LearningRate = 0.01
    batch_size: BatchSize = 64
    max_epochs: MaxEpochs = 10
    patience: Patience = 2
    recency: Recency = "off"
    hidden_size: HiddenSize = 64
    embedding: Embedding = 16
    dropout: Dropout = 0.1


class TraceNetwork(nn.Module):
    """Codes (cases, steps, columns) to the log-probabilities of each column's codes, a tensor a column.

    `body` turns embedded events (cases, steps, `event_width`) and a mask into hidden states (cases, steps,
    hidden_size) and a penalty (cases,). An event's activity is told from its hidden state, and each of its
    attributes from that and the activity.
    """

    def __init__(self, sizes: Sizes, body: nn.Module, dropout: float) -> None:
        super().__init__()
        activities, *others = codes = sizes.lists[CODES]
        width = sizes["embedding"]
        self.columns = nn.ModuleList(nn.Embedding(n, width, padding_idx=UNSEEN_CODE) for n in codes)
        self.dropout = nn.Dropout(dropout)
        self.body = body
        self.activity = nn.Linear(sizes["hidden_size"], activities)
        self.attributes = nn.ModuleList(nn.Linear(sizes["hidden_size"] + width, n) for n in others)

    def forward(self, codes: Tensor, mask: Tensor) -> tuple[list[Tensor], Tensor]:
        embedded = [column(codes[..., i]) for i, column in enumerate(self.columns)]
        hidden, penalty = self.body(self.dropout(torch.cat(embedded, dim=-1)), mask)
        hidden = self.dropout(hidden)
        with_activity = torch.cat([hidden, embedded[0]], dim=-1)
        logits = [self.activity(hidden), *(attribute(with_activity) for attribute in self.attributes)]
        return [_log_shares(one) for one in logits], penalty


def event_width(sizes: Sizes) -> int:
    """Width of an embedded event."""
    return sizes["embedding"] * len(sizes.lists[CODES])


class TraceValues(Objective[Events]):
    """Cross entropy over the known values of all columns, and the body's penalty."""

    def samples(self, data: Events) -> Samples:
        """One a trace, or a piece of a long one."""
        offsets, case = pieces(data.offsets)
        sizes = Sizes({}, {CODES: list(data.sizes)})
        return Samples(np.diff(offsets), data.starts[case], _batches(data.codes, offsets), sizes)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of each trace or piece."""
        codes, mask = batch
        columns, penalty = network(codes, mask)
        sums = penalty
        for i, shares in enumerate(columns):
            is_known = mask & (codes[..., i] != UNSEEN_CODE)
            seen = _at(shares, codes[..., i].clamp(min=UNSEEN_CODE + 1))
            sums = sums - torch.where(is_known, seen, torch.zeros_like(seen)).sum(dim=1)
        return sums, mask.sum(dim=1)


def trace_learner(body: Callable[[Sizes], nn.Module], dropout: float) -> Learner[Events]:
    """The learner of a `TraceNetwork` with this body."""
    return Learner(lambda sizes: TraceNetwork(sizes, body(sizes), dropout), TraceValues())


def likelihoods(network: nn.Module, data: Events) -> Answers:
    """What a network in double precision thinks of every value. Each different trace, or piece of a long one,
    is read once.
    """
    pieces_of_log, _case = pieces(data.offsets)
    traces = DistinctTraces.of(_event_numbers(data), pieces_of_log)
    codes, offsets = data.codes[traces.rows], traces.offsets
    seen, best = np.full(codes.shape, -np.inf), np.zeros(codes.shape)
    expected = np.zeros(codes.shape, dtype=np.int64)
    batch = _batches(codes, offsets)
    for some in _score_batches(np.diff(offsets)):
        columns, mask = batch(some)
        rows = padded_rows(offsets, some)
        here = rows < len(codes)
        for i, shares in enumerate(network(columns, mask)[0]):
            highest, which = shares.max(dim=-1)
            seen[rows[here], i] = _at(shares, columns[..., i]).numpy()[here]
            best[rows[here], i] = highest.numpy()[here]
            expected[rows[here], i] = which.numpy()[here]
    return Answers(seen[traces.at], best[traces.at], expected[traces.at])


def _event_numbers(data: Events) -> Codes:
    """One number for each different event, (events,)."""
    return np.unique(as_one(data.codes.T, data.sizes), return_inverse=True)[1]


Place = Callable[[Events, int, int], str]
"""Events, an event and a column to where the value stands, as it follows its name."""


def answers_of(algorithm: NeuralAlgorithm[Events], data: Events) -> Answers:
    """What the network of a trained algorithm thinks of every value."""
    with algorithm.answering() as network:
        return likelihoods(network, data)


def surprises_of(algorithm: NeuralAlgorithm[Events], data: Events, place: Place | None = None) -> Surprises:
    """How surprised the network of a trained algorithm is by each value; it is asked once."""
    answers = answers_of(algorithm, data)

    def explain(events: Codes, columns: Codes) -> list[Explanation]:
        return explanations(answers, data, events, columns, place or place_in_case)

    return Surprises(sizes_of(answers), explain)


def sizes_of(answers: Answers) -> Floats:
    """How many times likelier the likeliest value is, as logarithm; (events, columns)."""
    return np.asarray(np.round(answers.best - np.maximum(answers.seen, LEAST), DECIMALS))


def place_in_case(data: Events, event: int, column: int) -> str:
    """For an attribute also at which activity."""
    at = f" as event {nth(data, event) + 1} of its case"
    return f" for `{data.text(event, 0)}`{at}" if column else at


def explanations(
    answers: Answers, data: Events, events: Codes, columns: Codes, place: Place = place_in_case
) -> list[Explanation]:
    """How likely each value was, and how likely the likeliest one."""
    pairs = zip(events.tolist(), columns.tolist(), strict=True)
    why = [_why(answers, data, event, column, place) for event, column in pairs]
    return explained(data, events, columns, why)


def _why(answers: Answers, data: Events, event: int, column: int, place: Place) -> Why:
    expected = data.name(column, int(answers.expected[event, column]))
    shares = [_percent(float(np.exp(found[event, column]))) for found in (answers.seen, answers.best)]
    said = f"`{data.text(event, column)}`{place(data, event, column)}: {shares[0]} likely"
    return Why(expected, f"{said}, `{expected}` {shares[1]}")


def last_states(hidden: Tensor, mask: Tensor) -> Tensor:
    """The hidden state at the last event of each case, (cases, hidden_size)."""
    last = mask.sum(dim=1) - 1
    return hidden[torch.arange(len(hidden)), last]


def nth(data: Events, event: int) -> int:
    """0-based position of an event in its case."""
    return event - int(data.offsets[np.searchsorted(data.offsets, event, side="right") - 1])


def pieces(offsets: Codes) -> tuple[Codes, Codes]:
    """Offsets of the traces cut into pieces of at most `LONGEST` events, and the case of each piece."""
    lengths = np.diff(offsets)
    many = -(-lengths // LONGEST)
    case = np.repeat(np.arange(len(lengths)), many)
    nth = np.arange(len(case)) - np.repeat(np.cumsum(many) - many, many)
    return offsets_of(np.minimum(lengths[case] - nth * LONGEST, LONGEST)), case


def _batches(codes: Codes, offsets: Codes) -> Callable[[Codes], Batch]:
    every = torch.from_numpy(np.concatenate([codes, np.full((1, codes.shape[1]), UNSEEN_CODE)]))

    def batch(some: Codes) -> Batch:
        rows = torch.from_numpy(padded_rows(offsets, some))
        return every[rows], rows < len(codes)

    return batch


def _score_batches(lengths: Codes) -> Iterator[Codes]:
    """Pieces of like length, at most `SCORED_EVENTS` together, padding included."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        # Lengths ascend, so the last one of a batch is its width.
        widths = lengths[order[start:]] * np.arange(1, len(order) - start + 1)
        many = max(int(np.searchsorted(widths, SCORED_EVENTS, side="right")), 1)
        yield order[start : start + many]
        start += many


def _log_shares(logits: Tensor) -> Tensor:
    """Log-softmax over all codes but that of the unseen, which is minus infinity."""
    return functional.log_softmax(logits.index_fill(-1, torch.tensor([UNSEEN_CODE]), float("-inf")), dim=-1)


def _at(shares: Tensor, codes: Tensor) -> Tensor:
    return shares.gather(-1, codes.unsqueeze(-1)).squeeze(-1)


def _percent(share: float) -> str:
    if share < 1e-4:
        return "under 0.01 %"
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"

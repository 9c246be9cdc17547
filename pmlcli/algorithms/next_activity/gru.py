"""A small recurrent network over whole traces: activity, resource and times of every event so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._neural import (
    PREDICT_BATCH,
    Batch,
    NeuralAlgorithm,
    Samples,
    like_length,
    padded,
    padded_rows,
    trace_inputs,
)
from pmlcli.algorithms._next_activity import NO_TARGET, NextActivityPredictor, targets
from pmlcli.algorithms._param import Param
from pmlcli.encoding.sequences import TIME_FEATURES, Sequences
from pmlcli.encoding.vocabulary import FIRST_CODE, MISSING_CODE, UNSEEN_CODE


class _Network(nn.Module):
    """(cases, steps) codes and times to (cases, steps, classes) logits; step t sees steps 0..t alone."""

    def __init__(self, sizes: dict[str, int], dropout: float) -> None:
        super().__init__()
        self.activity = nn.Embedding(sizes["activities"], sizes["embedding"], padding_idx=UNSEEN_CODE)
        self.resource = nn.Embedding(sizes["resources"], sizes["embedding"], padding_idx=UNSEEN_CODE)
        width = 2 * sizes["embedding"] + len(TIME_FEATURES)
        self.recurrent = nn.GRU(width, sizes["units"], batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(sizes["units"], sizes["activities"] + 1)

    def forward(self, activity: Tensor, resource: Tensor, times: Tensor) -> Tensor:
        events = torch.cat([self.activity(activity), self.resource(resource), times], dim=-1)
        hidden, _last = self.recurrent(self.dropout(events))
        logits: Tensor = self.output(self.dropout(hidden))
        return logits.index_fill(-1, torch.tensor([UNSEEN_CODE, MISSING_CODE]), float("-inf"))


@dataclass(kw_only=True)
class Gru(NeuralAlgorithm, NextActivityPredictor):
    """A gated recurrent unit reads a case event by event and says after each what comes next."""

    source: ClassVar[str] = (
        "Tax, Verenich, La Rosa and Dumas (2017), Predictive business process monitoring with LSTM networks; "
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder"
    )

    units: Annotated[int, Param("Width of the recurrent layer.", ge=1, le=4096)] = 64
    embedding: Annotated[int, Param("Numbers that stand for an activity or a resource.", ge=1, le=1024)] = 32
    dropout: Annotated[float, Param("Share of inputs and units silenced in training.", ge=0, lt=1)] = 0.1

    def sizes(self, data: Sequences) -> dict[str, int]:
        """Units, embedding and the numbers of codes."""
        codes = {"activities": data.n_activities, "resources": data.n_resources}
        return {"units": self.units, "embedding": self.embedding} | codes

    def make_network(self, sizes: dict[str, int]) -> nn.Module:
        """Embeddings, one recurrent layer, one linear layer."""
        return _Network(sizes, self.dropout)

    def samples(self, data: Sequences) -> Samples:
        """One sample a case."""
        following = targets(data)
        following[following < FIRST_CODE] = NO_TARGET
        inputs, target = trace_inputs(data), padded(following, NO_TARGET)

        def batch(cases: NDArray[np.int64]) -> Batch:
            rows = padded_rows(data.offsets, cases)
            return (*inputs(rows), target(rows))

        return Samples(data.lengths, data.starts, batch)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross entropy of each position that has a target."""
        *inputs, target = batch
        logits = network(*inputs).transpose(1, 2)
        each = functional.cross_entropy(logits, target, ignore_index=NO_TARGET, reduction="none")
        return each.sum(dim=1), (target != NO_TARGET).sum(dim=1)

    def probabilities(self, data: Sequences) -> NDArray[np.float64]:
        """Softmax of the network's answers, in double precision."""
        inputs, found = trace_inputs(data), np.zeros((data.n_events, data.end_class + 1))
        with self.answering() as network:
            for cases in like_length(data.lengths, np.arange(data.n_cases), PREDICT_BATCH):
                rows = padded_rows(data.offsets, cases)
                activity, resource, times = inputs(rows)
                shares = functional.softmax(network(activity, resource, times.double()), dim=-1).numpy()
                found[rows[rows < data.n_events]] = shares[rows < data.n_events]
        return found

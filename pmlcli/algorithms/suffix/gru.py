"""A small recurrent network writes the case on many times; of these, the one most like all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._neural import (
    Batch,
    Samples,
    answers_by_event,
    padded,
    padded_rows,
    trace_inputs,
)
from pmlcli.algorithms._next_activity import NO_TARGET, targets
from pmlcli.algorithms._param import Param
from pmlcli.algorithms._prefix import Rows
from pmlcli.algorithms._suffix import Continuations
from pmlcli.algorithms._suffix_network import SCALE, SuffixNetwork, Writer, WriterBatch, writer_loss, written
from pmlcli.encoding.sequences import Sequences
from pmlcli.encoding.vocabulary import FIRST_CODE


@dataclass(kw_only=True)
class Gru(SuffixNetwork):
    """A gated recurrent unit reads the case so far and draws what may come next, activity by activity, until
    the case ends; no suffix is longer than training saw. Answered is the most typical of the drawn ones.
    """

    source: ClassVar[str] = (
        "Camargo, Dumas and Gonzalez-Rojas (2019), Learning accurate LSTM models of business processes; "
        "Kumar and Byrne (2004), Minimum Bayes-risk decoding"
    )

    units: Annotated[int, Param("Width of the recurrent layer.", ge=1, le=4096)] = 64
    embedding: Annotated[int, Param("Numbers that stand for an activity or a resource.", ge=1, le=1024)] = 32
    dropout: Annotated[float, Param("Share of inputs and units silenced in training.", ge=0, lt=1)] = 0.1
    draws: Annotated[int, Param("Ways to go on that are drawn for each case.", ge=1, le=1000)] = 32

    def sizes(self, data: Sequences) -> dict[str, int]:
        """Units, embedding, the numbers of codes and the longest suffix."""
        codes = {"activities": data.n_activities, "resources": data.n_resources}
        longest = max(int(data.lengths.max()) - 1, 1)
        return {"units": self.units, "embedding": self.embedding, "longest": longest} | codes

    def make_network(self, sizes: dict[str, int]) -> nn.Module:
        """Embeddings, one recurrent layer, two linear layers."""
        return Writer(sizes, self.dropout)

    def samples(self, data: Sequences) -> Samples:
        """One sample a case."""
        left = np.log1p(data.seconds_left) / SCALE
        left[np.repeat(data.is_running, data.lengths)] = np.nan
        following = np.where(targets(data) < FIRST_CODE, NO_TARGET, targets(data))
        inputs, target = trace_inputs(data), padded(following, NO_TARGET)
        remaining = padded(left.astype(np.float32), np.nan)

        def batch(cases: NDArray[np.int64]) -> Batch:
            rows = padded_rows(data.offsets, cases)
            return WriterBatch(*inputs(rows), target(rows), remaining(rows))

        return Samples(data.lengths, data.starts, batch)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of what follows, and of the time left."""
        return writer_loss(cast(Writer, network), cast(WriterBatch, batch))

    def continuations(self, data: Sequences, rows: Rows) -> Continuations:
        """Drawn suffixes, in double precision."""
        with self.answering() as found:
            network = cast(Writer, found)
            states = self._states(network, data, rows)
            drawn = written(network, states, self.draws, self.sizes_["longest"], self.seed)
        if data.micros is None:
            drawn = drawn._replace(seconds=np.full(len(drawn.seconds), np.nan))
        return drawn

    def _states(self, network: Writer, data: Sequences, rows: Rows) -> Tensor:
        inputs = trace_inputs(data)
        states = torch.zeros((data.n_events, self.sizes_["units"]), dtype=torch.float64)
        asked = np.unique(np.searchsorted(data.offsets, rows, side="right") - 1)

        def read(events: NDArray[np.int64]) -> Tensor:
            activity, resource, times = inputs(events)
            return network.read(activity, resource, times.double())

        for events, found in answers_by_event(data, asked, read):
            states[events] = found
        return states[rows]

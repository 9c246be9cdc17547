"""GRU: a recurrent network draws many suffixes; the one most similar to all others is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._interface.parameters import DrawCount, Dropout, Embedding, HiddenSize
from pmlcli.algorithms._learning.batches import Batch, answers_by_event, padded, padded_rows
from pmlcli.algorithms._learning.learner import Learner, Objective, Samples
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms._learning.sequence_network import network_sizes, prefix_inputs
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.suffix._continuations import Continuations
from pmlcli.algorithms.suffix._task import SuffixPredictor
from pmlcli.algorithms.suffix._writer import SCALE, Draws, Writer, WriterBatch, writer_loss, written
from pmlcli.arrays import Codes
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.sequences import NO_TARGET, known_targets

MOST_READ = 300_000
"""Events that are read in all passes together, where those are not few."""


class _Suffixes(Objective[Prefixes]):
    """What follows, and the time left."""

    def samples(self, data: Prefixes) -> Samples:
        """One a case. The longest suffix there is is kept as a size."""
        left = np.log1p(data.seconds_left) / SCALE
        left[np.repeat(data.is_running, data.lengths)] = np.nan
        inputs, target = prefix_inputs(data), padded(known_targets(data), NO_TARGET)
        remaining = padded(left.astype(np.float32), np.nan)

        def batch(cases: NDArray[np.int64]) -> Batch:
            rows = padded_rows(data.offsets, cases)
            return WriterBatch(*inputs(rows), target(rows), remaining(rows))

        own = {"outputs": data.end_class + 1, "longest": max(int(data.lengths.max()) - 1, 1)}
        sizes = Sizes(own) | network_sizes(data)
        return Samples(data.lengths, data.starts, batch, sizes, most_read=MOST_READ, learns_from_all=True)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of both together."""
        return writer_loss(cast(Writer, network), cast(WriterBatch, batch))


@dataclass(kw_only=True)
class Gru(NeuralAlgorithm[Prefixes], SuffixPredictor[Prefixes]):
    """A gated recurrent unit reads the case so far, with attributes, and draws what may come next, activity
    by activity, until the case ends. No suffix is longer than the longest in training. The most typical of
    the drawn suffixes is predicted.
    """

    source: ClassVar[str] = (
        "Camargo, Dumas and Gonzalez-Rojas (2019), Learning accurate LSTM models of business processes; "
        "Kumar and Byrne (2004), Minimum Bayes-risk decoding"
    )

    hidden_size: HiddenSize = 64
    embedding: Embedding = 32
    dropout: Dropout = 0.1
    draws: DrawCount = 32

    def make_encoding(self) -> PrefixEncoding:
        """Whole traces with their attributes."""
        return PrefixEncoding()

    def make_learner(self) -> Learner[Prefixes]:
        """One recurrent layer over whole cases, and two linear ones."""
        return Learner(lambda sizes: Writer(sizes, self.dropout), _Suffixes())

    def continuations(self, data: Prefixes, rows: Codes) -> Continuations:
        """Drawn suffixes, in double precision."""
        cases = np.unique(np.searchsorted(data.offsets, rows, side="right") - 1)
        events, _offsets = data.rows_of(cases)
        data, rows = data.take(cases), np.searchsorted(events, rows)
        inputs = prefix_inputs(data)
        codes, numbers = inputs(rows)
        how = Draws(self.draws, self.sizes_["longest"], self.seed)
        with self.answering() as found:
            network = cast(Writer, found)
            states = torch.zeros((data.n_events, self.sizes_["hidden_size"]), dtype=torch.float64)

            def read(some: NDArray[np.int64]) -> Tensor:
                codes, numbers = inputs(some)
                return network.read(codes, numbers.double())

            for some, after in answers_by_event(data, np.arange(data.n_cases), read):
                states[some] = after
            drawn = written(network, states[rows], codes, numbers.double(), how)
        if data.micros is None:
            drawn = drawn._replace(seconds=np.full(len(drawn.seconds), np.nan))
        return drawn

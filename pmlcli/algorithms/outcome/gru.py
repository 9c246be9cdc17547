"""GRU: a small recurrent network over whole traces with attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._interface.parameters import Dropout, Embedding, HiddenSize, Recency
from pmlcli.algorithms._learning.batches import Batch, answers_by_event, padded, padded_rows
from pmlcli.algorithms._learning.calibration import softmax
from pmlcli.algorithms._learning.learner import Learner, Objective, Samples
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms._learning.sequence_network import PrefixNetwork, network_sizes, prefix_inputs
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.outcome._rows import counted_rows
from pmlcli.algorithms.outcome._task import OutcomePredictor
from pmlcli.encoding.outcome.encoding import UNKNOWN, OutcomePrefixes

MOST_READ = 300_000
"""Events that are read in all passes together, where those are not few."""


class _Outcomes(Objective[OutcomePrefixes]):
    """Cross entropy of the class that came, after each prefix that counts."""

    def samples(self, data: OutcomePrefixes) -> Samples:
        """One a case that has such a prefix."""
        data = data.take(np.unique(data.case_of_event[counted_rows(data)]))
        target = np.where(data.is_counted, data.target_of_event, UNKNOWN)
        inputs, targets = prefix_inputs(data), padded(target, UNKNOWN)

        def batch(cases: NDArray[np.int64]) -> Batch:
            rows = padded_rows(data.offsets, cases)
            return (*inputs(rows), targets(rows))

        sizes = Sizes({"outputs": data.n_classes}) | network_sizes(data)
        return Samples(data.lengths, data.starts, batch, sizes, most_read=MOST_READ)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Over the prefixes of each sample that count."""
        codes, numbers, target = batch
        logits = network(codes, numbers).transpose(1, 2)
        each = functional.cross_entropy(logits, target, ignore_index=UNKNOWN, reduction="none")
        return each.sum(dim=1), (target != UNKNOWN).sum(dim=1)


@dataclass(kw_only=True)
class Gru(NeuralAlgorithm[OutcomePrefixes], OutcomePredictor):
    """A gated recurrent unit reads activity, resource, times and attributes of a case event by event, and
    predicts after each how the case will end. Events after the outcome is settled do not count.
    """

    source: ClassVar[str] = (
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, EMNLP"
    )

    hidden_size: HiddenSize = 64
    embedding: Embedding = 16
    dropout: Dropout = 0.3
    recency: Recency = "off"

    def make_learner(self) -> Learner[OutcomePrefixes]:
        """One recurrent layer over whole cases, and a linear one."""
        return Learner(lambda sizes: PrefixNetwork(sizes, self.dropout), _Outcomes())

    def probabilities(self, data: OutcomePrefixes, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Softmax of what the network says after each of these events, in double precision."""
        inputs, found = prefix_inputs(data), np.zeros((data.n_events, data.n_classes))
        cases = np.unique(data.case_of_event[rows])
        with self.answering() as network:

            def logits(events: NDArray[np.int64]) -> Tensor:
                codes, numbers = inputs(events)
                said: Tensor = network(codes, numbers.double())
                return said

            for events, said in answers_by_event(data, cases, logits):
                found[events] = said.numpy()
        return softmax(found[rows])

"""GRU: a small recurrent network over whole traces with attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pmlcli.algorithms._interface.parameters import Dropout, Embedding, HiddenSize, Patience
from pmlcli.algorithms._learning.learner import Learner
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms._learning.sequence_network import Reader
from pmlcli.algorithms.next_activity._network import NextActivities
from pmlcli.algorithms.next_activity._pieces import whole_cases
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes

OBJECTIVE = NextActivities(whole_cases)


class _Network(Reader):
    """Codes and numbers of events to (cases, steps, outputs) logits; step t sees steps 0..t alone."""

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        logits: Tensor = self.output(self.read(codes, numbers))
        return logits


@dataclass(kw_only=True)
class Gru(NeuralAlgorithm[Prefixes], NextActivityPredictor[Prefixes]):
    """A gated recurrent unit reads activity, resource, times and attributes of a case event by event, and
    predicts after each what comes next.
    """

    source: ClassVar[str] = (
        "Tax, Verenich, La Rosa and Dumas (2017), Predictive business process monitoring with LSTM networks; "
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder"
    )

    hidden_size: HiddenSize = 64
    embedding: Embedding = 32
    patience: Patience = 3
    dropout: Dropout = 0.1

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def make_learner(self) -> Learner[Prefixes]:
        """One recurrent layer over whole cases, and a linear one."""
        return Learner(lambda sizes: _Network(sizes, self.dropout), OBJECTIVE)

    def probabilities(self, data: Prefixes) -> NDArray[np.float64]:
        """Softmax of the network's answers, in double precision."""
        with self.answering() as network:
            return OBJECTIVE.probabilities(network, data)

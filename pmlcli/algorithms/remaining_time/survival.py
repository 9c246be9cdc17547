"""Survival analysis: how likely a case ends in each time span; also learns from running cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.parameters import (
    BatchSize,
    Dropout,
    Embedding,
    HiddenSize,
    LearningRate,
    MaxEpochs,
)
from pmlcli.algorithms._learning.batches import Batch
from pmlcli.algorithms._learning.learner import Learner, Objective, Samples
from pmlcli.algorithms._learning.neural import NeuralAlgorithm
from pmlcli.algorithms._learning.sequence_network import PrefixNetwork
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.remaining_time._network import read_quantiles, trace_samples
from pmlcli.algorithms.remaining_time._quantiles import of_spans
from pmlcli.algorithms.remaining_time._rows import learned_rows, remaining_seconds
from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.errors import UntrustedArtifactError

ENDS = "ends"
"""What the list of the seconds at which the spans end is called among the sizes."""
NO_TARGET = -1


@dataclass(frozen=True)
class _Hazards(Objective[Prefixes]):
    """The hazard of each span, of as many endings each; the seconds at which spans end are kept as sizes."""

    spans: int

    def samples(self, data: Prefixes) -> Samples:
        """One a case: spans survived, and whether the case ended in the next one; -1 after the last event."""
        assert data.micros is not None
        ends = self._ends(data)
        running = np.repeat(data.is_running, data.lengths)
        so_far = (data.micros.max() - data.micros) / 1e6
        seconds = np.where(running, so_far, remaining_seconds(data))
        span = np.minimum(np.searchsorted(ends, seconds, side="left"), self.spans - 1)
        last = data.offsets[1:] - 1
        span[last] = np.where(data.is_running, span[last], NO_TARGET)
        own = Sizes({"outputs": self.spans}, {ENDS: [int(end) for end in ends]})
        return trace_samples(data, own, (span, NO_TARGET), (~running, False))

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross entropy of each hazard up to the end, or up to what is known of a running case."""
        *inputs, span, has_ended = batch
        logits, known = network(*inputs), span != NO_TARGET
        faced = torch.arange(self.spans) < (span + has_ended)[..., None]
        at_end = logits.gather(-1, span.clamp(min=0)[..., None])[..., 0]
        each = (functional.softplus(logits) * faced).sum(dim=-1) - at_end * (has_ended & known)
        return each.sum(dim=1), known.sum(dim=1)

    def _ends(self, data: Prefixes) -> NDArray[np.float64]:
        seconds = remaining_seconds(data)[learned_rows(data)]
        ends = np.ceil(np.quantile(seconds, np.arange(1, self.spans + 1) / self.spans))
        return np.asarray(np.maximum.accumulate(ends))


@dataclass(kw_only=True)
class Survival(NeuralAlgorithm[Prefixes], RemainingTimePredictor[Prefixes]):
    """The time to come is divided into spans. For each span, a recurrent network predicts how likely a case
    that has lasted so long ends within it. A case that was running when the log ended has survived the spans
    until then, and is used to learn that. Leaving such cases out, as other methods must, makes long cases
    seem rare.
    """

    source: ClassVar[str] = (
        "Gensheimer and Narasimhan (2019), A scalable discrete-time survival model for neural networks, "
        "PeerJ 7:e6257"
    )

    tolerance: ClassVar[float] = 0.0  # answers are whole seconds

    hidden_size: HiddenSize = 64
    embedding: Embedding = 16
    dropout: Dropout = 0.1
    learning_rate: LearningRate = 0.006
    batch_size: BatchSize = 256
    max_epochs: MaxEpochs = 14
    spans: Annotated[
        int, Param("Number of time spans, with equally many case ends in each.", ge=2, le=200)
    ] = 30

    def make_encoding(self) -> PrefixEncoding:
        """Whole traces with their attributes."""
        return PrefixEncoding()

    def make_learner(self) -> Learner[Prefixes]:
        """One recurrent layer over whole cases, and a linear one."""
        return Learner(self._network, _Hazards(self.spans))

    def quantiles(self, data: Prefixes, rows: Codes) -> Floats:
        """What the network says after each of these events."""
        with self.answering() as network:
            return read_quantiles(network, data, rows, self._seconds)

    def _seconds(self, found: Tensor) -> Floats:
        survived = torch.cumsum(functional.logsigmoid(-found), dim=-1).exp().numpy()
        survived[:, -1] = 0.0
        shares = np.column_stack([np.zeros(len(survived)), 1 - survived])
        return of_spans(np.array([0, *self.sizes_.lists[ENDS]], dtype=np.float64), shares)

    def _network(self, sizes: Sizes) -> nn.Module:
        if len(sizes.lists.get(ENDS, ())) != self.spans:
            raise UntrustedArtifactError(f"no training gives a network of {self.spans} spans with other ends")
        return PrefixNetwork(sizes, self.dropout)

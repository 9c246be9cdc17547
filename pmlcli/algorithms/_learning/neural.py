"""What every algorithm is that is a network: it holds a learner, and keeps what that learned."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Self, final

import torch
from torch import nn

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.parameters import BatchSize, LearningRate, MaxEpochs, Patience, Recency
from pmlcli.algorithms._interface.task import Data
from pmlcli.algorithms._learning.learner import Learner, Trained, Training, reproducible
from pmlcli.algorithms._learning.sizes import Sizes

WEIGHT = "weight:"
"""Prefix of the network's tensors in the learned state."""


@dataclass(kw_only=True)
class NeuralAlgorithm(Algorithm[Data], Generic[Data]):
    """A network trained by gradient descent until the latest training samples are predicted no better.

    The algorithm's file says by its learner what the network is and what it learns. Learned: `network_`,
    its `sizes_`, `recency_`, and `epochs_`, the number of passes after which the held-out loss was lowest;
    `refit` makes as many over all data.
    """

    extra: ClassVar[str | None] = "neural"
    container: ClassVar[str] = "safetensors"
    tolerance: ClassVar[float] = 1e-9
    can_stop_early: ClassVar[bool] = True

    learning_rate: LearningRate = 0.003
    batch_size: BatchSize = 32
    max_epochs: MaxEpochs = 30
    patience: Patience = 4

    recency: Recency = "auto"

    network_: nn.Module = field(init=False, repr=False)
    sizes_: Sizes = field(init=False, repr=False)
    epochs_: int = field(init=False, repr=False)
    recency_: str = field(init=False, repr=False)

    @abstractmethod
    def make_learner(self) -> Learner[Data]:
        """The network and what it learns."""

    def learn(self, data: Data, trial: Self | None, *, all_of_it: bool = True) -> None:
        """Trains the network, guided by a `trial` if there is one; overridden by what learns more than that,
        before or after it. Without `all_of_it` the latest samples only say when to stop.
        """
        learner, how = self.make_learner(), self._training()
        if trial is None:
            done = learner.fit(data, how, all_of_it=all_of_it)
        else:
            done = learner.refit(
                data, how, Trained(trial.network_, trial.sizes_, trial.epochs_, trial.recency_)
            )
        self.network_, self.sizes_, self.epochs_, self.recency_, _loss = done

    @final
    def fit(self, data: Data) -> None:
        """Trains until the latest samples are predicted no better."""
        self.learn(data, None)

    @final
    def fit_held_out(self, data: Data) -> None:
        """Trains on the earlier samples alone, until the others are predicted no better."""
        self.learn(data, None, all_of_it=False)

    @final
    def refit(self, data: Data, trial: Self) -> None:
        """Trains on everything, with the `recency` and for as many epochs as were best for `trial`."""
        self.learn(data, trial)

    @final
    def state(self) -> dict[str, Any]:
        """All that was learned, the network as its tensors: arrays by name."""
        tensors = self.network_.state_dict()
        weights = {WEIGHT + name: tensor.numpy().copy() for name, tensor in tensors.items()}
        others = super().state() | {"sizes_": self.sizes_.to_plain()}
        return {name: value for name, value in others.items() if name != "network_"} | weights

    @final
    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`; UntrustedArtifactError when the tensors do not fit the recorded sizes."""
        super().restore({name: value for name, value in state.items() if not name.startswith(WEIGHT)})
        self.epochs_, self.recency_ = int(state["epochs_"]), str(state["recency_"])
        self.sizes_ = Sizes.from_plain(state["sizes_"], self.parameters())
        weights = {
            name.removeprefix(WEIGHT): value for name, value in state.items() if name.startswith(WEIGHT)
        }
        self.network_ = self.make_learner().restored(self.sizes_, weights)

    @final
    @contextmanager
    def answering(self) -> Iterator[nn.Module]:
        """The network in double precision, so that answers do not depend on the company in a batch."""
        with reproducible(self.seed), torch.no_grad():
            yield copy.deepcopy(self.network_).double().eval()

    def _training(self) -> Training:
        return Training(
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            patience=self.patience,
            recency=self.recency,
            seed=self.seed,
            shape=Sizes.of_parameters(self.parameters()),
        )

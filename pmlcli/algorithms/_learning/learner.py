"""How all networks learn: batches of like length, early stopping, no luck."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pmlcli import runtime
from pmlcli.algorithms._interface.task import Data
from pmlcli.algorithms._learning.batches import PREDICT_BATCH, Batch, like_length
from pmlcli.algorithms._learning.recency import late_weights, recencies, tried_in_time
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms._learning.validation import CHOOSING_TIME
from pmlcli.errors import UntrustedArtifactError

VALIDATION_SHARE = 0.2
"""The latest samples of the training part, on which training decides when to stop."""
AVERAGE_DECAY = 0.99
"""The network that is kept is the moving average of the weights over about a hundred steps: less luck."""
FEWEST_STEPS = 16
"""Steps an epoch at least, where samples are few: batches are smaller then."""
FEWEST_EPOCHS = 3
"""Passes at least, however long the log."""
GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class Samples:
    """What a network learns from, one sample a trace, a window or a row.

    - `lengths`: (samples,), batches are made of samples of like length
    - `starts`: (samples,), the latest are held out for early stopping
    - `batch`: the tensors of some samples (positions), as the objective's `loss` takes them
    - `sizes`: what the data fix of the network's shape, such as the number of activities
    - `most_read`: steps that are read in all passes together, where those are not few; None for no limit
    - `learns_from_all`: whether it learns anew from all, once the latest have told when to stop
    """

    lengths: NDArray[np.int64]
    starts: NDArray[np.int64]
    batch: Callable[[NDArray[np.int64]], Batch]
    sizes: Sizes
    most_read: int | None = None
    learns_from_all: bool = False


class Objective(ABC, Generic[Data]):
    """What a network is to learn: samples of it, and what it loses by being wrong about them."""

    @abstractmethod
    def samples(self, data: Data) -> Samples:
        """The encoded data as samples."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum of the loss over the positions of each sample of a batch, and their number; both (samples,)."""


class Training(NamedTuple):
    """How a network is trained: parameters of its algorithm; `shape` are those that fix its shape."""

    learning_rate: float
    batch_size: int
    max_epochs: int
    patience: int
    recency: str
    seed: int
    shape: Sizes


class Trained(NamedTuple):
    """A network that has learned, and how: `epochs` passes, of which the last or the best was kept."""

    network: nn.Module
    sizes: Sizes
    epochs: int
    recency: str
    loss: float = math.nan


@dataclass(frozen=True)
class Learner(Generic[Data]):
    """The part of an algorithm that learns: `network` makes the untrained one of these sizes, `objective`
    says what it learns. It keeps nothing: what was learned is `Trained`.
    """

    network: Callable[[Sizes], nn.Module]
    objective: Objective[Data]

    def fit(self, data: Data, how: Training, *, all_of_it: bool = True) -> Trained:
        """Trains on the earlier samples until the others are predicted no better, and keeps the best weights;
        then, with `all_of_it`, from all as long, where the samples say so.
        """
        samples = self.objective.samples(data)
        latest = np.argsort(samples.starts, kind="stable")
        train, held_out = np.split(latest, [len(latest) - round(len(latest) * VALIDATION_SHARE)])
        tried = recencies(how.recency) if len(held_out) else (how.recency,)
        run = _Run(self, samples, how)
        learns_again = all_of_it and samples.learns_from_all
        with runtime.use_part_of_time(CHOOSING_TIME if learns_again else 1.0):
            networks = (run.train(train, held_out, one, how.max_epochs) for one in tried_in_time(tried))
            best = min(networks, key=_loss)
        if not learns_again:
            return best
        if runtime.deadline().is_over:
            runtime.deadline().stop("a network learned from the earlier samples alone")
            return best
        return run.as_long_as(best)

    def refit(self, data: Data, how: Training, trial: Trained) -> Trained:
        """Trains on everything, with the `recency` and for as many epochs as were best for `trial`."""
        return _Run(self, self.objective.samples(data), how).as_long_as(trial)

    def restored(self, sizes: Sizes, weights: Mapping[str, NDArray[Any]]) -> nn.Module:
        """A network of these sizes and weights.

        Raises UntrustedArtifactError when names or shapes do not fit; nothing is allocated by the sizes.
        """
        tensors = {
            name: torch.from_numpy(np.array(value, dtype=np.float32)) for name, value in weights.items()
        }
        try:
            with torch.device("meta"), _Uninitialised():
                network = self.network(sizes)
            network.load_state_dict(tensors, strict=True, assign=True)
        except (RuntimeError, KeyError, ValueError) as error:
            raise UntrustedArtifactError(f"the network's tensors do not fit its sizes: {error}") from error
        return network.eval()


def _loss(one: Trained) -> float:
    return one.loss


def _stopped(most: int, epochs: int) -> str:
    return f"a network stopped after {epochs} of at most {most} epochs"


class _Run(Generic[Data]):
    """Training from the same samples, once or several times."""

    def __init__(self, learner: Learner[Data], samples: Samples, how: Training) -> None:
        self._learner, self._samples, self._how = learner, samples, how
        self._sizes = how.shape | samples.sizes

    def as_long_as(self, trial: Trained) -> Trained:
        """The network after as many passes over all samples as were best for a trial."""
        everything = np.argsort(self._samples.starts, kind="stable")
        return self.train(everything, everything[:0], trial.recency, trial.epochs)

    def train(
        self, train: NDArray[np.int64], held_out: NDArray[np.int64], recency: str, epochs: int
    ) -> Trained:
        """The network of the epoch of lowest held-out loss, or of the last; `train` is in order of start."""
        samples, how = self._samples, self._how
        weights = _weights(len(samples.lengths), train, recency)
        size = min(how.batch_size, math.ceil(len(train) / FEWEST_STEPS))
        epochs = self._affordable(train, epochs)
        rng = np.random.Generator(np.random.PCG64(how.seed))
        with reproducible(how.seed):
            network = self._learner.network(self._sizes)
            average = _Average(network)
            optimizer = torch.optim.Adam(network.parameters(), lr=how.learning_rate, fused=True)
            best = Trained(network, self._sizes, 0, recency, np.inf)
            in_time = runtime.in_time(range(1, epochs + 1), partial(_stopped, epochs))
            for epoch in runtime.track(in_time, f"training (recency {recency})", epochs):
                network.train()
                for some in like_length(samples.lengths, train, size, rng):
                    self._step(network, optimizer, samples.batch(some), weights[some])
                    average.update()
                kept = average.network.eval()
                loss = self._mean_loss(kept, held_out)
                if math.isnan(loss):  # nothing to stop on: the last epoch is the best
                    loss = -float(epoch)
                if loss < best.loss:
                    best = Trained(copy.deepcopy(kept), self._sizes, epoch, recency, loss)
                elif epoch - best.epochs >= how.patience:
                    break
        return best

    def _affordable(self, train: NDArray[np.int64], epochs: int) -> int:
        if self._samples.most_read is None:
            return epochs
        read = max(int(self._samples.lengths[train].sum()), 1)
        return min(epochs, max(FEWEST_EPOCHS, self._samples.most_read // read))

    def _step(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch, weights: Tensor
    ) -> None:
        sums, counts = self._learner.objective.loss(network, batch)
        optimizer.zero_grad()
        ((weights * sums).sum() / counts.sum().clamp(min=1)).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
        optimizer.step()

    def _mean_loss(self, network: nn.Module, held_out: NDArray[np.int64]) -> float:
        """Over all held-out positions; nan when there is none."""
        total, positions = 0.0, 0.0
        with torch.no_grad():
            for some in like_length(self._samples.lengths, held_out, PREDICT_BATCH):
                sums, counts = self._learner.objective.loss(network, self._samples.batch(some))
                total, positions = total + float(sums.sum()), positions + float(counts.sum())
        return total / positions if positions else math.nan


class _Uninitialised(TorchFunctionMode):
    """Leaves parameters as they are made; on the meta device, torch imports its compiler to draw numbers."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The tensor itself for an initialiser; any other function is called."""
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def _weights(n_samples: int, train: NDArray[np.int64], recency: str) -> Tensor:
    """How much each sample counts, 1 on average over the training samples (ordered by start)."""
    weights = np.ones(n_samples)
    if recency == "on":
        weights[train] = late_weights(len(train))
        weights[train] /= weights[train].mean()
    return torch.from_numpy(weights.astype(np.float32))


class _Average:
    """A copy of a network that follows its weights as a moving average; the first steps are forgotten sooner.

    What torch's AveragedModel does, without its cost a step, which for networks this small is a tenth of all.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network)
        self._old = [weight.detach() for weight in self.network.parameters()]
        self._new = [weight.detach() for weight in network.parameters()]
        self._steps = 0

    def update(self) -> None:
        """After a step: the first one is taken as it is."""
        share = min(AVERAGE_DECAY, (1 + self._steps) / (10 + self._steps)) if self._steps else 0.0
        torch._foreach_lerp_(self._old, self._new, 1 - share)
        self._steps += 1


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """The same numbers from the same seed, without touching the caller's generator or settings.

    One thread whatever the caller allows: how sums are shared among threads changes the last bits, so
    the same seed would give other bytes; networks this small gain nothing from more.
    """
    # The mode by its number: use_deterministic_algorithms imports torch's compiler, which takes seconds.
    threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        torch.set_deterministic_debug_mode("error")
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.set_deterministic_debug_mode(mode)

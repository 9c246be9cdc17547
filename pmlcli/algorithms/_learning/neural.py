"""The one training loop of all neural algorithms: batches of like length, early stopping, no luck."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pmlcli import runtime
from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.parameters import BatchSize, LearningRate, MaxEpochs, Patience, Recency
from pmlcli.algorithms._interface.task import Data
from pmlcli.algorithms._learning.recency import late_weights, recencies
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.encoding.events.sequences import Sequences
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
PREDICT_BATCH = 256
WEIGHT = "weight:"
"""Prefix of the network's tensors in the learned state."""

Batch = tuple[Tensor, ...]


@dataclass(frozen=True)
class Samples:
    """What a network learns from, one sample a trace, a window or a row.

    - `lengths`: (samples,), batches are made of samples of like length
    - `starts`: (samples,), the latest are held out for early stopping
    - `batch`: the tensors of some samples (positions), as the algorithm's `loss` takes them
    """

    lengths: NDArray[np.int64]
    starts: NDArray[np.int64]
    batch: Callable[[NDArray[np.int64]], Batch]


class _Trained(NamedTuple):
    network: nn.Module
    epochs: int
    loss: float
    recency: str


@dataclass(kw_only=True)
class NeuralAlgorithm(Algorithm[Data], Generic[Data]):
    """A network trained by gradient descent until the latest training samples are predicted no better.

    The algorithm's file says how large the network is (`sizes`), builds it (`make_network`), makes `samples`
    and the `loss`; everything else is here. Learned: `network_`, `recency_`, and `epochs_`, the number
    of passes after which the held-out loss was lowest; `refit` makes as many over all data.
    """

    extra: ClassVar[str | None] = "neural"
    container: ClassVar[str] = "safetensors"
    tolerance: ClassVar[float] = 1e-9
    learns_from_all: ClassVar[bool] = False
    most_read: ClassVar[int | None] = None
    """Steps of samples that are read in all passes together, where those are not few; None for no limit."""

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
    def sizes(self, data: Data) -> Sizes:
        """All numbers that fix the network's shape, from parameters and data."""

    @abstractmethod
    def make_network(self, sizes: Sizes) -> nn.Module:
        """The untrained network of these sizes."""

    @abstractmethod
    def samples(self, data: Data) -> Samples:
        """The encoded data as samples."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum of the loss over the positions of each sample of a batch, and their number; both (samples,)."""

    def fit(self, data: Data) -> None:
        """Trains until the held-out loss stops falling; then from all as long, if it `learns_from_all`."""
        self.fit_held_out(data)
        if self.learns_from_all:
            self.refit(data, self)

    def fit_held_out(self, data: Data) -> None:
        """Trains on the earlier samples until the others are predicted no better; keeps the best weights."""
        samples, self.sizes_ = self.samples(data), self.sizes(data)
        latest = np.argsort(samples.starts, kind="stable")
        train, held_out = np.split(latest, [len(latest) - round(len(latest) * VALIDATION_SHARE)])
        tried = recencies(self.recency) if len(held_out) else (self.recency,)
        trained = [self._train(samples, train, held_out, recency, self.max_epochs) for recency in tried]
        best = min(trained, key=lambda one: one.loss)
        self.network_, self.epochs_, self.recency_ = best.network, best.epochs, best.recency
        self.finish(data)

    def refit(self, data: Data, trial: Self) -> None:
        """Trains on everything, with the `recency` and for as many epochs as were best for `trial`."""
        samples, self.sizes_ = self.samples(data), self.sizes(data)
        everything = np.argsort(samples.starts, kind="stable")
        done = self._train(samples, everything, everything[:0], trial.recency_, trial.epochs_)
        self.network_, self.epochs_, self.recency_ = done.network, done.epochs, done.recency
        self.finish(data)

    def finish(self, data: Data) -> None:
        """Learns from what the trained network says of its own training data; nothing here."""

    def state(self) -> dict[str, Any]:
        """All that was learned, the network as its tensors: arrays by name."""
        tensors = self.network_.state_dict()
        weights = {WEIGHT + name: tensor.numpy().copy() for name, tensor in tensors.items()}
        others = super().state() | {"sizes_": self.sizes_.to_plain()}
        return {name: value for name, value in others.items() if name != "network_"} | weights

    def restore(self, state: dict[str, Any]) -> None:
        """Loads the tensors into a network of the recorded sizes.

        Raises UntrustedArtifactError when names or shapes do not fit; nothing is allocated by the sizes.
        """
        super().restore({name: value for name, value in state.items() if not name.startswith(WEIGHT)})
        self.epochs_, self.recency_ = int(state["epochs_"]), str(state["recency_"])
        self.sizes_ = Sizes.from_plain(state["sizes_"], self.parameters())
        tensors = {
            name.removeprefix(WEIGHT): torch.from_numpy(np.array(value, dtype=np.float32))
            for name, value in state.items()
            if name.startswith(WEIGHT)
        }
        try:
            with torch.device("meta"), _Uninitialised():
                network = self.make_network(self.sizes_)
            network.load_state_dict(tensors, strict=True, assign=True)
        except (RuntimeError, KeyError, ValueError) as error:
            raise UntrustedArtifactError(f"the network's tensors do not fit its sizes: {error}") from error
        self.network_ = network.eval()

    @contextmanager
    def answering(self) -> Iterator[nn.Module]:
        """The network in double precision, so that answers do not depend on the company in a batch."""
        with _reproducible(self.seed), torch.no_grad():
            yield copy.deepcopy(self.network_).double().eval()

    def _train(
        self,
        samples: Samples,
        train: NDArray[np.int64],
        held_out: NDArray[np.int64],
        recency: str,
        epochs: int,
    ) -> _Trained:
        """The network of the epoch of lowest held-out loss, or of the last; `train` is in order of start."""
        weights = _weights(len(samples.lengths), train, recency)
        size = min(self.batch_size, math.ceil(len(train) / FEWEST_STEPS))
        if self.most_read is not None:
            read = max(int(samples.lengths[train].sum()), 1)
            epochs = min(epochs, max(FEWEST_EPOCHS, self.most_read // read))
        rng = np.random.Generator(np.random.PCG64(self.seed))
        with _reproducible(self.seed):
            network = self.make_network(self.sizes_)
            average = _Average(network)
            optimizer = torch.optim.Adam(network.parameters(), lr=self.learning_rate, fused=True)
            best = _Trained(network, 0, np.inf, recency)
            for epoch in runtime.track(range(1, epochs + 1), f"training (recency {recency})", epochs):
                network.train()
                for some in like_length(samples.lengths, train, size, rng):
                    self._step(network, optimizer, samples.batch(some), weights[some])
                    average.update()
                kept = average.network.eval()
                loss = self._mean_loss(kept, samples, held_out)
                if math.isnan(loss):  # nothing to stop on: the last epoch is the best
                    loss = -float(epoch)
                if loss < best.loss:
                    best = _Trained(copy.deepcopy(kept), epoch, loss, recency)
                elif epoch - best.epochs >= self.patience:
                    break
        return best

    def _step(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch, weights: Tensor
    ) -> None:
        sums, counts = self.loss(network, batch)
        optimizer.zero_grad()
        ((weights * sums).sum() / counts.sum().clamp(min=1)).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
        optimizer.step()

    def _mean_loss(self, network: nn.Module, samples: Samples, held_out: NDArray[np.int64]) -> float:
        """Over all held-out positions; nan when there is none."""
        total, positions = 0.0, 0.0
        with torch.no_grad():
            for some in like_length(samples.lengths, held_out, PREDICT_BATCH):
                sums, counts = self.loss(network, samples.batch(some))
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


def like_length(
    lengths: NDArray[np.int64],
    samples: NDArray[np.int64],
    batch_size: int,
    rng: np.random.Generator | None = None,
) -> Iterator[NDArray[np.int64]]:
    """Batches of samples of like length, so that little is padded; with `rng` in random order.

    Then ties in length are mixed anew in every epoch too.
    """
    if len(samples) == 0:
        return iter(())
    samples = samples if rng is None else rng.permutation(samples)
    by_length = samples[np.argsort(lengths[samples], kind="stable")]
    batches = np.split(by_length, np.arange(batch_size, len(by_length), batch_size))
    order = np.arange(len(batches)) if rng is None else rng.permutation(len(batches))
    return (batches[i] for i in order)


def padded_rows(offsets: NDArray[np.int64], cases: NDArray[np.int64]) -> NDArray[np.int64]:
    """The events of these cases, (cases, longest), `offsets[-1]` (one past the last event) as padding."""
    lengths = np.diff(offsets)[cases]
    steps = np.arange(lengths.max(initial=0))
    return np.where(steps < lengths[:, None], offsets[cases][:, None] + steps, offsets[-1])


def padded(values: NDArray[Any], fill: float) -> Callable[[NDArray[np.int64]], Tensor]:
    """Rows (see `padded_rows`) to a tensor of the values there, `fill` for padding."""
    last = np.full_like(values, fill, shape=(1, *values.shape[1:]))
    with_fill = torch.from_numpy(np.concatenate([values, last]))
    return lambda rows: with_fill[torch.from_numpy(rows)]


def answers_by_event(
    data: Sequences, cases: NDArray[np.int64], answer: Callable[[NDArray[np.int64]], Tensor]
) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """Some events of these cases, and what `answer` says of each, (events, outputs), batch by batch.

    `answer` takes rows (see `padded_rows`) and gives (cases, steps, outputs).
    """
    for some in like_length(data.lengths, cases, PREDICT_BATCH):
        rows = padded_rows(data.offsets, some)
        is_event = rows < data.n_events
        yield rows[is_event], answer(rows)[torch.from_numpy(is_event)]


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
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

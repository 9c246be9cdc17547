"""What forecasters that are networks share: one for all series, which corrects a simple base forecast.

It reads the last four weeks (three days of hours, half a year of weeks, a year of months), relative to
their mean and spread, and learns what to add to a base, such as the mean of the same weekday.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._learning.batches import Batch
from pmlcli.algorithms._learning.learner import Learner, Objective, Samples
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.forecast._methods.windows import (
    LENGTH,
    N_CLOCK,
    Base,
    Windows,
    make_windows,
    origins_of,
)
from pmlcli.encoding.series.encoding import Series

LEAST_BUCKETS = 100
"""Whole buckets that a log must cover for a network to learn from it."""
MOST_ORIGINS = 2000

Lessons = tuple[NDArray[np.int64], Base | None]
"""Origins to learn from, and the base that is corrected there; None for the mean of the same weekday."""
MakeLessons = Callable[[Series], Lessons]
MakeTrunk = Callable[[int, int], nn.Module]
"""The numbers of inputs and hidden units to layers that turn (batch, length, inputs) into (batch, hidden)."""
Data = tuple[Series, ...]


def usual_lessons(series: Series) -> Lessons:
    """Origins evenly over the series; the mean of the same weekday is corrected."""
    return origins_of(series, MOST_ORIGINS), None


@dataclass(frozen=True)
class Corrections(Objective[Data]):
    """What to add to a base forecast so many steps ahead, by its absolute error. A base of `lessons` at each
    origin knew nothing of what came after.
    """

    horizon: int
    lessons: MakeLessons = usual_lessons

    def samples(self, data: Data) -> Samples:
        """One a series and origin."""
        parts = [_of_series(series, self.horizon, *self.lessons(series)) for series in data]
        starts = np.concatenate([starts for starts, _windows in parts])
        tensors = [torch.cat(column) for column in zip(*(_tensors(w) for _s, w in parts), strict=True)]
        lengths = np.full(len(starts), LENGTH[data[0].frequency], dtype=np.int64)

        def batch(some: NDArray[np.int64]) -> Batch:
            return tuple(tensor[torch.from_numpy(some)] for tensor in tensors)

        return Samples(lengths, starts, batch, self._sizes(data[0]))

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Over the steps that are known."""
        inputs, ahead, targets = batch
        known = ~torch.isnan(targets)
        errors = (network(inputs, ahead) - torch.nan_to_num(targets)).abs()
        return (errors * known).sum(dim=1), known.sum(dim=1).float()

    def _sizes(self, series: Series) -> Sizes:
        """Window and steps, and exogenous columns where there are any."""
        exogenous = series.exogenous_values().shape[1]
        known = {"length": LENGTH[series.frequency], "horizon": self.horizon}
        return Sizes(known | ({"exogenous": exogenous} if exogenous else {}))


def correcting(trunk: MakeTrunk, horizon: int, lessons: MakeLessons = usual_lessons) -> Learner[Data]:
    """The learner of a network with this trunk; see `Corrections`."""

    def network(sizes: Sizes) -> nn.Module:
        exogenous, hidden = sizes.numbers.get("exogenous", 0), sizes["hidden_size"]
        inputs = hidden + 1 + sizes["horizon"] * (1 + exogenous)
        return Head(trunk(1 + N_CLOCK + exogenous, hidden), inputs, sizes["horizon"])

    return Learner(network, Corrections(horizon, lessons))


def corrected(
    network: nn.Module, data: Series, horizon: int, base: Base | None = None
) -> NDArray[np.float64]:
    """The base and the network's corrections for the buckets that follow, (horizon,)."""
    windows = make_windows(data, np.array([len(data)]), horizon, base)
    inputs, ahead, _targets = (tensor.double() for tensor in _tensors(windows))
    return np.asarray(windows.values(network(inputs, ahead).numpy())[0])


class Head(nn.Module):
    """A trunk, and a linear layer that begins with no correction at all."""

    def __init__(self, trunk: nn.Module, inputs: int, horizon: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.out = nn.Linear(inputs, horizon)
        if self.out.weight.device.type != "meta":
            nn.init.zeros_(self.out.weight)
            nn.init.zeros_(self.out.bias)

    def forward(self, inputs: Tensor, ahead: Tensor) -> Tensor:
        """Corrections, (batch, horizon), from the window and from what is known of the steps ahead."""
        known = torch.cat((self.trunk(inputs), inputs[:, -1, :1], ahead), dim=1)
        return torch.as_tensor(self.out(known))


class Recurrent(nn.Module):
    """An LSTM or GRU, one way or both, of which the last output counts."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU], inputs: int, hidden: int, both: bool) -> None:
        super().__init__()
        size = hidden // 2 if both else hidden
        self.layer = kind(inputs, size, batch_first=True, bidirectional=both)
        self.fill = hidden - size * (2 if both else 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """The output after the last step (and, backwards, after the first), (batch, hidden)."""
        outputs, _state = self.layer(inputs)
        if not self.layer.bidirectional:
            return torch.as_tensor(outputs[:, -1])
        size = self.layer.hidden_size
        both = torch.cat((outputs[:, -1, :size], outputs[:, 0, size:]), dim=1)
        return nn.functional.pad(both, (0, self.fill))


def recurrent(kind: type[nn.LSTM] | type[nn.GRU], *, both: bool = False) -> MakeTrunk:
    """A trunk of one recurrent layer."""
    return lambda inputs, hidden: Recurrent(kind, inputs, hidden, both)


def _of_series(
    series: Series, horizon: int, origins: NDArray[np.int64], base: Base | None
) -> tuple[NDArray[np.int64], Windows]:
    return series.starts[origins], make_windows(series, origins, horizon, base)


def _tensors(windows: Windows) -> tuple[Tensor, Tensor, Tensor]:
    length = windows.inputs.shape[1]
    past = (windows.inputs[:, :, None], windows.clock[:, :length], windows.exogenous[:, :length])
    ahead = (windows.base, windows.exogenous[:, length:].reshape(len(windows.base), -1))
    arrays = (np.concatenate(past, axis=2), np.concatenate(ahead, axis=1), windows.targets)
    return tuple(torch.from_numpy(array.astype(np.float32)) for array in arrays)  # type: ignore[return-value]

"""Forecasters that are networks: one for all series, which corrects a simple base forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._learning.neural import Batch, NeuralAlgorithm, Samples
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.forecast._holidays import CalendarForecaster
from pmlcli.algorithms.forecast._methods.windows import (
    LENGTH,
    N_CLOCK,
    Base,
    Windows,
    make_windows,
    origins_of,
)
from pmlcli.algorithms.forecast._series import Floats
from pmlcli.encoding.series.encoding import Series

MOST_ORIGINS = 2000
KEPT = ("series_", "timezone_", "history_starts_", "history_values_")


@dataclass(kw_only=True)
class NeuralForecaster(NeuralAlgorithm, CalendarForecaster):
    """A network over windows of all series, which gives all steps ahead at once.

    It reads the last four weeks (three days of hours, half a year of weeks, a year of months), relative to
    their mean and spread, and learns what to add to the mean of the same weekday. The loss is absolute.
    """

    minimum_buckets: ClassVar[int] = 100

    hidden_size: Annotated[int, Param("Units of the network.", ge=1, le=1024)] = 32

    def sizes(self, data: Any) -> Sizes:
        """Units, window and steps, and columns from outside the log where there are any."""
        known = {"hidden": self.hidden_size, "length": LENGTH[self.frequency], "horizon": self.horizon}
        outside = data[0].outside_values().shape[1]
        return Sizes(known | ({"outside": outside} if outside else {}))

    def make_network(self, sizes: Sizes) -> nn.Module:
        """A trunk of the algorithm's own and a head."""
        outside, hidden, horizon = sizes.numbers.get("outside", 0), sizes["hidden"], sizes["horizon"]
        trunk = self.make_trunk(1 + N_CLOCK + outside, hidden)
        return Head(trunk, hidden + 1 + horizon * (1 + outside), horizon)

    def make_trunk(self, inputs: int, hidden: int) -> nn.Module:
        """The layers that turn (batch, length, inputs) into (batch, hidden)."""
        raise NotImplementedError

    def base(self, series: Series) -> Base | None:
        """The forecast that is corrected; None for the mean of the same weekday."""
        return None

    def training_base(self, series: Series) -> tuple[NDArray[np.int64], Base | None]:
        """Origins to learn from, and a base that at each knew nothing of what came after."""
        return origins_of(series, MOST_ORIGINS), None

    def samples(self, data: tuple[Series, ...]) -> Samples:
        """One a series and origin."""
        parts = [_of_series(series, self.horizon, *self.training_base(series)) for series in data]
        starts = np.concatenate([starts for starts, _windows in parts])
        tensors = [torch.cat(column) for column in zip(*(_tensors(w) for _s, w in parts), strict=True)]
        lengths = np.full(len(starts), LENGTH[self.frequency], dtype=np.int64)
        return Samples(lengths, starts, lambda some: tuple(t[torch.from_numpy(some)] for t in tensors))

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Absolute error over the steps that are known."""
        inputs, ahead, targets = batch
        known = ~torch.isnan(targets)
        errors = (network(inputs, ahead) - torch.nan_to_num(targets)).abs()
        return (errors * known).sum(dim=1), known.sum(dim=1).float()

    def forecast(self, data: Series, horizon: int) -> Floats:
        """The base and the network's corrections."""
        windows = make_windows(data, np.array([len(data)]), self.horizon, self.base(data))
        inputs, ahead, _targets = (tensor.double() for tensor in _tensors(windows))
        with self.answering() as network:
            corrections = network(inputs, ahead).numpy()
        return windows.values(corrections)[0, :horizon]

    def state(self) -> dict[str, Any]:
        """The network and the training series."""
        return super().state() | {name: getattr(self, name) for name in KEPT}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        super().restore({name: value for name, value in state.items() if name not in KEPT})
        for name in KEPT:
            setattr(self, name, state[name])


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


def _of_series(
    series: Series, horizon: int, origins: NDArray[np.int64], base: Base | None
) -> tuple[NDArray[np.int64], Windows]:
    return series.starts[origins], make_windows(series, origins, horizon, base)


def _tensors(windows: Windows) -> tuple[Tensor, Tensor, Tensor]:
    length = windows.inputs.shape[1]
    past = (windows.inputs[:, :, None], windows.clock[:, :length], windows.outside[:, :length])
    ahead = (windows.base, windows.outside[:, length:].reshape(len(windows.base), -1))
    arrays = (np.concatenate(past, axis=2), np.concatenate(ahead, axis=1), windows.targets)
    return tuple(torch.from_numpy(array.astype(np.float32)) for array in arrays)  # type: ignore[return-value]

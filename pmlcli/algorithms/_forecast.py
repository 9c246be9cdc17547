"""Forecast: the next values of a KPI series, with intervals at 80 and 95 %."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._base import Algorithm, PredictRequest
from pmlcli.algorithms._param import Param
from pmlcli.algorithms._series_tools import (
    BUCKET,
    LEVELS,
    MINIMUM_BUCKETS,
    Backtest,
    Floats,
    backtest,
    coverage,
    half_widths,
    season_of,
    split_at,
)
from pmlcli.encoding._kpi import find_kpi
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.series import Series, SeriesEncoding
from pmlcli.errors import PredictionError, TrainingError, ValidationError
from pmlcli.evaluation.measurement import Measurement, mean_over
from pmlcli.eventlog.log import TIMESTAMP, EventLog
from pmlcli.eventlog.split import Split

TRAINING_SHARE = 0.8


@dataclass(kw_only=True)
class Forecaster(Algorithm):
    """Continues a KPI series that it was trained on, or a longer one, without being fitted again.

    The trial learns from the events before the last fifth of the buckets; errors and intervals come
    from rolling origins in that last fifth of the whole log's series. Forecasts and bounds are never
    negative, as no KPI is.
    """

    task: ClassVar[str] = "forecast"
    baseline: ClassVar[str] = "forecast/seasonal-naive"
    recommended: ClassVar[str] = "forecast/arima"
    needs_log: ClassVar[bool] = False

    kpi: Annotated[
        str,
        Param("What to forecast: arrivals, completions, open-cases, events, cycle-time or activity:NAME."),
    ] = "arrivals"
    horizon: Annotated[int, Param("How far to forecast.", ge=1, le=366, unit="buckets")] = 14
    frequency: Annotated[
        Literal["H", "D", "W", "M"], Param("Width of a bucket: hour, day, week or month.")
    ] = "D"

    history_starts_: NDArray[np.int64] = field(init=False, repr=False)
    """The training series, which a forecast without a log continues."""
    history_values_: Floats = field(init=False, repr=False)
    timezone_: str = field(init=False, repr=False)

    @abstractmethod
    def fit(self, data: Series) -> None:
        """Learns from the training series."""

    @abstractmethod
    def forecast(self, data: Series, horizon: int) -> Floats:
        """The values of the buckets that follow `data`, (horizon,), from what `fit` learned.

        `data` is the training series or one that continues it (a newer log's). Finite; the task's
        base makes negative values zero.
        """

    def __post_init__(self) -> None:
        find_kpi(self.kpi)

    def make_encoding(self) -> SeriesEncoding:
        """The KPI's series."""
        return SeriesEncoding(self.kpi, self.frequency)

    def count_samples(self, data: Series) -> int:
        """Buckets."""
        return len(data)

    def split(self, log: EventLog) -> Split:
        """The log's events before the last fifth of its buckets, and those after."""
        series = self.make_encoding().fit(log).transform(log)
        self._require(len(series), MINIMUM_BUCKETS[self.frequency], "the log covers")
        split = split_at(log, int(series.starts[first_test_bucket(series)]))
        known = self.make_encoding().fit(split.train).transform(split.train)
        wanted = MINIMUM_BUCKETS[self.frequency] // 2
        self._require(len(known), wanted, "of the log's first four fifths, its events cover")
        return split

    def _require(self, samples: int, minimum: int, what: str) -> None:
        bucket, shortest = BUCKET[self.frequency], MINIMUM_BUCKETS[self.frequency]
        if samples < minimum:
            raise TrainingError(
                f"{what} {samples} whole {bucket}s of '{self.kpi}', but a forecast needs {minimum}",
                code="training.samples",
                hint=f"the shortest log that would do covers {shortest} whole {bucket}s, beside the first "
                "and the last that it covers in part",
                context={"samples": samples, "minimum": minimum},
            )

    def calibrate(self, encoding: Encoding[Any], split: Split, log: EventLog) -> dict[str, Any]:
        """Half-widths of the intervals by step, and the share of later values that they would have held."""
        test = self._backtest(encoding.transform(log))
        return {
            "half_widths": {str(level): half_widths(test.errors, level).tolist() for level in LEVELS},
            "origins": len(test.origins),
            "coverage": coverage(test),
            "kpi_unit": find_kpi(self.kpi).unit,
        }

    def settle(self, data: Series) -> None:
        """Keeps the training series."""
        self.history_starts_, self.history_values_ = data.starts.copy(), data.values.copy()
        self.timezone_ = data.timezone

    def measure(self, encoding: Encoding[Any], split: Split, log: EventLog) -> Measurement:
        """Mean absolute error from rolling origins in the last fifth of the buckets, resampled by block.

        A block is a run of test buckets, at most a season long, with all errors about them: windows
        that overlap are not independent, nor are neighbouring days.
        """
        series = encoding.transform(log)
        test = self._backtest(series)
        n_test = len(series) - int(test.origins[0])
        steps = min(self.horizon, max(1, n_test // 2))
        sums, counts = _by_block(test, steps, min(season_of(self.frequency, len(series)), -(-n_test // 10)))
        bucket = BUCKET[self.frequency]
        return Measurement(
            metric="mae",
            unit=find_kpi(self.kpi).unit,
            higher_is_better=False,
            n_units=len(sums),
            value_of=mean_over(sums, counts),
            about=f"{self.kpi}, 1 to {steps} {bucket}s ahead, from rolling origins in the last {n_test} of "
            f"{len(series)} {bucket}s; intervals resample runs of {bucket}s",
        )

    def _backtest(self, series: Series) -> Backtest:
        return backtest(self._non_negative, series, first_test_bucket(series), self.horizon)

    def _non_negative(self, data: Series, horizon: int) -> Floats:
        return np.maximum(self.forecast(data, horizon), 0.0)

    def predict(self, encoding: Encoding[Any], log: EventLog, request: PredictRequest) -> pd.DataFrame:
        """One row a bucket after the end of the log.

        A log that begins later than the training series continues it; up to a horizon of missing
        buckets between them are filled with the model's own forecast. For `open-cases`, give a log
        that reaches back to the start of its oldest open case.
        """
        horizon = self._horizon(request)
        return self._table(self._continued(self._history(), encoding.transform(log)), horizon)

    def predict_without_log(self, encoding: Encoding[Any], request: PredictRequest) -> pd.DataFrame:
        """One row a bucket after the end of the training series."""
        return self._table(self._history(), self._horizon(request))

    def _table(self, data: Series, horizon: int) -> pd.DataFrame:
        values = self._non_negative(data, horizon)
        starts = data.next_starts(horizon).view("datetime64[us]")
        table = {
            TIMESTAMP: pd.DatetimeIndex(starts).tz_localize("UTC").tz_convert(data.timezone),
            "kpi": self.kpi,
            "value": values,
        }
        for level in LEVELS:
            width = np.asarray(self.calibration_["half_widths"][str(level)][:horizon])
            table[f"lower_{level}"] = np.maximum(values - width, 0.0)
            table[f"upper_{level}"] = values + width
        return pd.DataFrame(table)

    def _horizon(self, request: PredictRequest) -> int:
        if request.level is not None or request.every_prefix:
            raise ValidationError("a forecast has no level and no prefixes", hint="choose with horizon alone")
        horizon = self.horizon if request.horizon is None else request.horizon
        if horizon < 1:
            raise ValidationError(f"horizon is {horizon}, but must be >= 1", context={"horizon": horizon})
        if horizon > self.horizon:
            raise PredictionError(
                f"horizon {horizon} is longer than the {self.horizon} that the model was trained for",
                code="prediction.horizon",
                hint=f"ask for at most {self.horizon}, or train with horizon={horizon}",
                context={"horizon": horizon, "trained": self.horizon},
            )
        return horizon

    def _history(self) -> Series:
        unit = find_kpi(self.kpi).unit
        starts, values = self.history_starts_, self.history_values_
        return Series(self.kpi, self.frequency, self.timezone_, unit, starts, values)

    def _continued(self, history: Series, newer: Series) -> Series:
        """The training series up to where `newer` begins, then `newer`."""
        bucket = BUCKET[self.frequency]
        if len(newer) == 0:
            raise PredictionError(
                f"the log covers no whole {bucket}, so there is nothing to continue",
                code="prediction.log",
                hint="give a longer log, or none to forecast from the end of training",
            )
        before = history.head(int(np.searchsorted(history.starts, newer.starts[0])))
        if len(before) == 0:
            return self._alone(newer)
        ahead = before.next_starts(self.horizon + 1)
        gap = int(np.searchsorted(ahead, newer.starts[0]))
        if gap > self.horizon:
            return self._alone(newer)
        if gap:
            before = before.extended(ahead[:gap], self._non_negative(before, gap))
        return before.extended(newer.starts, newer.values)

    def _alone(self, newer: Series) -> Series:
        """`newer` itself, when it is long enough to be continued without the training series."""
        bucket, minimum = BUCKET[self.frequency], MINIMUM_BUCKETS[self.frequency]
        if len(newer) >= minimum:
            return newer
        raise PredictionError(
            f"the log covers {len(newer)} whole {bucket}s that do not follow the training series, "
            f"but a forecast from them alone needs {minimum}",
            code="prediction.log",
            hint="give a log that reaches back to the training log",
            context={"samples": len(newer), "minimum": minimum},
        )

    def output_units(self) -> dict[str, str]:
        """All numeric columns are in the KPI's unit."""
        columns = ("value", *(f"{side}_{level}" for level in LEVELS for side in ("lower", "upper")))
        return dict.fromkeys(columns, find_kpi(self.kpi).unit)


def first_test_bucket(series: Series) -> int:
    """Position of the first bucket of the last fifth."""
    return int(len(series) * TRAINING_SHARE)


def _by_block(test: Backtest, steps: int, block: int) -> tuple[Floats, Floats]:
    """Absolute errors of whole windows of so many steps, summed and counted by block of target buckets."""
    whole = test.origins <= max(test.n - steps, int(test.origins[0]))
    size, targets = np.abs(test.errors[whole, :steps]).ravel(), test.targets[whole, :steps].ravel()
    is_known = np.isfinite(size)
    blocks = (targets[is_known] - test.origins[0]) // block
    sums = np.bincount(blocks, weights=size[is_known]).astype(np.float64)
    counts = np.bincount(blocks).astype(np.float64)
    return sums[counts > 0], counts[counts > 0]

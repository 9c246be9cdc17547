"""Forecast: the next values of KPI series, with intervals at 80 and 95 %."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli import runtime
from pmlcli.algorithms._base import Algorithm, PredictRequest
from pmlcli.algorithms._intervals import LEVELS, Intervals, coverage, fit_intervals
from pmlcli.algorithms._param import Param
from pmlcli.algorithms._series_tools import (
    BUCKET,
    MINIMUM_BUCKETS,
    Backtest,
    Floats,
    backtest,
    first_test_bucket,
    phases,
    season_of,
    split_at,
)
from pmlcli.encoding._kpi import find_kpi
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.series import Series, SeriesEncoding, is_cut
from pmlcli.errors import LogError, TrainingError, ValidationError
from pmlcli.evaluation.measurement import Measurement, mean_over
from pmlcli.eventlog.log import TIMESTAMP, EventLog
from pmlcli.eventlog.split import Split

RECENT = 84
"""So many last values of each series are kept beside the intervals, for charts."""


@dataclass(kw_only=True)
class Forecaster(Algorithm):
    """Continues KPI series that it was trained on, or longer ones, without being fitted again.

    The trial learns from the events before the last fifth of the buckets; errors and intervals come
    from rolling origins in that last fifth of the whole log's series. Forecasts and bounds are never
    negative, as no KPI is, and those of shares never above 1.
    """

    task: ClassVar[str] = "forecast"
    baseline: ClassVar[str] = "forecast/seasonal-naive"
    recommended: ClassVar[str] = "forecast/auto"
    needs_log: ClassVar[bool] = False
    understands: ClassVar[tuple[str, ...]] = ("horizon",)
    minimum_buckets: ClassVar[int] = 0
    """Whole buckets that a log must cover, where the method needs more than its season does."""

    kpi: Annotated[
        tuple[str, ...],
        Param(
            "What to forecast: arrivals, completions, open-cases, events, cycle-time, cycle-time-p90, "
            "waiting-time, rework-rate, sla-breach-rate:5d, activity:NAME, resource-load:NAME, "
            "directly-follows:A->B, or directly-follows for all common pairs."
        ),
    ] = ("arrivals",)
    horizon: Annotated[int, Param("How far to forecast.", ge=1, le=366, unit="buckets")] = 14
    frequency: Annotated[
        Literal["H", "D", "W", "M"], Param("Width of a bucket: hour, day, week or month.")
    ] = "D"

    series_: list[str] = field(init=False, repr=False)
    """The KPIs of the series, in order."""
    history_starts_: NDArray[np.int64] = field(init=False, repr=False)
    """The training series, which a forecast without a log continues; NaN before a series begins."""
    history_values_: Floats = field(init=False, repr=False)
    timezone_: str = field(init=False, repr=False)

    @abstractmethod
    def forecast(self, data: Series, horizon: int) -> Floats:
        """The values of the buckets that follow `data`, (horizon,), from what `fit` learned.

        `data` is a training series or one that continues it (a newer log's). Finite; the task's
        base makes negative values zero.
        """

    def __post_init__(self) -> None:
        self.make_encoding()
        self._tests: tuple[EventLog, list[Backtest]] | None = None

    def make_encoding(self) -> SeriesEncoding:
        """The KPIs' series."""
        return SeriesEncoding(self.kpi, self.frequency)

    def count_samples(self, data: tuple[Series, ...]) -> int:
        """Buckets of the shortest series."""
        return min(len(series) for series in data)

    def make_split(self, log: EventLog) -> Split:
        """The log's events before the last fifth of its buckets, and those after."""
        data = self.make_encoding().fit(log).transform(log)
        minimum = max(MINIMUM_BUCKETS[self.frequency], self.minimum_buckets)
        self._require(data, minimum, "the log covers")
        split = split_at(log, _test_begins(data))
        known = self.make_encoding().fit(split.train).transform(split.train)
        self._require(known, minimum // 2, "of the log's first four fifths, its events cover")
        return split

    def _require(self, data: Sequence[Series], minimum: int, what: str) -> None:
        bucket = BUCKET[self.frequency]
        shortest = max(MINIMUM_BUCKETS[self.frequency], self.minimum_buckets)
        series = min(data, key=len)
        if len(series) < minimum:
            raise TrainingError(
                f"{what} {len(series)} whole {bucket}s of '{series.kpi}', but this forecast needs {minimum}",
                code="training.samples",
                hint=f"the shortest log that would do covers {shortest} whole {bucket}s, beside the first "
                "and the last that it covers in part",
                context={"samples": len(series), "minimum": minimum},
            )

    def calibrate(self, encoding: Encoding[Any], split: Split, log: EventLog) -> dict[str, Any]:
        """Intervals by series, and the share of later values that they would have held."""
        found = {}
        data = encoding.transform(log)
        for series, test in zip(data, self._backtests(data, log), strict=True):
            season = season_of(self.frequency, len(series))
            phase = phases(series, season)
            found[series.kpi] = {
                "intervals": fit_intervals(test, phase, season).to_dict(),
                "origins": len(test.origins),
                "coverage": coverage(test, phase, season),
                "kpi_unit": series.unit,
            }
        return {"series": found}

    def settle(self, data: tuple[Series, ...]) -> None:
        """Keeps the training series."""
        longest = max(data, key=len)
        self.series_, self.timezone_ = [series.kpi for series in data], longest.timezone
        self.history_starts_ = longest.starts.copy()
        self.history_values_ = np.full((len(data), len(longest)), np.nan)
        for row, series in zip(self.history_values_, data, strict=True):
            row[len(longest) - len(series) :] = series.values
            known = self.calibration_.setdefault("series", {}).setdefault(series.kpi, {})
            starts = [start.isoformat() for start in series.local_starts()[-RECENT:]]
            known["recent"] = {"starts": starts, "values": series.values[-RECENT:].tolist()}

    def measure(self, encoding: Encoding[Any], split: Split, log: EventLog) -> Measurement:
        """Mean absolute error from rolling origins in the last fifth of the buckets, resampled by block.

        A block is a run of test buckets, at most a season long, with all errors about them: windows
        that overlap are not independent, nor are neighbouring days. Errors of several series are counted
        in units of the mean change from season to season of each (MASE).
        """
        data = encoding.transform(log)
        tests = self._backtests(data, log)
        n_test = len(data[0]) - int(tests[0].origins[0])
        steps = min(self.horizon, max(1, n_test // 2))
        block = min(season_of(self.frequency, len(data[0])), -(-n_test // 10))
        parts = [_by_block(test, steps, block) for test in tests]
        scales = (
            [1.0] if len(data) == 1 else [_seasonal_change(s, t) for s, t in zip(data, tests, strict=True)]
        )
        sums = np.sum([part[0] / scale for part, scale in zip(parts, scales, strict=True)], axis=0)
        counts = np.sum([part[1] for part in parts], axis=0)
        bucket = BUCKET[self.frequency]
        what = data[0].kpi if len(data) == 1 else f"{len(data)} series"
        return Measurement(
            metric="mae" if len(data) == 1 else "mase",
            unit=data[0].unit if len(data) == 1 else "mean seasonal changes",
            higher_is_better=False,
            n_units=int((counts > 0).sum()),
            value_of=mean_over(sums[counts > 0], counts[counts > 0]),
            about=f"{what}, 1 to {steps} {bucket}s ahead, from rolling origins in the last {n_test} of "
            f"{len(data[0])} {bucket}s; intervals resample runs of {bucket}s",
        )

    def _backtests(self, data: tuple[Series, ...], log: EventLog) -> list[Backtest]:
        """One a series, from the same origins; made once for a log."""
        if self._tests is None or self._tests[0] is not log:
            begin = _test_begins(data)
            each = runtime.track(data, "trying the forecasts", len(data))
            tests = [
                backtest(self._bounded, s, int(np.searchsorted(s.starts, begin)), self.horizon) for s in each
            ]
            self._tests = log, tests
        return self._tests[1]

    def _bounded(self, data: Series, horizon: int) -> Floats:
        values = np.maximum(self.forecast(data, horizon), 0.0)
        return np.minimum(values, 1.0) if find_kpi(data.kpi).is_share else values

    def remarks(self, data: tuple[Series, ...], log: EventLog) -> list[str]:
        """What to know of the training series: an edge that is cut, nothing that moves."""
        found = []
        if is_cut(log):
            last = pd.Timestamp(int(data[0].next_starts(1)[0]), unit="us", tz="UTC").tz_convert(
                data[0].timezone
            )
            found.append(
                f"the log seems to have been chosen by case start: what came after {last:%Y-%m-%d %H:%M} is "
                "left out, and the last values of completions and cycle times may lack slow cases"
            )
        return found + [
            f"'{s.kpi}' is {s.values[0]:g} in every {BUCKET[self.frequency]} of the log: so is its forecast"
            for s in data
            if len(s) and (s.values == s.values[0]).all()
        ]

    def predict(self, encoding: Encoding[Any], log: EventLog, request: PredictRequest) -> pd.DataFrame:
        """One row a series and bucket after the end of the log.

        A log that begins later than the training series continues it; up to a horizon of missing
        buckets between them are filled with the model's own forecast. For `open-cases`, give a log
        that reaches back to the start of its oldest open case.
        """
        horizon = self._horizon(request)
        newer = encoding.transform(log)
        return self._table(
            [self._continued(*pair) for pair in zip(self._history(), newer, strict=True)], horizon
        )

    def predict_without_log(self, encoding: Encoding[Any], request: PredictRequest) -> pd.DataFrame:
        """One row a series and bucket after the end of the training series."""
        return self._table(self._history(), self._horizon(request))

    def _table(self, data: Sequence[Series], horizon: int) -> pd.DataFrame:
        return pd.concat([self._rows(series, horizon) for series in data], ignore_index=True)

    def _rows(self, data: Series, horizon: int) -> pd.DataFrame:
        values = self._bounded(data, horizon)
        starts = data.next_starts(horizon).view("datetime64[us]")
        table = {
            TIMESTAMP: pd.DatetimeIndex(starts).tz_localize("UTC").tz_convert(data.timezone),
            "kpi": data.kpi,
            "value": values,
        }
        intervals = Intervals.from_dict(self.calibration_["series"][data.kpi]["intervals"])
        phase = phases(data, len(intervals.factors), horizon)[-horizon:]
        highest = 1.0 if find_kpi(data.kpi).is_share else np.inf
        for level in LEVELS:
            lower, upper = intervals.bounds(values, phase, level)
            table |= {f"lower_{level}": lower, f"upper_{level}": np.minimum(upper, highest)}
        return pd.DataFrame(table)

    def _horizon(self, request: PredictRequest) -> int:
        horizon = self.horizon if request.horizon is None else request.horizon
        if horizon < 1:
            raise ValidationError(f"horizon is {horizon}, but must be >= 1", context={"horizon": horizon})
        if horizon > self.horizon:
            raise ValidationError(
                f"horizon {horizon} is longer than the {self.horizon} that the model was trained for",
                code="prediction.horizon",
                hint=f"ask for at most {self.horizon}, or train a model with horizon {horizon}",
                context={"horizon": horizon, "trained": self.horizon},
            )
        return horizon

    def _history(self) -> list[Series]:
        found = []
        for kpi, values in zip(self.series_, self.history_values_, strict=True):
            known = ~np.isnan(values)
            unit, starts = find_kpi(kpi).unit, self.history_starts_[known]
            found.append(Series(kpi, self.frequency, self.timezone_, unit, starts, values[known]))
        return found

    def _continued(self, history: Series, newer: Series) -> Series:
        """The training series up to where `newer` begins, then `newer`."""
        bucket = BUCKET[self.frequency]
        if len(newer) == 0:
            raise LogError(
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
            before = before.extended(ahead[:gap], self._bounded(before, gap))
        return before.extended(newer.starts, newer.values)

    def _alone(self, newer: Series) -> Series:
        """`newer` itself, when it is long enough to be continued without the training series."""
        bucket, minimum = BUCKET[self.frequency], MINIMUM_BUCKETS[self.frequency]
        if len(newer) >= minimum:
            return newer
        raise LogError(
            f"the log covers {len(newer)} whole {bucket}s that do not follow the training series, "
            f"but a forecast from them alone needs {minimum}",
            code="prediction.log",
            hint="give a log that reaches back to the training log",
            context={"samples": len(newer), "minimum": minimum},
        )

    def output_units(self) -> dict[str, str]:
        """All numeric columns are in the KPI's unit."""
        units = dict.fromkeys(find_kpi(kpi).unit for kpi in self.kpi)
        columns = ("value", *(f"{side}_{level}" for level in LEVELS for side in ("lower", "upper")))
        return dict.fromkeys(columns, " or ".join(units))


@dataclass(kw_only=True)
class LocalForecaster(Forecaster):
    """Learns each series by itself: `learn` and `carry_on` are all that a method adds."""

    learned_: dict[str, Any] = field(init=False, repr=False)
    """What was learned of each series, JSON-plain, by KPI."""

    @abstractmethod
    def learn(self, series: Series) -> dict[str, Any]:
        """What there is to know of one series, JSON-plain."""

    def relearn(self, series: Series, trial: dict[str, Any]) -> dict[str, Any]:
        """The same of the whole series, guided by what `trial` knows of its first four fifths."""
        return self.learn(series)

    @abstractmethod
    def carry_on(self, learned: dict[str, Any], series: Series, horizon: int) -> Floats:
        """The values of the buckets that follow, (horizon,)."""

    def fit(self, data: tuple[Series, ...]) -> None:
        """Learns each series."""
        self.learned_ = {s.kpi: self.learn(s) for s in runtime.track(data, "learning", len(data))}

    def refit(self, data: tuple[Series, ...], trial: Self) -> None:
        """Learns each series again; one that the trial did not have, anew."""
        known = trial.learned_
        each = runtime.track(data, "learning", len(data))
        self.learned_ = {
            s.kpi: self.relearn(s, known[s.kpi]) if s.kpi in known else self.learn(s) for s in each
        }

    def forecast(self, data: Series, horizon: int) -> Floats:
        """Carries a series on."""
        return self.carry_on(self.learned_[data.kpi], data, horizon)


def _test_begins(data: Sequence[Series]) -> int:
    """The first moment of the last fifth of the longest series, microseconds UTC."""
    longest = max(data, key=len)
    return int(longest.starts[first_test_bucket(longest)])


def _seasonal_change(series: Series, test: Backtest) -> float:
    """Mean absolute difference of values one season apart before the test part; 1 where there is none."""
    known, season = series.values[: test.origins[0]], season_of(series.frequency, len(series))
    change = float(np.abs(known[season:] - known[:-season]).mean()) if len(known) > season else 0.0
    return change or 1.0


def _by_block(test: Backtest, steps: int, block: int) -> tuple[Floats, Floats]:
    """Absolute errors of whole windows of so many steps, summed and counted by block of target buckets."""
    whole = test.origins <= max(test.n - steps, int(test.origins[0]))
    size, targets = np.abs(test.errors[whole, :steps]).ravel(), test.targets[whole, :steps].ravel()
    is_known = np.isfinite(size)
    blocks = (targets[is_known] - test.origins[0]) // block
    n_blocks = (test.n - 1 - int(test.origins[0])) // block + 1
    sums = np.bincount(blocks, weights=size[is_known], minlength=n_blocks).astype(np.float64)
    return sums, np.bincount(blocks, minlength=n_blocks).astype(np.float64)

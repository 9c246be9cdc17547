"""Forecast: the next values of KPI series, with intervals at 80 and 95 %."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli import runtime
from pmlcli.algorithms._interface.form import Form, columns
from pmlcli.algorithms._interface.inherited import InheritedTask, TaskAlgorithm
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.unseen import HAS_UNSEEN, never_seen, unseen_columns, unseen_events
from pmlcli.algorithms.forecast._intervals import LEVELS, Intervals, coverage, fit_intervals
from pmlcli.algorithms.forecast._measure import measurement
from pmlcli.algorithms.forecast._series import (
    BUCKET,
    HALF_LIFE,
    MEMORY,
    MINIMUM_BUCKETS,
    Backtest,
    Floats,
    backtest,
    first_test_bucket,
    phases,
    season_of,
    split_at,
)
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.series.encoding import (
    Series,
    SeriesEncoding,
    first_completion,
    is_cut,
    left_out,
    local_times,
)
from pmlcli.encoding.series.exogenous import Outside
from pmlcli.encoding.series.kpi import FOLLOWS, MOST_PAIRS, find_kpi
from pmlcli.encoding.series.regressors import Regressors
from pmlcli.errors import LogError, TrainingError, ValidationError
from pmlcli.evaluation.measurement import Measurement
from pmlcli.eventlog.far_events import near_events
from pmlcli.eventlog.log import TIMESTAMP, EventLog
from pmlcli.eventlog.split import Split

RECENT = 84
"""So many last values of each series are kept beside the intervals, for charts."""


class _Forecast(InheritedTask):
    name = "forecast"
    baseline = "forecast/seasonal-naive"
    recommended = "forecast/auto"
    sample_name = "samples"
    needs_log = False


@dataclass(kw_only=True)
class Forecaster(TaskAlgorithm):
    """Continues KPI series that it was trained on, or longer ones, without being fitted again.

    The trial learns from the events before the last fifth of the buckets; errors and intervals come
    from rolling origins in that last fifth of the whole log's series. Forecasts and bounds are never
    negative, as no KPI is, and those of shares never above 1.
    """

    task: ClassVar[InheritedTask] = _Forecast()
    minimum_samples: ClassVar[int] = 0  # `make_split` asks for more, and says how long a log would do
    understands: ClassVar[tuple[str, ...]] = ("horizon", "regressors")
    takes_regressors: ClassVar[bool] = False
    """Whether the method looks at columns from outside the log."""
    minimum_buckets: ClassVar[int] = 0
    """Whole buckets that a log must cover, where the method needs more than its season does."""

    kpi: Annotated[
        tuple[str, ...],
        Param(
            "What to forecast: arrivals, completions, open-cases, events, cycle-time, cycle-time-p90, "
            "cycle-time-by-arrival, cycle-time-by-arrival-p90, waiting-time, rework-rate, "
            "sla-breach-rate:5d, activity:NAME, resource-load:NAME, "
            "directly-follows:A->B, or directly-follows for all common pairs."
        ),
    ] = ("arrivals",)
    horizon: Annotated[int, Param("How far to forecast.", ge=1, le=366, unit="buckets")] = 14
    frequency: Annotated[
        Literal["H", "D", "W", "M"], Param("Width of a bucket: hour, day, week or month.")
    ] = "D"

    regressors: Regressors | None = field(default=None, repr=False)
    """Columns from outside the log, see `take_regressors`; saved with the encoding."""

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
        return SeriesEncoding(self.kpi, self.frequency, self.regressors, self.calendar_country())

    def calendar_country(self) -> str | None:
        """Whose public holidays the method sees as one column more."""
        return None

    def take_regressors(self, regressors: Regressors) -> None:
        """Columns to learn from, with a value for each bucket of the training log."""
        if not self.takes_regressors:
            raise ValidationError(
                "this method looks at its series alone and takes no columns from outside the log",
                hint="those that do: arima, xgboost, prophet, the networks and the hybrids (forecast/...)",
                context={"option": "regressor"},
            )
        self.regressors = regressors

    def count_samples(self, data: tuple[Series, ...]) -> int:
        """Buckets of the shortest series."""
        return min(len(series) for series in data)

    def make_split(self, log: EventLog) -> Split:
        """The log's events before the last fifth of its buckets, and those after."""
        data, log = self.make_encoding().fit(log).transform(log), near_events(log)
        minimum = max(MINIMUM_BUCKETS[self.frequency], self.minimum_buckets)
        self._require(data, minimum, "the log covers")
        for series in data:
            _require_outside(series, 0, self.regressors)
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
                "intervals": fit_intervals(test, phase, season, self.frequency).to_dict(),
                "origins": len(test.origins),
                "coverage": coverage(test, phase, season, self.frequency),
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
            row[np.searchsorted(longest.starts, series.starts)] = series.values
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
        return measurement(data, self._backtests(data, log), self.horizon)

    def _backtests(self, data: tuple[Series, ...], log: EventLog) -> list[Backtest]:
        """One a series, from the same origins; made once for a log."""
        if self._tests is None or self._tests[0] is not log:
            begin = _test_begins(data)
            self._tests = None
            self._tests = log, runtime.spread(partial(self._backtest, begin), data, "trying the forecasts")
        return self._tests[1]

    def _backtest(self, begin: int, series: Series) -> Backtest:
        return backtest(self._bounded, series, int(np.searchsorted(series.starts, begin)), self.horizon)

    def _bounded(self, data: Series, horizon: int) -> Floats:
        values = np.maximum(self.forecast(data, horizon), 0.0)
        return np.minimum(values, 1.0) if find_kpi(data.kpi).is_share else values

    def remarks(self, data: tuple[Series, ...], log: EventLog) -> list[str]:
        """What to know of the training series: an edge that is cut, nothing that moves."""
        found = _left_out(log)
        if is_cut(log):
            last = pd.Timestamp(int(data[0].next_starts(1)[0]), unit="us", tz="UTC").tz_convert(
                data[0].timezone
            )
            found.append(
                f"the log seems to have been chosen by case start: what came after {last:%Y-%m-%d %H:%M} is "
                "left out, and the last values of completions and cycle times may lack slow cases"
            )
        ended = first_completion(log)
        if ended is not None:
            moment = pd.Timestamp(ended, unit="us", tz="UTC").tz_convert(data[0].timezone)
            found.append(
                f"no case ends before {moment:%Y-%m-%d %H:%M}, in the second half of the log: its cases are "
                "slow, or were chosen by when they ended; then earlier buckets lack the cases that ended "
                "sooner, arrivals only seem to grow, and no forecast of this log means much"
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
        horizon, outside = self._horizon(request), self._outside(encoding, request)
        newer = [replace(series, outside=outside) for series in encoding.transform(log)]
        pairs = zip(self._history(outside), newer, strict=True)
        has_unseen = request.unseen != "ignore" and _has_unseen(encoding, log, request.unseen)
        table = self._table([self._continued(*pair) for pair in pairs], horizon, request.regressors)
        return table if request.unseen == "ignore" else table.assign(**{HAS_UNSEEN: has_unseen})

    def predict_without_log(self, encoding: Encoding[Any], request: PredictRequest) -> pd.DataFrame:
        """One row a series and bucket after the end of the training series."""
        history = self._history(self._outside(encoding, request))
        table = self._table(history, self._horizon(request), request.regressors)
        return table if request.unseen == "ignore" else table.assign(**{HAS_UNSEEN: False})

    def canary_request(self, encoding: Encoding[Any]) -> PredictRequest:
        """The trained horizon; where the regressors end before it, their last row goes on."""
        known = encoding.outside if isinstance(encoding, SeriesEncoding) else None
        if known is None or not known.columns:
            return super().canary_request(encoding)
        starts = max(self._history(known), key=lambda s: int(s.starts[-1])).next_starts(self.horizon)
        return PredictRequest(cases="all", regressors=known.carried_on(local_times(starts, self.timezone_)))

    def _outside(self, encoding: Encoding[Any], request: PredictRequest) -> Outside | None:
        known = encoding.outside if isinstance(encoding, SeriesEncoding) else None
        if request.regressors is not None and (known is None or not known.columns):
            raise ValidationError(
                "this model was trained without columns from outside the log",
                code="regressor",
                hint="leave --regressor out, or train with it",
            )
        return None if known is None else known.updated(request.regressors)

    def _table(self, data: Sequence[Series], horizon: int, regressors: Regressors | None) -> pd.DataFrame:
        for series in data:
            _require_outside(series, horizon, regressors)
        return pd.concat([self._rows(series, horizon) for series in data], ignore_index=True)

    def _rows(self, data: Series, horizon: int) -> pd.DataFrame:
        values = self._bounded(data, horizon)
        starts = data.next_starts(horizon).view("datetime64[us]")
        table = {
            TIMESTAMP: pd.DatetimeIndex(starts).tz_localize("UTC").tz_convert(data.timezone),
            "kpi": data.kpi,
            "value": values,
        }
        intervals = self.intervals_after(data)
        phase = phases(data, len(intervals.factors), horizon)[-horizon:]
        highest = 1.0 if find_kpi(data.kpi).is_share else np.inf
        for level in LEVELS:
            lower, upper = intervals.bounds(values, phase, level)
            table |= {f"lower_{level}": lower, f"upper_{level}": np.minimum(upper, highest)}
        return pd.DataFrame(table)

    def intervals_after(self, data: Series) -> Intervals:
        """The calibrated intervals; what came after training tells how well they hold since."""
        intervals = Intervals.from_dict(self.calibration_["series"][data.kpi]["intervals"])
        passed = len(data) - int(np.searchsorted(data.starts, self.history_starts_[-1], side="right"))
        if passed == 0:
            return intervals
        first = max(len(data) - min(passed, 2 * MEMORY * HALF_LIFE[self.frequency]), 1)
        newer = backtest(self._bounded, data, first, self.horizon)
        return intervals.updated(newer, phases(data, len(intervals.factors)), passed)

    def notes(self, log: EventLog, table: pd.DataFrame, request: PredictRequest) -> list[str]:
        """Which events of the log its series leave out."""
        return _left_out(log)

    def answer_form(self, log: EventLog | None, request: PredictRequest) -> Form:
        """A row for each bucket of each series."""
        horizon = self._horizon(request)
        series = set(self.kpi)
        least, most = (1, len(series) + MOST_PAIRS) if FOLLOWS in series else (len(series), len(series))
        bounds = [f"{side}_{level}" for level in LEVELS for side in ("lower", "upper")]
        return Form(
            (
                *columns("time", TIMESTAMP),
                *columns("text", "kpi"),
                *columns("number", "value", *bounds),
                *unseen_columns(request.unseen),
            ),
            range(horizon * least, horizon * most + 1, horizon),
        )

    def check_request(self, request: PredictRequest) -> None:
        """Also how far it may reach."""
        super().check_request(request)
        self._horizon(request)

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

    def _history(self, outside: Outside | None = None) -> list[Series]:
        found = []
        for kpi, values in zip(self.series_, self.history_values_, strict=True):
            known = ~np.isnan(values)
            unit, starts = find_kpi(kpi).unit, self.history_starts_[known]
            found.append(Series(kpi, self.frequency, self.timezone_, unit, starts, values[known], outside))
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


def _left_out(log: EventLog) -> list[str]:
    found = left_out(log)
    return [] if found is None else [f"{found}: the series end or begin at the gap, and so does the forecast"]


def _has_unseen(encoding: Encoding[Any], log: EventLog, choice: str) -> bool:
    """Whether the log holds activities that training never saw; LogError when that is to fail."""
    found = unseen_events(encoding, log)
    if choice == "fail" and found.any():
        told = f"{int(found.sum()):,} of {len(found):,} events hold what training never saw"
        raise never_seen(encoding, log, int(np.argmax(found)), told)
    return bool(found.any())


def _require_outside(series: Series, ahead: int, given: Regressors | None) -> None:
    """Raises ValidationError, with the dates, unless each bucket and the next ones have their columns."""
    if series.outside is None or not series.outside.columns:
        return
    starts = np.concatenate((series.starts, series.next_starts(ahead)))
    local = local_times(starts, series.timezone)
    missing = local[~series.outside.is_known(local)]
    if len(missing):
        columns, form = ", ".join(series.outside.columns), "%Y-%m-%d" + " %H:%M" * (series.frequency == "H")
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ValidationError(
            f"{'' if given is None else f'{given.name}: '}no {columns} for the {BUCKET[series.frequency]} "
            f"{missing[0]:{form}}{more}",
            code="regressor",
            hint=f"--regressor FILE needs a row for each {BUCKET[series.frequency]} "
            f"from {local[0]:{form}} to {local[-1]:{form}}, but for those that the model was trained on",
            context={"missing": len(missing), "first": missing[0].isoformat(), "columns": columns},
        )


def _test_begins(data: Sequence[Series]) -> int:
    """The first moment of the last fifth of the series whose last fifth begins first, microseconds UTC."""
    return min(int(series.starts[first_test_bucket(series)]) for series in data)

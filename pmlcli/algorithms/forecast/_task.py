"""Forecast: the next values of KPI series, with intervals at 80 and 95 %."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli import runtime
from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.form import Form, at_most, columns
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.request import Fields
from pmlcli.algorithms._interface.task import BesideTruth, Calibration, Fitted, Task
from pmlcli.algorithms._interface.unseen import HAS_UNSEEN, never_seen, unseen_columns, unseen_events
from pmlcli.algorithms.forecast._held_out import HeldOut, joined_cuts
from pmlcli.algorithms.forecast._history import continued
from pmlcli.algorithms.forecast._intervals import LEVELS, Intervals, coverage, fit_intervals
from pmlcli.algorithms.forecast._measure import measurement
from pmlcli.algorithms.forecast._request import ForecastInputs, ForecastRequest
from pmlcli.algorithms.forecast._rolling import ORIGIN, beside_series, qualities_of, rolled
from pmlcli.algorithms.forecast._series import (
    BUCKET,
    HALF_LIFE,
    HALF_LIVES,
    MAXIMUM_ORIGINS,
    MINIMUM_BUCKETS,
    Backtest,
    backtest,
    first_test_bucket,
    known_then,
    phases,
    season_of,
    split_at,
)
from pmlcli.arrays import Floats
from pmlcli.encoding.base import Encodes
from pmlcli.encoding.series.encoding import (
    Series,
    SeriesEncoding,
    first_completion,
    is_cut,
    left_out,
    local_times,
)
from pmlcli.encoding.series.exogenous import Exogenous
from pmlcli.encoding.series.kpi import BREACH, FOLLOWS, KPIS, MOST_PAIRS, find_kpi
from pmlcli.encoding.series.regressors import Regressors
from pmlcli.errors import TrainingError, ValidationError
from pmlcli.evaluation.measurement import Measurement
from pmlcli.evaluation.quality import Quality
from pmlcli.eventlog.far_events import near_events
from pmlcli.eventlog.log import TIMESTAMP, EventLog
from pmlcli.eventlog.split import Split, training_shares

FEWEST_TESTED = 10
"""Buckets that an earlier cut is tested on, at least."""
RECENT = 84
"""So many last values of each series are kept beside the intervals, for charts."""

Data = tuple[Series, ...]


class ForecastTask(Task["Forecaster", Data, HeldOut, ForecastRequest]):
    """Continues KPI series that an algorithm was trained on, or longer ones, without fitting it again.

    The trial learns from the events before the last fifth of the buckets; errors and intervals come
    from rolling origins in that last fifth of the whole log's series. Forecasts and bounds are never
    negative, as no KPI is, and those of shares never above 1. The training series are part of the learned
    state, as a forecast without a log continues them; `settle` puts them there.
    """

    name = "forecast"
    baseline = "forecast/seasonal-naive"
    recommended = "forecast/auto"
    minimum_samples = 0  # `cuts` asks for more, and says how long a log would do
    request = ForecastRequest
    inputs = ForecastInputs
    baseline_phrase = "by repeating the last season"
    is_about_cases = False
    looks_at_attributes = False
    has_chart = True
    needs_log = False

    # --- training

    def take_inputs(self, algorithm: Forecaster, inputs: Mapping[str, Any]) -> None:
        """Columns to learn from, with a value for each bucket of the training log."""
        super().take_inputs(algorithm, inputs)
        if "regressors" not in inputs:
            return
        if not algorithm.takes_regressors:
            raise ValidationError(
                "this method uses its series alone and takes no exogenous columns",
                hint="those that do: arima, xgboost, prophet, the networks and the hybrids (forecast/...)",
                context={"option": "regressor"},
            )
        algorithm.regressors = inputs["regressors"]

    def count_samples(self, algorithm: Forecaster, data: Data) -> int:
        """Buckets of the shortest series."""
        return min(len(series) for series in data)

    def cuts(self, algorithm: Forecaster, log: EventLog) -> Sequence[Split]:
        """The events before a moment, and those from then until the next cut, or the end.

        The last cut tests the last fifth of the buckets. Earlier ones are made where the fewest buckets that
        are needed come before them.
        """
        data, log = algorithm.make_encoding().fit(log).transform(log), near_events(log)
        _require_buckets(algorithm, data, _fewest_buckets(algorithm), "the log covers")
        for series in data:
            _require_exogenous(series, 0, algorithm.regressors)
        *earlier, last = _moments(algorithm, data)
        split = split_at(log, last)
        known = algorithm.make_encoding().fit(split.train).transform(split.train)
        half = _fewest_buckets(algorithm) // 2
        _require_buckets(algorithm, known, half, "of the log's first four fifths, its events cover")
        return (*(split_at(log, *ends) for ends in pairwise((*earlier, last))), split)

    # --- measured from rolling origins

    def held_out(self, fitted: Fitted[Forecaster, Data], split: Split, log: EventLog) -> HeldOut:
        """Forecasts of each series from the same rolling origins in the test part."""
        data = fitted.encoding.transform(known_then(log, split))
        assert split.since is not None
        one = partial(_backtested, fitted.algorithm, split.since)
        return HeldOut(data, tuple(runtime.spread(one, data, "trying the forecasts")))

    def calibrate(self, algorithm: Forecaster, held_out: Sequence[HeldOut]) -> Calibration:
        """Intervals by series, and the share of later values that they would have held."""
        found = {}
        for series, test in zip(*joined_cuts(held_out), strict=True):
            season = season_of(series.frequency, len(series))
            phase = phases(series, season)
            found[series.kpi] = {
                "intervals": fit_intervals(test, phase, season, series.frequency).to_dict(),
                "origins": len(test.origins),
                "coverage": coverage(test, phase, season, series.frequency),
                "kpi_unit": series.unit,
            }
        return {"series": found}

    def measure(
        self, algorithm: Forecaster, held_out: Sequence[HeldOut], calibration: Calibration
    ) -> Measurement:
        """Mean absolute error from rolling origins in the test buckets, resampled by block.

        A block is a run of test buckets, at most a season long, with all errors about them: windows
        that overlap are not independent, nor are neighbouring days. Errors of several series are counted
        in units of the mean change from season to season of each (MASE).
        """
        return measurement(*joined_cuts(held_out), algorithm.horizon)

    def settle(self, fitted: Fitted[Forecaster, Data], data: Data, log: EventLog) -> Calibration:
        """The last values of each series too; the algorithm gets the training series to continue.

        Pairs of activities that became common in the test part alone were never tried: they have no
        intervals, and are not forecast.
        """
        known = fitted.calibration["series"]
        tried = tuple(one for one in data if one.kpi in known)
        if not tried:
            raise TrainingError(
                "no pair of activities is common both in the earlier part of the log and in all of it",
                code="training.samples",
                hint="name the pairs: --kpi 'directly-follows:A->B'",
            )
        fitted.algorithm.remember(tried)
        return {"series": {one.kpi: known[one.kpi] | {"recent": _recent(one)} for one in tried}}

    def remarks(self, fitted: Fitted[Forecaster, Data], data: Data, log: EventLog) -> list[str]:
        """What to know of the training series (an edge that is cut, nothing that moves), and what the
        algorithm chose.
        """
        found = _left_out(log)
        untried = [one.kpi for one in data if one.kpi not in fitted.calibration["series"]]
        if untried:
            found.append(
                f"not forecast, as they became common only in the part that is held out: {', '.join(untried)}"
            )
        if is_cut(log):
            last = local_times(data[0].next_starts(1), data[0].timezone)[0]
            found.append(
                f"the log seems to have been chosen by case start: what came after {last:%Y-%m-%d %H:%M} is "
                "left out, and the last values of completions and cycle times may lack slow cases"
            )
        ended = first_completion(log)
        if ended is not None:
            moment = local_times(np.array([ended]), data[0].timezone)[0]
            found.append(
                f"no case ends before {moment:%Y-%m-%d %H:%M}, in the second half of the log: its cases are "
                "slow, or were chosen by when they ended; then earlier buckets lack the cases that ended "
                "sooner, arrivals only seem to grow, and no forecast of this log means much"
            )
        found += [
            f"'{s.kpi}' is {s.values[0]:g} in every {BUCKET[s.frequency]} of the log: so is its forecast"
            for s in data
            if len(s) and (s.values == s.values[0]).all()
        ]
        return found

    # --- evaluation

    def evaluation_request(self, algorithm: Forecaster) -> Fields:
        """From each bucket after the training log."""
        return {"every_origin": True}

    def beside_truth(
        self,
        algorithm: Forecaster,
        calibration: Calibration,
        log: EventLog,
        table: pd.DataFrame,
        labels: NDArray[np.object_] | None,
    ) -> BesideTruth:
        """The forecasts of buckets that the log holds."""
        if labels is not None:
            raise ValidationError(
                "labels are for the tasks outcome and anomaly: the log itself shows what came next",
                hint="leave --labels out",
            )
        series = SeriesEncoding(algorithm.kpis, algorithm.frequency, None, None).fit(log).transform(log)
        return beside_series(table, series, algorithm.horizon)

    def qualities(
        self, algorithm: Forecaster, calibration: Calibration, table: pd.DataFrame
    ) -> tuple[Quality, ...]:
        """Mean absolute error, and how often the intervals held."""
        return qualities_of(tuple(map(str, table["kpi"].unique())))

    # --- answers

    def predict(
        self, fitted: Fitted[Forecaster, Data], log: EventLog, request: ForecastRequest
    ) -> pd.DataFrame:
        """One row a series and bucket after the end of the log.

        A log that begins later than the training series continues it; up to a horizon of missing
        buckets between them are filled with the model's own forecast. For `open-cases`, give a log
        that reaches back to the start of its oldest open case.
        """
        algorithm, exogenous = fitted.algorithm, _exogenous(fitted, request)
        has_unseen = request.unseen != "ignore" and _has_unseen(fitted.encoding, log, request.unseen)
        ahead = partial(_bounded, algorithm)
        known = set(algorithm.series_)
        newer = [
            replace(one, exogenous=exogenous) for one in fitted.encoding.transform(log) if one.kpi in known
        ]
        pairs = zip(algorithm.remembered(exogenous), newer, strict=True)
        data = [continued(*pair, algorithm.horizon, ahead) for pair in pairs]
        if request.every_origin:
            return _all_origins(fitted, data, request, has_unseen=has_unseen)
        return _table(fitted, data, request, has_unseen=has_unseen)

    def predict_without_log(self, fitted: Fitted[Forecaster, Data], request: ForecastRequest) -> pd.DataFrame:
        """One row a series and bucket after the end of the training series."""
        if request.every_origin:
            raise ValidationError(
                "--every-origin needs a log that goes on after training", hint="give the LOG"
            )
        history = fitted.algorithm.remembered(_exogenous(fitted, request))
        return _table(fitted, history, request, has_unseen=False)

    def canary_request(self, fitted: Fitted[Forecaster, Data]) -> ForecastRequest:
        """The trained horizon; where the regressors end before it, their last row goes on."""
        known = _series_encoding(fitted).exogenous
        if known is None or not known.columns:
            return super().canary_request(fitted)
        latest = max(fitted.algorithm.remembered(known), key=lambda series: int(series.starts[-1]))
        coming = local_times(latest.next_starts(fitted.algorithm.horizon), latest.timezone)
        return ForecastRequest(cases="all", regressors=known.carried_on(coming))

    def check_request(self, algorithm: Forecaster, request: ForecastRequest) -> None:
        """Also how far it may reach."""
        _horizon(algorithm, request)

    def notes(
        self,
        algorithm: Forecaster,
        calibration: Calibration,
        log: EventLog,
        table: pd.DataFrame,
        request: ForecastRequest,
    ) -> list[str]:
        """Which events of the log its series leave out."""
        return _left_out(log)

    def prediction_form(self, algorithm: Forecaster, log: EventLog | None, request: ForecastRequest) -> Form:
        """A row for each bucket of each series."""
        horizon = _horizon(algorithm, request)
        series = set(algorithm.kpis)
        least, most = (1, len(series) + MOST_PAIRS) if FOLLOWS in series else (len(series), len(series))
        bounds = [f"{side}_{level}" for level in LEVELS for side in ("lower", "upper")]
        rows = range(horizon * least, horizon * most + 1, horizon)
        return Form(
            (
                *columns("time", TIMESTAMP),
                *columns("text", "kpi"),
                *columns("number", "value", *bounds),
                *(columns("time", ORIGIN) if request.every_origin else ()),
                *unseen_columns(request.unseen),
            ),
            at_most(horizon * most * MAXIMUM_ORIGINS) if request.every_origin else rows,
        )

    def units(self, algorithm: Forecaster) -> dict[str, str]:
        """All numeric columns are in the KPI's unit."""
        units = dict.fromkeys(find_kpi(kpi).unit for kpi in algorithm.kpis)
        columns = ("value", *(f"{side}_{level}" for level in LEVELS for side in ("lower", "upper")))
        return dict.fromkeys(columns, " or ".join(units))


@dataclass(kw_only=True)
class Forecaster(Algorithm[Data]):
    """An algorithm of the task forecast: it learns series, and gives the values that follow."""

    task: ClassVar[ForecastTask] = ForecastTask()
    takes_regressors: ClassVar[bool] = False
    """Whether the method looks at exogenous columns."""
    minimum_buckets: ClassVar[int] = 0
    """Whole buckets that a log must cover, where the method needs more than its season does."""

    kpi: Annotated[
        tuple[str, ...],
        Param(
            "What to forecast: arrivals, completions, open-cases, events, cycle-time, cycle-time-p90, "
            "cycle-time-by-arrival, cycle-time-by-arrival-p90, waiting-time, rework-rate, "
            "sla-breach-rate:5d, activity:NAME, resource-load:NAME, "
            "directly-follows:A->B, or directly-follows for all common pairs.",
            has_option=True,
            metavar="KPI",
            examples=tuple(KPIS),
        ),
    ] = ("arrivals",)
    sla: Annotated[
        str | None,
        Param(
            "Time within which a case must be completed, such as 5d or 12h, for the KPI sla-breach-rate.",
            has_option=True,
            metavar="TIME",
        ),
    ] = None
    horizon: Annotated[
        int,
        Param("How many steps to forecast.", ge=1, le=366, unit="buckets", has_option=True, metavar="N"),
    ] = 14
    frequency: Annotated[
        Literal["H", "D", "W", "M"],
        Param("Width of a bucket: hour, day, week or month.", has_option=True, metavar="H|D|W|M"),
    ] = "D"

    holidays: str | None = None
    """Country whose public holidays are a column of the series; who uses it declares it as a parameter."""
    regressors: Regressors | None = field(default=None, repr=False)
    """Exogenous columns, see `takes_regressors`; saved with the encoding."""

    series_: list[str] = field(init=False, repr=False)
    """The KPIs of the training series, in order."""
    history_starts_: NDArray[np.int64] = field(init=False, repr=False)
    """The training series, which a forecast without a log continues; NaN before a series begins."""
    history_values_: Floats = field(init=False, repr=False)
    timezone_: str = field(init=False, repr=False)

    @abstractmethod
    def forecast(self, data: Series, horizon: int) -> Floats:
        """The values of the buckets that follow `data`, (horizon,), from what `fit` learned.

        `data` is a training series or one that continues it (a newer log's). Finite; the task makes
        negative values zero.
        """

    def __post_init__(self) -> None:
        self.make_encoding()  # refuses what is no KPI, frequency or country

    @property
    @final
    def kpis(self) -> tuple[str, ...]:
        """The KPIs, with the limit of `sla` for the KPI that needs it; ValidationError if none does."""
        if self.sla is None:
            return self.kpi
        if BREACH not in self.kpi:
            raise ValidationError(
                f"sla is about the KPI {BREACH}, and that is not asked for",
                hint=f"add --kpi {BREACH}",
                context={"parameter": "sla", "value": self.sla},
            )
        return tuple(f"{kpi}:{self.sla}" if kpi == BREACH else kpi for kpi in self.kpi)

    @final
    def make_encoding(self) -> SeriesEncoding:
        """The KPIs' series."""
        return SeriesEncoding(self.kpis, self.frequency, self.regressors, self.holidays)

    @final
    def remember(self, data: Data) -> None:
        """Keeps the training series as part of the learned state."""
        longest = max(data, key=len)
        self.series_, self.timezone_ = [series.kpi for series in data], longest.timezone
        self.history_starts_ = longest.starts.copy()
        self.history_values_ = np.full((len(data), len(longest)), np.nan)
        for row, series in zip(self.history_values_, data, strict=True):
            row[np.searchsorted(longest.starts, series.starts)] = series.values

    @final
    def remembered(self, exogenous: Exogenous | None = None) -> list[Series]:
        """The training series, with their exogenous columns."""
        found = []
        for kpi, values in zip(self.series_, self.history_values_, strict=True):
            known = ~np.isnan(values)
            unit, starts = find_kpi(kpi).unit, self.history_starts_[known]
            found.append(Series(kpi, self.frequency, self.timezone_, unit, starts, values[known], exogenous))
        return found


# --- training


def _fewest_buckets(algorithm: Forecaster) -> int:
    return max(MINIMUM_BUCKETS[algorithm.frequency], algorithm.minimum_buckets)


def _moments(algorithm: Forecaster, data: Sequence[Series]) -> list[int]:
    """When each training part ends, ascending; the last before the last fifth of the shortest series."""
    shares = training_shares(algorithm.cuts)
    n, step = min(map(len, data)), shares[-1] - shares[-2] if len(shares) > 1 else 1.0
    is_long = n * step >= FEWEST_TESTED
    found = {
        min(int(one.starts[int(len(one) * share)]) for one in data)
        for share in shares[:-1]
        if is_long and n * share >= _fewest_buckets(algorithm)
    }
    last = min(int(one.starts[first_test_bucket(one)]) for one in data)
    return [*sorted(moment for moment in found if moment < last), last]


def _require_buckets(algorithm: Forecaster, data: Sequence[Series], minimum: int, what: str) -> None:
    """Raises TrainingError unless each series covers so many buckets."""
    bucket, series = BUCKET[algorithm.frequency], min(data, key=len)
    if len(series) < minimum:
        raise TrainingError(
            f"{what} {len(series)} whole {bucket}s of '{series.kpi}', but this forecast needs {minimum}",
            code="training.samples",
            hint=f"the shortest log that would do covers {_fewest_buckets(algorithm)} whole {bucket}s, "
            "beside the first and the last that it covers in part",
            context={"samples": len(series), "minimum": minimum},
        )


def _require_exogenous(series: Series, ahead: int, given: Regressors | None) -> None:
    """Raises ValidationError, with the dates, unless each bucket and the next ones have their columns."""
    if series.exogenous is None or not series.exogenous.columns:
        return
    starts = np.concatenate((series.starts, series.next_starts(ahead)))
    local = local_times(starts, series.timezone)
    missing = local[~series.exogenous.is_known(local)]
    if len(missing):
        columns, form = ", ".join(series.exogenous.columns), "%Y-%m-%d" + " %H:%M" * (series.frequency == "H")
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ValidationError(
            f"{'' if given is None else f'{given.name}: '}no {columns} for the {BUCKET[series.frequency]} "
            f"{missing[0]:{form}}{more}",
            code="regressor",
            hint=f"--regressor FILE needs a row for each {BUCKET[series.frequency]} "
            f"from {local[0]:{form}} to {local[-1]:{form}}, but for those that the model was trained on",
            context={"missing": len(missing), "first": missing[0].isoformat(), "columns": columns},
        )


def _bounded(algorithm: Forecaster, data: Series, horizon: int) -> Floats:
    """The algorithm's forecasts, never negative, and those of shares never above 1."""
    values = np.maximum(algorithm.forecast(data, horizon), 0.0)
    return np.minimum(values, 1.0) if find_kpi(data.kpi).is_share else values


def _backtested(algorithm: Forecaster, begin: int, series: Series) -> Backtest:
    """From origins in the buckets that start at `begin` (microseconds UTC) or later."""
    first = int(np.searchsorted(series.starts, begin))
    return backtest(partial(_bounded, algorithm), series, first, algorithm.horizon)


def _left_out(log: EventLog) -> list[str]:
    found = left_out(log)
    return [] if found is None else [f"{found}: the series end or begin at the gap, and so does the forecast"]


def _recent(series: Series) -> dict[str, list[str] | list[float]]:
    starts = [start.isoformat() for start in series.local_starts()[-RECENT:]]
    return {"starts": starts, "values": series.values[-RECENT:].tolist()}


# --- answers


def _series_encoding(fitted: Fitted[Forecaster, Data]) -> SeriesEncoding:
    assert isinstance(fitted.encoding, SeriesEncoding)
    return fitted.encoding


def _horizon(algorithm: Forecaster, request: ForecastRequest) -> int:
    horizon = algorithm.horizon if request.horizon is None else request.horizon
    if horizon < 1:
        raise ValidationError(f"horizon is {horizon}, but must be >= 1", context={"horizon": horizon})
    if horizon > algorithm.horizon:
        raise ValidationError(
            f"horizon {horizon} is longer than the {algorithm.horizon} that the model was trained for",
            code="prediction.horizon",
            hint=f"ask for at most {algorithm.horizon}, or train a model with horizon {horizon}",
            context={"horizon": horizon, "trained": algorithm.horizon},
        )
    return horizon


def _exogenous(fitted: Fitted[Forecaster, Data], request: ForecastRequest) -> Exogenous | None:
    """The exogenous columns of the buckets to come, the request's columns included."""
    known = _series_encoding(fitted).exogenous
    if request.regressors is not None and (known is None or not known.columns):
        raise ValidationError(
            "this model was trained without exogenous columns",
            code="regressor",
            hint="leave --regressor out, or train with it",
        )
    return None if known is None else known.updated(request.regressors)


def _has_unseen(encoding: Encodes[Data], log: EventLog, choice: str) -> bool:
    """Whether the log holds activities that training never saw; LogError when that is to fail."""
    found = unseen_events(encoding, log)
    if choice == "fail" and found.any():
        told = f"{int(found.sum()):,} of {len(found):,} events hold what training never saw"
        raise never_seen(encoding, log, int(np.argmax(found)), told)
    return bool(found.any())


def _table(
    fitted: Fitted[Forecaster, Data], data: Sequence[Series], request: ForecastRequest, *, has_unseen: bool
) -> pd.DataFrame:
    """The rows of all series."""
    horizon = _horizon(fitted.algorithm, request)
    for series in data:
        _require_exogenous(series, horizon, request.regressors)
    table = pd.concat([_rows(fitted, series, horizon) for series in data], ignore_index=True)
    return table if request.unseen == "ignore" else table.assign(**{HAS_UNSEEN: has_unseen})


def _all_origins(
    fitted: Fitted[Forecaster, Data], data: Sequence[Series], request: ForecastRequest, *, has_unseen: bool
) -> pd.DataFrame:
    """The rows of all series, from each bucket after training."""
    horizon, until = _horizon(fitted.algorithm, request), int(fitted.algorithm.history_starts_[-1])
    tables = []
    for series in data:
        _require_exogenous(series, horizon, request.regressors)
        known = Intervals.from_dict(fitted.calibration["series"][series.kpi]["intervals"])
        tables.append(rolled(partial(_bounded, fitted.algorithm), series, until, horizon, known))
    table = pd.concat(tables, ignore_index=True)
    return table if request.unseen == "ignore" else table.assign(**{HAS_UNSEEN: has_unseen})


def _rows(fitted: Fitted[Forecaster, Data], data: Series, horizon: int) -> pd.DataFrame:
    values = _bounded(fitted.algorithm, data, horizon)
    table = {
        TIMESTAMP: local_times(data.next_starts(horizon), data.timezone),
        "kpi": data.kpi,
        "value": values,
    }
    intervals = _intervals_after(fitted, data)
    phase = phases(data, len(intervals.factors), horizon)[-horizon:]
    highest = 1.0 if find_kpi(data.kpi).is_share else np.inf
    for level in LEVELS:
        lower, upper = intervals.bounds(values, phase, level)
        table |= {f"lower_{level}": lower, f"upper_{level}": np.minimum(upper, highest)}
    return pd.DataFrame(table)


def _intervals_after(fitted: Fitted[Forecaster, Data], data: Series) -> Intervals:
    """The calibrated intervals; what came after training tells how well they hold since."""
    algorithm = fitted.algorithm
    intervals = Intervals.from_dict(fitted.calibration["series"][data.kpi]["intervals"])
    passed = len(data) - int(np.searchsorted(data.starts, algorithm.history_starts_[-1], side="right"))
    if passed == 0:
        return intervals
    first = max(len(data) - min(passed, 2 * HALF_LIVES * HALF_LIFE[data.frequency]), 1)
    newer = backtest(partial(_bounded, algorithm), data, first, algorithm.horizon)
    return intervals.updated(newer, phases(data, len(intervals.factors)), passed)

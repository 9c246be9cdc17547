"""KPI series: one number per hour, day, week or month, made from a log and honest about its edges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.encoding.base import Encoding
from pmlcli.encoding.series.exogenous import Exogenous
from pmlcli.encoding.series.holidays import check_country
from pmlcli.encoding.series.kpi import ACTIVITY, ARROW, FOLLOWS, LOAD, common_pairs, find_kpi
from pmlcli.encoding.series.regressors import Regressors
from pmlcli.errors import LogError, ValidationError, unknown_name
from pmlcli.eventlog.far_events import far_events, near_events, near_moments
from pmlcli.eventlog.log import RESOURCE, EventLog, no_times

FREQUENCIES = ("H", "D", "W", "M")
HOUR_US = 3_600_000_000
_SHOWN = 5
SHORTEST_SILENCE_US = 7 * 24 * HOUR_US
"""A log without new cases for less than a week is never taken to have been cut by case start."""


@dataclass(frozen=True)
class Series:
    """One number per bucket, without gaps between buckets.

    - `starts`: int64 (n,), each bucket's first microsecond, UTC
    - `values`: float64 (n,), in `unit`; never negative
    - `exogenous`: exogenous columns of its buckets, and of those to come
    """

    kpi: str
    frequency: str
    timezone: str
    unit: str
    starts: NDArray[np.int64]
    values: NDArray[np.float64]
    exogenous: Exogenous | None = None

    def __len__(self) -> int:
        return len(self.values)

    def head(self, n: int) -> Series:
        """The first n buckets."""
        return replace(self, starts=self.starts[:n], values=self.values[:n])

    def extended(self, starts: NDArray[np.int64], values: NDArray[np.float64]) -> Series:
        """This series with more buckets at its end."""
        return replace(
            self,
            starts=np.concatenate((self.starts, starts)),
            values=np.concatenate((self.values, values)),
        )

    @property
    def about(self) -> str:
        """The KPI's definition in a sentence."""
        return find_kpi(self.kpi).about

    def local_starts(self) -> pd.DatetimeIndex:
        """When each bucket begins, in the series' time zone."""
        return local_times(self.starts, self.timezone)

    def exogenous_values(self, ahead: int = 0) -> NDArray[np.float64]:
        """The exogenous columns of each bucket and of the next ones, (n + ahead, columns)."""
        if self.exogenous is None:
            return np.empty((len(self) + ahead, 0))
        starts = np.concatenate((self.starts, self.next_starts(ahead)))
        return self.exogenous.at(local_times(starts, self.timezone))

    def next_starts(self, horizon: int) -> NDArray[np.int64]:
        """Starts of the buckets that follow the last one, (horizon,), microseconds UTC."""
        return bucket_edges(int(self.starts[-1]), horizon, self.frequency, self.timezone)[1:]


class SeriesEncoding(Encoding[tuple[Series, ...]]):
    """A log as KPI series, one a KPI, in the time zone that the training log was read in.

    A bucket is kept when the log covers all of it: the bucket of the first event is left out unless
    that event stands at its very start, and so are the bucket of the log's last event and all after
    it. Where no case has started for longer than a week and than twice the longest pause among the
    last tenth of the starts, the log was chosen by case start: what follows are left-overs, not the
    process, and the last start takes the place of the last event. A few events beyond a wide empty gap at
    either edge (`far_events`) are left out of every series. `find_kpi` holds the definitions;
    `directly-follows` alone is one series for each pair that is common in the training log.

    The values of the last buckets rest on which cases are running at this log's end; a later log may
    know better. In a log chosen by case start, `open-cases` and `cycle-time` begin too low. Cycle times by
    arrival end earlier: of the last buckets only short cases would tell.

    `regressors` and the public holidays of a `country` travel with each series.
    """

    name: ClassVar[str] = "series"
    requires_times: ClassVar[bool] = True

    def __init__(
        self,
        kpis: tuple[str, ...] = ("arrivals",),
        frequency: str = "D",
        regressors: Regressors | None = None,
        country: str | None = None,
    ) -> None:
        if frequency not in FREQUENCIES:
            raise unknown_name("frequency", frequency, FREQUENCIES)
        if not kpis:
            raise ValidationError("no KPI given", hint="name one, such as arrivals")
        for kpi in kpis:
            find_kpi(kpi)
        self.kpis, self.frequency = tuple(dict.fromkeys(kpis)), frequency
        if country is not None:
            check_country(country)
        is_empty = regressors is None and country is None
        self.exogenous = None if is_empty else Exogenous.of(regressors, frequency, country)
        self._series: tuple[str, ...] = ()
        self._timezone = "UTC"
        self._activities: tuple[str, ...] = ()

    def fit(self, log: EventLog) -> Self:
        """Takes time zone, activities and the common pairs from the training log."""
        _times(log)
        self._timezone, self._activities = log.schema.timezone, log.activities
        for kpi in self.kpis:
            _check_names(kpi, log)
        named = [common_pairs(log) if kpi == FOLLOWS else (kpi,) for kpi in self.kpis]
        self._series = tuple(dict.fromkeys(kpi for group in named for kpi in group))
        if not self._series:
            raise LogError(
                "no activity follows another in this log, so there are no pairs to forecast",
                hint="choose another KPI, such as arrivals",
            )
        return self

    def transform(self, log: EventLog) -> tuple[Series, ...]:
        """The log's series; empty ones when it covers no whole bucket."""
        # The left-overs of a log chosen by case start show that it was; what they hold is of no bucket.
        first, last = _window(near_events(log))
        log = near_moments(log)
        starts = covered_edges(first, last, self.frequency, self._timezone)
        return tuple(self._one(kpi, log, starts) for kpi in self._series)

    def _one(self, kpi: str, log: EventLog, edges: NDArray[np.int64]) -> Series:
        definition = find_kpi(kpi)
        values = definition.measure(log, edges)
        known = np.flatnonzero(~np.isnan(values))
        kept = slice(known[0], known[-1] + 1) if len(known) else slice(0, 0)
        starts, unit = edges[:-1][kept], definition.unit
        return Series(kpi, self.frequency, self._timezone, unit, starts, values[kept], self.exogenous)

    def state(self) -> dict[str, Any]:
        """KPIs, frequency, time zone and activities."""
        return {
            "kpis": list(self.kpis),
            "series": list(self._series),
            "frequency": self.frequency,
            "timezone": self._timezone,
            "activities": list(self._activities),
        } | ({} if self.exogenous is None else {"exogenous": self.exogenous.state()})

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The inverse of `state`."""
        encoding = cls(tuple(state["kpis"]), state["frequency"])
        for kpi in state["series"]:
            find_kpi(kpi)
        encoding._series = tuple(state["series"])
        encoding._timezone = state["timezone"]
        encoding._activities = tuple(state["activities"])
        if "exogenous" in state:
            encoding.exogenous = Exogenous.from_state(state["exogenous"])
        return encoding

    def exogenous_columns(self) -> tuple[str, ...]:
        """The columns that a forecast must be given for the buckets to come."""
        return () if self.exogenous is None else self.exogenous.columns

    def required_columns(self) -> tuple[str, ...]:
        """The time of each event, and what else the KPIs are about."""
        return tuple(dict.fromkeys(column for kpi in self.kpis for column in find_kpi(kpi).columns))

    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """The activities of the training log."""
        return {"activity": self._activities}


def local_times(starts: NDArray[np.int64], timezone: str) -> pd.DatetimeIndex:
    """Microseconds UTC as times in a zone."""
    return pd.DatetimeIndex(starts.view("datetime64[us]")).tz_localize("UTC").tz_convert(timezone)


def observed_window(log: EventLog) -> tuple[int, int]:
    """First and last moment that a log tells the whole process of, microseconds UTC; see SeriesEncoding."""
    return _window(near_events(log))


def _window(log: EventLog) -> tuple[int, int]:
    first, last = int(log.starts.min()), int(_times(log).max())
    starts = np.sort(log.starts)
    recent = starts[-max(len(starts) // 10, 20) :]
    longest_pause = int(np.diff(recent).max()) if len(recent) > 1 else 0
    silence = last - int(starts[-1])
    is_chosen_by_start = len(recent) > 1 and silence > max(2 * longest_pause, SHORTEST_SILENCE_US)
    return first, int(starts[-1]) if is_chosen_by_start else last


def covered_edges(first: int, last: int, frequency: str, timezone: str) -> NDArray[np.int64]:
    """Bounds of the buckets that lie wholly within [first, last), (n + 1,), microseconds UTC."""
    shortest = {"H": HOUR_US, "D": 23 * HOUR_US, "W": 167 * HOUR_US, "M": 671 * HOUR_US}[frequency]
    edges = bucket_edges(first, (last - first) // shortest + 1, frequency, timezone)
    begin = int(np.searchsorted(edges, first))
    end = int(np.searchsorted(edges, last, side="right"))
    return edges[begin : max(end, begin + 1)]


def bucket_edges(moment: int, n: int, frequency: str, timezone: str) -> NDArray[np.int64]:
    """Start of the bucket that holds `moment` and of the n after it, (n + 1,), microseconds UTC.

    Days, weeks (from Monday) and months begin at midnight of the zone and so are 23 or 25 hours long
    where its clocks change; a midnight that the clocks skip is the first moment after it.
    """
    local = pd.Timestamp(moment, unit="us", tz="UTC").tz_convert(timezone)
    if frequency == "H":
        offset = local.utcoffset() or timedelta()
        since_hour = (moment + int(offset.total_seconds()) * 1_000_000) % HOUR_US
        return moment - since_hour + HOUR_US * np.arange(n + 1, dtype=np.int64)
    day = local.tz_localize(None).normalize()
    if frequency == "M":
        days = pd.date_range(day.replace(day=1), periods=n + 1, freq="MS")
    else:
        monday = day - pd.Timedelta(days=day.weekday() if frequency == "W" else 0)
        days = pd.date_range(monday, periods=n + 1, freq="7D" if frequency == "W" else "D")
    zoned = days.tz_localize(timezone, nonexistent="shift_forward", ambiguous=np.ones(n + 1, dtype=np.bool_))
    return zoned.as_unit("us").asi8


def _times(log: EventLog) -> NDArray[np.int64]:
    if log.times is None:
        raise no_times("which a KPI series needs")
    return log.times


def is_cut(log: EventLog) -> bool:
    """Whether the log was chosen by case start and its last events are left-overs; see SeriesEncoding."""
    near = near_events(log)
    return _window(near)[1] < int(_times(near).max())


def left_out(log: EventLog) -> str | None:
    """Which events the series of a log leave out because they lie far from all others, in a sentence."""
    far = far_events(log)
    if far is None:
        return None
    cases = list(dict.fromkeys(log.case_ids[log.case_of_event[far.flags]].tolist()))
    named = ", ".join(f"'{case}'" for case in cases[:_SHOWN]) + ", ..." * (len(cases) > _SHOWN)
    before, after = (f"{moment:%Y-%m-%d}" for moment in local_times(np.array(far.gap), log.schema.timezone))
    events = int(far.flags.sum())
    return (
        f"left out {events:,} event{'s' * (events != 1)} of case{'s' * (len(cases) != 1)} {named}, beyond a "
        f"gap of {far.days:,} days in which nothing happened ({before} to {after})"
    )


def first_completion(log: EventLog) -> int | None:
    """When the first case ends, where nothing ends in the first half of the log; else None.

    Such a log was chosen by case end, or its cases are slow: before that moment there are only the cases
    that lasted until then, so arrivals seem to grow, and there is hardly a completion to learn from.
    """
    log = near_events(log)
    first, last = _window(log)
    ended = int(log.ends.min())
    return ended if ended - first > (last - first) / 2 else None


def _check_names(kpi: str, log: EventLog) -> None:
    """Raises ValidationError, with the nearest name, for an activity or resource that is not there."""
    kind, _, argument = kpi.partition(":")
    if kind == LOAD and log.resource_codes is None:
        raise LogError(
            f"KPI '{kpi}' needs to know who did what, but the log has no resource column",
            hint="name its column with --resource",
            context={"column": RESOURCE},
        )
    known = log.resources if kind == LOAD else log.activities
    names = argument.split(ARROW, 1) if kind == FOLLOWS and argument else [argument]
    for name in names if kind in (ACTIVITY, LOAD) or (kind == FOLLOWS and argument) else ():
        if name not in known:
            error = unknown_name("resource" if kind == LOAD else "activity", name, known)
            raise ValidationError(f"{error.message} in KPI '{kpi}'", hint=error.hint, context=error.context)

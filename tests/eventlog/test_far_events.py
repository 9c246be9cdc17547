"""A few events far from all others decide nothing that spans from the first event to the last."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms.forecast.seasonal_naive import SeasonalNaive
from pmlcli.encoding.series.encoding import SeriesEncoding, left_out
from pmlcli.encoding.series.kpi import KPIS
from pmlcli.eventlog.far_events import far_among, far_events, near_cases, near_end, near_events
from pmlcli.eventlog.filters import select
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.profile import profile
from pmlcli.eventlog.running import StatedRule, find_running, fit_running_rule, standing
from pmlcli.eventlog.selection import Selection
from pmlcli.eventlog.split import rolling_splits, split_by_start, split_strictly
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.periods import span
from tests.logs import log_of

DAYS = 120


def events(far: tuple[str, ...] = (), *, starts: bool = False) -> list[dict[str, Any]]:
    """Two cases a weekday; one case more of two events from each of the far moments on."""
    begins = [
        day + pd.Timedelta(hours=h) for day in pd.bdate_range("2024-01-01", periods=DAYS) for h in (8, 9)
    ]
    begins += [pd.Timestamp(moment) for moment in far]
    made = []
    for i, begin in enumerate(begins):
        for activity, hours in (("Register", 1), ("Pay", 26 + i % 5)):
            at = (begin + pd.Timedelta(hours=hours)).tz_localize("UTC")
            event = {"case_id": f"K{i:04}", "activity": activity, "timestamp": at, "resource": "r"}
            made.append(event | ({"start_timestamp": at - pd.Timedelta(hours=1)} if starts else {}))
    return made


EDGES = [("2019-03-01",), ("2026-08-01",), ("2019-03-01", "2026-08-01"), ("1970-01-01",), ("2099-01-01",)]
CLEAN = log_of(events())


def same(ours: EventLog, theirs: EventLog) -> bool:
    return ours.frame.equals(theirs.frame) and ours.offsets.tolist() == theirs.offsets.tolist()


@pytest.mark.parametrize("far", EDGES, ids=str)
def test_without_its_far_events_a_log_is_the_clean_one(far: tuple[str, ...]) -> None:
    bent = log_of(events(far))
    assert same(near_events(bent), CLEAN) and same(near_cases(bent), CLEAN)
    assert far_events(CLEAN) is None and near_events(CLEAN) is CLEAN and near_cases(CLEAN) is CLEAN


@pytest.mark.parametrize("far", EDGES, ids=str)
@pytest.mark.parametrize("frequency", ["D", "W", "M"])
def test_no_kpi_series_is_stretched(far: tuple[str, ...], frequency: str) -> None:
    kpis = (*KPIS, "activity:Pay", "resource-load:r", "directly-follows:Register->Pay", "sla-breach-rate:1d")
    bent = log_of(events(far))
    ours, theirs = (SeriesEncoding(kpis, frequency).fit(log).transform(log) for log in (bent, CLEAN))
    assert len(ours[0]) >= 4
    for one, other in zip(ours, theirs, strict=True):
        assert np.array_equal(one.starts, other.starts) and np.array_equal(one.values, other.values), one.kpi


@pytest.mark.parametrize("far", EDGES, ids=str)
@pytest.mark.parametrize("split", [split_by_start, split_strictly])
def test_far_cases_do_not_decide_where_the_last_fifth_begins(far: tuple[str, ...], split: Any) -> None:
    ours, theirs = split(log_of(events(far))), split(CLEAN)
    assert same(ours.train, theirs.train) and same(ours.test, theirs.test) and ours.since == theirs.since


def test_a_forecast_is_tried_on_the_last_fifth_of_the_near_buckets() -> None:
    method = SeasonalNaive(horizon=7)
    bent = log_of(events(("2026-08-01",)))
    ours, theirs = (method.task.cuts(method, log) for log in (bent, CLEAN))
    assert len(ours) == len(theirs) == 3
    for one, other in zip(ours, theirs, strict=True):
        assert same(one.train, other.train) and same(one.test, other.test)


@pytest.mark.parametrize("activity", ["Register", "Pay", "Check"])
@pytest.mark.parametrize("year", ["2027", "2099"])
@pytest.mark.parametrize("rule", [None, StatedRule(("Pay",)), StatedRule(idle_us=10**12)], ids=str)
def test_a_case_that_begins_after_the_log_s_end_is_not_running(
    activity: str, year: str, rule: StatedRule | None
) -> None:
    # The two last cases are open: they were registered on the log's last day.
    far = {
        "case_id": "K9999",
        "activity": activity,
        "timestamp": pd.Timestamp(year, tz="UTC"),
        "resource": "r",
    }
    bent = replace(log_of([*events()[:-3], far]), running_rule=rule)
    stands = standing(bent)
    (ours,) = np.flatnonzero(bent.case_ids == "K9999")
    assert not stands.is_running[ours] and not stands.is_stalled[ours] and stands.goes_on[ours] == 0
    assert stands.is_running.any()
    # At its own moment it has begun, and the rule decides.
    decides = fit_running_rule(bent) if rule is None else rule
    moment = int(bent.ends.max())
    assert (standing(bent, at=moment).is_running == decides.find(bent, at=moment)).all()


def test_training_and_prediction_name_cases_and_gap() -> None:
    bent = log_of(events(("2026-08-01",)))
    model = Model("forecast/seasonal-naive", kpi=("arrivals",), horizon=7)
    [remark] = [r for r in model.train(bent).metadata["remarks"] if "gap" in r]
    assert "2 events of case 'K0240'" in remark and "2024-06-" in remark and "to 2026-08-01" in remark
    for given in (None, bent):
        result = model.predict(given)
        assert result.predictions["timestamp"].iloc[0] < pd.Timestamp("2024-07-01", tz="UTC")
        weekdays = result.predictions["timestamp"].dt.day_of_week < 5
        assert (result.predictions["value"][weekdays] == 2).all()
    assert [note for note in result.metadata["notes"] if "K0240" in note]
    assert left_out(CLEAN) is None


def test_arrivals_a_day_are_those_of_the_near_cases() -> None:
    ours, theirs = profile(log_of(events(("2026-08-01",)))), profile(CLEAN)
    assert (ours.arrivals_per_day, ours.arrivals) == (theirs.arrivals_per_day, theirs.arrivals)
    assert ours.cases == theirs.cases + 1


def test_a_start_far_before_its_end_is_far_and_a_slow_case_is_not() -> None:
    rows = events(starts=True)
    rows[0]["start_timestamp"] -= pd.Timedelta(days=3000)
    bent = log_of(rows)
    assert near_events(bent).n_events == len(rows) - 1 and near_cases(bent) is bent
    rows = events()
    rows[-1]["timestamp"] += pd.Timedelta(days=700)
    slow = log_of(rows)
    assert far_among(np.asarray(slow.times)) is not None and far_events(slow) is None


def bent_and_clean(kind: str) -> tuple[EventLog, EventLog]:
    """A log with one event of a wrong year, as it lies and without that event; its last cases are open."""
    rows = events()
    end = max(row["timestamp"] for row in rows if row["activity"] == "Register")
    rows = [row for row in rows if row["timestamp"] <= end]
    what, moment = kind.split()
    case, activity = {"case": ("K9999", "Register"), "open": ("K0239", "Pay")}.get(what, ("K0050", "Check"))
    at = pd.Timestamp(moment, tz="UTC")
    odd = {"case_id": case, "activity": activity, "timestamp": at, "resource": "r"}
    return log_of([*rows, odd]), log_of(rows)


FAR = [
    "case 2099-01-01",
    "case 1970-01-01",
    "last 2099-01-01",
    "open 2099-01-01",
    "open 2027-01-01",
    "first 1970-01-01",
]


@pytest.fixture(scope="module", params=FAR)
def pair(request: pytest.FixtureRequest) -> tuple[EventLog, EventLog]:
    return bent_and_clean(request.param)


Pair = tuple[EventLog, EventLog]


def test_the_finding_names_the_event(pair: Pair) -> None:
    codes = {finding.code for finding in profile(pair[0]).findings}
    assert codes & {"times.far-events", "times.future", "times.past"}, codes


def test_the_log_s_end_and_what_runs_then_are_those_without_the_event(pair: Pair) -> None:
    bent, clean = pair
    assert near_end(bent) == clean.end == near_end(clean)
    assert fit_running_rule(bent) == fit_running_rule(clean)
    assert span(bent) == span(clean)
    known = dict(zip(clean.case_ids, find_running(clean), strict=True))
    ours = dict(zip(bent.case_ids, find_running(bent), strict=True))
    differ = {case for case in known if known[case] != ours[case]}
    assert differ <= {"K0050", "K0239"}, "only the case of the event itself"
    idle = StatedRule(idle_us=86_400_000_000)
    assert idle.find(clean).any() and abs(int(idle.find(bent).sum()) - int(idle.find(clean).sum())) <= 1


def test_filters_and_splits_watch_until_the_same_moment(pair: Pair) -> None:
    bent, clean = pair
    ours, theirs = (select(log, Selection(min_events=2), ReadOptions()) for log in pair)
    assert ours.until == theirs.until == clean.end
    assert (ours.is_cut, theirs.is_cut) == (False, False)
    for cut, other in zip(rolling_splits(bent, 3), rolling_splits(clean, 3), strict=True):
        assert cut.test.until == other.test.until


def test_kpis_and_forecasts_are_the_same(pair: Pair) -> None:
    bent, clean = pair
    ours, theirs = (SeriesEncoding(tuple(KPIS), "W").fit(log).transform(log) for log in pair)
    for one, other in zip(ours, theirs, strict=True):
        assert np.array_equal(one.starts, other.starts) and np.array_equal(one.values, other.values), one.kpi
    model = Model("forecast/seasonal-naive", kpi=("arrivals",), horizon=7)
    model.train(bent)
    first = model.predict().predictions["timestamp"].iloc[0]
    model = Model("forecast/seasonal-naive", kpi=("arrivals",), horizon=7)
    model.train(clean)
    assert first == model.predict().predictions["timestamp"].iloc[0]


@cache
def trained(name: str) -> Model:
    model = Model(name, **({"slower_than": "25h"} if name.startswith("outcome") else {}))
    model.train(CLEAN)
    return model


@pytest.mark.parametrize(
    "name", ["next-activity/ngram", "remaining-time/median", "outcome/prior", "suffix/medoid"]
)
def test_predictions_of_running_cases_are_made_at_the_same_moment(pair: Pair, name: str) -> None:
    bent, clean = pair
    model = trained(name)
    task = model.algorithm.task
    asked = task.checked(model.algorithm, PredictRequest())
    assert task.moment(bent, asked) == task.moment(clean, asked) == clean.end
    ours, theirs = (model.predict(log).predictions.set_index("case_id") for log in pair)
    ours, theirs = (found.drop(["K0050", "K0239", "K9999"], errors="ignore") for found in (ours, theirs))
    assert len(theirs)
    assert_frame_equal(ours, theirs)
    assert (ours.select_dtypes("number") >= 0).all().all()


def test_a_tenth_of_the_events_is_no_edge() -> None:
    half = log_of(events(tuple(f"2026-08-{day:02}" for day in range(1, 13))))
    assert far_events(half) is None
    assert far_among(np.arange(49) * 10) is None


@pytest.mark.parametrize("name", ["next-activity/ngram", "remaining-time/median", "anomaly/duration"])
def test_other_tasks_train_where_a_case_is_in_no_part_of_the_trial(name: str) -> None:
    model = Model(name)
    bent = log_of(events(("2019-03-01", "2026-08-01")))
    assert model.train(bent).success
    assert len(model.predict(bent, request=PredictRequest(cases="all")).predictions)


@pytest.mark.parametrize("moment", ["1999-03-01", "2031-03-01"])
def test_one_whole_case_of_a_small_log_may_be_far(moment: str) -> None:
    """Six events are more than 1 % of a small log, and all of one case."""
    begins = [*pd.bdate_range("2024-01-01", periods=45), pd.Timestamp(moment)]
    made = [
        {"case_id": f"K{i:02}", "activity": f"A{step}", "timestamp": (day + pd.Timedelta(hours=step))}
        for i, day in enumerate(begins)
        for step in range(6)
    ]
    log = log_of([event | {"timestamp": event["timestamp"].tz_localize("UTC")} for event in made])
    far = far_events(log)
    assert far is not None
    assert set(log.frame["case_id"][far.flags]) == {"K45"}

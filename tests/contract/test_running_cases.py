"""What is true of every answer about running cases, whatever the algorithm, by reasoning or by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rapidfuzz.distance import DamerauLevenshtein
from sklearn.metrics import roc_auc_score

from pmlcli import registry
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import Fitted
from pmlcli.eventlog import ReadOptions, read_log
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.running import standing
from pmlcli.eventlog.selection import Selection
from pmlcli.eventlog.split import Split, measured_prefixes
from pmlcli.lifecycle.trial import Trial, train_algorithm, trial
from tests.contract.cases import QUICK, events_for, is_installed, trained
from tests.contract.test_algorithms import assert_same
from tests.logs import purchase_events

TASKS = ("next-activity", "outcome", "remaining-time", "suffix")
NAMES = [name for name in registry.names() if name.partition("/")[0] in TASKS]
KEYS = ["case_id", "prefix_length"]
SLA = 2 * 86400.0

every_predictor = pytest.mark.parametrize("name", NAMES)


def of_task(task: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(f"{task}/")])


@pytest.fixture(autouse=True)
def _skip_only_for_a_missing_library(request: pytest.FixtureRequest) -> None:
    name = getattr(request.node, "callspec", None) and request.node.callspec.params.get("name")
    if name and not is_installed(name):
        pytest.skip(f"the extra '{registry.card(name).extra}' is not installed")


def asked(name: str, events: Any, **wishes: Any) -> pd.DataFrame:
    return trained(name).predict(events, request=PredictRequest(**wishes)).predictions


def new_events(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events that training never saw, and the answers for all of their prefixes."""
    events = pd.DataFrame(events_for(name, seed=7))
    return events, asked(name, events, cases="all", every_prefix=True)


@every_predictor
def test_as_of_is_the_log_cut_off_at_that_time(name: str) -> None:
    events, every = new_events(name)
    tolerance, wishes = registry.find(name).tolerance, [{}, {"every_prefix": True}, {"explain": True}]
    limit = {"sla": SLA} if name.startswith("remaining-time") else {}
    at = events["timestamp"].sort_values().iloc[len(events) // 2]
    known = events[events["timestamp"] <= at]
    for wish in wishes:
        told = asked(name, events, as_of=at.isoformat(), **wish, **limit)
        assert len(told) > 0
        assert_same(asked(name, known, **wish, **limit), told, tolerance)
    latest = asked(name, known, cases="all").set_index(KEYS)
    assert_same(latest, every.set_index(KEYS).loc[latest.index], tolerance)


@every_predictor
def test_neither_the_order_of_columns_nor_the_zone_matters(name: str) -> None:
    events, every = new_events(name)
    elsewhere = events.assign(timestamp=events["timestamp"].dt.tz_convert("Asia/Kolkata"))
    found = asked(name, elsewhere[elsewhere.columns[::-1]], cases="all", every_prefix=True)
    if "expected_end" in found:
        assert str(found["expected_end"].dt.tz) == "UTC", "the zone is that of the training log"
    assert_same(every, found, registry.find(name).tolerance)


@every_predictor
def test_cases_that_are_filtered_out_do_not_move_the_moment_of_asking(name: str) -> None:
    events = pd.DataFrame(events_for(name, seed=7))
    events = events[events["timestamp"] <= events["timestamp"].sort_values().iloc[len(events) // 2]]
    last = events.sort_values("timestamp")["case_id"].iloc[-1]
    marked = events.assign(**{"case:kind": np.where(events["case_id"] == last, "last", "other")})
    everything = asked(name, marked)
    only = ReadOptions(selection=Selection(where=(("case:kind", "other"),)))
    others = trained(name).predict(marked, options=only).predictions
    assert last in set(everything["case_id"])
    assert len(others) > 0
    expected = everything[everything["case_id"] != last].reset_index(drop=True)
    assert_same(expected, others, registry.find(name).tolerance)


def test_a_time_at_which_nothing_runs_is_told_beside_the_last_event() -> None:
    model, events = trained("next-activity/ngram"), events_for("next-activity/ngram", seed=7)
    for moment, is_told in (("2199-01-01", True), (max(e["timestamp"] for e in events).isoformat(), False)):
        request = PredictRequest(as_of=moment, cases="running" if is_told else "all")
        notes = model.predict(events, request=request).metadata["notes"]
        assert any("the log's last event is of 2024-" in note for note in notes) == is_told


@of_task("next-activity")
def test_candidates_are_ranked_and_share_what_is_likely(name: str) -> None:
    events, _every = new_events(name)
    table = asked(name, events, cases="all", every_prefix=True, candidates=500)
    names = table.filter(regex="^next_activity").to_numpy()
    shares = table.filter(regex="^probability").to_numpy()
    assert (np.diff(shares, axis=1) <= 0).all()
    assert shares.sum(axis=1) == pytest.approx(1)
    assert all(len(set(row)) == len(row) for row in names)
    members = [text.split(" | ") for text in table["prediction_set"]]
    assert all(list(row[: len(some)]) == some for row, some in zip(names, members, strict=True))


@of_task("remaining-time")
def test_an_end_is_the_latest_event_and_what_remains_and_lies_ahead(name: str) -> None:
    events, _every = new_events(name)
    at = events["timestamp"].sort_values().iloc[len(events) // 2]
    of_case = events[events["timestamp"] <= at].groupby("case_id")["timestamp"]
    ends = []
    for later in (0, 1, 12, 36):
        now = at + timedelta(hours=later)
        known = events[events["timestamp"] <= at]
        table = asked(name, known, as_of=now.isoformat(), sla=SLA).set_index("case_id")
        assert len(table) > 0
        remains = table["expected_end"] - of_case.max()[table.index]
        assert remains.dt.total_seconds().to_numpy() == pytest.approx(table["remaining_seconds"].to_numpy())
        assert (table["lower"] >= 0).all()
        assert (table["lower"] <= table["remaining_seconds"]).all()
        assert (table["remaining_seconds"] <= table["upper"]).all()
        assert (table["expected_end"] >= now).all()
        is_late = now - of_case.min()[table.index] > timedelta(seconds=SLA)
        assert (table.loc[is_late, "sla_breach_probability"] == 1).all()
        ends.append(table["expected_end"])
    for before, after in zip(ends, ends[1:], strict=False):
        assert (after >= before[after.index] - timedelta(seconds=1)).all()
    limits = [asked(name, known, sla=hours * 3600.0) for hours in (1, 20, 48, 100, 1000)]
    risks = np.column_stack([table["sla_breach_probability"] for table in limits])
    assert ((risks >= 0) & (risks <= 1)).all()
    assert (np.diff(risks, axis=1) <= 0).all()


@of_task("outcome")
def test_an_outcome_that_has_occurred_is_certain_and_any_other_is_not(name: str) -> None:
    events, every = new_events(name)
    goods = (events["activity"] == "Receive Goods").groupby(events["case_id"]).cumsum()
    is_settled = every["is_settled"].to_numpy()
    assert (is_settled == (goods > 1).to_numpy()).all()
    assert (every.loc[is_settled, ["probability", "positive_probability"]] == 1).all(axis=None)
    assert (every.loc[is_settled, "outcome"] == "yes").all()
    is_open = every[~is_settled]
    of_yes = is_open["probability"].where(is_open["outcome"] == "yes", 1 - is_open["probability"])
    assert of_yes.to_numpy() == pytest.approx(is_open["positive_probability"].to_numpy())
    assert is_open["probability"].between(0.5, 1, inclusive="left").all()


@of_task("suffix")
def test_a_suffix_ends_and_takes_time_only_where_something_is_to_come(name: str) -> None:
    events, every = new_events(name)
    assert every["suffix"].str.endswith("<end>").all()
    assert (every["suffix"].str.count(" > ") == every["events_left"]).all()
    assert every["probability"].between(0, 1.000001, inclusive="right").all()
    assert (every["similarity"] >= every["probability"] - 1e-9).all()
    assert (every["remaining_seconds"] >= 0).all()
    assert (every.loc[every["events_left"] == 0, "remaining_seconds"] == 0).all()
    at = events["timestamp"].sort_values().iloc[len(events) // 2] + timedelta(hours=36)
    table = asked(name, events, as_of=at.isoformat()).set_index("case_id")
    latest = events[events["timestamp"] <= at].groupby("case_id")["timestamp"].max()[table.index]
    goes_on = table["events_left"] > 0
    assert goes_on.any()
    assert (table["remaining_seconds"] >= (at - latest).dt.total_seconds())[goes_on].all()


@pytest.mark.parametrize("split", ["temporal", "strict"])
@pytest.mark.parametrize(
    "name", ["next-activity/ngram", "outcome/logistic", "remaining-time/median", "suffix/medoid"]
)
def test_what_training_prints_is_what_its_predictions_come_to(name: str, split: str) -> None:
    log = read_log(purchase_events(250))
    algorithm = registry.build(name, QUICK.get(name, {}) | {"split": split})
    printed = train_algorithm(algorithm, name, log).comparison
    cuts = algorithm.task.cuts(algorithm, log)
    assert len(cuts) == len(printed.cuts) == 3
    for parts, told in zip(cuts, printed.cuts, strict=True):
        assert told.value == pytest.approx(by_hand(algorithm, log, parts), abs=1e-9)


def by_hand(algorithm: Any, log: EventLog, parts: Split) -> float:
    """The metric on the test part of a cut, from what is predicted for each of its prefixes."""
    task = algorithm.task
    tried: Trial[Any, Any] = trial(algorithm, (parts,), log)
    calibration = task.calibrate(tried.algorithm, tried.held_out)
    encoding: Any = algorithm.make_encoding().fit(parts.train)
    fitted = Fitted(tried.algorithm, encoding, calibration | {"positive": "yes"})
    told = task.predict(
        fitted, parts.test, task.checked(algorithm, PredictRequest(cases="all", every_prefix=True))
    )
    frame = parts.test.frame.join(told.drop(columns="case_id"))
    frame["counts"] = measured_prefixes(parts)
    frame["is_running"] = np.repeat(
        standing(parts.test, encoding.running_rule).is_running, parts.test.lengths
    )
    return BY_HAND[task.name](frame)


def accuracy(frame: pd.DataFrame) -> float:
    following = frame.groupby("case_id")["activity"].shift(-1)
    counted = frame["counts"] & ~(following.isna() & frame["is_running"])
    return float((frame["next_activity"] == following.fillna("<end>"))[counted].mean())


def mean_absolute_days(frame: pd.DataFrame) -> float:
    left = frame.groupby("case_id")["timestamp"].transform("max") - frame["timestamp"]
    is_last = frame["prefix_length"] == frame.groupby("case_id")["activity"].transform("size")
    counted = frame["counts"] & (frame["prefix_length"] > 1) & ~is_last & ~frame["is_running"]
    return float((left.dt.total_seconds() - frame["remaining_seconds"])[counted].abs().mean() / 86400)


def area(frame: pd.DataFrame) -> float:
    goods = (frame["activity"] == "Receive Goods").groupby(frame["case_id"])
    is_positive, so_far = goods.transform("sum") > 1, goods.cumsum()
    is_last = frame["prefix_length"] == frame.groupby("case_id")["activity"].transform("size")
    is_known = ~frame["is_running"] | is_positive
    counted = frame["counts"] & is_known & (so_far <= 1) & ~(is_last & ~frame["is_running"])
    return float(roc_auc_score(is_positive[counted], frame["positive_probability"][counted]))


def likeness(frame: pd.DataFrame) -> float:
    traces = frame.groupby("case_id")["activity"].apply(list)
    alike = [
        DamerauLevenshtein.normalized_similarity(text.split(" > ")[:-1], traces[case][length:])
        for case, length, text in zip(frame["case_id"], frame["prefix_length"], frame["suffix"], strict=True)
    ]
    counted = frame["counts"] & ~frame["is_running"]
    return float(frame.assign(alike=alike)[counted].groupby("case_id")["alike"].mean().mean())


BY_HAND = {
    "next-activity": accuracy,
    "outcome": area,
    "remaining-time": mean_absolute_days,
    "suffix": likeness,
}

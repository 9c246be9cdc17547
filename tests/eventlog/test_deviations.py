"""Injected deviations: one a case, of the kind it says, with times that never fall."""

from __future__ import annotations

import numpy as np
import pytest

from pmlcli.eventlog.deviations import KINDS, delay, deviate
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, RESOURCE, TIMESTAMP, EventLog
from tests.logs import purchase_log, trace_log


def traces(log: EventLog, column: str = ACTIVITY) -> list[list[str]]:
    values = log.frame[column].tolist()
    return [values[a:b] for a, b in zip(log.offsets[:-1], log.offsets[1:], strict=True)]


@pytest.fixture(scope="module")
def pair() -> tuple[EventLog, EventLog, np.ndarray]:
    log = purchase_log(300)
    deviations = deviate(log, seed=3)
    return log, deviations.log, deviations.kinds


def test_every_kind_occurs_and_every_case_differs(pair):
    log, deviant, kinds = pair
    assert set(kinds) == set(range(len(KINDS)))
    before = zip(traces(log), traces(log, RESOURCE), strict=True)
    after = zip(traces(deviant), traces(deviant, RESOURCE), strict=True)
    same = [a == b for a, b in zip(before, after, strict=True)]
    assert not any(same)


def test_each_kind_does_what_it_says(pair):
    log, deviant, kinds = pair
    for kind, old, new, who, now in zip(
        kinds, traces(log), traces(deviant), traces(log, RESOURCE), traces(deviant, RESOURCE), strict=True
    ):
        changed = [i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b]
        match KINDS[kind]:
            case "skip":
                assert len(new) == len(old) - 1
            case "rework":
                assert len(new) == len(old) + 1
                assert set(new) == set(old)
            case "swap":
                assert sorted(new) == sorted(old)
                assert len(changed) == 2
                assert changed[1] == changed[0] + 1
            case "move":
                assert sorted(new) == sorted(old)
                assert new != old
            case "activity":
                assert len(changed) == 1
                assert who == now
            case "resource":
                assert old == new
                assert sum(a != b for a, b in zip(who, now, strict=True)) == 1


def test_times_stay_sorted_and_agree_with_the_frame(pair):
    _log, deviant, _kinds = pair
    inside = np.diff(deviant.case_of_event) == 0
    assert (np.diff(deviant.times)[inside] >= 0).all()
    stamps = deviant.frame[TIMESTAMP].astype("int64").to_numpy()
    assert (stamps == deviant.times).all()


def test_codes_agree_with_the_frame_and_cases_with_their_ids(pair):
    log, deviant, _kinds = pair
    assert [deviant.activities[c] for c in deviant.activity_codes] == deviant.frame[ACTIVITY].tolist()
    assert [deviant.resources[c] for c in deviant.resource_codes] == deviant.frame[RESOURCE].tolist()
    assert (deviant.case_ids == log.case_ids).all()
    assert (deviant.frame[CASE_ID].to_numpy(dtype=object) == deviant.case_ids[deviant.case_of_event]).all()
    assert deviant.offsets[-1] == len(deviant.frame)


def test_seeded_and_leaves_its_input_alone():
    log = purchase_log(30)
    frame = log.frame.copy()
    first, second, other = deviate(log, 1), deviate(log, 1), deviate(log, 2)
    assert first.log.frame.equals(second.log.frame)
    assert not first.log.frame.equals(other.log.frame)
    assert log.frame.equals(frame)


def test_a_case_without_room_gets_what_it_has_room_for():
    deviations = deviate(trace_log([["a"], ["a"], ["a"]]), seed=0)
    assert {KINDS[kind] for kind in deviations.kinds} == {"rework"}
    assert traces(deviations.log) == [["a", "a"]] * 3


def test_one_event_of_several_activities_is_never_skipped():
    deviations = deviate(trace_log([["a"], ["b"]] * 20), seed=0)
    assert {KINDS[kind] for kind in deviations.kinds} == {"rework", "activity"}
    assert deviations.log.lengths.min() == 1


def test_missing_resources_are_never_replaced():
    log = trace_log([["a"], ["a"]], resource=[None, "x"])
    assert all(KINDS[kind] == "rework" for kind in deviate(log, seed=0).kinds)


@pytest.mark.parametrize("seed", range(5))
def test_moves_take_the_place_of_the_other_event(seed):
    log = trace_log([list("abcdef")] * 50)
    deviations = deviate(log, seed)
    for kind, trace in zip(deviations.kinds, traces(deviations.log), strict=True):
        if KINDS[kind] == "move":
            moved = [x for x in "abcdef" if [y for y in trace if y != x] == [y for y in "abcdef" if y != x]]
            assert len(moved) == 1
            assert abs(trace.index(moved[0]) - "abcdef".index(moved[0])) >= 2


def test_a_delay_lengthens_one_wait_and_moves_what_follows():
    log = purchase_log(100)
    late = delay(log, seed=1)
    assert log.times is not None and late.times is not None
    added = (late.times - log.times) / 1e6
    steps = np.diff(added)
    inside = np.diff(log.case_of_event) == 0
    assert (added[log.offsets[:-1]] == 0).all()
    assert (steps[inside] >= 0).all()
    assert np.bincount(log.case_of_event[1:][inside], weights=steps[inside] > 0).tolist() == [1] * 100
    usual = np.median(np.diff(log.times)[inside]) / 1e6
    assert (added[log.offsets[1:] - 1] >= 9 * usual * 0.999).all()
    moved = late.frame[TIMESTAMP] - log.frame[TIMESTAMP]
    assert np.allclose(moved.dt.total_seconds(), added)
    assert (late.activity_codes == log.activity_codes).all()


def test_a_delay_needs_times_and_room():
    without = trace_log([["a", "b"], ["a"]])
    assert delay(without, seed=0) is without
    single = purchase_log(5).take_rows(purchase_log(5).offsets[:-1], np.arange(6))
    assert single.times is not None
    assert (delay(single, seed=0).times == single.times).all()

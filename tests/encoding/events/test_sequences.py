"""Traces as numbers over offsets."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from pmlcli.encoding.events.sequences import SequenceEncoding
from pmlcli.encoding.vocabulary import FIRST_CODE, MISSING_CODE, UNSEEN_CODE
from tests.logs import log_of, purchase_log, trace_log

EVENTS = [
    {"case_id": "a", "activity": "x", "timestamp": "2024-01-01T00:00:00Z", "resource": "Ann"},
    {"case_id": "a", "activity": "y", "timestamp": "2024-01-01T12:00:00Z", "resource": None},
    {"case_id": "b", "activity": "x", "timestamp": "2024-01-04T06:30:00Z", "resource": "Bob"},
]


def test_codes_and_sizes() -> None:
    log = log_of(EVENTS)
    data = SequenceEncoding().fit(log).transform(log)
    assert data.offsets.tolist() == [0, 2, 3]
    assert data.activity.tolist() == [FIRST_CODE, FIRST_CODE + 1, FIRST_CODE]
    assert data.resource.tolist() == [FIRST_CODE, MISSING_CODE, FIRST_CODE + 1]
    assert (data.n_activities, data.n_resources, data.end_class) == (4, 4, 4)
    assert (data.n_cases, data.n_events) == (2, 3)


def test_time_features_are_scaled_logarithms_and_the_calendar() -> None:
    days = pd.date_range("2024-01-29T00:15Z", periods=21)
    more = [
        dict(case_id=f"m{day}", activity="x", timestamp=time, resource="Ann") for day, time in enumerate(days)
    ]
    log = log_of([*EVENTS, *more])
    times = SequenceEncoding().fit(log).transform(log).times
    assert times.dtype == np.float32
    # The longest pause and the longest case are 12 hours: both are 1 there. Monday is day 0.
    assert times[:3].tolist() == [
        pytest.approx([0, 0, 0, 0]),
        pytest.approx([1, 1, 0.5, 0]),
        pytest.approx([0, 0, 6.5 / 24, 3 / 7]),
    ]


def test_a_calendar_that_is_not_covered_is_not_looked_at() -> None:
    log = log_of(EVENTS)
    assert not SequenceEncoding().fit(log).transform(log).times[:, 2:].any()


def test_scales_come_from_training() -> None:
    log = log_of(EVENTS)
    encoding = SequenceEncoding().fit(log)
    later = log_of(
        [
            {"case_id": "c", "activity": "x", "timestamp": "2024-01-01T00:00:00Z", "resource": "Ann"},
            {"case_id": "c", "activity": "x", "timestamp": "2024-01-02T00:00:00Z", "resource": "Ann"},
        ]
    )
    # A day is longer than the 12 hours of training, and counts as these.
    assert encoding.transform(later).times[1, :2].tolist() == [1.0, 1.0]


def test_unseen_values_have_a_code_of_their_own() -> None:
    encoding = SequenceEncoding().fit(log_of(EVENTS))
    new = [{**event, "activity": "q", "resource": "Zoe"} for event in EVENTS]
    data = encoding.transform(log_of(new))
    assert set(data.activity.tolist()) == {UNSEEN_CODE}
    assert set(data.resource.tolist()) == {UNSEEN_CODE}
    assert encoding.vocabularies() == {"activity": ("x", "y"), "resource": ("Ann", "Bob")}


def test_without_times_and_resources() -> None:
    log = trace_log(["ab", "abc"])
    encoding = SequenceEncoding().fit(log)
    data = encoding.transform(log)
    assert not data.times.any()
    assert not data.is_running.any()
    assert set(data.resource.tolist()) == {MISSING_CODE}
    assert encoding.required_columns() == ()
    timed = SequenceEncoding().fit(purchase_log())
    assert set(timed.required_columns()) == {"resource", "timestamp"}


def test_a_case_is_encoded_the_same_alone_and_in_any_order() -> None:
    log = purchase_log(20)
    encoding = SequenceEncoding().fit(log)
    whole = encoding.transform(log)
    order = np.random.Generator(np.random.PCG64(1)).permutation(log.n_cases)
    shuffled, taken = encoding.transform(log.take_cases(order)), whole.take(order)
    for name in ("offsets", "activity", "resource", "times", "starts", "is_running"):
        assert (getattr(shuffled, name) == getattr(taken, name)).all(), name
    alone = encoding.transform(log.take_cases(np.array([7])))
    assert (alone.times == whole.take(np.array([7])).times).all()


@pytest.mark.parametrize("drop", [(), ("resource",), ("timestamp", "resource")])
def test_state_is_plain_and_complete(drop: tuple[str, ...]) -> None:
    log = purchase_log(20, drop=drop)
    encoding = SequenceEncoding().fit(log)
    again = SequenceEncoding.from_state(json.loads(json.dumps(encoding.state())))
    assert again.state() == encoding.state()
    ours, theirs = encoding.transform(log), again.transform(log)
    for name, value in vars(ours).items():
        assert np.array_equal(value, getattr(theirs, name)), name


def test_take_keeps_cases_together() -> None:
    log = trace_log(["ab", "c", "de"])
    data = SequenceEncoding().fit(log).transform(log)
    some = data.take(np.array([2, 0]))
    assert some.offsets.tolist() == [0, 2, 4]
    assert (some.activity == data.activity[[3, 4, 0, 1]]).all()
    assert some.position.tolist() == [0, 1, 0, 1]

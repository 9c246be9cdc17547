"""Coded events: which columns come in by themselves, codes of unseen values, the way back from the state."""

from __future__ import annotations

import numpy as np
import pytest

from pmlcli.encoding.events.attributes_of_events import EventEncoding
from pmlcli.encoding.vocabulary import MISSING_CODE, UNSEEN_CODE
from pmlcli.errors import LogError, ValidationError
from tests.logs import purchase_log, trace_log

TRACES = [["a", "b", "c"]] * 20


def columns(values: dict[str, list[object]]) -> tuple[str, ...]:
    """The columns that are chosen beside the activity, for 20 cases of three events."""
    return EventEncoding().fit(trace_log(TRACES, **values)).columns[1:]


def cycle(*values: object) -> list[object]:
    return [values[i % len(values)] for i in range(60)]


def test_categories_of_events_come_in_and_nothing_else():
    kept = {"desk": cycle("x", "y", "x", "z", "y"), "urgent": cycle(True, False, True, True, False)}
    left_out = {
        "amount": cycle(*(float(i) for i in range(7))),
        "always": ["same"] * 60,
        "document": [f"doc {i}" for i in range(60)],
        "team": [f"team {i // 3 % 4}" for i in range(60)],
        "twin": cycle("X", "Y", "X", "Z", "Y"),
        "seldom": cycle("p", None, None, None, "q"),
        "is_anomaly": cycle("no", "yes", "no", "no", "no"),
        "case:label": cycle("no", "yes", "no", "no", "no"),
    }
    assert columns(kept | left_out) == ("desk", "urgent")


def test_a_constant_or_unique_resource_is_left_out():
    assert columns({"resource": cycle("Ann", "Bob", "Bob", "Ann", "Cy")}) == ("resource",)
    assert columns({"resource": ["System"] * 60}) == ()
    assert columns({"resource": [f"token {i}" for i in range(60)]}) == ()


def test_named_attributes_come_in_whatever_they_are():
    log = trace_log(TRACES, team=[f"team {i // 3 % 4}" for i in range(60)], label=cycle("no", "yes"))
    assert EventEncoding(["team", "label"]).fit(log).columns == ("activity", "team", "label")
    assert EventEncoding([]).fit(log).columns == ("activity",)
    with pytest.raises(LogError, match="'teem'") as caught:
        EventEncoding(["teem"]).fit(log)
    assert caught.value.hint == "did you mean 'team'?"
    with pytest.raises(ValidationError, match="'timestamp'"):
        EventEncoding(["timestamp"])


def test_codes_of_known_unseen_and_missing_values():
    encoding = EventEncoding().fit(trace_log(TRACES, resource=cycle("Ann", "Bob", "Bob", "Ann", "Cy")))
    events = encoding.transform(trace_log([["a", "z"], ["c"]], resource=["Cy", None, "Dee"]))
    assert events.codes.tolist() == [[2, 4], [UNSEEN_CODE, MISSING_CODE], [4, UNSEEN_CODE]]
    assert events.offsets.tolist() == [0, 2, 3]
    assert events.sizes == (5, 5)
    assert [events.name(1, code) for code in (2, UNSEEN_CODE)] == ["Ann", "<unseen>"]
    assert events.position.tolist() == [0, 1, 0]
    assert events.case_of_event.tolist() == [0, 0, 1]


def test_a_log_without_a_trained_column_is_refused():
    encoding = EventEncoding().fit(purchase_log(40))
    assert encoding.required_columns() == ("resource",)
    with pytest.raises(LogError, match="'resource'"):
        encoding.transform(purchase_log(5, drop=["resource"]))


def test_times_come_in_on_request_only():
    log = purchase_log(20)
    assert EventEncoding().fit(log).transform(log).times is None
    encoding = EventEncoding(times=True).fit(log)
    assert (encoding.transform(log).times == log.times).all()
    assert encoding.required_columns()[-1] == "timestamp"
    with pytest.raises(LogError, match="no timestamps"):
        EventEncoding(times=True).fit(purchase_log(20, drop=["timestamp"]))


def test_the_state_gives_the_same_encoding():
    log = trace_log(TRACES, urgent=cycle(True, False, True, True, False), desk=cycle("x", "y", "x"))
    encoding = EventEncoding().fit(log)
    again = EventEncoding.from_state(encoding.state())
    assert again.columns == encoding.columns
    assert np.array_equal(again.transform(log).codes, encoding.transform(log).codes)
    assert (
        again.vocabularies() == encoding.vocabularies() == {"activity": ("a", "b", "c"), "desk": ("x", "y")}
    )

"""The reference of a training log: counts and quantiles, bounded, checked when it is read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.errors import DamagedModelError, LogError, UntrustedArtifactError
from pmlcli.eventlog import EventLog, read_log
from pmlcli.lifecycle.artifacts import REFERENCE_FILE
from pmlcli.lifecycle.foreign import check_process, known_activities
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.reference import FEWEST, MOST_BYTES, read_reference, reference
from pmlcli.lifecycle.summing import RARER, Summer, view_of
from pmlcli.store import strictjson
from tests.logs import purchase_log, trace_log


def many_names(cases: int, length: int = 5) -> EventLog:
    """A log of as many long names as there can be, in every column."""
    rng = np.random.Generator(np.random.PCG64(3))
    events = cases * length
    case = np.repeat(np.arange(cases), length)
    frame = {
        "case_id": [f"c{one}" for one in case],
        "activity": [f"{'é' * 90} {one}" for one in rng.integers(0, 3000, events)],
        "timestamp": np.datetime64("2024-01-01") + (case * 3600 + np.arange(events)) * np.timedelta64(1, "s"),
        "resource": [f"{'ü' * 90} {one}" for one in rng.integers(0, 300, events)],
    }
    for column in range(25):
        frame[f"column {column}"] = [f"{'ö' * 80} {one}" for one in rng.integers(0, 30, events)]
    return read_log(pd.DataFrame(frame))


def test_it_is_bounded_however_many_names_a_log_has() -> None:
    made = reference(many_names(3000))
    data = strictjson.dump(made)
    assert len(data) <= MOST_BYTES
    assert len(read_reference({REFERENCE_FILE: data}).groups) > 10


@pytest.mark.parametrize("huge", [1e300, 1e308, -1e308, 1e31, 5e-324])
def test_numbers_of_any_size_are_written_so_that_they_can_be_read(huge: float) -> None:
    frame = purchase_log(60).frame.assign(amount=lambda f: np.where(np.arange(len(f)) % 3, huge, -huge))
    data = strictjson.dump(reference(read_log(frame)))
    assert any(group.kind == "number" for group, _ in read_reference({REFERENCE_FILE: data}).groups)


@pytest.mark.parametrize("length", [1, 400, 600, 30_000])
def test_activities_are_known_again_however_long_their_names_are(length: int) -> None:
    log = purchase_log(60)
    frame = log.frame.assign(activity=log.frame["activity"].map(lambda name: name + "é" * length))
    long = read_log(frame)
    data = strictjson.dump(reference(long))
    assert len(data) <= MOST_BYTES
    known = known_activities({REFERENCE_FILE: data})
    assert len(known) == len(long.activities)
    assert check_process(long, known, allow=False) is None
    with pytest.raises(LogError, match="another process"):
        check_process(log, known, allow=False)


@pytest.mark.parametrize("data", [b"{}", b'{"activities": {"a": 1}}', b"[", b'{"activities": 5}'])
def test_a_replay_refuses_a_reference_that_no_training_writes(data: bytes) -> None:
    model = Model("next-activity/ngram")
    model.train(purchase_log(60))
    assert model.replay() is not None
    damaged = replace(model.trained_state, files={**model.files, REFERENCE_FILE: data})
    with pytest.raises(DamagedModelError):
        Model.from_state(damaged).replay()


def test_what_is_read_is_what_was_measured() -> None:
    log = purchase_log(300)
    found = read_reference({REFERENCE_FILE: strictjson.dump(reference(log))})
    view = view_of(log, found.horizon)
    assert found.compared == view.n_cases > 200
    summer = Summer(view, found.blocks)
    for group, kept in found.groups:
        again = summer.sums(group)
        for name, values in vars(kept).items():
            np.testing.assert_array_equal(
                values, np.rint(getattr(again, name)), err_msg=f"{group.kind} {name}"
            )
        np.testing.assert_allclose(kept.blocks.sum(axis=1), kept.x)
        np.testing.assert_allclose(kept.weights.sum(axis=1), kept.d)


def test_sums_are_those_of_a_slow_count() -> None:
    log = purchase_log(120, seed=2)
    found = read_reference({REFERENCE_FILE: strictjson.dump(reference(log))})
    frame = log.frame.assign(begun=log.frame.groupby("case_id")["timestamp"].transform("min"))
    assert found.horizon is not None
    horizon = pd.Timedelta(microseconds=found.horizon)
    frame = frame[frame["begun"] + horizon <= frame["timestamp"].max()]
    frame = frame[frame["timestamp"] - frame["begun"] <= horizon]
    by_case = frame.groupby("case_id")["activity"]
    lengths = by_case.size()
    groups = {(group.kind, group.per): (group, sums) for group, sums in found.groups}
    group, sums = groups["activity", "events"]
    for index, name in enumerate(group.names):
        counts = by_case.apply(lambda of, name=name: sum((one,) == name for one in of))
        assert sums.x[index] == counts.sum()
        assert sums.xx[index] == (counts**2).sum()
        assert sums.xd[index] == (counts * lengths).sum()
        assert sums.dd[index] == (lengths**2).sum()
    group, sums = groups["pair", "cases"]
    steps = by_case.apply(lambda of: set(zip(of, of[1:], strict=False)))
    for index, name in enumerate(group.names[:-1]):
        assert sums.x[index] == sum(name in of for of in steps)


def test_values_of_few_cases_are_pooled() -> None:
    traces = [["a", "b"]] * 40 + [["a", "secret"]] * (FEWEST - 1)
    made = reference(trace_log(traces, owner=["x"] * 80 + ["Smith"] * 8))
    assert made["activities"] == {"a": 44, "b": 40, "secret": 0}
    assert "Smith" not in json.dumps(made)
    assert "secret" not in json.dumps(made["compared"])
    names = {tuple(name) for group in made["compared"]["groups"] for name in group["names"]}
    assert RARER in names


def test_a_log_of_few_cases_or_no_times_has_one() -> None:
    for log in (trace_log([["a"]]), purchase_log(3), trace_log([["a", "b"]] * 50)):
        found = read_reference({REFERENCE_FILE: strictjson.dump(reference(log))})
        assert found.cases == log.n_cases


VALUES: tuple[Any, ...] = (None, True, -1, 1.5, "x", [], [None], {}, 10**40, [[1]])


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every key, and of each list's first item."""
    inner = list(value.items()) if isinstance(value, dict) else list(enumerate(value[:1]))
    return [
        place
        for key, item in inner
        for place in ((*at, key), *(places(item, (*at, key)) if isinstance(item, dict | list) else ()))
    ]


def test_every_type_in_every_place_is_read_or_refused() -> None:
    made = reference(purchase_log(60))
    refused = 0
    for place in [("cases",), *places(made["compared"], ("compared",)), ("compared",)]:
        for value in VALUES:
            document = json.loads(json.dumps(made))
            inner = document
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = value
            try:
                read_reference({REFERENCE_FILE: strictjson.dump(document)})
            except UntrustedArtifactError as error:
                assert REFERENCE_FILE in error.message
                refused += 1
    assert refused > 200
    with pytest.raises(UntrustedArtifactError):
        read_reference({})

"""Ensembles: p-values with a tail, weights by agreement, their combination, and members of all kinds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pmlcli import registry
from pmlcli.algorithms.anomaly._agreement import agreement, joint_surprise, tail_p_values
from pmlcli.errors import ValidationError
from pmlcli.evaluation.conformal import held_out
from pmlcli.lifecycle.model import Model
from tests.logs import purchase_events


def test_beyond_the_highest_score_p_values_go_on_falling():
    known = held_out(np.arange(1.0, 21.0))
    # The slope is the mean excess of the top tenth, 19 and 20, over its first: a half.
    found = tail_p_values(known, np.array([0.0, 20.0, 21.0, 22.0]))
    assert found[:2].tolist() == [1.0, 2 / 21]
    assert found[2:].tolist() == pytest.approx([math.exp(-2) / 21, math.exp(-4) / 21])


def test_who_shares_the_oddest_cases_weighs_more():
    rng = np.random.Generator(np.random.PCG64(0))
    truth = rng.normal(size=400)
    scores = np.column_stack([truth + 0.3 * rng.normal(size=400) for _ in range(2)] + [rng.normal(size=400)])
    weights = agreement(scores)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[2] < 0.1 < weights[0]
    assert agreement(scores[:, :1]).tolist() == [1.0]


def test_joint_surprise_by_hand():
    p = np.array([[0.5, 0.5], [1.0, 0.01]])
    found = joint_surprise(p, np.array([0.75, 0.25]))
    assert found.tolist() == pytest.approx([math.log(2), math.log(100) / 4])


def test_a_member_that_the_log_has_no_columns_for_is_left_out():
    bare = [{k: e[k] for k in ("case_id", "activity")} for e in purchase_events(60)]
    model = Model("anomaly/ensemble")
    model.train(bare)
    assert model.algorithm.asked_ == ["likelihood"]
    full = Model("anomaly/ensemble", members=("duration", "likelihood"))
    full.train(purchase_events(60))
    assert full.algorithm.asked_ == ["duration", "likelihood"]
    assert sum(full.algorithm.weights_) == pytest.approx(1.0)
    # Two always share as much with each other; the recommended one counts three times.
    assert full.algorithm.weights_ == pytest.approx([0.25, 0.75])


def test_the_reason_is_the_members_that_finds_the_case_oddest():
    model = Model("anomaly/ensemble", members=("likelihood", "duration"), contamination=0.05)
    model.train(purchase_events(80))
    slow = [e for e in purchase_events(3, seed=5) if e["case_id"] == "PO-0000"]
    for place, event in enumerate(slow):
        event["timestamp"] += place * np.timedelta64(400, "D")
    row = model.predict(slow).predictions.iloc[0]
    assert row["is_anomaly"]
    assert " took " in row["reason"]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (("isolation-forest",), "cannot be a member"),
        (("ensemble",), "cannot be a member"),
        (("liklihood",), "unknown algorithm"),
    ],
)
def test_what_cannot_be_a_member_is_refused(members, said):
    with pytest.raises(ValidationError, match=said):
        Model("anomaly/ensemble", members=members)


@pytest.mark.parametrize("task", ["anomaly", "next-activity", "outcome", "remaining-time"])
@pytest.mark.parametrize(
    ("members", "said"),
    [
        ((), "no member is named"),
        (("gru", "gru"), "'gru' is named twice"),
        (("outcome/gru",), "'outcome/gru' is no name within the task"),
    ],
)
def test_members_are_named_once_and_without_their_task(task, members, said):
    given = {"slower_than": "5d"} if task == "outcome" else {}
    with pytest.raises(ValidationError, match=said) as error:
        Model(f"{task}/ensemble", members=members, **given)
    assert error.value.context["parameter"] == "members"
    assert "members=A,B" in (error.value.hint or "")


def test_members_take_the_shared_parameters():
    detector = registry.build("anomaly/ensemble", {"contamination": 0.2, "seed": 3})
    assert {(one.contamination, one.seed) for one in detector.parts.values()} == {(0.2, 3)}

"""Outcome: what must be said, that labels do not leak, several classes, honest probabilities."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms.outcome._rows import Lessons
from pmlcli.algorithms.outcome._scales import earliness, fit_scale, held_out_error, rescaled
from pmlcli.errors import TrainingError, ValidationError
from pmlcli.evaluation.ranking import calibration_error
from pmlcli.lifecycle.model import Model
from tests.encoding.outcome.test_outcome import labelled
from tests.logs import purchase_events

EVERY = PredictRequest(cases="all", every_prefix=True)


def trained(events: Any, name: str = "outcome/logistic", **parameters: Any) -> Model:
    model = Model(name, **({"strength_of_fit": 0.01} if name.endswith("logistic") else {}), **parameters)
    model.train(events)
    return model


def value(model: Model) -> float:
    (comparison,) = model.manifest_fields["performance_metrics"].values()
    return float(comparison["value"])


def dyed(rng: np.random.Generator, cases: int = 150, classes: int = 2) -> list[dict[str, Any]]:
    """Cases whose first activity tells, four times in five, how they end."""
    events = []
    for case in range(cases):
        ending = int(rng.integers(classes))
        seen = ending if rng.random() < 0.8 else int(rng.integers(classes))
        for step, activity in enumerate((f"Start {seen}", "Work", "Work")):
            at = f"2024-{1 + case // 28:02}-{1 + case % 28:02}T{8 + step:02}:00:00Z"
            event = {"case_id": f"c{case}", "activity": activity, "timestamp": at, "ending": f"end {ending}"}
            events.append(event)
    return events


@pytest.mark.parametrize(
    "given", [{}, {"rule": "length > 3", "slower_than": "3d"}, {"label_column": "x", "outcome_activity": "y"}]
)
def test_exactly_one_source_must_be_named(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="needs exactly one definition of the outcome") as caught:
        Model("outcome/prior", **given)
    assert "--label-column" in str(caught.value.hint)


def test_an_unknown_positive_gets_the_nearest_name() -> None:
    with pytest.raises(ValidationError, match="no outcome is called 'slower than 3'") as caught:
        Model("outcome/prior", slower_than="3d", positive="slower than 3")
    assert caught.value.hint == "did you mean 'slower than 3d'?"
    with pytest.raises(ValidationError, match="no outcome is called 'early'"):
        trained(labelled(), "outcome/prior", label_column="ending", positive="early")


def test_an_activity_may_be_called_none() -> None:
    assert (
        Model("outcome/prior", outcome_activity="None").algorithm.parameters()["outcome_activity"] == "None"
    )
    with pytest.raises(ValidationError, match="but got none"):
        Model("outcome/prior", outcome_activity="none")


def test_what_never_differs_cannot_be_learned() -> None:
    with pytest.raises(TrainingError, match="have the same, 'no'"):
        trained(purchase_events(30), "outcome/prior", rule="length > 90")


@pytest.mark.parametrize(
    ("outcome", "said", "hint"),
    [
        ({"outcome_activity": "Create Order"}, "30 of 30 cases .* settled by their first event", "later"),
        ({"rule": "length > 0"}, "30 of 30 cases .* settled by their first event", "later"),
        ({"label_column": "verdict"}, "'verdict' names the outcome of 0 of 30 cases", "--label-column"),
        ({"label_column": "note"}, "'note' names the outcome of 2 of 30 cases", "more cases"),
    ],
)
def test_where_a_longer_log_would_not_help_the_cause_is_told(
    outcome: dict[str, str], said: str, hint: str
) -> None:
    few = {"PO-0003": "good", "PO-0007": "bad"}
    events = [e | {"verdict": None, "note": few.get(e["case_id"])} for e in purchase_events(30)]
    with pytest.raises(TrainingError, match=said) as caught:
        Model("outcome/prior", **outcome).train(events)
    assert hint in str(caught.value.hint)
    assert caught.value.context["samples"] < 10


@pytest.mark.parametrize("source", [{"label_column": "amount"}, {"rule": "amount > 7"}])
def test_what_tells_the_outcome_cannot_be_an_attribute(source: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="column 'amount' reveals the outcome") as caught:
        Model("outcome/logistic", attributes="amount,other", **source)
    assert "leave 'amount' out" in str(caught.value.hint)


def test_it_learns_what_the_first_activity_tells() -> None:
    model = trained(dyed(np.random.default_rng(1)), label_column="ending")
    assert value(model) > 0.8


def meaningless(seed: int, cases: int) -> list[dict[str, Any]]:
    """A case a day, so that all that tells of the calendar is looked at, each with a label drawn by lot."""
    rng = np.random.default_rng(seed)
    endings, starts = rng.permutation(cases) % 2, rng.integers(2, size=cases)
    return [
        {
            "case_id": f"c{case}",
            "activity": activity,
            "timestamp": datetime(2024, 1, 1, 8 + step, tzinfo=UTC) + timedelta(days=case),
            "ending": f"end {endings[case]}",
        }
        for case in range(cases)
        for step, activity in enumerate((f"Start {starts[case]}", "Work", "Work"))
    ]


MEANINGLESS = [("logistic", 150), ("logistic", 800), ("boosting", 150), ("boosting", 800)]


@pytest.mark.parametrize(("name", "cases"), MEANINGLESS)
def test_a_label_without_meaning_is_not_learned(name: str, cases: int) -> None:
    """Of months, weekdays and hours too, though chance makes some of them rich in a label."""
    pytest.importorskip("xgboost") if name == "boosting" else None
    for seed in range(3):
        model = trained(meaningless(seed, cases), f"outcome/{name}", label_column="ending")
        (comparison,) = model.manifest_fields["performance_metrics"].values()
        assert comparison["verdict"] == "no better", seed
        assert comparison["lower"] < 0 < comparison["upper"], seed
        assert abs(comparison["value"] - 0.5) < (0.08 if cases > 500 else 0.15), seed


def test_a_column_that_gives_the_label_away_changes_nothing() -> None:
    events = dyed(np.random.default_rng(1))
    planted = [event | {"verdict": event["ending"].upper()} for event in events]
    honest, tempted = (trained(log, label_column="ending") for log in (events, planted))
    assert value(tempted) == value(honest)
    assert tempted.manifest_fields["performance_metrics"] == honest.manifest_fields["performance_metrics"]
    remarks = Model("outcome/prior", label_column="ending").train(planted).metadata["remarks"]
    assert any("'verdict' is left out: it tells the outcome" in remark for remark in remarks)


def test_later_events_are_not_known_before_they_happen() -> None:
    model = trained(purchase_events(60), outcome_activity="Change Order")
    events = purchase_events(20, seed=5)
    table = model.predict(events, request=EVERY).predictions.set_index(["case_id", "prefix_length"])
    renamed = [e | {"activity": "Send Order"} if e["activity"] == "Change Order" else e for e in events]
    other = model.predict(renamed, request=EVERY).predictions.set_index(["case_id", "prefix_length"])
    settled = table["is_settled"]
    assert settled.any()
    assert not other["is_settled"].any()
    before = ~settled & (table.index.get_level_values("prefix_length") <= 2)
    assert table.loc[before, "probability"].equals(other.loc[before, "probability"])
    assert (table.loc[settled, ["probability", "positive_probability"]] == 1).all(axis=None)
    assert (table.loc[settled, "outcome"] == "Change Order").all()


@pytest.mark.parametrize("name", ["logistic", "boosting", "gru", "ensemble"])
def test_an_outcome_that_only_late_cases_have_cannot_be_learned(name: str) -> None:
    late = {f"c{case}" for case in range(48, 60)}
    events = [
        e | {"late": "yes" if e["case_id"] in late else "no"} for e in dyed(np.random.default_rng(0), 60)
    ]
    with pytest.raises(TrainingError, match="have the same, 'no'") as caught:
        Model(f"outcome/{name}", label_column="late").train(events)
    assert caught.value.code == "training.outcome"


def test_there_may_be_several_outcomes() -> None:
    events = dyed(np.random.default_rng(2), classes=3)
    for name in ("outcome/logistic", "outcome/boosting"):
        model = trained(events, name, label_column="ending", positive="end 2")
        table = model.predict([e for e in events if e["case_id"] < "c2"], request=EVERY).predictions
        assert set(table["outcome"]) == {"end 0", "end 1", "end 2"}
        is_positive = table["outcome"] == "end 2"
        assert (table.loc[is_positive, "probability"] == table.loc[is_positive, "positive_probability"]).all()
        assert value(model) > 0.7


def test_rescaling_makes_boasting_honest() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(3000)
    target, cases = (rng.random(3000) < truth).astype(np.int64), np.arange(3000)
    boast = 1 / (1 + ((1 - truth) / truth) ** 4)
    shares = np.column_stack([1 - boast, boast])
    scale, offsets = fit_scale(shares, target, cases)
    honest = rescaled(shares, scale, offsets)
    assert scale == pytest.approx(0.25, abs=0.05)
    likely = honest.max(axis=1)
    assert calibration_error(honest.argmax(axis=1) == target, likely) < 0.03
    assert held_out_error(shares, target, cases) < 0.03
    assert calibration_error(shares.argmax(axis=1) == target, shares.max(axis=1)) > 0.1


def test_few_cases_rescale_nothing() -> None:
    scale, offsets = fit_scale(np.full((10, 2), 0.5), np.arange(10) % 2, np.arange(10))
    assert (scale, offsets.tolist()) == (1.0, [0.0, 0.0])


def test_earliness_counts_first_warnings() -> None:
    probability = np.array([0.2, 0.95, 0.1, 0.6, 0.2, 0.2])
    cases, lengths = np.array([0, 0, 1, 1, 2, 2]), np.array([1, 2, 1, 2, 1, 2])
    is_positive = np.array([True, True, False, False, True, True])
    of_limit = {one["limit"]: one for one in earliness(probability, is_positive, cases, lengths)}
    assert of_limit[0.5] == {"limit": 0.5, "warned": 0.5, "right": 0.5, "events": 2.0}
    assert of_limit[0.9] == {"limit": 0.9, "warned": 0.5, "right": 1.0, "events": 2.0}


def test_a_long_case_teaches_no_more_than_a_short_one() -> None:
    cases = np.array([0, 0, 0, 2, 5, 5])
    weights = Lessons(np.arange(6), np.zeros(6, dtype=np.int64), cases).weights
    assert np.bincount(cases, weights=weights)[[0, 2, 5]] == pytest.approx([2, 2, 2])


def spread(cases: int, days: Callable[[int], float]) -> list[dict[str, Any]]:
    """A case each day, of three events; how many days it takes is told by its number."""
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    return [
        {
            "case_id": f"c{case}",
            "activity": activity,
            "timestamp": (begin + timedelta(days=case + at)).isoformat(),
        }
        for case in range(cases)
        for activity, at in (("A", 0), ("B", 1), ("C", days(case)))
    ]


def test_cases_begun_within_the_limit_are_not_learned_from_and_a_remark_says_so() -> None:
    """Half of the cases are slow; of those begun in the last ten days only quick ones have ended."""
    events = spread(120, lambda case: 12 if case % 2 else 3)
    seen = [e for e in events if e["timestamp"] <= "2024-04-20"]
    model = Model("outcome/prior", slower_than="10d")
    remarks = model.train(seen).metadata["remarks"]
    assert "outcomes: within 10d 50%, slower than 10d 50% of the cases" in remarks
    assert any(remark.startswith("10 of 110 cases began less than 10 d before") for remark in remarks)


def test_a_log_shorter_than_the_limit_is_refused() -> None:
    with pytest.raises(TrainingError, match="no case began at least 70 d before the log's end"):
        Model("outcome/prior", slower_than="10w").train(spread(40, lambda case: 20 if case % 2 else 3))


def test_a_running_case_older_than_the_limit_has_been_slower_however_silent() -> None:
    model = trained(spread(120, lambda case: 12 if case % 2 else 3), slower_than="10d")
    old, other = spread(2, lambda case: 2)[:2], {"case_id": "z", "activity": "A"}
    log = [*old, other | {"timestamp": "2024-01-11T06:00:00+00:00"}]
    early = PredictRequest(as_of="2024-01-05")
    assert model.predict(old, request=early).predictions["is_settled"].tolist() == [False]
    late = model.predict(log, request=PredictRequest(explain=True)).predictions.set_index("case_id")
    assert late.loc["c0", ["outcome", "probability", "is_settled"]].tolist() == ["slower than 10d", 1.0, True]
    every = model.predict(log, request=PredictRequest(cases="all")).predictions
    assert not every["is_settled"].any()

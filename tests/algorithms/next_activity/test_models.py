"""Next activity: calibration, prediction sets, pooled classes, and the models beside counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._learning.calibration import (
    COVERAGE,
    cross_checked,
    find_calibration,
    in_set,
    softmax,
    tempered,
)
from pmlcli.algorithms._learning.recency import recency_weights
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms._learning.validation import latest_rows
from pmlcli.algorithms._prefixes import explain
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.algorithms.next_activity._tokens import Steps, fit_weights, tokens
from pmlcli.algorithms.next_activity.linear import Linear
from pmlcli.algorithms.next_activity.transformer import Transformer
from pmlcli.algorithms.next_activity.xgboost import XGBoost, pooled, unpooled
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.sequences import END, targets
from pmlcli.encoding.vocabulary import FIRST_CODE
from pmlcli.errors import LogError, UntrustedArtifactError, ValidationError
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.trial import trial
from tests.logs import log_of, purchase_events, purchase_log, trace_log


def encoded(traces: list[str]) -> Prefixes:
    log = trace_log(traces)
    return PrefixEncoding().fit(log).transform(log)


def test_a_temperature_flattens_and_keeps_zeros() -> None:
    found = tempered(np.array([[0.64, 0.16, 0.2, 0.0]]), 2.0)
    assert found[0] == pytest.approx(np.array([0.8, 0.4, 0.2**0.5, 0]) / (1.2 + 0.2**0.5))
    assert tempered(found, 1.0) is found


def test_calibration_finds_the_temperature_that_was_lost() -> None:
    rng = np.random.default_rng(0)
    honest = rng.dirichlet([1, 1, 1], size=20_000)
    truth = (rng.random(20_000)[:, None] > honest.cumsum(axis=1)).sum(axis=1)
    boastful = tempered(honest, 0.5)
    found = find_calibration(boastful, truth)
    assert found.temperature == pytest.approx(2.0, rel=0.1)
    told = cross_checked(boastful, truth, np.arange(20_000) % 2 == 0)
    assert told["calibration_error"] < 0.02 < 0.05 < told["calibration_error_before"]
    assert told["coverage"] == pytest.approx(COVERAGE, abs=0.01)
    assert 1 < told["set_size"] < 3


def test_a_set_has_the_likeliest_and_never_the_impossible() -> None:
    found = in_set(np.array([[0.0, 0.3, 0.7], [0.4, 0.35, 0.25]]), least=0.5)
    assert found.tolist() == [[False, False, True], [True, False, False]]
    assert in_set(np.array([[0.0, 0.3, 0.7]]), least=0.0).tolist() == [[False, True, True]]
    assert find_calibration(np.zeros((0, 3)), np.zeros(0, dtype=np.int64)).temperature == 1.0


def test_without_a_limit_a_set_ends_where_it_is_likely_enough() -> None:
    """Too few held-out rows for a limit must not put all that was ever seen into a set."""
    found = in_set(np.array([[8e-7, 1 - 8e-7, 0.0], [0.35, 0.05, 0.6]]), least=0.0)
    assert found.tolist() == [[False, True, False], [True, False, True]]
    algorithm = Model("next-activity/ngram")
    algorithm.train([{"case_id": i, "activity": "a", "timestamp": f"2024-01-{i:02}"} for i in range(1, 29)])
    assert algorithm.predict(
        [{"case_id": "x", "activity": "a", "timestamp": "2024-02-01"}], request=PredictRequest(cases="all")
    ).predictions["prediction_set"].tolist() == ["<end>"]


def test_every_prefix_is_explained_as_it_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces, and without those that would take too long."""
    model = Model("next-activity/ngram")
    model.train(purchase_events(40))
    events = purchase_events(6, seed=3)
    every = PredictRequest(every_prefix=True, explain=True)
    whole = model.predict(events, request=every).predictions
    monkeypatch.setattr(explain, "CHUNK_EVENTS", 20)
    monkeypatch.setattr(explain, "LONGEST", 4)
    some = model.predict(events, request=every).predictions
    is_short = whole["prefix_length"] <= 4
    assert whole.loc[whole["prefix_length"] > 1, "because"].ne("").all()
    assert some["because"].tolist() == whole["because"].where(is_short, "").tolist()
    cut = [e for case in {e["case_id"]: 0 for e in events} for e in events if e["case_id"] == case][:3]
    alone = model.predict(cut, request=PredictRequest(cases="all", explain=True)).predictions
    assert alone["because"].tolist() == whole["because"].iloc[[2]].tolist()


def test_softmax_sums_to_one() -> None:
    found = softmax(np.array([[0.0, np.log(3.0), -np.inf]]))
    assert found[0] == pytest.approx([0.25, 0.75, 0])


def test_rare_classes_share_a_group_and_split_it_as_they_came() -> None:
    counts = np.array([0, 0, 30, 3, 0, 40])
    shares = pooled(counts, fewest=20)
    assert shares[:, FIRST_CODE:].tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 3.5 / 4, 0.5 / 4, 0]]
    found = unpooled(np.array([[0.5, 0.3, 0.2]]), shares)
    assert found[0, FIRST_CODE:] == pytest.approx([0.5, 0.2 * 3.5 / 4, 0.2 * 0.5 / 4, 0.3])
    assert found[0, :FIRST_CODE].tolist() == [0, 0]


def test_the_late_cases_are_the_latest_fifth() -> None:
    data = encoded(["ab"] * 10)
    assert latest_rows(data, data.offsets[:-1]).tolist() == [False] * 8 + [True] * 2


def test_tokens_are_places_that_depend_on_the_prefix_alone() -> None:
    data = encoded(["abc", "abd", "ab"])
    places = np.column_stack(list(tokens(data, 12)))
    assert places.min() >= 0
    assert places.max() < 2**12
    assert (places[1] == places[4]).all()
    assert (places[1] == places[7]).all()
    assert (places[2] != places[5]).any()


def test_late_events_weigh_more_with_recency() -> None:
    data = encoded(["ab"] * 10)
    short = recency_weights(data, "on")
    assert short.mean() == pytest.approx(1)
    assert (np.diff(short[::2]) > 0).all()
    assert recency_weights(data, "off").tolist() == [1.0] * 20


@pytest.mark.parametrize("truth", [[3, 3, 3, 3], [2, 3, 2, 3], [2, 3, 4, 4]])
def test_weights_of_one_two_and_more_classes(truth: list[int]) -> None:
    places = [np.array([0, 1, 0, 1]), np.array([2, 2, 3, 3])]
    found = fit_weights(places, np.array(truth), np.ones(4), (4, 6), Steps(epochs=200, rate=0.1, seed=0))
    logits = found[-1] + sum(found[place] for place in places)
    assert softmax(logits.astype(np.float64))[:, sorted(set(truth))].sum(axis=1) == pytest.approx(np.ones(4))
    assert (logits.argmax(axis=1) == truth).all() or len(set(truth)) == 3


def who_decides() -> list[dict[str, object]]:
    """Who did the first step decides what comes next; counts of activities cannot know."""
    return [
        {"case_id": f"c{i}", "activity": activity, "resource": who, "timestamp": f"2024-01-{1 + i // 8:02d}"}
        for i in range(200)
        for who in ("Ann" if i % 2 else "Bob",)
        for activity in ("start", "yes" if i % 2 else "no")
    ]


@pytest.mark.parametrize(
    "model",
    [
        Linear(bits=10),
        XGBoost(n_estimators=30),
        Transformer(hidden_size=16, layers=1, max_epochs=20, learning_rate=0.01),
    ],
    ids=["linear", "xgboost", "transformer"],
)
def test_they_learn_what_counts_cannot(model: NextActivityPredictor[Any]) -> None:
    log = log_of(who_decides())
    tried = trial(model, model.task.cuts(model, log), log)
    assert model.task.measure(model, tried.held_out, {}).value > 0.95


def changed_process() -> list[dict[str, object]]:
    """For long b comes after a, and in the last three tenths of the cases c."""
    return [
        {
            "case_id": f"c{i}",
            "activity": activity,
            "timestamp": f"2024-{1 + i // 40:02d}-01T{i % 40 // 2:02d}:00",
        }
        for i in range(400)
        for activity in ("a", "b" if i < 280 else "c")
    ]


def test_members_share_the_recency_that_the_first_finds_better() -> None:
    log = log_of(changed_process())
    ensemble = Model("next-activity/ensemble", combine="always", n_estimators=5, max_epochs=2).algorithm
    ensemble.fit(ensemble.make_encoding().fit(log).transform(log))
    found = {name: one.recency_ for name, one in ensemble.kept_members().items()}
    assert found == {"linear": "on", "xgboost": "on", "gru": "on"}


def test_an_ensemble_of_unknown_members_is_refused() -> None:
    with pytest.raises(ValidationError, match="unknown algorithm"):
        Model("next-activity/ensemble", members=["crystal-ball"])
    with pytest.raises(ValidationError, match="cannot be a member"):
        Model("next-activity/ensemble", members=["ensemble"])


def test_heads_must_divide_the_units() -> None:
    with pytest.raises(ValidationError, match="hidden_size is 10, which 4 heads do not divide"):
        Transformer(hidden_size=10).fit(encoded(["ab"]))


def test_predictions_have_sets_that_hold_what_comes_next() -> None:
    model = Model("next-activity/linear", bits=12)
    result = model.train(purchase_log(80))
    about = result.metrics["accuracy"]["about"]
    assert "expected calibration error" in about
    assert "prediction sets of 90%" in about
    table = model.predict(
        purchase_events(40, seed=1), request=PredictRequest(cases="all", every_prefix=True)
    ).predictions
    sets = [text.split(" | ") for text in table["prediction_set"]]
    assert all(
        first == likeliest for (first, *_), likeliest in zip(sets, table["next_activity"], strict=True)
    )
    log = purchase_log(40, seed=1)
    truth = np.append(log.frame["activity"].to_numpy()[1:], END)
    truth[log.offsets[1:] - 1] = END
    held = np.mean([name in chosen for name, chosen in zip(truth, sets, strict=True)])
    assert len(sets) == log.n_events
    assert held > 0.8


def test_an_activity_named_as_the_end_is_refused() -> None:
    with pytest.raises(LogError, match="an activity is called '<end>'") as caught:
        Model("next-activity/ngram").train(
            [{"case_id": str(i), "activity": a} for i in range(12) for a in ("a", "<end>")]
        )
    assert caught.value.hint == "give the activity another name"


def test_targets_fit_every_encoding() -> None:
    data = encoded(["ab", "c"])
    assert targets(data).tolist() == [FIRST_CODE + 1, data.end_class, data.end_class]


@pytest.mark.parametrize(
    "sizes",
    [{"layers": 10**8}, {"layers": 2}, {"hidden_size": 17}, {"heads": "4"}, {"outputs": -1}, {"outputs": 1.0},
     {"outputs": True}, {"outputs": 10**30}, {"codes": [4, -1]}, {"codes": [4, "5"]}, {"codes": [[4]]},
     {"codes": {"0": 4}}, {"hidden_size": [16]}],
)  # fmt: skip
def test_sizes_of_a_network_that_the_parameters_do_not_give_are_refused(sizes: dict[str, Any]) -> None:
    parameters = Transformer(hidden_size=16, layers=1).parameters()
    plain = {"hidden_size": 16, "layers": 1, "heads": parameters["heads"], "outputs": 9, "codes": [7, 3]}
    assert Sizes.from_plain(plain, parameters).to_plain() == plain
    with pytest.raises(UntrustedArtifactError, match="no training gives"):
        Sizes.from_plain(sizes, parameters)

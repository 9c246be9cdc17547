"""The cheapest candidate that cannot be told from the best: by hand, and on logs where it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from pmlcli import registry
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._learning.choice import (
    FEW,
    STRICT,
    Candidate,
    Choice,
    LateCases,
    by_cost,
    cheapest_tied,
    rounds_of_means,
)
from pmlcli.algorithms._learning.choosing import ChoosingAlgorithm, with_baseline
from pmlcli.algorithms._learning.validation import early_and_late, rolling_cuts
from pmlcli.algorithms.remaining_time._quantiles import ascending
from pmlcli.errors import UntrustedArtifactError
from pmlcli.evaluation.measurement import mean_over
from pmlcli.evaluation.ranking import auc_over
from pmlcli.eventlog.log import EventLog
from pmlcli.lifecycle.inspection import inspect_model
from pmlcli.lifecycle.model import Model
from pmlcli.render import text
from tests.logs import log_of

CASES = 200
NOISE = np.random.default_rng(0).normal(size=(9, CASES))
EVERY = PredictRequest(cases="all", every_prefix=True)


def candidate(name: str, losses: NDArray[np.float64], setting: tuple[float, bool] | None = None) -> Candidate:
    cases = LateCases(CASES, 0)
    return Candidate(tuple(name.split("+")), cases.losses(mean_over(losses, np.ones(CASES))), setting)


def chosen(*losses: NDArray[np.float64]) -> Choice:
    """Of candidates a, b, c, ... in this order."""
    names = "abcdefgh"[: len(losses)]
    rounds = [[candidate(name, one)] for name, one in zip(names, losses, strict=True)]
    return cheapest_tied(rounds, tuple(names), CASES)


def test_the_cheaper_of_equals_is_taken_and_nothing_dearer_is_asked_for() -> None:
    asked: list[str] = []

    def rounds() -> Iterator[Sequence[Candidate]]:
        for name in "abc":
            asked.append(name)
            yield [candidate(name, np.ones(CASES))]

    found = cheapest_tied(rounds(), ("a", "b", "c"), CASES)
    assert (found.taken.members, found.untried) == (("a",), ("c",))
    assert asked == ["a", "b"]
    assert "c not trained, as no gain is in sight" in found.sentence("loss", str)


def test_a_dearer_one_is_taken_where_it_is_better_beyond_chance() -> None:
    assert chosen(np.ones(CASES), np.full(CASES, 0.8) + 0.5 * NOISE[0]).taken.members == ("b",)
    # As much better on average, but it might as well be chance.
    assert chosen(np.ones(CASES), np.full(CASES, 0.95) + 4 * NOISE[0]).taken.members == ("a",)


FEW_CASES = 40


def of_few(*losses: NDArray[np.float64], **how: Any) -> Choice:
    cases = LateCases(FEW_CASES, 0)
    names = "abcdefgh"[: len(losses)]
    rounds = [
        [Candidate((name,), cases.losses(mean_over(one, np.ones(FEW_CASES))))]
        for name, one in zip(names, losses, strict=True)
    ]
    return cheapest_tied(rounds, tuple(names), FEW_CASES, **how)


def spread_about(mean: float, width: float) -> NDArray[np.float64]:
    """Losses of few cases, of which every quarter has this mean."""
    around = np.tile(NOISE[2][:10] - NOISE[2][:10].mean(), FEW_CASES // 10)
    return mean + width * around


def test_where_cases_are_few_what_is_likely_better_by_much_is_taken_without_proof() -> None:
    likely = of_few(np.ones(FEW_CASES), spread_about(0.8, 1.2))
    gains = likely.tried[0].losses.drawn - likely.tried[1].losses.drawn
    assert np.quantile(gains, 0.1) < 0 < np.quantile(gains, 0.3)
    assert likely.taken.members == ("b",)
    assert "better than what is cheaper, likely by much" in likely.sentence("loss", str)
    assert of_few(np.ones(FEW_CASES), spread_about(0.8, 1.2), against_baseline=STRICT).taken.members == ("a",)
    # The baseline alone asks for proof.
    first = np.full(FEW_CASES, 2.0)
    how = {"against_baseline": STRICT}
    assert of_few(first, np.ones(FEW_CASES), spread_about(0.8, 1.2), **how).taken.members == ("c",)
    proven = of_few(np.ones(FEW_CASES), spread_about(0.8, 0.4))
    assert "better than what is cheaper, beyond chance" in proven.sentence("loss", str)


def test_what_may_as_well_be_worse_or_gains_little_is_not_taken_without_proof() -> None:
    assert of_few(np.ones(FEW_CASES), spread_about(0.95, 1.2)).taken.members == ("a",)
    # Likely better, but by no more than 10 % with luck.
    little = of_few(np.ones(FEW_CASES), spread_about(0.965, 0.22))
    gains = little.tried[0].losses.drawn - little.tried[1].losses.drawn
    assert np.quantile(gains, 0.1) < 0 < np.quantile(gains, 0.3)
    assert little.taken.members == ("a",)


def test_a_small_log_is_cut_again_and_again_and_each_case_judges_once() -> None:
    for n_cases, cuts in ((300, 3), (600, 1)):
        log = events_of(n_cases, forgetful)
        encoding = registry.build("next-activity/ngram", {}).make_encoding()
        data: Any = encoding.fit(log).transform(log)
        found = rolling_cuts(data, n_cases, lambda one: early_and_late(one, np.ones(one.n_cases, dtype=bool)))
        assert len(found) == cuts
        assert found[-1].data is data
        begun = [one.data.starts[one.late] for one in found]
        assert (np.diff(np.concatenate(begun)) > 0).all()
        for one in found:
            assert one.data.starts[one.early].max() < one.data.starts[one.late].min()
        assert sum(len(one.late) for one in found) > (0.45 if cuts > 1 else 0.19) * n_cases


def test_a_gain_too_small_to_matter_is_worth_no_dearer_one() -> None:
    assert chosen(np.ones(CASES), np.full(CASES, 0.995)).taken.members == ("a",)
    assert chosen(np.ones(CASES), np.full(CASES, 0.98)).taken.members == ("b",)


def test_a_gain_in_one_period_alone_is_none() -> None:
    late = np.where(np.arange(CASES) < CASES // 4, 0.2, 1.01)
    assert chosen(np.ones(CASES), late).taken.members == ("a",)


def test_what_is_tied_with_the_best_is_taken_and_not_what_is_worse_than_it() -> None:
    # b is tied with c, which beats a.
    found = chosen(np.ones(CASES), np.full(CASES, 0.9) + NOISE[1] * 0.01, np.full(CASES, 0.897))
    assert found.taken.members == ("b",)
    assert "what is cheaper is not as good as c" in found.sentence("loss", str)


def test_of_candidates_of_the_same_members_the_best_counts() -> None:
    rounds = [
        [candidate("a", np.full(CASES, 1.0), (1.0, False)), candidate("a", np.full(CASES, 0.9), (1.0, True))]
    ]
    assert cheapest_tied(rounds, ("a",), CASES).taken.setting == (1.0, True)


def test_what_cannot_be_told_is_never_better() -> None:
    assert chosen(np.ones(CASES), np.full(CASES, np.nan)).taken.members == ("a",)
    assert cheapest_tied((), ("a", "b"), 0).taken.members == ("a",)


def test_means_are_of_members_that_are_close_and_never_of_the_baseline() -> None:
    losses = {"base": 1.0, "good": 0.5, "near": 0.52, "bad": 0.9}
    cases = LateCases(CASES, 0)
    rounds = rounds_of_means(
        losses,
        lambda name: [np.full(CASES, losses[name])],
        lambda said: np.mean(said, axis=0),
        lambda said: cases.losses(mean_over(said[0], np.ones(CASES))),
    )
    members = [[one.members for one in found] for found in rounds]
    assert members == [[("base",)], [("good",)], [("near",), ("good", "near")], [("bad",)]]


def test_networks_cost_most_and_the_baseline_comes_first() -> None:
    containers = {"net": "safetensors", "trees": "xgboost", "counts": "plain", "other": "strange"}
    assert by_cost(containers) == ("counts", "trees", "net", "other")
    assert with_baseline("suffix/medoid", ("gru",)) == ("medoid", "gru")
    assert with_baseline("suffix/medoid", ("gru", "medoid")) == ("gru", "medoid")
    assert with_baseline("suffix/medoid", ()) == ()


# --- on logs where it is known


Trace = Callable[[str, np.random.Generator], list[str]]


def events_of(cases: int, trace: Trace, seed: int = 1) -> EventLog:
    """A case every six hours; events take an hour, but for one that is called `wait`, which takes a week.

    By chance one of two people works on a case; its label is chance too.
    """
    rng, begin = np.random.default_rng(seed), pd.Timestamp("2024-01-01", tz="UTC")
    events: list[dict[str, Any]] = []
    for case in range(cases):
        now = begin + pd.Timedelta(hours=6 * case)
        who, label = str(rng.choice(["Ann", "Bob"])), str(rng.choice(["left", "right"]))
        of_case = {"case_id": f"c{case:04d}", "resource": who, "label": label}
        for activity in trace(who, rng):
            now += pd.Timedelta(days=7) if activity == "wait" else pd.Timedelta(hours=1)
            events.append({**of_case, "activity": activity, "timestamp": now})
    return log_of(events)


def forgetful(who: str, rng: np.random.Generator) -> list[str]:
    """What comes next depends on the last activity alone, and so does all else."""
    trace = ["begin"]
    while trace[-1] != "end":
        following = {"begin": ("a", "b"), "a": ("b", "wait"), "b": ("a", "end"), "wait": ("b", "a")}
        trace.append(following[trace[-1]][int(rng.random() < 0.3)])
    return trace


def two_ways(who: str, rng: np.random.Generator) -> list[str]:
    """Two sequences, of which each event but the first tells which it is."""
    return ["begin", *("abc" if rng.random() < 0.6 else "xyz")]


def told_by_who(who: str, rng: np.random.Generator) -> list[str]:
    """Who works on a case decides how it goes on, which no activity shows before."""
    return ["begin", "look", *(["wait", "pay"] if who == "Ann" else ["ask", "send"]), "file"]


SMALL: dict[str, dict[str, Any]] = {
    "next-activity/ensemble": {"n_estimators": 20, "max_epochs": 4},
    "outcome/ensemble": {"n_estimators": 20, "max_epochs": 4, "rule": "count('pay') > 0"},
    "remaining-time/ensemble": {},
    "suffix/ensemble": {"hidden_size": 16, "draws": 8},
}
MEMBERS = {
    "next-activity/ensemble": ("linear", "xgboost"),
    "outcome/ensemble": ("logistic", "boosting"),
    "remaining-time/ensemble": ("boosting", "transition-system"),
}
CHOOSING = sorted(name for name in registry.names() if issubclass(registry.find(name), ChoosingAlgorithm))


def ensemble(name: str, log: EventLog, **parameters: Any) -> tuple[Any, Any]:
    found: Any = registry.build(name, SMALL[name] | parameters)
    data = found.make_encoding().fit(log).transform(log)
    found.fit(data)
    return found, data


def baseline(name: str) -> str:
    return registry.find(name).task.baseline.partition("/")[2]


def test_every_predictive_task_takes_by_default_one_that_chooses() -> None:
    recommended = {registry.find(name).task.recommended for name in CHOOSING}
    assert recommended == set(CHOOSING) == set(SMALL)


@pytest.mark.parametrize("name", CHOOSING)
def test_where_counting_is_as_good_the_baseline_is_taken(name: str) -> None:
    log = events_of(300, two_ways if name.startswith("suffix") else forgetful, seed=2)
    untold = {"rule": None, "label_column": "label"} if name.startswith("outcome") else {}
    found, _data = ensemble(name, log, **untold)
    assert found.chosen_ == [baseline(name)], found.why_
    assert list(found.kept_members()) == [baseline(name)]
    assert found.choices()[0].startswith(f"`{baseline(name)}` taken")


def test_of_outcomes_that_are_pure_chance_nearly_always_the_baseline_is_taken() -> None:
    rng, taken = np.random.default_rng(3), []
    for seed in range(60):
        cases, target = LateCases(150, seed), rng.integers(0, 2, 150)
        rounds = []
        for name, share in (("prior", np.full(150, 0.5)), ("a", rng.random(150)), ("b", rng.random(150))):
            auc = auc_over(target == 1, share, np.arange(150), 150)
            losses = cases.losses(lambda units, auc=auc: 1.0 - auc(units))
            rounds.append([Candidate((name,), losses)])
        taken.append(cheapest_tied(rounds, "pab", 150, against_baseline=STRICT).taken.name)
    assert taken.count("prior") >= 0.9 * len(taken)


@pytest.mark.parametrize("name", CHOOSING)
def test_where_more_is_known_a_better_member_is_taken(name: str) -> None:
    found, _data = ensemble(name, events_of(300, told_by_who))
    assert found.chosen_ != [baseline(name)], found.why_


@pytest.mark.parametrize("name", CHOOSING)
def test_on_a_small_log_only_what_is_simple_is_tried(name: str) -> None:
    found, _data = ensemble(name, events_of(60, told_by_who))
    simple = {baseline(name), *(n for n, one in found.parts.items() if one.container == "plain")}
    assert set(found.chosen_) <= simple
    assert f"fewer than {FEW} cases" in found.why_


@pytest.mark.parametrize("name", CHOOSING)
def test_what_was_taken_alone_is_kept_and_answers_the_same_when_loaded(name: str, tmp_path: Path) -> None:
    log = events_of(150, told_by_who)
    model = Model(name, cuts=1, **SMALL[name])
    (remark,) = [one for one in model.train(log).metadata["remarks"] if " taken: " in one]
    kept = {
        name for name in model.algorithm.parts if any(file.startswith(f"{name}-") for file in model.files)
    }
    assert kept == set(model.algorithm.chosen_)
    loaded = Model.load(model.save(tmp_path / "model").path)
    ours, theirs = (one.predict(log, request=EVERY).predictions for one in (model, loaded))
    pd.testing.assert_frame_equal(ours, theirs)
    card = inspect_model(tmp_path / "model")
    assert card["calibration"]["choices"] == [remark]
    assert any(remark[:40] in str(block) for block in text.model(card))


@pytest.mark.parametrize("name", CHOOSING)
@pytest.mark.parametrize("names", [["crystal-ball"], [], "ngram", [1], None, [["gru"]], ["gru", "gru"], {}])
def test_a_state_that_takes_no_member_is_refused(name: str, names: Any) -> None:
    found: Any = registry.build(name, SMALL[name])
    state = {"chosen_": names, "why_": "", "medoid_share_": 0.5, "by_case_": False}
    with pytest.raises(UntrustedArtifactError, match="none that there are"):
        found.restore(state)


@pytest.mark.parametrize(
    ("names", "share"),
    [(["gru"], 0.5), (["medoid"], 0.0), (["gru", "medoid"], 1.5), (["gru", "medoid"], "1"), (["gru"], None)],
)
def test_a_share_that_the_members_taken_do_not_have_is_refused(names: list[str], share: Any) -> None:
    found: Any = registry.build("suffix/ensemble", {})
    with pytest.raises(UntrustedArtifactError, match="no such share"):
        found.restore({"chosen_": names, "why_": "", "medoid_share_": share, "by_case_": False})


@pytest.mark.parametrize("name", MEMBERS)
def test_a_mean_is_of_the_members_that_were_taken(name: str) -> None:
    found, data = ensemble(name, events_of(120, told_by_who), combine="always", members=MEMBERS[name])
    assert found.chosen_ == list(MEMBERS[name])
    rows = np.flatnonzero(data.is_counted) if name.startswith("outcome") else np.arange(data.n_events)

    def said(one: Any) -> NDArray[np.float64]:
        if name.startswith("next"):
            return np.asarray(one.probabilities(data))
        if name.startswith("outcome"):
            return np.diff(np.log(np.maximum(one.probabilities(data, rows), 1e-6)), axis=1)
        return ascending(one.quantiles(data, rows))

    each = [said(one) for one in found.kept_members().values()]
    assert len(each) == 2
    assert np.abs(each[0] - each[1]).max() > 0.01
    assert said(found) == pytest.approx((each[0] + each[1]) / 2, abs=1e-6)

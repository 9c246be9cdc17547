"""A training that may take so long: what it keeps, what it says, and when it gives up. No test waits."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pmlcli import registry, runtime
from pmlcli.errors import TimeLimitError, ValidationError
from pmlcli.eventlog import ReadOptions
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.writers import write_log
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.replacing import as_of, decide
from pmlcli.lifecycle.retraining import retrain
from pmlcli.lifecycle.time_limit import cut_short_words
from pmlcli.lifecycle.training_log import CUT_SHORT
from pmlcli.lifecycle.unchanged import Recipe, what_changed
from pmlcli.runtime import Deadline
from pmlcli.store.artifacts import ArtifactStore
from tests.logs_drifting import simulated

NGRAM = "next-activity/ngram"
OUTCOME = {"rule": 'count("Ask again") > 0'}


class Ticks:
    """A clock on which a second passes each time somebody looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def ticking(seconds: float) -> Deadline:
    return Deadline(seconds, Ticks())


@pytest.fixture(scope="module")
def log() -> EventLog:
    return simulated(300, 5, extra=0.5)


# --- the clock


def test_the_first_step_is_always_taken_and_what_is_left_out_is_noted_once() -> None:
    limit = ticking(3)
    with runtime.use_deadline(limit):
        for _ in range(2):
            assert list(runtime.in_time(range(9), lambda done: "the rest left out")) in ([0, 1, 2], [0])
    assert [one.what for one in limit.stops] == ["the rest left out"]
    assert list(runtime.in_time(range(3), str)) == [0, 1, 2]  # nobody set a limit


def test_a_part_of_the_time_ends_earlier_and_notes_in_the_same_place() -> None:
    clock = iter([0.0, 10.0, 10.0, 40.0, 60.0, 60.0])
    limit = Deadline(110, lambda: next(clock))
    part = limit.part(0.5)
    assert part.seconds == 60
    assert not part.is_over
    assert part.is_over
    part.stop("half")
    assert limit.stops == [("half", 60.0)]
    assert Deadline().part(0.1).left == float("inf")


def test_another_process_hands_back_what_it_left_out() -> None:
    limit = Deadline(1e-9)
    result, stops = runtime._limited(_first_alone, 3, 1, limit)
    assert (result, [one.what for one in stops]) == ([0], ["1 of 3"])


def _first_alone(n: int) -> list[int]:
    return list(runtime.in_time(range(n), lambda done: f"{done} of {n}"))


# --- methods


@pytest.mark.parametrize("name", registry.names())
def test_whatever_works_in_steps_says_so(name: str) -> None:
    """Networks, boosted trees and what tries several members; the rest learns in one go."""
    card = registry.card(name)
    if card.extra is not None:
        pytest.importorskip("torch")
        pytest.importorskip("xgboost")
        pytest.importorskip("prophet") if "prophet" in card.extra else None
    in_steps = card.container in ("safetensors", "xgboost", "members")
    in_steps = in_steps or name in ("anomaly/ensemble", "forecast/auto")
    assert registry.find(name).can_stop_early == in_steps


CUT: list[tuple[str, int, dict[str, Any], str, str | None]] = [
    ("next-activity/xgboost", 30, {"n_estimators": 30}, "boosting stopped after", "xgboost"),
    ("remaining-time/boosting", 30, {"n_estimators": 30}, "boosting stopped after", "xgboost"),
    ("outcome/boosting", 30, OUTCOME | {"n_estimators": 30}, "boosting stopped after", "xgboost"),
    ("forecast/xgboost", 15, {"n_estimators": 30, "horizon": 2}, "boosting stopped after", "xgboost"),
    ("next-activity/gru", 30, {"max_epochs": 9, "hidden_size": 8}, "a network stopped after", "torch"),
    ("next-activity/ensemble", 12, {}, "not trained", "torch"),
    ("next-activity/ensemble", 4, {"members": ("linear", "ngram"), "combine": "always"}, "cuts", None),
    ("suffix/ensemble", 3, {}, "gru not trained", "torch"),
    ("anomaly/ensemble", 5, {}, "left out", None),
    ("forecast/auto", 8, {"horizon": 2}, "left out", None),
    (NGRAM, 11, {}, "measured on 1 of 3 cuts", None),
]


@pytest.mark.parametrize(("name", "seconds", "parameters", "said", "library"), CUT)
def test_what_there_is_is_kept_and_said(
    name: str, seconds: int, parameters: dict[str, Any], said: str, library: str | None, log: EventLog,
    tmp_path: Path,
) -> None:  # fmt: skip
    if library:
        pytest.importorskip(library)
    model = Model(name, **parameters)
    result = model.train(log, time_limit=ticking(seconds))
    kept = model.manifest_fields["training_log"][CUT_SHORT]
    assert kept["limit_seconds"] == seconds
    assert any(said in stop["what"] for stop in kept["stops"]), kept
    assert model.manifest_fields["determinism"]["is_cut_short"] is True
    words = cut_short_words(model.manifest_fields["training_log"])
    assert words is not None and words in result.metadata["remarks"]
    assert all(one["about"].endswith("cut short by the time limit") for one in result.metrics.values())
    model.save(tmp_path / "m")
    loaded = Model.load(tmp_path / "m", trusted=True)
    asked = log if name.startswith("forecast") else as_of(log, int(sorted(log.starts)[200]))
    assert len(loaded.predict(asked, drift=False).predictions)
    assert retrain(ArtifactStore().load(tmp_path / "m"), "none.csv").verdict == "skipped"


def test_a_limit_that_stops_nothing_changes_no_byte(log: EventLog) -> None:
    first, second = Model(NGRAM), Model(NGRAM)
    first.train(log)
    result = second.train(log, time_limit=ticking(10_000))
    assert second.files == first.files
    fields = dict(second.manifest_fields), dict(first.manifest_fields)
    for one in fields:
        del one["created_at"], one["trained_at"]
    assert fields[0] == fields[1]
    assert not any("limit" in remark for remark in result.metadata["remarks"])


@pytest.mark.parametrize(("seconds", "when"), [(1, "anything was learned"), (4, "all of the log")])
def test_where_there_is_nothing_to_keep_it_gives_up(seconds: int, when: str, log: EventLog) -> None:
    model = Model(NGRAM)
    with pytest.raises(TimeLimitError, match=when) as caught:
        model.train(log, time_limit=ticking(seconds))
    assert caught.value.exit_code == 8
    assert model.metadata.status == "failed"
    assert model.files == {}


BAD_LIMITS = [0, -1, 0.0, float("nan"), float("inf"), True, "10m", timedelta(0), timedelta(seconds=-1), [1]]


@pytest.mark.parametrize("limit", BAD_LIMITS)
def test_what_is_no_time_is_refused_before_the_log_is_read(limit: Any) -> None:
    with pytest.raises(ValidationError, match="time_limit is"):
        Model(NGRAM).train("none.csv", time_limit=limit)


def test_a_timedelta_is_a_limit(log: EventLog) -> None:
    assert Model(NGRAM).train(log, time_limit=timedelta(days=2)).success


# --- where a model stands already


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, log: EventLog) -> Path:
    """A log, and a model of it that was cut short after 11 seconds."""
    found = tmp_path_factory.mktemp("cut")
    write_log(log, found / "log.csv")
    model = Model(NGRAM)
    model.train(str(found / "log.csv"), time_limit=ticking(11))
    model.save(found / "m")
    return found


@pytest.mark.parametrize(("seconds", "is_same"), [(11, True), (5, True), (12, False), (None, False)])
def test_a_model_that_was_cut_short_is_up_to_date_only_for_as_little_time(
    seconds: float | None, is_same: bool, place: Path
) -> None:
    limit = Deadline() if seconds is None else Deadline(seconds)
    recipe = Recipe(Model(NGRAM), str(place / "log.csv"), ReadOptions(), deadline=limit)
    changed = what_changed(place / "m", recipe)
    assert (changed is None) == is_same, changed
    assert is_same or "now there is more time" in str(changed)


def test_an_old_model_stays_where_there_is_no_time_and_a_judge_that_had_little_says_so(log: EventLog) -> None:
    old = Model(NGRAM)
    old.train(as_of(log, int(sorted(log.starts)[200]) - 1))
    for seconds, is_enough in ((60, True), (6, False)):
        recipe = Recipe(Model(NGRAM), "log.csv", ReadOptions(), deadline=ticking(seconds))
        if is_enough:
            assert "time limit" not in decide(recipe, log, old, "not-worse").because
            continue
        with pytest.raises(TimeLimitError):
            decide(recipe, log, old, "not-worse")
    recipe = Recipe(Model(NGRAM), "log.csv", ReadOptions(), deadline=ticking(26))
    found = decide(recipe, log, old, "not-worse")
    assert "judged cut short by the time limit" in found.because
    assert recipe.deadline.stops == []  # of the model itself nothing was left out yet

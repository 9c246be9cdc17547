"""Every algorithm keeps the same promises. The population is the registry's; it may not shrink."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pmlcli import registry
from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.param import option_cards, specs
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import Task
from pmlcli.algorithms.anomaly._values import EventDetector
from pmlcli.errors import LogError, PersistenceError, PredictionError, TrainingError, ValidationError
from pmlcli.eventlog import read_log
from pmlcli.lifecycle.answer import Answer
from pmlcli.lifecycle.artifacts import restore
from pmlcli.lifecycle.context import Hook, LifecycleContext
from pmlcli.lifecycle.expectation import check_answer
from pmlcli.lifecycle.model import Model
from tests.contract.cases import KEYS, daily_events, events_for, is_installed, trained, untrained
from tests.contract.child import digests, exact

NAMES = registry.names()
SMALLEST_POPULATION = 49
ALL = PredictRequest(cases="all")
ROOT = Path(__file__).parent.parent.parent
VERDICTS = {"better", "no better", "worse", "unclear", "is the baseline"}

every_algorithm = pytest.mark.parametrize("name", NAMES)
every_algorithm_over_cases = pytest.mark.parametrize(
    "name", [name for name in NAMES if not name.startswith("forecast/")]
)


@pytest.fixture(autouse=True)
def _skip_only_for_a_missing_library(request: pytest.FixtureRequest) -> None:
    name = getattr(request.node, "callspec", None) and request.node.callspec.params.get("name")
    if name and not is_installed(name):
        pytest.skip(f"the extra '{registry.card(name).extra}' is not installed")


def asked_fields(name: str) -> set[str]:
    """What a prediction of this algorithm can be asked for."""
    return {card.name for card in option_cards(registry.find(name).task.request)}


def refuses(name: str, request: PredictRequest) -> None:
    """What an algorithm cannot give it does not give in another way."""
    with pytest.raises(ValidationError):
        trained(name).predict(events_for(name, seed=1), request=request)


def predictions(model: Model, events: Any) -> pd.DataFrame:
    return model.predict(events, request=ALL).predictions


@cache
def other_interpreter() -> subprocess.Popen[str]:
    """A Python with another hash seed and thread count: one a worker, as starting it is slow."""
    environment = os.environ | {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    command = [sys.executable, "-m", "tests.contract.child"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=environment)


@pytest.fixture(scope="module", autouse=True)
def _other_interpreter_ends() -> Iterator[None]:
    yield
    if other_interpreter.cache_info().currsize:
        other_interpreter().communicate(timeout=60)
        other_interpreter.cache_clear()


@cache
def other_process(name: str) -> Any:
    """What a process that has done nothing yet says, under another hash seed and thread count."""
    process = other_interpreter()
    assert process.stdin and process.stdout
    with TemporaryDirectory() as place:
        saved = trained(name).save(Path(place) / "model", check=True).path
        process.stdin.write(f"{name}\t{saved}\n")
        process.stdin.flush()
        told = process.stdout.readline()
    assert told, f"the process ended with {process.wait(timeout=60)}"
    answer = json.loads(told)
    assert "error" not in answer, answer["error"]
    return answer


def test_the_population_did_not_shrink() -> None:
    assert len(NAMES) >= SMALLEST_POPULATION
    assert set(KEYS) <= set(registry.tasks())


def test_nothing_is_skipped_while_its_extra_is_installed() -> None:
    for name in NAMES:
        if not is_installed(name):
            assert registry.card(name).extra, f"{name} cannot be imported, though it asks for no extra"


def depth(cls: type) -> int:
    """So many classes stand between it and `Algorithm`, itself counted."""
    above = [base for base in cls.__bases__ if issubclass(base, Algorithm)]
    return 0 if cls is Algorithm else 1 + max(map(depth, above))


@every_algorithm
def test_it_stands_two_deep_at_most_and_holds_no_step_of_its_task(name: str) -> None:
    cls = registry.find(name)
    assert depth(cls) <= 2
    steps = {step for step in vars(Task) if not step.startswith("_")} - {"name", "request"}
    own = {name for base in cls.__mro__ for name in vars(base)} - {card.name for card in specs(cls)}
    assert not steps & own


@every_algorithm
def test_it_trains_and_says_how_it_compares(name: str) -> None:
    model = trained(name)
    (comparison,) = model.manifest_fields["performance_metrics"].values()
    assert model.metadata.status == "trained"
    assert comparison["verdict"] in VERDICTS
    assert comparison["baseline"] == registry.card(name).baseline
    assert (comparison["verdict"] == "is the baseline") == registry.card(name).is_baseline
    assert np.isfinite([comparison["value"], comparison["baseline_value"]]).all()
    assert comparison["about"]
    assert comparison["unit"]


@every_algorithm
def test_it_answers_with_its_tasks_columns_and_units(name: str) -> None:
    found = predictions(trained(name), events_for(name, seed=1))
    keys = KEYS.get(registry.card(name).task, list(found.columns[:1]))
    assert list(found.columns[: len(keys)]) == keys
    assert len(found) > 0
    numbers = set(found.select_dtypes("number").columns)
    algorithm = trained(name).algorithm
    assert numbers == set(algorithm.task.units_of(algorithm, list(found.columns)))


@every_algorithm
def test_its_answers_have_the_form_that_is_known_beforehand(name: str) -> None:
    model, log = trained(name), read_log(events_for(name, seed=1))
    wishes: list[dict[str, Any]] = [{}, {"every_prefix": True}, {"explain": True, "unseen": "flag"}]
    wishes += [{"candidates": 1}, {"candidates": 500}, {"sla": 86400.0}, {"horizon": 2}]
    wishes += [{"as_of": str(log.frame["timestamp"].median())}]
    wishes += [{"level": "event"}] if scores_events(name) else []
    for wish in wishes:
        task = model.algorithm.task
        if set(wish) <= asked_fields(name):
            request = task.checked(model.algorithm, PredictRequest(cases="all", **wish))
            table = model.predict(log, request=request).predictions
            check_answer(model.algorithm, log, request, Answer(table, {}))


@every_algorithm_over_cases
def test_nobody_running_is_a_table_without_rows(name: str) -> None:
    model, log = trained(name), read_log(events_for(name, seed=1))
    if "as_of" not in asked_fields(name):
        refuses(name, PredictRequest(as_of="2199-01-01"))
        return
    for wish in ({}, {"explain": True, "unseen": "flag"}):
        asked = PredictRequest(as_of="2199-01-01", **wish)
        request = model.algorithm.task.checked(model.algorithm, asked)
        table = model.predict(log, request=request).predictions
        assert len(table) == 0
        check_answer(model.algorithm, log, request, Answer(table, {}))


@every_algorithm
def test_it_predicts_the_same_bits_after_reload_in_another_process(name: str) -> None:
    assert other_process(name)["predictions"] == exact(trained(name), name)


@every_algorithm
def test_it_trains_to_the_same_bytes_whatever_hash_seed_and_threads(name: str) -> None:
    assert other_process(name)["digests"] == digests(trained(name))


@every_algorithm
def test_it_saves_what_the_design_names(name: str, tmp_path: Path) -> None:
    trained(name).save(tmp_path / "model")
    found = {file.name for file in (tmp_path / "model" / "artifacts").iterdir()}
    assert found >= {"feature_extractor.joblib", "threshold.json", "reference.json", "canary.json"}
    learner = {
        "sklearn": "model.joblib",
        "plain": "model.json",
        "safetensors": "model.safetensors",
        "xgboost": "model.json",
        "members": "model.json",
    }
    assert learner[registry.card(name).container] in found
    names = [record.name for record in trained(name).metadata.artifacts]
    assert len(names) == len(set(names)) == len(found)
    # Each JSON file that loading reads is missed where it is emptied, whatever the manifest says of it.
    files = {file.name: file.read_bytes() for file in (tmp_path / "model" / "artifacts").iterdir()}
    for file in sorted(files):
        if file.endswith(".json") and not file.startswith(("reference", "canary", "baseline-")):
            with pytest.raises(PersistenceError):
                restore(untrained(name).algorithm, files | {file: b"{}"})


@every_algorithm
def test_it_does_not_change_what_it_is_given(name: str) -> None:
    log = read_log(events_for(name))
    frame, offsets = log.frame.copy(deep=True), log.offsets.copy()
    model = untrained(name)
    model.train(log)
    model.predict(log, request=ALL)
    assert_frame_equal(log.frame, frame)
    assert (log.offsets == offsets).all()


@every_algorithm
def test_its_parameters_are_plain_and_documented(name: str) -> None:
    model = untrained(name)
    assert json.loads(json.dumps(model.algorithm.parameters())) == model.algorithm.parameters()
    card = registry.card(name)
    assert {parameter.name for parameter in card.parameters} == set(model.algorithm.parameters())
    assert all(parameter.help.endswith(".") for parameter in card.parameters)


@every_algorithm
def test_a_wrong_parameter_is_refused_before_anything_is_read(name: str) -> None:
    with pytest.raises(ValidationError, match="seed"):
        Model(name, seed=-1)
    with pytest.raises(ValidationError, match="unknown parameter 'seeed'") as caught:
        Model(name, seeed=1)
    assert caught.value.hint == "did you mean 'seed'?"


@every_algorithm
def test_too_few_samples_are_a_training_error(name: str) -> None:
    model = untrained(name)
    events = one_case(events_for(name))
    with pytest.raises(TrainingError) as caught:
        model.train(events)
    assert caught.value.context["samples"] < 10
    assert model.metadata.status == "failed"


@every_algorithm
def test_untrained_it_neither_predicts_nor_saves(name: str, tmp_path: Path) -> None:
    with pytest.raises(PredictionError, match="not trained"):
        untrained(name).predict(events_for(name))
    with pytest.raises(PersistenceError, match="not trained"):
        untrained(name).save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


@every_algorithm
def test_hooks_are_called_in_order(name: str) -> None:
    calls: list[str] = []

    class Watcher(Hook):
        def __init__(self, label: str) -> None:
            self.label = label

        def before_predict(self, context: LifecycleContext) -> None:
            calls.append(f"{self.label} before {context.operation}")

        def after_predict(self, context: LifecycleContext) -> None:
            calls.append(f"{self.label} after {context.operation}")

    hooks = (Watcher("first"), Watcher("second"))
    trained(name).predict(events_for(name, seed=1), request=ALL, hooks=hooks)
    assert calls == [
        "first before predict",
        "second before predict",
        "second after predict",
        "first after predict",
    ]


@every_algorithm_over_cases
def test_company_does_not_matter(name: str) -> None:
    events = events_for(name, seed=2)
    together = predictions(trained(name), events).set_index("case_id")
    shuffled = [events[i] for i in np.random.default_rng(0).permutation(len(events))]
    tolerance = registry.find(name).tolerance
    apart = predictions(trained(name), shuffled).set_index("case_id")
    assert_same(together, apart.loc[together.index], tolerance)
    if trained(name).algorithm.make_encoding().uses_inter_case:
        return  # what else goes on in the log is a part of its answer; see the next test
    for case_id in together.index[:5]:
        alone = predictions(trained(name), [e for e in events if e["case_id"] == case_id])
        assert_same(together.loc[[case_id]], alone.set_index("case_id"), tolerance)


@every_algorithm_over_cases
def test_what_comes_later_changes_nothing(name: str) -> None:
    if "every_prefix" not in asked_fields(name):
        refuses(name, PredictRequest(every_prefix=True))
        return
    every, keys = PredictRequest(cases="all", every_prefix=True), ["case_id", "prefix_length"]
    events = events_for(name, seed=2)
    moment = sorted(str(event["timestamp"]) for event in events)[len(events) // 2]
    earlier = [event for event in events if str(event["timestamp"]) <= moment]
    known = trained(name).predict(earlier, request=every).predictions.set_index(keys)
    later = trained(name).predict(events, request=every).predictions.set_index(keys)
    assert len(known) > 0
    assert set(known.index) <= set(later.index)
    assert_same(known, later.loc[known.index], registry.find(name).tolerance)


@every_algorithm_over_cases
def test_explanations_and_unseen_values_are_told_beside_the_same_answers(name: str) -> None:
    if "explain" not in asked_fields(name):
        refuses(name, PredictRequest(explain=True))
        return
    events = with_unseen(events_for(name, seed=3))
    usual = predictions(trained(name), events)
    asked = PredictRequest(cases="all", explain=True, unseen="flag")
    told = trained(name).predict(events, request=asked).predictions
    assert_frame_equal(told[usual.columns], usual)
    assert list(told.columns) == [*usual.columns, "has_unseen", "because"]
    assert told["has_unseen"].to_numpy().tolist() == (told["case_id"] == events[0]["case_id"]).tolist()
    # A baseline that gives every case one answer, such as a prior, has nothing that moved it.
    answers = usual.drop(columns=["case_id", "prefix_length", "is_stalled"], errors="ignore")
    assert (told["because"].str.len() > 0).any() or (answers.astype(str).nunique() == 1).all()
    with pytest.raises(LogError, match="never saw.*Never Seen"):
        trained(name).predict(events, request=PredictRequest(cases="all", unseen="fail"))


def assert_same(expected: pd.DataFrame, found: pd.DataFrame, tolerance: float) -> None:
    if tolerance == 0.0:
        assert_frame_equal(expected, found, check_exact=True)
    else:
        assert_frame_equal(expected, found, rtol=tolerance, atol=tolerance)


def with_unseen(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event | {"activity": "Never Seen", "resource": "Nobody"} for event in events[:3]] + events[3:]


def one_event(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["case_id"] != events[0]["case_id"]] + events[:1]


def one_case(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["case_id"] == events[0]["case_id"]]


def equal_times(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event | {"timestamp": events[0]["timestamp"]} for event in events]


def missing_resource(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event | {"resource": None} for event in events[:5]] + events[5:]


@every_algorithm_over_cases
@pytest.mark.parametrize("odd", [with_unseen, one_event, one_case, equal_times, missing_resource])
def test_odd_cases_get_an_answer(name: str, odd: Any) -> None:
    events = odd(events_for(name, seed=3))
    found = predictions(trained(name), events)
    assert set(found["case_id"]) == {event["case_id"] for event in events}
    numbers = found.select_dtypes("number").drop(columns=["threshold"], errors="ignore")
    assert np.isfinite(numbers.filter(regex="score|probability$").to_numpy()).all()


@every_algorithm
def test_a_log_without_a_trained_column_is_refused(name: str) -> None:
    required = trained(name).manifest_fields["input_schema"]["required"]
    events = [{k: v for k, v in e.items() if k != "timestamp"} for e in events_for(name, seed=1)]
    if "timestamp" not in required:
        assert set(predictions(trained(name), events)["case_id"]) == {event["case_id"] for event in events}
        return
    with pytest.raises(LogError, match="timestamp"):
        trained(name).predict(events, request=ALL)


EVENTS = PredictRequest(level="event")
EVENT_KEYS = [
    "case_id", "event_index", "activity", "timestamp", "score", "threshold", "is_anomaly", "severity",
    "p_value", "attribute", "value", "expected", "reason",
]  # fmt: skip


def scores_events(name: str) -> bool:
    return name.startswith("anomaly/") and isinstance(registry.build(name, {}), EventDetector)


every_detector = pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("anomaly/")])


@every_detector
def test_events_get_a_row_each_or_are_refused(name: str) -> None:
    events = events_for(name, seed=1)
    if not scores_events(name):
        with pytest.raises(ValidationError, match="level 'event'"):
            trained(name).predict(events, request=EVENTS)
        return
    model = trained(name)
    table = model.predict(events, request=EVENTS).predictions
    assert list(table) == EVENT_KEYS
    assert table["activity"].tolist() == [event["activity"] for event in events]
    assert (table["is_anomaly"] == (table["score"] > table["threshold"])).all()
    told = table[["attribute", "reason"]] != ""
    assert told.all(axis=1).equals(table["is_anomaly"])
    numbers = set(table.select_dtypes("number").columns)
    assert numbers == set(model.algorithm.task.units_of(model.algorithm, list(table.columns)))
    assert table["p_value"].between(0, 1, inclusive="right").all()


@every_detector
def test_company_does_not_matter_to_events(name: str) -> None:
    if not scores_events(name):
        refuses(name, EVENTS)
        return
    events, model = events_for(name, seed=2), trained(name)
    together = model.predict(events, request=EVENTS).predictions
    for case_id in together["case_id"].unique()[:4]:
        alone = model.predict([e for e in events if e["case_id"] == case_id], request=EVENTS).predictions
        expected = together[together["case_id"] == case_id].reset_index(drop=True)
        assert_same(expected, alone, registry.find(name).tolerance)


@every_detector
@pytest.mark.parametrize("odd", [with_unseen, one_event, one_case, missing_resource])
def test_events_of_odd_cases_get_an_answer(name: str, odd: Any) -> None:
    if not scores_events(name):
        refuses(name, EVENTS)
        return
    events = odd(events_for(name, seed=3))
    table = trained(name).predict(events, request=EVENTS).predictions
    assert len(table) == len(events)
    assert np.isfinite(table["score"]).all()


@every_detector
def test_flags_by_the_false_discovery_rate_leave_the_scores_alone(name: str) -> None:
    events, model = events_for(name, seed=1), trained(name)
    usual = predictions(model, events)
    chosen = model.predict(events, request=PredictRequest(fdr=0.2)).predictions
    assert_frame_equal(chosen[["score", "p_value"]], usual[["score", "p_value"]])
    flagged = chosen["is_anomaly"]
    if flagged.any():
        rank = flagged.sum()
        assert chosen.loc[flagged, "p_value"].max() <= 0.2 * rank / len(chosen)


@every_algorithm
def test_it_can_be_evaluated_beside_its_baseline(name: str) -> None:
    model = trained(name)
    events = daily_events(150, seed=2) if name.startswith("forecast/") else events_for(name, seed=2)
    if type(model.algorithm.task).beside_truth is Task.beside_truth:
        with pytest.raises(ValidationError, match="cannot be evaluated"):
            model.evaluate(events)
        return
    found = model.evaluate(events)
    main = found.assessment.figures[0]
    assert main.value is not None
    assert main.n
    assert len(found.frame) == len(found.units)
    assert found.sentence
    if name != model.algorithm.task.baseline:
        assert main.baseline is not None
        assert model.algorithm.task.baseline_phrase in found.sentence


@pytest.mark.parametrize("name", [name for name in NAMES if name == registry.find(name).task.baseline])
def test_its_task_is_monitored(name: str) -> None:
    """The same log is stable, a log of which half of the cases lack a step is not, and truth is told."""
    model, events = trained(name), events_for(name)
    same = model.monitor(events)
    assert same.verdict == "stable", same.sentence
    assert [section.title for section in same.sections][-1] == "Truth that has arrived"
    kept = [
        one for one in events if one["activity"] != events[1]["activity"] or one["case_id"][-1] in "02468"
    ]
    later = [{**one, "timestamp": one["timestamp"] + pd.Timedelta(days=3650)} for one in kept]
    changed = model.monitor(later)
    assert changed.is_bad, changed.sentence
    assert f"`{events[1]['activity']}`" in " ".join(changed.sections[1].sentences)
    told = changed.sections[-1].sentences[0]
    assert changed.sections[-1].rows or told.startswith("nothing to compare: ")

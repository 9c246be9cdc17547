"""The life of a model: the original workflow, hooks, failures and status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from pmlcli import registry
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import (
    ChecksumMismatchError,
    HookError,
    LogError,
    MissingArtifactError,
    MissingDependencyError,
    PersistenceError,
    PmlError,
    TrainingError,
    ValidationError,
)
from pmlcli.eventlog import ReadOptions, read_log
from pmlcli.lifecycle import training
from pmlcli.lifecycle.context import Hook, LifecycleContext
from pmlcli.lifecycle.model import Model
from tests.logs import purchase_events

NAME = "anomaly/isolation-forest"


@pytest.fixture(scope="module")
def model() -> Model:
    model = Model(NAME, model_id="p2p", contamination=0.05, n_estimators=50)
    model.train(purchase_events(60))
    return model


@pytest.fixture
def saved(model: Model, tmp_path: Path) -> Path:
    return model.save(tmp_path / "p2p").path


class Recorder(Hook):
    def __init__(self) -> None:
        self.seen: list[LifecycleContext] = []

    def before_train(self, context: LifecycleContext) -> None:
        self.seen.append(context)

    def after_train(self, context: LifecycleContext) -> None:
        self.seen.append(context)

    def before_save(self, context: LifecycleContext) -> None:
        self.seen.append(context)

    def after_load(self, context: LifecycleContext) -> None:
        self.seen.append(context)

    def on_failure(self, context: LifecycleContext) -> None:
        self.seen.append(context)


class Stopper(Hook):
    def __init__(self, point: str) -> None:
        def stop(context: LifecycleContext) -> None:
            raise RuntimeError(f"no {context.operation} today")

        setattr(self, point, stop)


def test_the_original_workflow(model: Model, saved: Path) -> None:
    manifest = json.loads((saved / "manifest.json").read_text())
    listed = {record["filename"]: record for record in manifest["artifacts"]}
    assert {"model.joblib", "feature_extractor.joblib", "threshold.json"} <= set(listed)
    assert all(len(record["checksum"]) == 64 for record in listed.values())
    assert (manifest["model_id"], manifest["model_type"], manifest["status"]) == ("p2p", NAME, "trained")
    again = Model.load(saved)
    new = purchase_events(20, seed=5)
    first, second = again.predict(new), again.predict(new)
    assert_frame_equal(first.predictions, second.predictions, check_exact=True)
    assert_frame_equal(first.predictions, model.predict(new).predictions, check_exact=True)


def test_a_model_loads_its_own_type_into_itself(saved: Path) -> None:
    recorder, more = Recorder(), Recorder()
    model = Model(NAME, hooks=[recorder])
    again = model.load(saved, hooks=[more])
    assert again is model
    assert (model.model_id, model.metadata.status) == ("p2p", "trained")
    new = purchase_events(20, seed=5)
    expected = Model.load(saved).predict(new).predictions
    assert_frame_equal(model.predict(new).predictions, expected, check_exact=True)
    for hook in (recorder, more):
        assert [context.operation for context in hook.seen] == ["load"]


def test_a_model_refuses_to_load_another_type(saved: Path) -> None:
    model = Model("anomaly/dbscan")
    with pytest.raises(PersistenceError, match=f"holds a model of {NAME}, not of anomaly/dbscan") as caught:
        model.load(saved)
    assert caught.value.code == "model.type"
    assert caught.value.hint is not None
    assert NAME in caught.value.hint
    assert (model.model_type, model.metadata.status) == ("anomaly/dbscan", "initialized")


def test_a_subclass_loads_as_itself(saved: Path) -> None:
    class Ours(Model):
        pass

    assert type(Ours.load(saved)) is Ours


def test_what_a_hook_raises_on_failure_is_told_beside_the_first_error() -> None:
    recorder = Recorder()
    model = Model(NAME, hooks=[recorder, Stopper("on_failure")])
    with pytest.raises(TrainingError) as caught:
        model.train(purchase_events(7))
    (told,) = caught.value.context["failed_hooks"]
    assert "Stopper.on_failure raised RuntimeError: no train today" in told
    assert caught.value.context["samples"] == 7
    assert [context.data.get("error") for context in recorder.seen][-1] is caught.value


@pytest.mark.parametrize("step", ["train_algorithm", "read_log"])
def test_code_that_would_end_the_program_is_a_failure_that_hooks_are_told(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def end(*_: object, **__: object) -> None:
        raise SystemExit(0)

    recorder = Recorder()
    model = Model(NAME, hooks=[recorder])
    monkeypatch.setattr(training, step, end)
    with pytest.raises(PmlError, match="ended the program") as caught:
        model.train(purchase_events(20))
    assert caught.value.code == "exit"
    assert recorder.seen[-1].data["error"] is caught.value
    assert model.metadata.status == "failed"


def test_fewer_than_ten_samples_is_a_training_error() -> None:
    model = Model(NAME)
    with pytest.raises(TrainingError) as caught:
        model.train(purchase_events(7))
    assert caught.value.context["samples"] == 7
    assert model.metadata.status == "failed"


@pytest.mark.parametrize(
    "filename", ["model.joblib", "feature_extractor.joblib", "threshold.json", "canary.json"]
)
def test_one_flipped_byte_is_a_checksum_mismatch(saved: Path, filename: str) -> None:
    file = saved / "artifacts" / filename
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(ChecksumMismatchError, match=filename):
        Model.load(saved)


def test_a_missing_artifact_is_named(saved: Path) -> None:
    (saved / "artifacts" / "threshold.json").unlink()
    with pytest.raises(MissingArtifactError, match=r"threshold\.json"):
        Model.load(saved)


def test_an_unknown_algorithm_in_a_manifest_is_a_persistence_error(saved: Path) -> None:
    file = saved / "manifest.json"
    file.write_text(file.read_text().replace(NAME, "anomaly/isolation-forst"))
    with pytest.raises(PersistenceError, match="unknown algorithm"):
        Model.load(saved)


def test_metadata_goes_from_initialized_to_trained() -> None:
    model = Model(NAME, n_estimators=10)
    seen: list[str] = []

    class Status(Hook):
        def before_train(self, context: LifecycleContext) -> None:
            seen.append(model.metadata.status)

    assert model.metadata.status == "initialized"
    model.train(purchase_events(40), hooks=[Status()])
    assert [*seen, model.metadata.status] == ["training", "trained"]


def test_hooks_see_what_the_docs_say() -> None:
    recorder = Recorder()
    model = Model(NAME, n_estimators=10, hooks=[recorder])
    model.train(purchase_events(40))
    before, after = recorder.seen
    assert (before.operation, before.model_type) == ("train", NAME)
    assert before.data["log"].n_cases == 40
    assert before.data["parameters"]["n_estimators"] == 10
    assert after.data["metadata"]["samples"] == 40
    with pytest.raises(TypeError):
        before.data["log"] = None  # type: ignore[index]


@pytest.mark.parametrize("point", ["before_train", "after_train"])
def test_a_hook_that_raises_ends_the_training_with_its_name(point: str, tmp_path: Path) -> None:
    recorder = Recorder()
    model = Model(NAME, n_estimators=10, hooks=[recorder, Stopper(point)])
    with pytest.raises(HookError, match=rf"Stopper\.{point} raised RuntimeError: no train today"):
        model.train(purchase_events(40))
    assert model.metadata.status == "failed"
    assert isinstance(recorder.seen[-1].data["error"], HookError)
    with pytest.raises(PersistenceError):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_hook_that_raises_before_save_leaves_no_directory(model: Model, tmp_path: Path) -> None:
    with pytest.raises(HookError, match="before_save"):
        model.save(tmp_path / "model", hooks=[Stopper("before_save")])
    assert list(tmp_path.iterdir()) == []


def test_a_log_error_calls_on_failure() -> None:
    recorder = Recorder()
    with pytest.raises(LogError):
        Model(NAME, hooks=[recorder]).train([])
    assert isinstance(recorder.seen[-1].data["error"], LogError)


def test_a_subclass_may_override_hooks() -> None:
    class Mine(Model):
        calls = 0

        def before_train(self, context: LifecycleContext) -> None:
            type(self).calls += 1

    Mine(NAME, n_estimators=10).train(purchase_events(40))
    assert Mine.calls == 1


def test_save_replaces_only_when_told(model: Model, saved: Path) -> None:
    with pytest.raises(ValidationError):
        model.save(saved)
    assert model.save(saved, force=True).root_digest == model.save(saved, force=True).root_digest


def test_a_loaded_model_can_be_saved_again_unchanged(saved: Path, tmp_path: Path) -> None:
    Model.load(saved).save(tmp_path / "copy")
    assert (tmp_path / "copy" / "manifest.json").read_bytes() == (saved / "manifest.json").read_bytes()


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for module in [
        m
        for m in sys.modules
        if m.startswith(("pmlcli.algorithms.next_activity.gru", "pmlcli.algorithms._learning.neural"))
    ]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(MissingDependencyError) as caught:
        registry.find("next-activity/gru")
    assert caught.value.context["dependency"] == "torch"
    assert caught.value.hint == "pip install 'pmlcli[neural]'"


def test_the_same_run_twice_gives_the_same_manifest(tmp_path: Path) -> None:
    code = (
        "from pmlcli import Model; from tests.logs import purchase_events;"
        f"m = Model('{NAME}', n_estimators=10); m.train(purchase_events(40));"
        "print(m.save(r'{}').root_digest)"
    )
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}
    digests = [
        subprocess.run(
            [sys.executable, "-c", code.format(tmp_path / str(i))],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
            cwd=Path(__file__).parents[2],
        ).stdout
        for i in range(2)
    ]
    assert digests[0] == digests[1] != ""


def test_training_does_not_touch_the_global_generators() -> None:
    np.random.seed(123)
    expected = np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
    Model(NAME, n_estimators=10).train(purchase_events(40))
    assert (np.random.get_state()[1] == expected).all()  # type: ignore[index]


def test_train_takes_an_event_log_a_frame_and_dicts(tmp_path: Path) -> None:
    events = purchase_events(40)
    log = read_log(events)
    path = tmp_path / "log.csv"
    log.frame.to_csv(path, index=False)
    sources: list[Any] = [events, log, log.frame, path]
    answers = []
    for source in sources:
        model = Model(NAME, n_estimators=10)
        model.train(source)
        answers.append(model.predict(events).predictions)
    for answer in answers[1:]:
        assert_frame_equal(answers[0], answer, check_exact=True)


def test_a_new_log_is_read_as_the_training_log_was(tmp_path: Path) -> None:
    """Columns, time zone and what was left out are the model's; the caller's own options still win."""
    frame = read_log(purchase_events(40)).frame.rename(columns={"activity": "step", "timestamp": "booked"})
    frame["booked"] = frame["booked"].dt.tz_localize(None)
    frame["task"] = "a second candidate for the activity"
    path = tmp_path / "log.csv"
    frame.to_csv(path, index=False)
    mapping = {"activity": "step", "timestamp": "booked", "resource": "none"}
    model = Model(NAME, n_estimators=10)
    model.train(path, options=ReadOptions(columns=mapping, timezone="Europe/Rome"))
    schema = model.manifest_fields["input_schema"]
    assert (schema["columns"]["activity"], schema["timezone"]) == ("step", "Europe/Rome")
    read = read_log(path, model.read_options(ReadOptions()))
    assert dict(read.schema.columns) == schema["columns"]
    assert read.schema.timezone == "Europe/Rome"
    assert read.resource_codes is None
    assert read_log(path, model.read_options(ReadOptions(timezone="UTC"))).schema.timezone == "UTC"


@pytest.mark.parametrize("value", [None, "", "3.5", "much"])
def test_a_column_of_numbers_may_be_empty_but_not_text(value: str | None) -> None:
    model = Model("outcome/logistic", slower_than="2d", strength_of_fit=0.1)
    model.train([event | {"effort": float(i % 7)} for i, event in enumerate(purchase_events(80))])
    assert "effort" in model.manifest_fields["input_schema"]["required"]
    events = [event | {"effort": value} for event in purchase_events(4)]
    if value == "much":
        events[:3] = [event | {"effort": 7} for event in events[:3]]
        said = (
            "'effort' holds text, but the model was trained on numbers: .*, "
            "first 'much' in row 4, 'much' in row 5, "
        )
        with pytest.raises(LogError, match=said) as caught:
            model.predict(events, request=PredictRequest(cases="all"))
        assert caught.value.context["row"] == 4
        assert "train again" in str(caught.value.hint)
    else:
        assert len(model.predict(events, request=PredictRequest(cases="all")).predictions) == 4

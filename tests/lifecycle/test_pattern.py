"""The workflow that pmlcli was made for, whole: a class of one's own, trained, saved, loaded and compared."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pmlcli
from pmlcli import (
    ArtifactStore,
    FeatureConfig,
    FeatureExtractor,
    HookError,
    LifecycleContext,
    Model,
    PersistenceError,
    PredictionResult,
    ValidationError,
    read_log,
    registry,
)
from tests.logs import purchase_events

EVENTS = purchase_events(40)


class ProductionReadyAlgorithm(Model):
    """A model with arguments of its own, which watches its own life."""

    seen: tuple[str, ...] = ()
    status_after_training = ""

    def __init__(self, model_id: str, contamination: float = 0.05) -> None:
        super().__init__(
            "anomaly/isolation-forest", model_id=model_id, contamination=contamination, n_estimators=20
        )
        self.alerts: list[str] = []

    def _see(self, context: LifecycleContext) -> None:
        self.seen = (*self.seen, context.operation)

    def before_train(self, context: LifecycleContext) -> None:
        self._see(context)

    def after_train(self, context: LifecycleContext) -> None:
        self._see(context)
        self.status_after_training = self.metadata.status

    def before_predict(self, context: LifecycleContext) -> None:
        self._see(context)

    def after_predict(self, context: LifecycleContext) -> None:
        self._see(context)

    def before_save(self, context: LifecycleContext) -> None:
        self._see(context)

    def after_load(self, context: LifecycleContext) -> None:
        self._see(context)


def by_class(path: Path) -> Model:
    return ProductionReadyAlgorithm.load(path)


def by_instance(path: Path) -> Model:
    return ProductionReadyAlgorithm("another name", contamination=0.2).load(path)


def by_base_class(path: Path) -> Model:
    return Model.load(path)


@pytest.fixture(scope="module")
def model() -> ProductionReadyAlgorithm:
    model = ProductionReadyAlgorithm("orders")
    assert (model.is_trained, model.metadata.is_trained, model.metadata.artifacts) == (False, False, ())
    result = model.train(EVENTS)
    assert result.success
    return model


@pytest.fixture(scope="module")
def saved(model: ProductionReadyAlgorithm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model.save(tmp_path_factory.mktemp("pattern") / "orders").path


@pytest.mark.parametrize("load", [by_class, by_instance, by_base_class])
def test_a_class_of_ones_own_lives_its_whole_life(
    load: Callable[[Path], Model], model: ProductionReadyAlgorithm, saved: Path
) -> None:
    predictions1 = model.predict(EVENTS)
    again = load(saved)
    predictions2 = again.predict(EVENTS)
    assert predictions1 == predictions2
    assert (again.model_id, again.metadata.model_id) == ("orders", "orders")
    assert (again.model_type, again.metadata.model_type) == ("anomaly/isolation-forest",) * 2
    assert again.is_trained
    assert again.metadata.is_trained
    assert again.algorithm.parameters()["contamination"] == 0.05
    assert again.metadata == model.metadata


def test_its_hooks_are_called_wherever_it_comes_from(saved: Path) -> None:
    model = ProductionReadyAlgorithm("orders")
    model.train(EVENTS)
    assert model.status_after_training == "trained"
    assert model.seen == ("train", "train")
    loaded = by_class(saved)
    assert isinstance(loaded, ProductionReadyAlgorithm)
    loaded.predict(EVENTS)
    assert loaded.seen == ("load", "predict", "predict")


def test_an_instance_keeps_what_its_own_init_made(saved: Path) -> None:
    model = ProductionReadyAlgorithm("another name")
    model.alerts.append("kept")
    assert model.load(saved) is model
    assert model.alerts == ["kept"]


@pytest.mark.parametrize("isolated", [False, True])
def test_own_classes_of_every_kind_are_loaded(isolated: bool, saved: Path) -> None:
    class Positional(Model):
        def __init__(self, first: int, /, *rest: int, must: str) -> None:
            raise AssertionError("loading a model calls no __init__ of a caller's class")

    class Inherited(Model):
        """With the arguments of Model itself."""

    for own in (Positional, Inherited, ProductionReadyAlgorithm):
        loaded = own.load(saved, trusted=not isolated)
        assert type(loaded) is own
        assert len(loaded.predict(EVENTS[:12]).predictions) > 0


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("load", [lambda path: Model.load(path, trusted=True), by_class, None])
def test_a_copy_answers_as_its_original(
    again: Callable[[Model], Model],
    load: Callable[[Path], Model] | None,
    model: ProductionReadyAlgorithm,
    saved: Path,
) -> None:
    original = model if load is None else load(saved)
    expected = original.predict(EVENTS)
    made = again(original)
    assert made.predict(EVENTS) == expected
    assert (type(made), made.root_digest, made.metadata) == (
        type(original),
        original.root_digest,
        original.metadata,
    )


def test_what_a_model_knows_does_not_change_under_it(model: ProductionReadyAlgorithm) -> None:
    known, digest = model.trained_state, model.root_digest
    with pytest.raises(FrozenInstanceError):
        known.files = {}  # type: ignore[misc]
    model.files.clear()
    model.manifest_fields.clear()
    assert (model.root_digest, model.trained_state) == (digest, known)
    other = copy.deepcopy(model)
    other.train(EVENTS[:100])
    assert model.trained_state is known
    assert model.root_digest == digest != other.root_digest


def test_a_loaded_model_that_is_trained_again_answers_for_itself(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it knows was learned in this process: it is asked here, and errors no longer name a directory."""
    loaded = Model.load(saved)
    loaded.train(EVENTS)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a model that was trained here is asked here"))
    assert len(loaded.predict(EVENTS).predictions) == 40
    assert loaded.trained_state.place is None


def test_what_fails_in_a_callers_class_is_not_the_files_fault(saved: Path) -> None:
    class Careless(ProductionReadyAlgorithm):
        def after_load(self, context: LifecycleContext) -> None:
            self.alerts.append("loaded")  # its __init__ was not called

    with pytest.raises(HookError, match=r"Careless\.after_load raised AttributeError"):
        Careless.load(saved)
    assert Careless("orders").load(saved).model_id == "orders"


def test_a_failing_hook_takes_the_status_back() -> None:
    class Refusing(ProductionReadyAlgorithm):
        def after_train(self, context: LifecycleContext) -> None:
            assert self.metadata.is_trained
            raise RuntimeError("not good enough")

    model = Refusing("orders")
    with pytest.raises(HookError, match="not good enough"):
        model.train(EVENTS)
    assert model.metadata.status == "failed"
    assert not model.is_trained
    assert model.metadata.artifacts == ()


def test_artifacts_are_those_of_the_manifest(model: ProductionReadyAlgorithm, saved: Path) -> None:
    manifest = ArtifactStore().load(saved).manifest
    assert model.metadata.artifacts == manifest.artifacts
    assert {record.filename for record in manifest.artifacts} == {
        path.name for path in (saved / "artifacts").iterdir()
    }


def test_every_time_of_a_manifest_is_one(saved: Path, tmp_path: Path) -> None:
    store = ArtifactStore()
    stored = store.load(saved)
    model = Model.load(saved)
    for key in ("created_at", "trained_at"):
        fields = model.manifest_fields | {key: "2024-19-39T29:59:69Z"}
        store.save(tmp_path / key, fields, stored.files)
        with pytest.raises(PersistenceError, match="created_at or trained_at"):
            Model.load(tmp_path / key)


# --- results

CELLS: dict[str, list[Any]] = {
    "number": [1.5, float("nan")],
    "whole": [1, 2],
    "text": ["a", None],
    "time": [pd.Timestamp("2024-01-01", tz="UTC"), pd.NaT],
    "flag": [True, False],
}


@pytest.mark.parametrize("column", CELLS)
def test_results_are_equal_when_their_tables_are(column: str) -> None:
    def result(cells: list[Any], **metadata: Any) -> PredictionResult:
        return PredictionResult(pd.DataFrame({"case_id": ["1", "2"], column: cells}), metadata)

    cells = CELLS[column]
    assert result(cells) == result(list(cells), rows=2)
    assert result(cells) != result([cells[0], cells[0]])
    assert result(cells) != result(cells[::-1])
    assert result(cells).__eq__(result(cells).predictions) is NotImplemented
    assert result(cells) != PredictionResult(result(cells).predictions.rename(columns={column: "other"}))
    assert result(cells) != PredictionResult(result(cells).predictions.iloc[:1])
    with pytest.raises(TypeError, match="unhashable"):
        hash(result(cells))


def test_a_context_needs_no_data() -> None:
    context = LifecycleContext("orders", "anomaly/isolation-forest", "train", datetime.now(UTC))
    assert dict(context.data) == {}
    with pytest.raises(TypeError):
        context.data["log"] = None  # type: ignore[index]


# --- what a log may be


def test_features_are_made_of_whatever_is_a_log(tmp_path: Path) -> None:
    frame = pd.DataFrame(EVENTS)
    frame.to_csv(tmp_path / "log.csv", index=False)
    config = FeatureConfig(numerical_features=["amount"], use_normalization=True)
    expected = FeatureExtractor(config).fit(read_log(EVENTS)).transform(read_log(EVENTS)).matrix
    for log in (EVENTS, tuple(EVENTS), frame, tmp_path / "log.csv", str(tmp_path / "log.csv")):
        feature_extractor = FeatureExtractor(config).fit(log)
        assert np.array_equal(feature_extractor.transform(log).matrix, expected)


@pytest.mark.parametrize("use", ["train", "predict", "fit", "transform"])
def test_an_array_is_no_log(use: str, model: ProductionReadyAlgorithm) -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    calls: dict[str, Callable[[Any], Any]] = {
        "train": ProductionReadyAlgorithm("orders").train,
        "predict": model.predict,
        "fit": FeatureExtractor().fit,
        "transform": FeatureExtractor().fit(EVENTS).transform,
    }
    with pytest.raises(ValidationError, match="not ndarray") as caught:
        calls[use](x)
    assert "case" in (caught.value.hint or "")


@pytest.mark.parametrize("task", registry.tasks())
def test_the_base_of_every_task_is_public(task: str) -> None:
    public = [getattr(pmlcli, name) for name in pmlcli.__all__]
    bases = [base for base in public if isinstance(base, type) and issubclass(base, pmlcli.Algorithm)]
    cheap = registry.find(registry.card(registry.names(task)[0]).baseline)
    assert [base for base in bases if base is not pmlcli.Algorithm and issubclass(cheap, base)]


@pytest.mark.parametrize("name", ["ArtifactStore", "Encoding", "ModelMetadata", "Param"])
def test_what_a_model_is_made_of_is_public(name: str) -> None:
    assert name in pmlcli.__all__

"""How a trained model is kept: written as a directory, and made again of the bytes of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pmlcli import registry
from pmlcli.errors import PersistenceError
from pmlcli.eventlog import ReadOptions
from pmlcli.lifecycle import artifacts, contract, opening
from pmlcli.lifecycle.blame import in_place
from pmlcli.lifecycle.result import SavedModel
from pmlcli.lifecycle.state import Origin, TrainedState
from pmlcli.lifecycle.training_log import REPLACED, WENT_WITHOUT
from pmlcli.store.artifacts import ArtifactStore, Sign
from pmlcli.store.directory import ModelFiles, SealCheck
from pmlcli.store.manifest import Manifest
from pmlcli.store.publish import Publication
from pmlcli.store.schema import SCHEMA_VERSION


def save(
    state: TrainedState,
    path: str | Path,
    *,
    force: bool = False,
    sign: Sign | None = None,
    publication: Publication | None = None,
    check: bool | None = None,
) -> SavedModel:
    """Writes the model directory, whole or not at all; arguments and errors as those of `Model.save`."""
    held = Publication(path) if publication is None else nullcontext(publication)
    with held as publication:
        publication.refuse_existing(force=force)
        if opening.is_wanted(check):
            opening.require_answers(state.sealed(), state.files)
        digest = ArtifactStore().save_in(publication, state.manifest, state.files, force=force, sign=sign)
    return SavedModel(Path(path), digest)


def read(path: Path, *, check_seal: SealCheck | None = None, model_type: str | None = None) -> ModelFiles:
    """The verified bytes of the model at `path`; PersistenceError for one of another type than asked for."""
    with in_place(path):
        stored = ArtifactStore().load(path, check_seal=check_seal, check_manifest=_check_files)
    found = stored.manifest.model_type
    if model_type is not None and found != model_type:
        raise PersistenceError(
            f"{path}: holds a model of {found}, not of {model_type}",
            hint=f"load it as Model('{found}'), or by Model.load(path), which takes any type",
            code="model.type",
            context={"path": str(path), "found": found, "expected": model_type},
        )
    return stored


def state_of(stored: ModelFiles, *, trusted: bool = False, place: Path | None = None) -> TrainedState:
    """The model in verified bytes; arguments and errors as those of `Model.from_stored`."""
    with in_place(place):
        manifest = stored.manifest
        with contract.written_by_pmlcli(contract.MODEL_TYPE):
            registry.find(manifest.model_type)
        with contract.written_by_pmlcli("hyperparameters"):
            parameters = contract.checked_hyperparameters(manifest.hyperparameters)
            algorithm = registry.build_to_load(manifest.model_type, parameters, stored.current_files)
        origin = Origin(place, trusted, stored.seal.root_digest)
        files, records = dict(stored.current_files), manifest.artifacts
        state = TrainedState(algorithm, _fields_of(manifest), files, records, origin=origin)
        with contract.written_by_pmlcli("input_schema"):
            contract.check_schema(manifest.input_schema)
            contract.read_options(manifest.input_schema, ReadOptions())
        with contract.written_by_pmlcli("created_at or trained_at"):
            state.metadata()
        if trusted:
            _ = state.fitted  # what cannot be restored is refused here, not at the first prediction
        return state


def with_decision(state: TrainedState, decision: Mapping[str, Any]) -> TrainedState:
    """The same, whose manifest says how it took another model's place."""
    return _with_training_log(state, REPLACED, dict(decision))


def with_left_out(state: TrainedState, algorithms: Sequence[str], extras: Sequence[str]) -> TrainedState:
    """The same, whose manifest says what the default of the task had to leave out, and the extras needed."""
    told = {"algorithms": list(algorithms), "extras": list(extras)}
    return _with_training_log(state, WENT_WITHOUT, told)


def _with_training_log(state: TrainedState, name: str, told: Mapping[str, Any]) -> TrainedState:
    training_log = {**state.training_log, name: told}
    origin = None if state.origin is None else replace(state.origin, root_digest=None)
    return replace(state, manifest={**state.manifest, "training_log": training_log}, origin=origin)


def _check_files(manifest: Manifest) -> None:
    """Refuses, before one is read, files that the algorithm does not write; `restore` asks again of all."""
    with contract.written_by_pmlcli(contract.MODEL_TYPE):
        container = registry.card(manifest.model_type).container
    if manifest.schema_version == SCHEMA_VERSION:
        artifacts.require_known_files(container, (record.filename for record in manifest.artifacts))


def _fields_of(manifest: Manifest) -> dict[str, Any]:
    """The manifest's fields as `save` takes them: all but the artifacts, which are computed anew."""
    kept = {f.name: getattr(manifest, f.name) for f in fields(manifest) if f.name != "artifacts"}
    return kept | {"schema_version": SCHEMA_VERSION}

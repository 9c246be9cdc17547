"""A model as MLflow takes it: a directory with an `MLmodel` file, whose `python_function` loader stands here.

MLflow itself is not needed to write one, and nothing of it is imported to load one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import pmlcli
from pmlcli import registry
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import PersistenceError, ValidationError
from pmlcli.lifecycle.model import Model
from pmlcli.store.artifacts import ArtifactStore
from pmlcli.store.directory import ModelFiles, SealCheck
from pmlcli.store.publish import Publication, write_file

DESCRIPTION, DATA = "MLmodel", "model"
_DIGEST = re.compile(r"^  root_digest: ([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Served:
    """What MLflow calls: `predict` takes a frame of events and returns the table of predictions."""

    model: Model

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The predictions for a log; `params` are the fields of a `PredictRequest`, such as `sla_seconds`."""
        request = PredictRequest(**params) if params else None
        return self.model.predict(model_input, request=request).predictions


def export(model: Path, target: Path, *, check_seal: SealCheck | None = None) -> str:
    """Writes the model at `model`, verified, as an MLflow model at `target`; returns its root digest.

    `MLmodel` is written last: without it the directory is no model to MLflow. Raises ValidationError for a
    target that is there already, and a PersistenceError for a model that is damaged.
    """
    stored = ArtifactStore().load(model, check_seal=check_seal)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValidationError(
            f"{target}: there already",
            hint="choose another name, or remove it",
            context={"path": str(target)},
        )
    seal = stored.seal
    with Publication(target / DATA) as publication:
        publication.publish(stored.files, seal.manifest_bytes, signature=seal.signature)
    write_file(target / "requirements.txt", _requirements(stored).encode())
    write_file(target / DESCRIPTION, _description(stored).encode())
    return seal.root_digest


def _load_pyfunc(path: str) -> Served:
    """Called by MLflow with the path of the model's data. PersistenceError for a model whose bytes are not
    those that were exported.
    """
    model = Model.load(path)
    described = Path(path).parent / DESCRIPTION
    found = _DIGEST.search(described.read_text(encoding="utf-8")) if described.is_file() else None
    if found is not None and found[1] != model.root_digest:
        raise PersistenceError(
            f"{path}: root digest {model.root_digest}, and not {found[1]}, which {DESCRIPTION} names",
            hint="this is another model than the one that was exported; export it again",
        )
    return Served(model)


def _requirements(stored: ModelFiles) -> str:
    extras = registry.card(stored.manifest.model_type).extra
    pmlcli_itself = f"pmlcli[{extras}]" if extras else "pmlcli"
    pinned = [f"{name}=={one}" for name, one in stored.manifest.dependencies.items() if name != "pmlcli"]
    return "\n".join([f"{pmlcli_itself}=={pmlcli.__version__}", *pinned, ""])


def _description(stored: ModelFiles) -> str:
    manifest = stored.manifest
    return "\n".join(
        [
            "flavors:",
            "  python_function:",
            f"    data: {DATA}",
            f"    loader_module: {__name__}",
            f"    python_version: {manifest.platform['python']}",
            "metadata:",
            f"  model_type: {manifest.model_type}",
            f"  root_digest: {stored.seal.root_digest}",
            f"model_uuid: {stored.seal.root_digest[:32]}",
            f"utc_time_created: '{manifest.trained_at[:19].replace('T', ' ')}'",
            "",
        ]
    )

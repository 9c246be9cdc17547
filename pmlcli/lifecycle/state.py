"""A trained model as one value: what training leaves, and what a directory holds of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.task import Fitted, Task
from pmlcli.errors import PmlError
from pmlcli.lifecycle import artifacts
from pmlcli.lifecycle.foreign import activities_in
from pmlcli.lifecycle.provenance import now, stamp_of
from pmlcli.lifecycle.reference import Reference, reference_in
from pmlcli.lifecycle.result import ModelMetadata
from pmlcli.store.artifacts import seal
from pmlcli.store.manifest import ArtifactRecord, root_digest
from pmlcli.store.verification import other_versions


class Name(NamedTuple):
    """What a model is called in its manifest; `model_type` is `task/name` of its algorithm."""

    model_id: str
    model_type: str
    version: str


@dataclass(frozen=True)
class Origin:
    """Where a loaded model comes from.

    - `place`: the directory that errors name; None where there is none
    - `is_trusted`: it may be asked in this process, any other in a confined child only
    - `root_digest`: of the directory; None where the model is no longer what was read from it
    """

    place: Path | None
    is_trusted: bool
    root_digest: str | None


@dataclass(frozen=True, eq=False)
class TrainedState:
    """All that a trained model is asked, measured and saved by. It never changes: a step makes a new one.

    - `manifest`: the manifest's fields but `artifacts`, which `files` give
    - `files`: the artifacts' bytes by file name
    - `records`: of these files, as the manifest lists them
    - `learned`: what training fitted; None where it is still to be restored from `files`
    - `origin`: None for what was trained in this process
    """

    algorithm: Algorithm[Any]
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    records: tuple[ArtifactRecord, ...] = ()
    learned: Fitted[Algorithm[Any], Any] | None = None
    origin: Origin | None = None

    @cached_property
    def fitted(self) -> Fitted[Algorithm[Any], Any]:
        """The algorithm with its state restored; of an isolated model only in its child."""
        if self.learned is not None:
            return self.learned
        return artifacts.restore(self.algorithm, self.files)

    @cached_property
    def known_activities(self) -> frozenset[str]:
        """The activities of the training log; UntrustedArtifactError for what no training writes."""
        return activities_in(self._reference_json)

    @cached_property
    def reference(self) -> Reference:
        """What the training log was like; UntrustedArtifactError for what no training writes."""
        return reference_in(self._reference_json)

    @cached_property
    def _reference_json(self) -> Mapping[str, Any]:
        return artifacts.reference_json(self.files)

    @property
    def name(self) -> Name:
        """What it is called."""
        return Name(*(str(self.manifest[field]) for field in Name._fields))

    @property
    def task(self) -> Task[Any, Any, Any, Any]:
        """What it predicts."""
        return self.algorithm.task

    @property
    def input_schema(self) -> Mapping[str, Any]:
        """What it asks of a log."""
        schema: Mapping[str, Any] = self.manifest["input_schema"]
        return schema

    @property
    def training_log(self) -> Mapping[str, Any]:
        """What is known of the log that it was trained on."""
        known: Mapping[str, Any] = self.manifest["training_log"]
        return known

    @property
    def is_loaded(self) -> bool:
        """Whether it comes from a directory, so that what it does is never taken on trust."""
        return self.origin is not None

    @property
    def is_isolated(self) -> bool:
        """Whether it may be asked in a confined child only."""
        return self.origin is not None and not self.origin.is_trusted

    @property
    def place(self) -> Path | None:
        """The directory that it was read from."""
        return None if self.origin is None else self.origin.place

    @property
    def root_digest(self) -> str:
        """The one hash over all of it: of its directory, or of what `save` would write."""
        known = None if self.origin is None else self.origin.root_digest
        return known or root_digest(self.sealed())

    def sealed(self) -> bytes:
        """The bytes of its manifest, with the artifacts that it vouches for."""
        return seal(self.manifest, self.files)

    def metadata(self) -> ModelMetadata:
        """What the manifest says of it; ValueError where a time is none."""
        return ModelMetadata.of(self.manifest, self.records)

    def used(self, tellable: tuple[type[PmlError], ...] = ()) -> AbstractContextManager[None]:
        """Where its learned state is used: what goes wrong in there is a loaded model's fault."""
        return artifacts.used(foreign=self.is_loaded, tellable=tellable)

    def measured(self) -> dict[str, Any]:
        """Which model was measured, and when: the same form from every measuring command."""
        return {
            "model": {"name": self.name.model_id, "type": self.name.model_type},
            "root_digest": self.root_digest,
            "measured_at": stamp_of(now()),
        }

    def unverified(self) -> list[str]:
        """What to warn of where a loaded model meets other versions of its libraries."""
        others = other_versions(self.manifest["dependencies"]) if self.is_loaded else []
        return [f"made with {', '.join(others)}, and not verified here: run pmlcli verify"] if others else []

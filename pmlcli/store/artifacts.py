"""The store's front door: bytes in, a model directory out; a model directory in, verified bytes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pmlcli.errors import PersistenceError
from pmlcli.store.directory import ManifestCheck, ModelFiles, SealCheck, read_model
from pmlcli.store.findings import Finding, refusal, shown
from pmlcli.store.manifest import Manifest, is_artifact_filename, largest_artifact, records_of, root_digest
from pmlcli.store.publish import Publication

Sign = Callable[[bytes], bytes]


class ArtifactStore:
    """Saves and loads model directories. It knows bytes and checksums; codecs know what the bytes mean."""

    def save(
        self,
        path: Path | str,
        manifest_fields: Mapping[str, Any],
        files: Mapping[str, bytes],
        *,
        force: bool = False,
        wait_seconds: float = 0.0,
        sign: Sign | None = None,
    ) -> str:
        """Save a model completely or not at all; returns its root digest.

        `manifest_fields` are the manifest's fields without `artifacts`; `files` maps a plain file name
        (`model.json`) to its bytes; `sign` turns the manifest's bytes into the signature file's. Raises
        `ValidationError` when the target is taken, `OutputError` when the disk fails, `BusyError` when
        another writer has it.
        """
        with Publication(path, wait_seconds=wait_seconds) as publication:
            return self.save_in(publication, manifest_fields, files, force=force, sign=sign)

    def save_in(
        self,
        publication: Publication,
        manifest_fields: Mapping[str, Any],
        files: Mapping[str, bytes],
        *,
        force: bool = False,
        sign: Sign | None = None,
    ) -> str:
        """`save` for a caller that already has the publication (so that a second training finds the name
        busy).
        """
        manifest = seal(manifest_fields, files)
        signature = sign(manifest) if sign is not None else None
        publication.publish(files, manifest, signature=signature, force=force)
        return root_digest(manifest)

    def load(
        self,
        path: Path | str,
        *,
        check_seal: SealCheck | None = None,
        check_manifest: ManifestCheck | None = None,
    ) -> ModelFiles:
        """The model at `path` with every byte checked; see `directory.read_model`."""
        return read_model(path, check_seal=check_seal, check_manifest=check_manifest)

    def sign(self, path: Path | str, sign: Sign, *, wait_seconds: float = 0.0) -> str:
        """Verify the model at `path` and put it back with a signature; returns its root digest.

        The whole directory is written again, so a reader sees it unsigned or signed, never in between.
        """
        with Publication(path, wait_seconds=wait_seconds) as publication:
            model = read_model(path)
            manifest = model.seal.manifest_bytes
            publication.publish(model.files, manifest, signature=sign(manifest), force=True)
            return model.seal.root_digest


def seal(manifest_fields: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The bytes of the manifest that vouches for `files`."""
    findings = [
        Finding(
            shown(name), f"a plain file name and at most {largest_artifact(name)} bytes", f"{len(data)} bytes"
        )
        for name, data in files.items()
        if not is_artifact_filename(name) or len(data) > largest_artifact(name)
    ]
    if findings:
        raise refusal("cannot save", findings, error=PersistenceError)
    try:
        manifest = Manifest(**manifest_fields, artifacts=records_of(files))
    except TypeError as error:
        raise PersistenceError(f"cannot save: {error}", hint="give every field of the manifest") from error
    return manifest.to_bytes()

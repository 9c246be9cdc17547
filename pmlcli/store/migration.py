"""`upgrade`: a model of an older schema, verified and written anew in the present one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from pmlcli.store import schema
from pmlcli.store.artifacts import ArtifactStore, Sign
from pmlcli.store.directory import SealCheck
from pmlcli.store.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What was done: `is_changed` is False when the model had the present schema already."""

    from_schema: int
    schema: int
    root_digest: str
    is_changed: bool
    lost_signature: bool


def upgraded(
    source: Path | str,
    target: Path | str,
    *,
    force: bool = False,
    sign: Sign | None = None,
    check_seal: SealCheck | None = None,
) -> Upgrade:
    """Write the model at `source` in the present schema to `target`; `source` stays as it is.

    Every byte is verified first, and nothing is built from it. A model of the present schema is not
    written again.
    """
    store = ArtifactStore()
    model = store.load(source, check_seal=check_seal)
    written = model.manifest.schema_version
    if written == schema.SCHEMA_VERSION:
        return Upgrade(written, written, model.seal.root_digest, is_changed=False, lost_signature=False)
    kept = {f.name: getattr(model.manifest, f.name) for f in fields(Manifest) if f.name != "artifacts"}
    kept["schema_version"] = schema.SCHEMA_VERSION
    digest = store.save(target, kept, model.current_files, force=force, sign=sign)
    lost = model.seal.signature is not None and sign is None
    return Upgrade(written, schema.SCHEMA_VERSION, digest, is_changed=True, lost_signature=lost)

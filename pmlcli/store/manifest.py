"""The manifest: what a model is, what made it, and the checksum and size of every artifact.

A manifest never names a module, a class or a path: `model_type` is looked up in pmlcli's own registry,
and a file name is a plain name inside `artifacts/`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pmlcli.errors import IncompatibleVersionError, PersistenceError
from pmlcli.store import schema, strictjson
from pmlcli.store.findings import Finding, refusal, shown

MANIFEST_NAME = "manifest.json"
SIGNATURE_NAME = "manifest.json.sig"
ARTIFACTS_NAME = "artifacts"
MAX_MANIFEST_BYTES = 1_000_000
MAX_MODEL_BYTES = 2**30
"""Of all artifacts together: they are read into memory before anything can be said about them."""
MAX_JSON_ARTIFACT_BYTES = 256_000_000
MAX_ARTIFACTS = 1000
MAX_DEPENDENCIES = 200

STATUSES = ("initialized", "training", "trained", "failed")
ARTIFACT_TYPES = ("joblib", "json", "npy", "safetensors")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)
_MODEL_TYPE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_CHECKSUM = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TIME = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d(?:\.\d{1,6})?(?:Z|\+00:00)", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True, order=True)
class ArtifactRecord:
    """One saved file: `filename` is `name.artifact_type` in `artifacts/`, `checksum` its SHA-256 in hex."""

    name: str
    filename: str
    artifact_type: str
    checksum: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that a model directory says about itself; the field names are the keys of manifest.json.

    `schema_version` is the one that the directory was written in; the other fields are of the present one.
    Times are ISO 8601 in UTC. The mappings hold JSON-plain values only. `artifacts` is sorted by name.
    """

    schema_version: int
    model_id: str
    model_type: str
    version: str
    status: str
    created_at: str
    trained_at: str
    hyperparameters: Mapping[str, Any]
    performance_metrics: Mapping[str, Any]
    training_samples: int
    input_schema: Mapping[str, Any]
    training_log: Mapping[str, Any]
    seed: int | None
    dependencies: Mapping[str, str]
    platform: Mapping[str, Any]
    determinism: Mapping[str, Any]
    artifacts: tuple[ArtifactRecord, ...]

    def to_bytes(self) -> bytes:
        """The canonical bytes of manifest.json: sorted keys, indent 2, a newline at the end.

        What is written is parsed again first: a manifest that could not be read back is never written.
        """
        data = strictjson.dump(asdict(self))
        if parse(data) != self:
            raise PersistenceError(
                "the manifest would not read back as it was written",
                hint="its mappings must hold text keys and JSON-plain values (lists, not tuples) only",
            )
        return data

    def record(self, filename: str) -> ArtifactRecord | None:
        """The record of the artifact with this file name, or None."""
        return next((record for record in self.artifacts if record.filename == filename), None)


def root_digest(manifest_bytes: bytes) -> str:
    """SHA-256 over the manifest's bytes, in hex: one hash for all, as the manifest vouches for every file."""
    return hashlib.sha256(manifest_bytes).hexdigest()


def record_of(filename: str, data: bytes) -> ArtifactRecord:
    """The record that vouches for `data` under `filename`."""
    name, _, artifact_type = filename.rpartition(".")
    return ArtifactRecord(name, filename, artifact_type, hashlib.sha256(data).hexdigest(), len(data))


def records_of(files: Mapping[str, bytes]) -> tuple[ArtifactRecord, ...]:
    """The records of all files, by name, in the manifest's order."""
    return tuple(sorted(record_of(filename, data) for filename, data in files.items()))


def parse(data: bytes, *, source: str = MANIFEST_NAME) -> Manifest:
    """The manifest in `data`.

    Raises `DamagedModelError` with every finding in `context["findings"]`, and `IncompatibleVersionError`
    for a schema newer than this pmlcli knows.
    """
    value = strictjson.parse(data, source=source, max_bytes=MAX_MANIFEST_BYTES)
    if not isinstance(value, dict):
        raise refusal(source, [Finding("manifest", "an object", shown(value))])
    _refuse_newer_schema(value.get("schema_version"), source)
    value = _with_current_fields(value)
    findings = _check_fields(value)
    records = value.get("artifacts")
    if isinstance(records, list):
        findings += _check_artifacts(records)
    if findings:
        raise refusal(source, findings)
    artifacts = tuple(sorted(ArtifactRecord(**record) for record in value.pop("artifacts")))
    return Manifest(**value, artifacts=artifacts)


def _refuse_newer_schema(version: object, source: str) -> None:
    present = schema.SCHEMA_VERSION
    if isinstance(version, int) and not isinstance(version, bool) and version > present:
        raise IncompatibleVersionError(
            f"{source}: written by a newer pmlcli (schema {shown(version)}, this one reads {present})",
            hint="upgrade pmlcli, or train the model again with this one",
            context={"expected": present, "found": shown(version)},
        )


def _with_current_fields(value: dict[str, Any]) -> dict[str, Any]:
    """An older manifest with the fields of the present schema; one of no known schema as it is."""
    version = value.get("schema_version")
    if not _is_whole(version, schema.OLDEST_SCHEMA, schema.SCHEMA_VERSION - 1):
        return value
    kept = {key: value[key] for key in ("schema_version", "artifacts") if key in value}
    inner = {key: item for key, item in value.items() if key not in kept}
    try:
        return schema.current_fields(int(value["schema_version"]), inner) | kept
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise refusal(
            MANIFEST_NAME, [Finding("manifest", "the fields of its schema", type(error).__name__)]
        ) from error


def _check_fields(value: dict[str, Any]) -> list[Finding]:
    known = [field.name for field in fields(Manifest)]
    findings = [
        Finding(shown(key), "no such key", "an unknown key") for key in sorted(value.keys() - set(known))
    ]
    for key in known:
        if key not in value:
            findings.append(Finding(key, _FIELDS[key][0], "nothing"))
        elif not _FIELDS[key][1](value[key]):
            findings.append(Finding(key, _FIELDS[key][0], shown(value[key])))
    return findings


def _check_artifacts(records: list[Any]) -> list[Finding]:
    if len(records) > MAX_ARTIFACTS:
        return [Finding("artifacts", f"at most {MAX_ARTIFACTS} records", str(len(records)))]
    findings: list[Finding] = []
    seen: set[str] = set()
    for index, record in enumerate(records):
        where = f"artifacts[{index}]"
        found = _check_record(where, record)
        findings += found
        if found:
            continue
        # Compared without case: on a file system that folds case two such names are one file.
        # A file's name is its record's name and type, so no two files are one either.
        folded = record["name"].casefold()
        if folded in seen:
            findings.append(Finding(f"{where}.name", "each name listed once", shown(record["name"])))
        seen.add(folded)
    return findings or _check_total(sum(record["size_bytes"] for record in records))


def _check_total(size_bytes: int) -> list[Finding]:
    if size_bytes <= MAX_MODEL_BYTES:
        return []
    return [Finding("artifacts", f"at most {MAX_MODEL_BYTES} bytes together", f"{size_bytes} bytes")]


def _check_record(where: str, record: object) -> list[Finding]:
    if not isinstance(record, dict):
        return [Finding(where, "an object", shown(record))]
    known = [field.name for field in fields(ArtifactRecord)]
    findings = [
        Finding(f"{where}.{shown(key)}", "no such key", "an unknown key")
        for key in record
        if key not in known
    ]
    for key in known:
        expected, accepts = _RECORD_FIELDS[key]
        if key not in record:
            findings.append(Finding(f"{where}.{key}", expected, "nothing"))
        elif not accepts(record[key]):
            findings.append(Finding(f"{where}.{key}", expected, shown(record[key])))
    if not findings and record["filename"] != f"{record['name']}.{record['artifact_type']}":
        findings.append(Finding(f"{where}.filename", "name.artifact_type", shown(record["filename"])))
    if not findings and record["size_bytes"] > largest_artifact(record["filename"]):
        most = f"0 to {largest_artifact(record['filename'])}"
        findings.append(Finding(f"{where}.size_bytes", most, shown(record["size_bytes"])))
    return findings


def largest_artifact(filename: str) -> int:
    """Bytes that the artifact of this name may have."""
    return MAX_JSON_ARTIFACT_BYTES if filename.endswith(".json") else MAX_MODEL_BYTES


def _is_label(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200 and not _CONTROL.search(value)


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def is_artifact_filename(value: object) -> bool:
    """Whether `value` is a plain file name that an artifact may have."""
    if not isinstance(value, str):
        return False
    name, _, artifact_type = value.rpartition(".")
    return _matches(_NAME, name) and artifact_type in ARTIFACT_TYPES


_LABEL = ("text of 1 to 200 printable characters", _is_label)
_OBJECT = ("an object", lambda value: isinstance(value, dict))
_UTC_TIME = ("an ISO 8601 time in UTC", lambda value: _matches(_TIME, value))

_FIELDS: Mapping[str, tuple[str, Any]] = {
    "schema_version": (
        f"{schema.OLDEST_SCHEMA} to {schema.SCHEMA_VERSION}",
        lambda value: _is_whole(value, schema.OLDEST_SCHEMA, schema.SCHEMA_VERSION),
    ),
    "model_id": _LABEL,
    "model_type": ("task/name", lambda value: _matches(_MODEL_TYPE, value) and len(value) <= 100),
    "version": _LABEL,
    "status": ("one of " + ", ".join(STATUSES), lambda value: isinstance(value, str) and value in STATUSES),
    "created_at": _UTC_TIME,
    "trained_at": _UTC_TIME,
    "hyperparameters": _OBJECT,
    "performance_metrics": _OBJECT,
    "training_samples": ("a whole number from 0", lambda value: _is_whole(value, 0, 2**63 - 1)),
    "input_schema": _OBJECT,
    "training_log": _OBJECT,
    "seed": ("a whole number or null", lambda value: value is None or _is_whole(value, 0, 2**64 - 1)),
    "dependencies": (
        f"an object of at most {MAX_DEPENDENCIES} names and versions",
        lambda value: (
            isinstance(value, dict)
            and len(value) <= MAX_DEPENDENCIES
            and all(map(_is_label, value))
            and all(map(_is_label, value.values()))
        ),
    ),
    "platform": _OBJECT,
    "determinism": _OBJECT,
    "artifacts": ("a list", lambda value: isinstance(value, list)),
}

_RECORD_FIELDS: Mapping[str, tuple[str, Any]] = {
    "name": ("letters, digits, _ and -", lambda value: _matches(_NAME, value)),
    "filename": ("a plain file name", is_artifact_filename),
    "artifact_type": (
        "one of " + ", ".join(ARTIFACT_TYPES),
        lambda value: isinstance(value, str) and value in ARTIFACT_TYPES,
    ),
    "checksum": ("64 hexadecimal digits", lambda value: _matches(_CHECKSUM, value)),
    "size_bytes": (f"0 to {MAX_MODEL_BYTES}", lambda value: _is_whole(value, 0, MAX_MODEL_BYTES)),
}

"""Reading a model directory: every file once, through one descriptor, checked before anything is built.

The directory is opened once and every name in it one level at a time without following links, so all
bytes come from one generation of the model. What is hashed is what is returned. When the directory was
exchanged meanwhile by a writer, reading starts again with the new one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pmlcli.errors import (
    ChecksumMismatchError,
    MissingArtifactError,
    OutputError,
    PersistenceError,
    PmlWarning,
    SignatureError,
    UntrustedArtifactError,
)
from pmlcli.store import fsio, schema
from pmlcli.store.findings import Finding, refusal, shown
from pmlcli.store.manifest import (
    ARTIFACTS_NAME,
    MANIFEST_NAME,
    MAX_ARTIFACTS,
    MAX_MANIFEST_BYTES,
    SIGNATURE_NAME,
    ArtifactRecord,
    Manifest,
    parse,
    root_digest,
)
from pmlcli.store.publish import old_name

T = TypeVar("T")

# The envelope holds the manifest in base64, and some keys.
MAX_SIGNATURE_BYTES = 2 * MAX_MANIFEST_BYTES
_ATTEMPTS = 20
_PAUSE_SECONDS = 0.01
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Seal:
    """The bytes that stand beside the artifacts: the manifest, parsed, and the signature, if any."""

    manifest: Manifest
    manifest_bytes: bytes
    signature: bytes | None

    @property
    def root_digest(self) -> str:
        """SHA-256 over the manifest's bytes, in hex."""
        return root_digest(self.manifest_bytes)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A verified model: its seal, and every artifact's bytes by file name."""

    seal: Seal
    files: Mapping[str, bytes]

    @property
    def manifest(self) -> Manifest:
        """What the model says about itself."""
        return self.seal.manifest

    @property
    def current_files(self) -> Mapping[str, bytes]:
        """The artifacts as the present schema has them; `files` are the bytes that were verified."""
        return schema.current_files(self.manifest.schema_version, self.files)


@dataclass(frozen=True, slots=True)
class Difference:
    """How a directory differs from its manifest: files missing, changed, unexpected (or no plain files)."""

    missing: tuple[Finding, ...] = ()
    changed: tuple[Finding, ...] = ()
    unexpected: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them."""
        return self.unexpected + self.changed + self.missing

    def with_changed(self, changed: Iterable[Finding]) -> Difference:
        """This difference with more changed files."""
        return Difference(self.missing, self.changed + tuple(changed), self.unexpected)

    def error(self, path: Path) -> PersistenceError:
        """The error of the gravest kind, which lists all findings."""
        error: type[PersistenceError] = MissingArtifactError
        if self.unexpected:
            error = UntrustedArtifactError
        elif self.changed:
            error = ChecksumMismatchError
        hint = "copy the model again from where it came, or train it again"
        return refusal(str(path), self.findings, error=error, hint=hint)


class _GoneError(Exception):
    """The directory lost its manifest, or was replaced, while it was read; never seen outside."""


SealCheck = Callable[[bytes, bytes | None], object]
ManifestCheck = Callable[[Manifest], None]


def read_model(
    path: Path | str, *, check_seal: SealCheck | None = None, check_manifest: ManifestCheck | None = None
) -> ModelFiles:
    """The model at `path`, every byte of it checked against its manifest.

    `check_seal(manifest_bytes, signature)` may refuse before the manifest is parsed, `check_manifest` before
    an artifact is read. Raises the errors of `Difference.error`, with all findings in
    `context["findings"]`.
    """

    def read(directory: int) -> ModelFiles:
        seal = _read_seal(directory, Path(path), check_seal)
        if check_manifest is not None:
            check_manifest(seal.manifest)
        difference, sound = _survey(directory, seal.manifest)
        changed, files = _read_contents(directory, sound)
        difference = difference.with_changed(changed)
        if difference.findings:
            raise difference.error(Path(path))
        return ModelFiles(seal, files)

    return _with_retry(Path(path), read)


def read_seal(path: Path | str, *, check_seal: SealCheck | None = None) -> Seal:
    """The manifest and signature of the model at `path`, no artifact read."""
    return _with_retry(Path(path), lambda directory: _read_seal(directory, Path(path), check_seal))


def read_artifact(path: Path | str, filename: str, *, most_bytes: int) -> bytes | None:
    """The bytes of one artifact of the model at `path`, checked against its manifest.

    None where it is not listed, larger than that, or not what the manifest says.
    """

    def read(directory: int) -> bytes | None:
        seal = _read_seal(directory, Path(path), None)
        _difference, sound = _survey(directory, seal.manifest)
        wanted = [one for one in sound if one.filename == filename and one.size_bytes <= most_bytes]
        _changed, files = _read_contents(directory, wanted)
        return files.get(filename)

    return _with_retry(Path(path), read)


def compare(
    path: Path | str, *, contents: bool, check_seal: SealCheck | None = None
) -> tuple[Seal, Difference]:
    """How the directory differs from its manifest: by names, kinds and sizes, and by `contents` if asked.

    `check_seal` as in `read_model`.
    """

    def read(directory: int) -> tuple[Seal, Difference]:
        seal = _read_seal(directory, Path(path), check_seal)
        difference, sound = _survey(directory, seal.manifest)
        if contents:
            difference = difference.with_changed(_check_contents(directory, sound))
        if difference.findings and _was_replaced(Path(path), directory):
            raise _GoneError
        return seal, difference

    return _with_retry(Path(path), read)


def _with_retry(path: Path, read: Callable[[int], T]) -> T:
    """What `read` makes of the directory; again when a writer exchanged the directory meanwhile."""
    owners = {os.geteuid()}
    for attempt in range(_ATTEMPTS):
        last = attempt == _ATTEMPTS - 1
        place, descriptor = _open(path, owners, last=last)
        if descriptor is None:
            time.sleep(_PAUSE_SECONDS)
            continue
        with fsio.opened(descriptor):
            try:
                with fsio.reported(path):
                    owners.add(fsio.status_of(descriptor).st_uid)
                    found = read(descriptor)
            except (
                _GoneError,
                MissingArtifactError,
                ChecksumMismatchError,
                SignatureError,
                UntrustedArtifactError,
                OutputError,
            ) as error:
                if not last and _was_replaced(path, descriptor):
                    # Two writers that never rest may exchange it faster than a busy machine reads it.
                    time.sleep(attempt * _PAUSE_SECONDS / 10)
                    continue
                if isinstance(error, _GoneError):
                    raise _without_manifest(path, descriptor) from error
                raise
            if place != path:
                _warn_of_old(path, place)
            return found
    raise _no_model(path, "nothing", "no model")


def _warn_of_old(path: Path, place: Path) -> None:
    what = f"{path}: nothing is there; read {place.name} beside it, which a writer put aside"
    warnings.warn(what, PmlWarning, stacklevel=2)


def _open(path: Path, owners: set[int], *, last: bool) -> tuple[Path, int | None]:
    """A descriptor of the directory, of its old generation while a writer has it aside, or None.

    The old generation counts only where it is the reader's own, or belongs to whom the model belonged that
    vanished while it was read (`owners`): anybody may put such a name into a directory that all may write to.
    """
    descriptor = _opened_directory(path, path)
    if descriptor is not None:
        return path, descriptor
    aside = path.with_name(old_name(path.name)) if path.name else path
    descriptor = _opened_directory(aside, path)
    if descriptor is not None and fsio.status_of(descriptor).st_uid in owners:
        return aside, descriptor
    if descriptor is not None:
        os.close(descriptor)
    if last or not path.parent.is_dir():
        raise _no_model(path, "nothing", "no model", aside=None if descriptor is None else aside)
    return path, None


def _opened_directory(place: Path, path: Path) -> int | None:
    """A descriptor of the directory at `place`, None when nothing is there; errors are about `path`."""
    try:
        with fsio.reported(path):
            return fsio.open_path(place)
    except OutputError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        if isinstance(error.__cause__, NotADirectoryError):
            raise _no_model(path, "not a directory", "not a pmlcli model") from error
        raise


def _was_replaced(path: Path, descriptor: int) -> bool:
    """Whether the path now leads to another directory than the open one (or, for a moment, to none)."""
    try:
        named = fsio.status_of_path(path)
        return named is None or not os.path.samestat(named, fsio.status_of(descriptor))
    except OSError:
        return False


def _no_model(path: Path, found: str, what: str, *, aside: Path | None = None) -> PersistenceError:
    hint = "give the directory that `pmlcli train -o` wrote"
    if aside is not None:
        hint = f"{aside.name} beside it is another user's; give its name if you trust it"
    return PersistenceError(
        f"{path}: {what} ({found} there)" if found == "nothing" else f"{path}: {what} ({found})",
        hint=hint,
        code="model.absent",
        context={"path": str(path), "findings": [Finding(str(path), "a model directory", found).to_dict()]},
    )


def _without_manifest(path: Path, directory: int) -> PersistenceError:
    """A directory with artifacts is a model that lost its manifest; any other was never one."""
    if _irregular(ARTIFACTS_NAME, directory) != "a directory":
        return _no_model(path, f"no {MANIFEST_NAME}", "not a pmlcli model")
    hint = "copy the model again from where it came, or train it again"
    finding = Finding(MANIFEST_NAME, "a file", "nothing")
    return refusal(str(path), [finding], error=MissingArtifactError, hint=hint)


def _read_seal(directory: int, path: Path, check_seal: SealCheck | None) -> Seal:
    data = _read_bounded(path / MANIFEST_NAME, directory, MAX_MANIFEST_BYTES)
    if data is None:
        raise _GoneError
    signature = _read_bounded(path / SIGNATURE_NAME, directory, MAX_SIGNATURE_BYTES)
    if check_seal is not None:
        # Before anything is parsed: bytes that nobody vouches for reach no parser.
        check_seal(data, signature)
    return Seal(parse(data, source=str(path / MANIFEST_NAME)), data, signature)


def _read_bounded(path: Path, directory: int, limit: int) -> bytes | None:
    """All bytes of a small plain file, or None when absent; `limit` + 1 bytes when it is longer.

    The file is the one of that name in the open directory; errors name `path`.
    """
    name = path.name
    kind = _irregular(name, directory)
    if kind == "nothing":
        return None
    if kind is not None:
        raise refusal(str(path), [Finding(name, "a plain file", kind)], error=UntrustedArtifactError)
    with _opened_file(name, directory) as descriptor:
        return b"".join(_chunks(descriptor, limit + 1, chunk_bytes=_CHUNK_BYTES))


def _irregular(name: str, directory: int) -> str | None:
    """What `name` is instead of a plain file, or None when it is one."""
    found = fsio.status(name, directory)
    if found is None:
        return "nothing"
    kinds = {
        stat.S_IFREG: None,
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFDIR: "a directory",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(found.st_mode), "a device")


@contextmanager
def _opened_file(name: str, directory: int) -> Iterator[int]:
    """A descriptor of what was found to be a plain file; refused when it became something else since."""
    try:
        descriptor = fsio.open_file(name, directory)
    except OSError as error:
        if error.errno == errno.ELOOP:
            finding = Finding(name, "a plain file", "a symbolic link")
            raise refusal(name, [finding], error=UntrustedArtifactError) from error
        if error.errno == errno.ENOENT:
            raise refusal(name, [Finding(name, "a file", "nothing")], error=MissingArtifactError) from error
        raise
    with fsio.opened(descriptor):
        if not stat.S_ISREG(fsio.status_of(descriptor).st_mode):
            finding = Finding(name, "a plain file", "something else")
            raise refusal(name, [finding], error=UntrustedArtifactError)
        yield descriptor


def _survey(directory: int, manifest: Manifest) -> tuple[Difference, list[ArtifactRecord]]:
    """The difference that needs no content (names, kinds, sizes), and the records free of it."""
    known = {MANIFEST_NAME, SIGNATURE_NAME, ARTIFACTS_NAME}
    names = fsio.names(directory, limit=MAX_ARTIFACTS)
    unexpected = tuple(_unlisted(shown(name)) for name in names if name not in known)
    kind = _irregular(ARTIFACTS_NAME, directory)
    if kind == "nothing":
        missing = tuple(_absent(record) for record in manifest.artifacts)
        return Difference(missing=missing, unexpected=unexpected), []
    if kind != "a directory":
        finding = Finding(ARTIFACTS_NAME, "a directory", kind or "a file")
        return Difference(unexpected=(*unexpected, finding)), []
    with fsio.opened(fsio.open_directory(ARTIFACTS_NAME, directory)) as artifacts:
        inner, sound = _survey_artifacts(artifacts, manifest)
    return Difference(inner.missing, inner.changed, unexpected + inner.unexpected), sound


def _survey_artifacts(artifacts: int, manifest: Manifest) -> tuple[Difference, list[ArtifactRecord]]:
    listed = {record.filename for record in manifest.artifacts}
    present = fsio.names(artifacts, limit=2 * MAX_ARTIFACTS)
    unexpected = [_unlisted(_where(shown(name))) for name in present if name not in listed]
    missing: list[Finding] = []
    changed: list[Finding] = []
    sound: list[ArtifactRecord] = []
    for record in manifest.artifacts:
        kind = _irregular(record.filename, artifacts)
        found = fsio.status(record.filename, artifacts)
        if kind == "nothing" or found is None:
            missing.append(_absent(record))
        elif kind is not None:
            unexpected.append(Finding(_where(record.filename), "a plain file", kind))
        elif found.st_size != record.size_bytes:
            changed.append(_other_size(record, found.st_size))
        else:
            sound.append(record)
    return Difference(tuple(missing), tuple(changed), tuple(unexpected)), sound


def _read_contents(
    directory: int, records: Sequence[ArtifactRecord]
) -> tuple[list[Finding], Mapping[str, bytes]]:
    """What is wrong with the artifacts' contents, and their bytes: those that were hashed."""
    files: dict[str, bytes] = {}
    changed: list[Finding] = []
    for record, descriptor in _opened_artifacts(directory, records):
        limit = record.size_bytes + 1
        data = b"".join(_chunks(descriptor, limit, chunk_bytes=limit))
        changed += _judge(record, len(data), hashlib.sha256(data).hexdigest())
        if not changed:
            files[record.filename] = data
    return changed, files


def _check_contents(directory: int, records: Sequence[ArtifactRecord]) -> list[Finding]:
    """What is wrong with the artifacts' contents; reads them in pieces and keeps none."""
    changed: list[Finding] = []
    for record, descriptor in _opened_artifacts(directory, records):
        digest, size = hashlib.sha256(), 0
        for chunk in _chunks(descriptor, record.size_bytes + 1, chunk_bytes=_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
        changed += _judge(record, size, digest.hexdigest())
    return changed


def _opened_artifacts(
    directory: int, records: Sequence[ArtifactRecord]
) -> Iterator[tuple[ArtifactRecord, int]]:
    """Each artifact with a descriptor of it, open until the next one."""
    if not records:
        return
    with fsio.opened(fsio.open_directory(ARTIFACTS_NAME, directory)) as artifacts:
        for record in records:
            with _opened_file(record.filename, artifacts) as descriptor:
                yield record, descriptor


def _chunks(descriptor: int, limit: int, *, chunk_bytes: int) -> Iterator[bytes]:
    """The file's bytes from here on, at most `limit` of them."""
    while limit > 0 and (chunk := fsio.read(descriptor, min(limit, chunk_bytes))):
        limit -= len(chunk)
        yield chunk


def _judge(record: ArtifactRecord, size: int, checksum: str) -> list[Finding]:
    if size != record.size_bytes:
        return [_other_size(record, size)]
    if checksum != record.checksum:
        return [Finding(_where(record.filename), f"SHA-256 {record.checksum}", f"SHA-256 {checksum}")]
    return []


def _where(filename: str) -> str:
    return f"{ARTIFACTS_NAME}/{filename}"


def _absent(record: ArtifactRecord) -> Finding:
    return Finding(_where(record.filename), "a file", "nothing")


def _unlisted(where: str) -> Finding:
    return Finding(where, "no such file", "a file that is not listed")


def _other_size(record: ArtifactRecord, size: int) -> Finding:
    return Finding(_where(record.filename), f"{record.size_bytes} bytes", f"{size} bytes")

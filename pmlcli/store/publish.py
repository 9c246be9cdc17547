"""Publication: a model directory or a file appears whole or not at all.

A model is built in a temporary sibling (same parent, so same file system), every file and directory is
synced, the manifest last, and then one rename puts it in place: a new name must be free, an existing
model is exchanged, so that a reader sees the old or the new one. A crash leaves at most a temporary
sibling, which the next writer of that name sweeps away under the lock.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pmlcli.errors import PersistenceError, PmlWarning, ValidationError
from pmlcli.store import fsio, lock, strictjson
from pmlcli.store.manifest import ARTIFACTS_NAME, MANIFEST_NAME, MAX_MANIFEST_BYTES, SIGNATURE_NAME

_DEEPEST = 20
_MODEL_NAMES = {MANIFEST_NAME, SIGNATURE_NAME, ARTIFACTS_NAME}


def old_name(name: str) -> str:
    """Where the old model stands for a moment on file systems that cannot exchange two names."""
    return f".{name}.old"


def _temporary_name(name: str) -> str:
    return f".{name}.tmp-{os.getpid()}-{secrets.token_hex(8)}"


class Publication:
    """The right to write one model directory, held from entering the context to leaving it.

    Entering makes missing parents, takes the lock (`BusyError` after `wait_seconds`), puts back an old
    model that a crash left aside, and sweeps the leftovers of dead writers.
    """

    def __init__(self, target: Path | str, *, wait_seconds: float = 0.0) -> None:
        self.target = Path(target)
        self._wait_seconds = wait_seconds

    def __enter__(self) -> Publication:
        self._context = _locked(self.target, self._wait_seconds)
        self._parent, self._name = self._context.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._context.__exit__(None, None, None)

    def refuse_existing(self, *, force: bool) -> bool:
        """Whether a model stands at the target that `publish` will replace.

        Raises `ValidationError` when anything else stands there, or a model and not `force`.
        """
        with fsio.reported(self.target):
            found = fsio.status(self._name, self._parent)
            if found is None:
                return False
            if stat.S_ISLNK(found.st_mode):
                leads_to = fsio.link_target(self._name, self._parent)
                raise _occupied(
                    self.target, f"a symbolic link to {leads_to}", "name the directory that it leads to"
                )
            if not stat.S_ISDIR(found.st_mode) or not _is_model(self._name, self._parent):
                raise _occupied(
                    self.target,
                    "not a pmlcli model; refused to replace it",
                    "choose another name, or remove it",
                )
            if not force:
                raise _occupied(self.target, "a model already", "give --force to replace it")
            return True

    def publish(
        self,
        files: Mapping[str, bytes],
        manifest: bytes,
        *,
        signature: bytes | None = None,
        force: bool = False,
    ) -> None:
        """Put a model with these artifacts (file name to bytes) in place, or change nothing.

        Raises `OutputError` when the disk or the file system fails; the old model is then still there.
        """
        replaces = self.refuse_existing(force=force)
        temporary = _temporary_name(self._name)
        top = {MANIFEST_NAME: manifest}
        if signature is not None:
            top = {SIGNATURE_NAME: signature, **top}
        with fsio.reported(self.target):
            try:
                _build(temporary, self._parent, files, top)
                exchanged = _put_in_place(temporary, self._name, self._parent, replaces=replaces)
            except BaseException:
                _discard(temporary, self._parent)
                raise
        hint = "the new model is in place, but a power cut now could undo that; the old one is kept beside it"
        with fsio.reported(self.target, hint=hint):
            fsio.sync(self._parent)
        if exchanged:
            _remove_or_warn(exchanged, self._parent)


def write_file(
    path: Path | str,
    content: bytes | Iterable[bytes],
    *,
    force: bool = False,
    wait_seconds: float = 0.0,
    mode: int = 0o666,
) -> None:
    """Write one file whole or not at all; an existing one is replaced only with `force`.

    A link is followed, but none that another user put into a directory that all may write to; a device or
    pipe is written to directly (there is nothing to replace). `mode` is what the umask then narrows.
    """
    chunks = [content] if isinstance(content, bytes) else content
    with fsio.reported(path):
        target = fsio.resolve(Path(path))
        found = fsio.status_of_path(Path(path))
        if found is not None and stat.S_ISDIR(found.st_mode):
            raise _occupied(Path(path), "a directory", "name a file")
        if found is not None and not stat.S_ISREG(found.st_mode):
            with fsio.opened(fsio.open_device(Path(path))) as device:
                _write_chunks(device, chunks)
            return
        if found is not None and not force:
            raise _occupied(Path(path), "there already", "give --force to replace it")
    with _locked(target, wait_seconds) as (parent, name), fsio.reported(path):
        _write_file(name, parent, chunks, force=force, mode=mode)


def _write_file(name: str, parent: int, chunks: Iterable[bytes], *, force: bool, mode: int) -> None:
    temporary = _temporary_name(name)
    try:
        with fsio.opened(fsio.create(temporary, parent, mode)) as descriptor:
            _write_chunks(descriptor, chunks)
            fsio.sync(descriptor)
        if force:
            fsio.rename(temporary, name, parent)
        else:
            _rename_to_free_name(temporary, name, parent)
    except BaseException:
        _discard(temporary, parent)
        raise
    fsio.sync(parent)


def _write_chunks(descriptor: int, chunks: Iterable[bytes]) -> None:
    for chunk in chunks:
        fsio.write_all(descriptor, chunk)


@contextmanager
def _locked(target: Path, wait_seconds: float) -> Iterator[tuple[int, str]]:
    """The parent's descriptor and the name in it, with the lock held and leftovers swept."""
    absolute = Path(os.path.abspath(target))  # noqa: PTH100 - resolve() would follow the last link
    if not absolute.name:
        raise _occupied(target, "the root directory", "name a directory in it")
    made: list[Path] = []
    try:
        with fsio.reported(absolute.parent):
            fsio.resolve(absolute.parent)
            _make_parents(absolute.parent, made)
            parent = fsio.open_path(absolute.parent)
        with fsio.opened(parent), _held(absolute, parent, wait_seconds):
            with fsio.reported(target):
                _sweep(absolute.name, parent)
            yield parent, absolute.name
    finally:
        _remove_empty(made)


def _remove_empty(directories: Sequence[Path]) -> None:
    """Takes back directories that were made for something that never came; others stay."""
    with suppress(OSError):
        for directory in reversed(directories):
            with fsio.opened(fsio.open_path(directory.parent)) as parent:
                fsio.remove_directory(directory.name, parent)


@contextmanager
def _held(absolute: Path, parent: int, wait_seconds: float) -> Iterator[None]:
    """The lock, with errors of taking it (not those of the block) reported."""
    context = lock.held(absolute.name, parent, wait_seconds=wait_seconds)
    with fsio.reported(absolute):
        context.__enter__()
    try:
        yield
    finally:
        context.__exit__(None, None, None)


def _make_parents(directory: Path, made: list[Path]) -> None:
    """Makes what is missing of the path to `directory`; what is made is put into `made`, outermost first.

    Noted before it is made, so that a signal in between leaves nothing that nobody takes back.
    """
    missing = []
    while fsio.status_of_path(directory) is None:
        missing.append(directory.name)
        directory = directory.parent
    for name in reversed(missing):
        made.append(directory / name)
        with fsio.opened(fsio.open_path(directory)) as parent:
            with suppress(FileExistsError):
                fsio.make_directory(name, parent)
            fsio.sync(parent)
        directory = directory / name


def _build(temporary: str, parent: int, files: Mapping[str, bytes], top: Mapping[str, bytes]) -> None:
    """The whole model under the name `temporary`, synced; the manifest is the last of `top`."""
    fsio.make_directory(temporary, parent)
    with fsio.opened(fsio.open_directory(temporary, parent)) as directory:
        fsio.make_directory(ARTIFACTS_NAME, directory)
        with fsio.opened(fsio.open_directory(ARTIFACTS_NAME, directory)) as artifacts:
            for name in sorted(files):
                _create_synced(name, artifacts, files[name])
            fsio.sync(artifacts)
        for name, data in top.items():
            _create_synced(name, directory, data)
        fsio.sync(directory)


def _create_synced(name: str, parent: int, data: bytes) -> None:
    with fsio.opened(fsio.create(name, parent)) as descriptor, fsio.named(name):
        fsio.write_all(descriptor, data)
        fsio.sync(descriptor)


def _put_in_place(temporary: str, name: str, parent: int, *, replaces: bool) -> str | None:
    """The name under which the old model now stands, or None when there was none."""
    if not replaces:
        _rename_to_free_name(temporary, name, parent)
        return None
    try:
        fsio.exchange(temporary, name, parent)
    except OSError as error:
        if error.errno not in fsio.UNSUPPORTED:
            raise
    else:
        return temporary
    # Two renames; in between readers find the old model at the name that `old_name` gives.
    if fsio.status(old_name(name), parent) is not None:
        raise FileExistsError(errno.EEXIST, "is in the way; move it away", old_name(name))
    fsio.rename(name, old_name(name), parent)
    try:
        fsio.rename(temporary, name, parent)
    except BaseException:
        fsio.rename(old_name(name), name, parent)
        raise
    fsio.rename(old_name(name), temporary, parent)
    return temporary


def _rename_to_free_name(temporary: str, name: str, parent: int) -> None:
    try:
        fsio.rename_new(temporary, name, parent)
    except OSError as error:
        if error.errno not in fsio.UNSUPPORTED:
            raise
    else:
        return
    # Under the lock no other pmlcli takes the name; an empty foreign directory is the worst to be replaced.
    if fsio.status(name, parent) is not None:
        raise FileExistsError(f"{name} exists")
    fsio.rename(temporary, name, parent)


def _sweep(name: str, parent: int) -> None:
    """Put back an old model that a crash left aside, then remove what dead writers of `name` left.

    A courtesy: what cannot be moved or removed (another user's, say) is warned of and stays.
    """
    try:
        _settle_old(name, parent)
    except OSError as error:
        _warn_of(old_name(name), error.strerror or type(error).__name__)
    leftover = re.compile(rf"\.{re.escape(name)}\.tmp-\d+-[0-9a-f]{{16}}")
    for found in fsio.names(parent):
        if leftover.fullmatch(found):
            _remove_or_warn(found, parent)


def _remove_or_warn(name: str, parent: int) -> None:
    try:
        _remove(name, parent)
    except OSError as error:
        _warn_of(name, error.strerror or type(error).__name__)


def _warn_of(name: str, reason: str) -> None:
    what = f"{name}, left by an earlier run, stays there ({reason}); remove it when you can"
    warnings.warn(what, PmlWarning, stacklevel=2)


def _settle_old(name: str, parent: int) -> None:
    aside = old_name(name)
    found = fsio.status(aside, parent)
    if found is None or not stat.S_ISDIR(found.st_mode) or not _is_model(aside, parent):
        return
    if found.st_uid != os.geteuid():
        _warn_of(aside, "it is another user's")
        return
    target = fsio.status(name, parent)
    if target is None:
        fsio.rename(aside, name, parent)
        fsio.sync(parent)
    elif stat.S_ISDIR(target.st_mode) and _is_model(name, parent):
        # Its successor is in place: under this name the sweep removes it.
        fsio.rename(aside, _temporary_name(name), parent)


def _discard(name: str, parent: int) -> None:
    """Remove a temporary sibling; what cannot be removed now is swept by the next writer."""
    with suppress(OSError):
        _remove(name, parent)


def _remove(name: str, parent: int, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise OSError(errno.ELOOP, "directories nested too deep to remove", name)
    found = fsio.status(name, parent)
    if found is None:
        return
    if not stat.S_ISDIR(found.st_mode):
        fsio.unlink(name, parent)
        return
    with fsio.opened(fsio.open_directory(name, parent)) as directory:
        with suppress(OSError):  # a model may have been made read-only
            fsio.allow_owner(directory)
        # The manifest first: what is half removed is then no model to anyone.
        for inner in sorted(fsio.names(directory), key=lambda inner: inner != MANIFEST_NAME):
            _remove(inner, directory, depth + 1)
    fsio.remove_directory(name, parent)


def _is_model(name: str, parent: int) -> bool:
    """Whether the directory holds a model and nothing else, so that replacing it loses nothing else."""
    with fsio.opened(fsio.open_directory(name, parent)) as directory:
        found = set(fsio.names(directory, limit=10))
        if MANIFEST_NAME not in found or not found <= _MODEL_NAMES or not _is_manifest(directory):
            return False
        if ARTIFACTS_NAME not in found:
            return True
        inner = fsio.status(ARTIFACTS_NAME, directory)
        if inner is None or not stat.S_ISDIR(inner.st_mode):
            return False
        with fsio.opened(fsio.open_directory(ARTIFACTS_NAME, directory)) as artifacts:
            entries = [fsio.status(entry, artifacts) for entry in fsio.names(artifacts)]
        return not any(entry is not None and stat.S_ISDIR(entry.st_mode) for entry in entries)


def _is_manifest(directory: int) -> bool:
    """Whether manifest.json is one that some pmlcli wrote, of whatever schema."""
    found = fsio.status(MANIFEST_NAME, directory)
    if found is None or not stat.S_ISREG(found.st_mode):
        return False
    with fsio.opened(fsio.open_file(MANIFEST_NAME, directory)) as descriptor:
        data = fsio.read(descriptor, MAX_MANIFEST_BYTES + 1)
    try:
        value = strictjson.parse(data, source=MANIFEST_NAME, max_bytes=MAX_MANIFEST_BYTES)
    except PersistenceError:
        return False
    return isinstance(value, dict) and {"schema_version", "model_id", "model_type"} <= value.keys()


def _occupied(target: Path, what: str, hint: str) -> ValidationError:
    return ValidationError(f"{target}: {what}", hint=hint, code="io.exists", context={"path": str(target)})

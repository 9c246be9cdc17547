"""Places that others may write to, too: their leftovers and locks; and file systems that lack a call."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pmlcli.errors import BusyError, OutputError, PersistenceError, PmlWarning
from pmlcli.store import fsio
from pmlcli.store.artifacts import ArtifactStore
from pmlcli.store.directory import compare, read_model
from pmlcli.store.publish import old_name, write_file
from tests.store.test_faults import calls_of

FILES = {"model.json": b"{}", "threshold.json": b"0"}
Fields = dict[str, Any]
NOBODY, SOMEBODY = 65534, 65533
LEFTOVER = f".m.tmp-1-{'a' * 16}"


def listing(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that all users may write to, and remove only their own from."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o1777)
    yield place
    shutil.rmtree(place)


def unprivileged(call: Callable[[], object]) -> None:
    """Calls it as a user whom permissions bind: in a child where these tests run as root."""
    if os.geteuid() != 0:
        call()
        return
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            call()
        except BaseException:  # noqa: BLE001 (told, and then the test fails)
            traceback.print_exc(file=sys.__stderr__)
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


# --- what a writer put aside


@pytest.fixture
def another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the code this process is another user than the owner of its files."""
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)


def test_a_model_that_another_user_put_aside_answers_for_nothing(
    tmp_path: Path, manifest_fields: Fields, another_user: None
) -> None:
    ArtifactStore().save(tmp_path / old_name("m"), manifest_fields, FILES)
    for read in (read_model, lambda path: compare(path, contents=True)):
        with pytest.raises(PersistenceError, match="no model") as caught:
            read(tmp_path / "m")
        assert old_name("m") in str(caught.value.hint)


def test_a_writer_does_not_put_back_what_is_another_users(
    tmp_path: Path, manifest_fields: Fields, another_user: None
) -> None:
    ArtifactStore().save(tmp_path / old_name("m"), manifest_fields, FILES)
    with pytest.warns(PmlWarning, match="another user"):
        ArtifactStore().save(tmp_path / "m", manifest_fields, {})
    assert read_model(tmp_path / "m").files == {}
    assert read_model(tmp_path / old_name("m")).files == FILES


def test_what_vanished_while_it_was_read_is_found_aside_with_a_note(
    tmp_path: Path, manifest_fields: Fields, another_user: None
) -> None:
    ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)

    def vanishing(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name == "open_file" and args[0] == "threshold.json" and (tmp_path / "m").exists():
            (tmp_path / "m").rename(tmp_path / old_name("m"))
            raise FileNotFoundError(errno.ENOENT, "gone")
        return call()

    fsio.intercept = vanishing
    try:
        with pytest.warns(PmlWarning, match=r"read \.m\.old"):
            assert read_model(tmp_path / "m").files == FILES
    finally:
        fsio.intercept = None


# --- what cannot be removed


@pytest.mark.parametrize("kind", ["file", "directory", "model"])
def test_a_leftover_that_cannot_be_removed_blocks_nothing(
    tmp_path: Path, manifest_fields: Fields, kind: str
) -> None:
    left = tmp_path / LEFTOVER
    if kind == "model":
        ArtifactStore().save(left, manifest_fields, FILES)
    elif kind == "directory":
        left.mkdir()
    else:
        left.write_bytes(b"")

    def kept(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name in ("unlink", "remove_directory") and args[0] == LEFTOVER:
            raise PermissionError(errno.EPERM, "not yours")
        return call()

    fsio.intercept = kept
    try:
        for files in (FILES, {}):
            with pytest.warns(PmlWarning, match=f"{LEFTOVER}.*not yours"):
                ArtifactStore().save(tmp_path / "m", manifest_fields, files, force=not files)
    finally:
        fsio.intercept = None
    assert read_model(tmp_path / "m").files == {}


@pytest.mark.parametrize("mode", [0o555, 0o500, 0o700])
def test_an_own_model_that_was_made_read_only_is_replaced_without_a_trace(
    shared: Path, manifest_fields: Fields, mode: int
) -> None:
    def replace() -> None:
        ArtifactStore().save(shared / "m", manifest_fields, FILES)
        for path in sorted((shared / "m").rglob("*"), reverse=True):
            path.chmod(mode if path.is_dir() else 0o444)
        (shared / "m").chmod(mode)
        ArtifactStore().save(shared / "m", manifest_fields, {}, force=True)
        assert read_model(shared / "m").files == {}
        assert listing(shared) == ["m"]

    unprivileged(replace)


def test_a_lock_that_can_only_be_read_is_a_lock(shared: Path, manifest_fields: Fields) -> None:
    (shared / ".m.lock").write_bytes(b"1")
    (shared / ".m.lock").chmod(0o444)

    def save() -> None:
        ArtifactStore().save(shared / "m", manifest_fields, FILES, force=True)
        assert read_model(shared / "m").files == FILES

    with (shared / ".m.lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        def busy() -> None:
            with pytest.raises(BusyError):
                ArtifactStore().save(shared / "m", manifest_fields, FILES)

        unprivileged(busy)
        assert listing(shared) == [".m.lock"]
    unprivileged(save)
    unprivileged(save)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("nowhere")])
def test_a_lock_of_another_kind_is_named(
    tmp_path: Path, manifest_fields: Fields, make: Callable[[Path], object]
) -> None:
    make(tmp_path / ".m.lock")
    with pytest.raises(OutputError, match=r"\.m\.lock") as caught:
        ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)
    assert caught.value.hint
    assert listing(tmp_path) == [".m.lock"]


def test_where_two_names_cannot_be_exchanged_what_is_in_the_way_is_named(
    tmp_path: Path, manifest_fields: Fields
) -> None:
    ArtifactStore().save(tmp_path / "m", manifest_fields, FILES)
    (tmp_path / old_name("m")).mkdir()

    def without_exchange(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name == "exchange":
            raise OSError(errno.EINVAL, "no such flag")
        return call()

    fsio.intercept = without_exchange
    try:
        with pytest.raises(OutputError, match=r"\.m\.old: is in the way; move it away"):
            ArtifactStore().save(tmp_path / "m", manifest_fields, {}, force=True)
    finally:
        fsio.intercept = None
    assert read_model(tmp_path / "m").files == FILES
    assert listing(tmp_path) == [old_name("m"), "m"]


# --- file systems that lack a call


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOLCK])
@pytest.mark.parametrize(("operation", "call"), [("lock", "flock"), ("sync", "fsync")])
def test_a_missing_call_is_named_and_leaves_nothing(
    tmp_path: Path, manifest_fields: Fields, operation: str, call: str, number: int
) -> None:
    def lacking(name: str, args: tuple[Any, ...], inner: Callable[[], Any]) -> Any:
        if name == operation:
            raise OSError(number, os.strerror(number))
        return inner()

    for write in (
        lambda: ArtifactStore().save(tmp_path / "new" / "m", manifest_fields, FILES),
        lambda: write_file(tmp_path / "out.csv", b"1"),
    ):
        fsio.intercept = lacking
        try:
            with pytest.raises(OutputError, match=f"this file system has no {call}") as caught:
                write()
        finally:
            fsio.intercept = None
        assert "local disk" in str(caught.value.hint)
        assert listing(tmp_path) == []


CODES = [
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EIO,
    errno.ENOSPC,
    errno.EMFILE,
    errno.ENOSYS,
    errno.ESTALE,
]


@pytest.mark.filterwarnings("ignore::pmlcli.errors.PmlWarning")
@pytest.mark.parametrize("code", CODES, ids=errno.errorcode.__getitem__)
def test_every_error_of_a_publication_names_its_file_and_what_to_do(
    tmp_path: Path, manifest_fields: Fields, code: int
) -> None:
    def act(path: Path) -> None:
        ArtifactStore().save(path, manifest_fields, FILES)

    steps = calls_of(lambda: act(tmp_path / "count" / "m"), lambda inner: inner)
    told = 0
    for number in range(1, steps + 1):
        place = tmp_path / f"n{number}"
        count = 0

        def failing(name: str, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
            nonlocal count
            count += 1
            if count == number:  # noqa: B023 (called before the next)
                raise OSError(code, os.strerror(code))
            return call()

        fsio.intercept = failing
        try:
            act(place / "m")
        except OutputError as error:
            told += 1
            assert error.message.startswith(str(tmp_path)), error.message
            assert error.hint, error.message
            assert error.exit_code == 74
        finally:
            fsio.intercept = None
    assert told > 10

"""Every call that the store makes to the file system.

One module, so that a test can stand in front of each call in turn (`intercept`): kill the process there,
let it fail as a full or broken disk does, or record what a power cut would leave. All names are relative
to an open directory, one level at a time, and no symbolic link is followed. POSIX only.
"""

from __future__ import annotations

import errno
import fcntl
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from pmlcli import writing
from pmlcli.errors import OutputError

P = ParamSpec("P")
R = TypeVar("R")

# Tests put a function here: it gets the operation's name, its arguments and the call itself.
intercept: Callable[[str, tuple[Any, ...], Callable[[], Any]], Any] | None = None

_READ = os.O_RDONLY | os.O_CLOEXEC
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
# What kernels and file systems answer that do not know the flags of renameat2.
UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
# What they answer to calls that publication cannot do without.
_LACKING = (*UNSUPPORTED, errno.ENOTTY, errno.ENOLCK)
_ESSENTIAL = {"lock": "flock", "sync": "fsync"}


class MissingCallError(OSError):
    """The file system has no such call as `call`, and nothing stands in for it."""

    def __init__(self, call: str, error: OSError) -> None:
        super().__init__(error.errno, error.strerror)
        self.call = call


def _operation(call: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(call)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            if intercept is None:
                return call(*args, **kwargs)
            result: R = intercept(call.__name__, args, functools.partial(call, *args, **kwargs))
        except OSError as error:
            essential = _ESSENTIAL.get(call.__name__)
            if essential is not None and error.errno in _LACKING:
                raise MissingCallError(essential, error) from error
            if error.filename is None and args and isinstance(args[0], str):
                error.filename = args[0]
            raise
        return result

    return guarded


@contextmanager
def named(name: str) -> Iterator[None]:
    """Lets an `OSError` of the block about an open descriptor say which file that was."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or name
        raise


@contextmanager
def reported(subject: Path | str, *, hint: str | None = None) -> Iterator[None]:
    """Turn an `OSError` of the block into an `OutputError` (exit 74) about `subject`."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{subject}: {_inner_name(error, subject)}{_reason(error)}",
            hint=hint or _hint(error),
            context={"path": str(subject), "errno": errno.errorcode.get(error.errno or 0, "unknown")},
        ) from error


def _inner_name(error: OSError, subject: Path | str) -> str:
    """The file beside or in the subject that the error is about, if another."""
    name = error.filename
    return f"{name}: " if isinstance(name, str) and "/" not in name and name != Path(subject).name else ""


def _reason(error: OSError) -> str:
    if isinstance(error, MissingCallError):
        return f"this file system has no {error.call} ({error.strerror})"
    return error.strerror or type(error).__name__


_NO_RIGHT = "choose another place, or have the owner of that file or directory give you the right"
_HINTS = {
    errno.EXDEV: "the directory is part of a read-only image layer or another file system; write to a volume",
    errno.ENOSPC: "free some space; what was there before is untouched",
    errno.EDQUOT: "free some space; what was there before is untouched",
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: "the file system can only be read; choose another place",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def _hint(error: OSError) -> str:
    if isinstance(error, MissingCallError):
        return "work on a local disk, and copy the result from there"
    return _HINTS.get(error.errno or 0, "choose another place, or look whether the disk is sound")


@contextmanager
def opened(descriptor: int) -> Iterator[int]:
    """The open file `descriptor`, closed at the end of the block."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@_operation
def open_path(path: Path) -> int:
    """A descriptor of the directory at `path`, which the user named: links in it are followed."""
    return os.open(path, _READ | os.O_DIRECTORY)


@_operation
def open_directory(name: str, parent: int) -> int:
    """A descriptor of the directory `name` in `parent`; a symbolic link fails with ELOOP or ENOTDIR."""
    return os.open(name, _READ | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)


@_operation
def open_file(name: str, parent: int) -> int:
    """A descriptor to read `name` in `parent`; never waits for the other end of a FIFO."""
    return os.open(name, _READ | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)


@_operation
def make_lock(name: str, parent: int) -> int:
    """A descriptor of the new lock file `name` in `parent`; fails when anything of that name exists."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, 0o666, dir_fd=parent)


@_operation
def open_lock(name: str, parent: int) -> int:
    """A descriptor of the lock file `name` in `parent`, to write where that is allowed: a lock needs no more
    than reading.
    """
    flags = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        return os.open(name, os.O_RDWR | flags, dir_fd=parent)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
    return os.open(name, os.O_RDONLY | flags, dir_fd=parent)


@_operation
def allow_owner(descriptor: int) -> None:
    """Give the owner of an open directory every right to it."""
    os.fchmod(descriptor, 0o700)


@_operation
def create(name: str, parent: int, mode: int = 0o666) -> int:
    """A descriptor to write the new file `name` in `parent`; fails when anything of that name exists."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, mode, dir_fd=parent)


@_operation
def open_device(path: Path) -> int:
    """A descriptor to write to a device or pipe that exists."""
    return writing.open_special(path)


@_operation
def write(descriptor: int, data: bytes | memoryview) -> int:
    """How many bytes of `data` were written; may be fewer than all."""
    return os.write(descriptor, data)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte of `data`."""
    rest = memoryview(data)
    while rest:
        rest = rest[write(descriptor, rest[: 1 << 24]) :]


@_operation
def read(descriptor: int, size: int) -> bytes:
    """At most `size` bytes; empty at the end."""
    return os.read(descriptor, size)


@_operation
def sync(descriptor: int) -> None:
    """Return when the file or directory is on the disk."""
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        # macOS: fsync alone leaves the data in the drive's cache.
        fcntl.fcntl(descriptor, full)
        return
    os.fsync(descriptor)


@_operation
def make_directory(name: str, parent: int) -> None:
    """Make the directory `name` in `parent`."""
    os.mkdir(name, 0o777, dir_fd=parent)  # noqa: PTH102


@_operation
def rename(source: str, target: str, parent: int) -> None:
    """Rename within `parent`; a file replaces a file, a directory only an empty one."""
    os.rename(source, target, src_dir_fd=parent, dst_dir_fd=parent)  # noqa: PTH104


@_operation
def rename_new(source: str, target: str, parent: int) -> None:
    """Rename within `parent`; EEXIST when `target` exists, one of UNSUPPORTED where the kernel cannot."""
    _renameat2(source, target, parent, _RENAME_NOREPLACE)


@_operation
def exchange(source: str, target: str, parent: int) -> None:
    """Swap two names of `parent` in one step; fails with one of UNSUPPORTED where the kernel cannot."""
    _renameat2(source, target, parent, _RENAME_EXCHANGE)


def _renameat2(source: str, target: str, parent: int, flags: int) -> None:
    # Only publication needs ctypes; verify starts without it.
    import ctypes

    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    if call(parent, os.fsencode(source), parent, os.fsencode(target), flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), source, None, target)


@_operation
def unlink(name: str, parent: int) -> None:
    """Remove the file `name` of `parent`."""
    os.unlink(name, dir_fd=parent)  # noqa: PTH108


@_operation
def remove_directory(name: str, parent: int) -> None:
    """Remove the empty directory `name` of `parent`."""
    os.rmdir(name, dir_fd=parent)  # noqa: PTH106


@_operation
def status(name: str, parent: int) -> os.stat_result | None:
    """What `name` in `parent` is (a link is not followed), or None when absent."""
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


@_operation
def link_target(name: str, parent: int) -> str:
    """What the symbolic link `name` in `parent` holds."""
    return os.readlink(name, dir_fd=parent)  # noqa: PTH115


@_operation
def status_of(descriptor: int) -> os.stat_result:
    """What the open `descriptor` is."""
    return os.fstat(descriptor)


@_operation
def status_of_path(path: Path) -> os.stat_result | None:
    """What the path that the user named leads to, or None when nothing is there."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


@_operation
def resolve(path: Path) -> Path:
    """Where writing to the path that the user named ends up; see `writing`."""
    return writing.resolved(path)


@_operation
def names(descriptor: int, limit: int | None = None) -> list[str]:
    """The names in an open directory, sorted; at most `limit` of them."""
    found: list[str] = []
    with os.scandir(descriptor) as entries:
        for entry in entries:
            if limit is not None and len(found) >= limit:
                break
            found.append(entry.name)
    return sorted(found)


@_operation
def lock(descriptor: int) -> bool:
    """Whether this process now holds the lock on `descriptor`; does not wait."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@_operation
def unlock(descriptor: int) -> None:
    """Give the lock back, also for children that were forked meanwhile."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


@_operation
def write_note(descriptor: int, note: bytes) -> None:
    """Make `note` the whole content of a lock file."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, note, 0)


@_operation
def read_note(descriptor: int, size: int) -> bytes:
    """At most `size` bytes from the beginning of a lock file."""
    return os.pread(descriptor, size, 0)

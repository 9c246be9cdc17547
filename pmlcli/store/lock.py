"""One writer at a time for a name in a directory."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pmlcli.errors import BusyError, OutputError
from pmlcli.store import fsio

_POLL_SECONDS = 0.05
_MAX_PID_DIGITS = 20


@contextmanager
def held(name: str, parent: int, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock of `name` in the open directory `parent` for the block.

    Raises `BusyError` when another holder (process or thread) has it for longer than `wait_seconds`.
    The lock file `.NAME.lock` is removed at the end; a dead holder's lock is free at once.
    """
    lock_name = f".{name}.lock"
    descriptor = _acquire(name, lock_name, parent, time.monotonic() + wait_seconds)
    try:
        yield
    finally:
        # Removed while held: a waiter notices that its file has no name any more and opens anew. If the
        # removal fails the file is empty of meaning and the next holder removes it.
        try:
            with suppress(OSError):
                fsio.unlink(lock_name, parent)
            with suppress(OSError):
                fsio.unlock(descriptor)
        finally:
            os.close(descriptor)


def _acquire(name: str, lock_name: str, parent: int, deadline: float) -> int:
    while True:
        descriptor, is_made = _open(lock_name, parent)
        try:
            _require_own(lock_name, descriptor)
            taken = fsio.lock(descriptor)
            if taken and _is_current(lock_name, parent, descriptor):
                _write_holder(descriptor)
                return descriptor
            if not taken and time.monotonic() >= deadline:
                raise _busy(name, descriptor)
        except BaseException as error:
            try:
                _take_back(lock_name, parent, descriptor, error, is_made=is_made)
            finally:
                os.close(descriptor)
            raise
        os.close(descriptor)
        if not taken:
            time.sleep(_POLL_SECONDS)


def _open(lock_name: str, parent: int) -> tuple[int, bool]:
    """A descriptor of the lock file, and whether it was made for that."""
    while True:
        with suppress(FileExistsError):
            return fsio.make_lock(lock_name, parent), True
        with suppress(FileNotFoundError):  # its holder removed it meanwhile
            return fsio.open_lock(lock_name, parent), False


def _take_back(lock_name: str, parent: int, descriptor: int, error: BaseException, *, is_made: bool) -> None:
    """Removes a lock file that is ours and was never held: nobody else would soon.

    A signal may come between making the file and holding it, and some file systems know no locks.
    """
    if isinstance(error, fsio.MissingCallError):
        if is_made:
            with suppress(OSError):
                fsio.unlink(lock_name, parent)
    elif not isinstance(error, BusyError | OutputError) and fsio.lock(descriptor):
        fsio.unlink(lock_name, parent)


def _require_own(lock_name: str, descriptor: int) -> None:
    """Raises `OutputError` for a file of the lock's name that no pmlcli made: its content would be lost."""
    found = fsio.status_of(descriptor)
    note = fsio.read_note(descriptor, _MAX_PID_DIGITS + 1) if stat.S_ISREG(found.st_mode) else b"?"
    if found.st_nlink > 1 or found.st_size > _MAX_PID_DIGITS or not (note == b"" or note.isdigit()):
        raise OutputError(
            f"{lock_name}: exists and is not a lock of pmlcli",
            hint="move it away",
            context={"path": lock_name},
        )


def _is_current(lock_name: str, parent: int, descriptor: int) -> bool:
    """Whether the locked file still bears its name (its last holder may have removed it)."""
    named = fsio.status(lock_name, parent)
    return named is not None and os.path.samestat(named, fsio.status_of(descriptor))


def _write_holder(descriptor: int) -> None:
    # Only for the message of whoever finds us busy; the lock holds without it.
    with suppress(OSError):
        fsio.write_note(descriptor, str(os.getpid()).encode())


def _busy(name: str, descriptor: int) -> BusyError:
    digits = fsio.read_note(descriptor, _MAX_PID_DIGITS)
    process = int(digits) if digits.isdigit() else None
    who = f"process {process}" if process else "another process"
    return BusyError(
        f"'{name}' is busy: {who} is writing it",
        hint="wait until it is done, or give --wait SECONDS",
        context={"name": name, "pid": process},
    )

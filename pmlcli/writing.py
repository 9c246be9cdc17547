"""Opening what a user's path names for writing: outputs, charts, log files, keys. The lowest layer.

Every writer comes through here, so that none is led elsewhere by what another user put into a directory
that all may write to (as the kernel does where links, files and pipes are protected), and none waits for ever
on a pipe that nobody reads.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

from pmlcli.errors import OutputError

_MOST_LINKS = 40
_PIPE_SECONDS = 5.0
_FLAGS = os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK


def resolved(path: Path | str) -> Path:
    """Where writing to `path` ends up: absolute, without links; nothing need be there.

    Raises OutputError when a link on the way, or what stands at the end, was put by another user into a
    directory that all may write to; OSError where links never end.
    """
    ahead = list(reversed(_parts(Path(path))))
    here, links = Path("/"), 0
    while ahead:
        part = ahead.pop()
        if part == "..":
            here = here.parent
            continue
        found = _status(here / part)
        is_link = found is not None and stat.S_ISLNK(found.st_mode)
        if found is not None and (is_link or not ahead) and not stat.S_ISDIR(found.st_mode):
            _refuse_planted(Path(path), found, here)
        if not is_link:
            here = here / part
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        leads = (here / part).readlink()
        here = Path("/") if leads.is_absolute() else here
        ahead += reversed([piece for piece in leads.parts if piece != "/"])
    return here


def open_special(path: Path | str) -> int:
    """A descriptor to write to the device or pipe that stands at `path`.

    Raises OutputError for a pipe that nobody opens for reading within seconds.
    """
    resolved(path)
    descriptor = _unhindered(Path(path))
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OutputError(f"{path}: was a device or pipe, and is a file now", context={"path": str(path)})
    return descriptor


def open_to_append(path: Path | str) -> int:
    """A descriptor that appends to the file at `path`, made when absent; a device or pipe is written to."""
    target = resolved(path)
    if is_special(Path(path)):
        return open_special(path)
    flags = _FLAGS | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    descriptor = os.open(target, flags, 0o666)
    os.set_blocking(descriptor, True)
    return descriptor


def is_special(path: Path) -> bool:
    """Whether a device, pipe or socket stands there: nothing that could be replaced."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _parts(path: Path) -> list[str]:
    return [part for part in (Path.cwd() / path).parts if part != "/"]


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _refuse_planted(path: Path, found: os.stat_result, directory: Path) -> None:
    parent = directory.stat()
    is_shared = parent.st_mode & stat.S_ISVTX and parent.st_mode & stat.S_IWOTH
    if is_shared and found.st_uid not in (os.geteuid(), parent.st_uid):
        what = (
            "a link"
            if stat.S_ISLNK(found.st_mode)
            else "a pipe"
            if stat.S_ISFIFO(found.st_mode)
            else "a file"
        )
        raise OutputError(
            f"{path}: {what} that somebody else made, in a directory that all may write to",
            hint="choose another name",
            code="io.link",
            context={"path": str(path)},
        )


def _unhindered(path: Path) -> int:
    """An open descriptor; a pipe without a reader fails at once (ENXIO), so one is given seconds to come."""
    deadline = time.monotonic() + _PIPE_SECONDS
    while True:
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > deadline:
                raise OutputError(
                    f"{path}: nobody reads from this pipe",
                    hint="start its reader first",
                    context={"path": str(path)},
                ) from error
            time.sleep(0.02)
        else:
            os.set_blocking(descriptor, True)
            return descriptor

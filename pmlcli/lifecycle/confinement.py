"""What a process may no longer do once it is confined: limits of the kernel, and an audit hook.

The hook is a net, not a sandbox: it stops code that a crafted file would run through Python, and sees
nothing of what corrupted memory does. The limits and the process boundary stand behind it.
"""

from __future__ import annotations

import collections
import ctypes
import dataclasses
import os
import resource
import signal
import site
import sys
import sysconfig
import typing
from dataclasses import dataclass
from functools import partial
from types import CodeType, FrameType
from typing import Any, NoReturn

MEGABYTE = 1 << 20
_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 5
"""By how much the child's own clock lets the parent be the first to say that it hangs."""

# Never needed to answer a question; whatever asks for them is not ours.
_REFUSED = (
    "builtins.input", "code.", "cpython._PySys", "ctypes.", "ftplib.", "gc.", "http.", "imaplib.",
    "mmap.", "nntplib.", "os.chflags", "os.chmod", "os.chown", "os.exec", "os.fork", "os.forkpty", "os.kill",
    "os.killpg", "os.link", "os.lockf", "os.mkdir", "os.posix_spawn", "os.putenv", "os.remove",
    "os.removexattr", "os.rename", "os.rmdir", "os.setxattr", "os.spawn", "os.startfile", "os.symlink",
    "os.system", "os.truncate", "os.unsetenv", "os.utime", "pdb.", "poplib.", "pty.", "resource.",
    "shutil.", "signal.", "smtplib.", "socket.", "sqlite3.", "subprocess.", "sys.addaudithook",
    "sys.setprofile", "sys.settrace", "syslog.", "telnetlib.", "tempfile.", "urllib.", "webbrowser.",
    "winreg.",
)  # fmt: skip
# What running text or bytes as code needs; importing a library needs it too.
_CODE = ("compile", "exec", "marshal.")
_IMPORTER = "<frozen importlib._bootstrap"
# The standard library evaluates annotations and makes methods from text.
_EVALUATORS = frozenset(module.__file__ for module in (collections, dataclasses, typing))
# Where libraries look, beside their own directories, for zones and what the machine can do: whole
# directories, and single files. Of /proc only what is said of the machine and of this very process.
_SYSTEM_PLACES = ("/usr/share/zoneinfo/", "/sys/devices/system/", "/sys/fs/cgroup/")
_SYSTEM_FILES = frozenset({
    "/dev/null", "/dev/urandom", "/etc/localtime", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
})  # fmt: skip
# What CPython 3.11 does without telling an audit hook, by module: replaced by a refusal.
_UNTOLD = {
    "posix": (
        "mkfifo", "mknod", "pidfd_open", "setsid", "setpgid", "setpriority", "sched_setaffinity",
        "sched_setscheduler", "sched_setparam", "nice",
    ),
    "signal": ("pidfd_send_signal", "pthread_kill", "setitimer", "alarm"),
    "_signal": ("pidfd_send_signal", "pthread_kill", "setitimer", "alarm"),
    "_posixsubprocess": ("fork_exec",),
}  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Limits:
    """Bounds of one answer: memory beyond what the process has, processor time, and size of the answer."""

    memory_bytes: int
    cpu_seconds: int
    result_bytes: int
    threads: int = 1


def confine(limits: Limits) -> None:
    """Bounds this process for good: no new files, processes, sockets or code; memory and time limited."""
    sys.dont_write_bytecode = True
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    # The kernel signals at the soft limit, and kills without a word at the hard one.
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 5)
    if limits.threads == 1 and hasattr(resource, "RLIMIT_NPROC"):
        # Threads count as processes, so more than one of them needs room.
        _limit(resource.RLIMIT_NPROC, 0)
    used = _address_space()
    if used is not None:
        _limit(resource.RLIMIT_AS, used + limits.memory_bytes)
    _take_away()
    sys.addaudithook(_Watch())


def bounds_memory() -> bool:
    """Whether this system tells how much memory a process has, without which `confine` cannot bound it."""
    return _address_space() is not None


def _take_away() -> None:
    """Replaces functions that no hook is told of; `os` has most of them under its own name too."""
    for module, names in _UNTOLD.items():
        for holder in (sys.modules.get(module), os if module == "posix" else None):
            for name in names:
                if hasattr(holder, name):
                    setattr(holder, name, partial(_refuse_call, f"{module}.{name}"))


def _refuse_call(what: str, *_args: Any, **_options: Any) -> NoReturn:
    raise _refused(what)


def isolate_streams(*keep: int) -> None:
    """Closes every descriptor but `keep`, with the null device as stdin, stdout and stderr."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    first = 3
    for descriptor in sorted(keep):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 65_536))


def end_with(parent: int, most_seconds: float) -> None:
    """Ends this process when its parent dies, where the system can do that, and at the latest after so long.

    The parent may be killed without a word to anybody, or hang up; a child that sleeps costs no processor
    time that a limit could end.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, max(most_seconds, 1.0) + _GRACE_SECONDS)
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before that
        os._exit(1)


def restore_signals() -> None:
    """Signals end the process as they do by default; the parent's handlers are not ours."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    if hasattr(signal, "SIGXFSZ"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Lowers a limit; one that is lower already stays."""
    wanted = (soft, soft if hard is None else hard)
    now = resource.getrlimit(kind)
    lowered = [
        value if current == resource.RLIM_INFINITY else min(value, current)
        for value, current in zip(wanted, now, strict=True)
    ]
    resource.setrlimit(kind, (lowered[0], lowered[1]))


def _address_space() -> int | None:
    """Bytes of address space in use, or None where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 (no pathlib while confined)
            return int(file.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return None


class ConfinedError(PermissionError):
    """The confined process tried what it may not; the first such event is what the parent is told."""

    first: str | None = None


class _Watch:
    """The audit hook: refuses what answering never needs, and lets libraries be imported."""

    def __init__(self) -> None:
        self._places = (*_library_places(), f"/proc/{os.getpid()}/")

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            if not self._may_open(*args[:3]):
                raise _refused(f"open {args[0]!r}")
        elif event.startswith(_CODE):
            if not _is_making_a_library(sys._getframe(1)):
                raise _refused(event)
        elif event.startswith(_REFUSED):
            raise _refused(event)

    def _may_open(self, path: Any, mode: Any, flags: Any) -> bool:
        """Reading only, and only libraries and what the system tells of itself."""
        if isinstance(mode, str) and set(mode) & set("wax+"):
            return False
        if isinstance(flags, int) and flags & _WRITING:
            return False
        if isinstance(path, int):
            return True
        try:
            real = os.path.realpath(os.fsdecode(path))
        except (TypeError, ValueError):
            return False
        return real in _SYSTEM_FILES or real.startswith(self._places)


def _refused(what: str) -> ConfinedError:
    ConfinedError.first = ConfinedError.first or what[:200]
    return ConfinedError(f"refused: {what[:200]}")


def _library_places() -> tuple[str, ...]:
    """Directories that hold Python and its libraries, each ending in a separator."""
    found = [sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *site.getsitepackages()]
    found += [site.getusersitepackages(), os.path.dirname(os.path.dirname(os.path.dirname(__file__)))]  # noqa: PTH120
    # Other packages may be installed elsewhere; the working directory holds anybody's files.
    found += [path for path in sys.path if path and path != os.getcwd()]  # noqa: PTH109
    real = {os.path.realpath(path) for path in found}
    return tuple(f"{path}{os.sep}" for path in sorted(real) if path != os.sep) + _SYSTEM_PLACES


def _is_making_a_library(frame: FrameType | None) -> bool:
    """Whether a library's own code is made: the import system or an evaluator stands among the callers."""
    while frame is not None:
        code: CodeType = frame.f_code
        if code.co_filename.startswith(_IMPORTER) or code.co_filename in _EVALUATORS:
            return True
        if code.co_name == "confined_work":
            return False
        frame = frame.f_back
    return False

"""What pmlcli needs of the operating system, checked before anything is imported that uses it."""

from __future__ import annotations

import os
import platform
from importlib.util import find_spec

from pmlcli.errors import UnsupportedSystemError

_CALLS = ("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "geteuid", "pread")
_MODULES = ("fcntl", "resource")
_BY_DIRECTORY = ("mkdir", "open", "rename", "rmdir", "stat", "unlink")


def missing() -> list[str]:
    """The calls and modules that pmlcli cannot do without and this system does not have."""
    calls = [f"os.{name}" for name in _CALLS if not hasattr(os, name)]
    modules = [name for name in _MODULES if find_spec(name) is None]
    relative = [f"os.{name}(dir_fd)" for name in _BY_DIRECTORY if getattr(os, name) not in os.supports_dir_fd]
    return calls + modules + relative


def require() -> None:
    """Raises UnsupportedSystemError where models could not be kept and opened safely, as on Windows."""
    lacking = missing()
    if lacking:
        name = platform.system() or "this system"
        raise UnsupportedSystemError(
            f"pmlcli does not run on {name}: it lacks {', '.join(lacking)}",
            hint="run it on Linux or macOS; on Windows, in the Windows Subsystem for Linux or a container",
            context={"system": name, "missing": lacking},
        )

"""Decodes every file of a directory in this process, one JSON line each, so a crash names its file."""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from pmlcli.errors import PmlError
from pmlcli.store.codecs import sklearn as estimators

MEMORY_BYTES = 4 << 30
FORBIDDEN = (
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "subprocess.",
    "socket.",
    "marshal.",
    "pty.",
)


def emit(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def watch(event: str, args: tuple[object, ...]) -> None:
    if event.startswith(FORBIDDEN):
        emit({"name": "audit", "event": event})


def decode(path: Path, case: dict[str, object]) -> str:
    data = path.read_bytes()
    try:
        if case["plain"]:
            estimators.decode_plain(data)
        else:
            value = estimators.decode(data, frozenset(case["allowed"]), str(case["expected"]))  # type: ignore[call-overload]
            if hasattr(value, "score_samples"):
                value.score_samples(np.zeros((3, 4)))
            elif hasattr(value, "predict"):
                value.predict(np.zeros((3, 4)))
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        MemoryError,
        TypeError,
        ValueError,
    ) as error:
        return f"unusable: {type(error).__name__}: {error}"
    except PmlError as error:
        return f"{type(error).__name__}: {error.message}"
    return "accepted"


def peak_kilobytes(status: int) -> int:
    """The most memory that this process held, from an open /proc/self/status.

    `ru_maxrss` would tell that of the process that started this one; opening a file would trip the hook.
    """
    told = re.search(rb"VmHWM:\s+(\d+)", os.pread(status, 10_000, 0))
    assert told
    return int(told.group(1))


def main(directory: Path) -> None:
    import sklearn.cluster
    import sklearn.ensemble
    import sklearn.neighbors
    import sklearn.svm  # noqa: F401 - all of them before the hook, which would see their imports

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    os.chdir(directory)  # a payload that writes "marker" writes it where the test looks
    status = os.open("/proc/self/status", os.O_RDONLY)
    sys.addaudithook(watch)
    for name, case in json.loads((directory / "cases.json").read_text()).items():
        emit({"name": name, "begun": True})
        start = time.monotonic()
        outcome = decode(directory / name, case)
        seconds = time.monotonic() - start
        peak = peak_kilobytes(status)
        line = {"name": name, "outcome": outcome, "seconds": seconds, "peak_mb": peak // 1024}
        emit(line)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

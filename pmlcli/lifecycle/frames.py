"""What an asking process and its confined child send each other: frames of a known kind and bounded size."""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Mapping
from typing import Any

from pmlcli import errors
from pmlcli.errors import PmlError, PredictionError
from pmlcli.store import strictjson

Files = Mapping[str, bytes]

PROGRESS, ANSWER, ERROR = b"p", b"a", b"e"
HEAD = struct.Struct("<cQ")
FILE_HEAD = struct.Struct("<HQ")
SMALL_FRAME = 64_000
NO_LIMIT = "predict a part of the log, or give --no-isolation for a model you trust"
_READ_BYTES = 1 << 20
_MAX_FILES = 1000
_LONGEST_WAIT_SECONDS = 1_000_000


def packed(files: Files) -> bytes:
    """The files as one payload."""
    parts = [
        FILE_HEAD.pack(len(name.encode()), len(data)) + name.encode() + data for name, data in files.items()
    ]
    return b"".join(parts)


def send(writing: int, kind: bytes, payload: bytes) -> None:
    """Writes one frame, whole."""
    rest = memoryview(HEAD.pack(kind, len(payload)) + payload)
    while rest:
        rest = rest[os.write(writing, rest[:_READ_BYTES]) :]


class Frames:
    """The parent's end of the pipe, read through one buffer: a child that sends one byte at a time costs no
    more memory than another.
    """

    def __init__(self, reading: int) -> None:
        self._reading = reading
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._poll = select.poll()  # unlike select, knows descriptors beyond 1,023
        self._poll.register(reading, select.POLLIN)

    def exactly(self, size: int, deadline: float) -> bytearray:
        """The next `size` bytes, fewer only when the child's end of the pipe closed."""
        found = bytearray()
        while len(found) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not self._poll.poll(min(left, _LONGEST_WAIT_SECONDS) * 1000):
                raise hanging()
            count = os.readv(self._reading, [self._buffer[: size - len(found)]])
            if count == 0:
                break
            found += self._buffer[:count]
        return found


def unpacked(payload: bytearray) -> Files:
    """The inverse of `packed`; UntrustedArtifactError for anything else."""
    files: dict[str, bytes] = {}
    rest = memoryview(payload)
    while rest:
        if len(rest) < FILE_HEAD.size or len(files) >= _MAX_FILES:
            raise malformed("a cut-off answer")
        name_size, size = FILE_HEAD.unpack(rest[: FILE_HEAD.size])
        rest = rest[FILE_HEAD.size :]
        if name_size + size > len(rest):
            raise malformed("a cut-off answer")
        files[bytes(rest[:name_size]).decode("ascii", "replace")] = bytes(rest[name_size : name_size + size])
        rest = rest[name_size + size :]
    return files


def parsed(payload: bytes) -> Any:
    """The JSON of a small frame, read strictly."""
    return strictjson.parse(payload, source="the answer", max_bytes=SMALL_FRAME)


def malformed(what: str) -> PmlError:
    """The error about a process that sends something else than it may."""
    return errors.UntrustedArtifactError(
        f"the model's process answered with {what}", hint="do not use this model"
    )


def hanging() -> PmlError:
    """The error about a process that does not send in time."""
    return PredictionError("the model did not answer in time", code="prediction.hang", hint=NO_LIMIT)

"""A log's bytes: from a regular file or stdin, inflated by content, hashed, and bounded."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pmlcli import runtime
from pmlcli.errors import LogError
from pmlcli.eventlog.archive import EMPTY_ZIP, ZIP_MAGIC, member_pieces, refuse_other_packing
from pmlcli.eventlog.log import LogSource
from pmlcli.eventlog.options import ReadOptions

CHUNK = 1 << 18
FIRST_WINDOW = 512
"""Stored bytes of a gzip member that are looked at first."""
MAX_EMPTY = 10_000
"""Members of a gzip file that may hold nothing."""
FREE_BYTES = 8 << 20
"""Inflated bytes below which the ratio is not looked at."""

WORKBOOK = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/")
"""How the first name in the archive begins that an Excel workbook is."""
GZIP_MAGIC = b"\x1f\x8b"


class ByteSource(io.RawIOBase):
    """The inflated bytes of one input, readable once from front to end.

    `name` is the base name, for messages. After the last byte `identity` tells the format, size and
    SHA-256 of the bytes as stored. Raises LogError for what cannot be read whole.
    """

    def __init__(self, path: str | Path, options: ReadOptions) -> None:
        self.path = str(path)
        self.name = "stdin" if self.path == "-" else Path(path).name
        self._options = options
        self._file = sys.stdin.buffer if self.path == "-" else _open_regular(Path(path))
        self._size = None if self.path == "-" else os.fstat(self._file.fileno()).st_size
        self._hash = hashlib.sha256()
        self._stored = 0
        self._inflated = 0
        self._ahead = b""
        head = self._read_stored()
        if not head:
            raise LogError(f"{self.name}: the file is empty", code="log.empty", hint="is it the right file?")
        refuse_other_packing(head, self.name)
        self._chunks = self._opened(head)

    def _opened(self, head: bytes) -> Iterator[bytes]:
        if head.startswith(ZIP_MAGIC) and head[30:].startswith(WORKBOOK):
            return self._plain(head)
        if head.startswith((ZIP_MAGIC, EMPTY_ZIP)):
            return self._unzip(head)
        return self._inflate(head) if head.startswith(GZIP_MAGIC) else self._plain(head)

    @property
    def inflated(self) -> int:
        """Inflated bytes that were read until now."""
        return self._inflated

    def peek(self, size: int) -> bytes:
        """The first `size` inflated bytes (fewer at the end), which stay to be read."""
        while len(self._ahead) < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._ahead += chunk
        return self._ahead[:size]

    def chunks(self) -> Iterator[bytes]:
        """All inflated bytes, in pieces."""
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            yield ahead
        yield from self._chunks

    def readable(self) -> bool:
        """True: this is a reader."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` with inflated bytes; 0 at the end."""
        if not self._ahead:
            self._ahead = next(self._chunks, b"")
        size = min(len(buffer), len(self._ahead))
        buffer[:size] = self._ahead[:size]
        self._ahead = self._ahead[size:]
        return size

    def close(self) -> None:
        """Close the file; stdin stays open."""
        if not self.closed and self.path != "-":
            self._file.close()
        super().close()

    def identity(self, format_name: str) -> LogSource:
        """What was read: name, format, SHA-256 and size of the stored bytes."""
        for _ in self._chunks:  # what a reader left unread still counts for the hash
            pass
        return LogSource(self.name, format_name, self._hash.hexdigest(), self._stored)

    def _read_stored(self) -> bytes:
        try:
            chunk = self._file.read(CHUNK)
        except OSError as error:
            raise LogError(f"{self.name}: cannot read: {error.strerror}") from error
        self._hash.update(chunk)
        self._stored += len(chunk)
        if self._size is not None:
            runtime.report("reading", self._stored if chunk else self._size, self._size)
        return chunk

    def _plain(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            self._count(len(chunk))
            yield chunk
            chunk = self._read_stored()

    def _unzip(self, chunk: bytes) -> Iterator[bytes]:
        """The one file in a zip archive, whose directory stands at its end: read whole, then inflated."""
        from_stdin = io.BytesIO()
        while chunk:
            if self.path == "-":
                from_stdin.write(chunk)
            if self._stored > self._options.max_input_bytes:
                raise self._too_big()
            chunk = self._read_stored()
        archive = from_stdin if self.path == "-" else self._file
        for piece in member_pieces(archive, self.name, CHUNK):
            self._count(len(piece), compressed=True)
            yield piece

    def _inflate(self, chunk: bytes) -> Iterator[bytes]:
        """The members of a gzip file, one after another.

        The stored bytes stay where they are and are handed over by place, few at first: what a member leaves
        is copied by zlib, and a file of many small members would be copied again for each.
        """
        inflater, window, made = zlib.decompressobj(wbits=31), FIRST_WINDOW, 0
        at = empty = 0
        while True:
            if at == len(chunk):
                chunk, at = self._read_stored(), 0
            if not chunk and inflater.eof:
                return
            if not chunk:
                raise LogError(f"{self.name}: the gzip stream is cut off", code="log.truncated", hint=_AGAIN)
            if inflater.eof:
                empty += not made
                if empty > MAX_EMPTY:
                    raise LogError(
                        f"{self.name}: more than {MAX_EMPTY:,} empty gzip members", code="log.limit"
                    )
                inflater, window, made = zlib.decompressobj(wbits=31), FIRST_WINDOW, 0
            given = memoryview(chunk)[at : at + window]
            piece = self._inflate_piece(inflater, given)
            at += len(given) - len(inflater.unused_data or inflater.unconsumed_tail)
            window, made = min(2 * window, CHUNK), made + len(piece)
            if piece:
                self._count(len(piece), compressed=True)
                yield piece

    def _inflate_piece(self, inflater: zlib._Decompress, given: memoryview) -> bytes:
        try:
            return inflater.decompress(given, CHUNK)
        except zlib.error as error:
            raise LogError(
                f"{self.name}: the gzip data is damaged", code="log.damaged", hint=_AGAIN
            ) from error

    def _count(self, size: int, *, compressed: bool = False) -> None:
        self._inflated += size
        if self._inflated > self._options.max_input_bytes:
            raise self._too_big()
        ratio = self._options.max_ratio
        if compressed and ratio and self._inflated > max(FREE_BYTES, ratio * self._stored):
            raise LogError(
                f"{self.name}: inflates too much ({self._inflated:,} bytes from {self._stored:,})",
                hint="--max-ratio 0 turns this check off for a log that you trust",
                code="log.bomb",
            )

    def _too_big(self) -> LogError:
        return LogError(
            f"{self.name}: more than {self._options.max_input_bytes:,} bytes",
            hint="--max-input-bytes raises the bound",
            code="log.too-big",
        )


def sha256_of(path: str | Path) -> str:
    """The SHA-256 of a file's stored bytes, in hex: what `identity` tells once the file was read as a log."""
    found = hashlib.sha256()
    with _open_regular(Path(path)) as file:
        try:
            while chunk := file.read(CHUNK):
                found.update(chunk)
        except OSError as error:
            raise LogError(f"{path}: cannot read: {error.strerror}") from error
    return found.hexdigest()


_AGAIN = "fetch or copy the file again"


def _open_regular(path: Path) -> BinaryIO:
    """The opened file; LogError for what is absent, no regular file or not readable."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
            raise LogError(
                f"{path.name}: {what}, not a log", code="log.not-a-file", hint="give the path of a file"
            )
        return path.open("rb")
    except FileNotFoundError as error:
        raise LogError(f"{path}: no such file", code="log.missing", hint="check the path") from error
    except (OSError, ValueError) as error:
        raise LogError(f"{path.name}: cannot open: {error}", code="log.unreadable") from error

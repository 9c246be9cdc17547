"""The text of a CSV file as UTF-8, in blocks that end where a line does, or line by line."""

from __future__ import annotations

import codecs
import io

from pmlcli.errors import LogError
from pmlcli.eventlog.encodings import encoding_hint, is_wide
from pmlcli.eventlog.source import ByteSource

BLOCK = 1 << 20
"""Bytes that are looked at together."""
MAX_LINE = 1 << 24

_UTF8 = ("utf-8", "utf-8-sig")
_MARK = b"\xef\xbb\xbf"


class TextBlocks:
    """A source's text in whole lines; every byte of it is judged, and errors name the file's own line.

    As an iterator it gives the lines of the block that was handed back by `take_lines`, and goes on into
    the next blocks where a record does. `lines` counts what was given: lines, and what was `passed`.
    With `drops_nuls`, NULs to the end of the file, as a power cut leaves them, are left out with the line
    in which they begin, which is then `lost_line`. Raises LogError for a byte that is not of
    the encoding, a NUL where there can be none, and a line
    without end.
    """

    def __init__(self, source: ByteSource, encoding: str, *, drops_nuls: bool = False) -> None:
        self.lines = 0
        self.lost_line: int | None = None
        self._drops_nuls = drops_nuls
        self._is_cut = False
        self.size = BLOCK
        self._name = source.name
        self._encoding = encoding
        self._is_wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
        self._is_utf8 = codecs.lookup(encoding).name in _UTF8
        self._decoder = codecs.getincrementaldecoder("utf-8" if self._is_utf8 else encoding)()
        self._chunks = source.chunks()
        self._may_be_marked = self._is_utf8
        self._rest = b""
        self._given: list[str] = []
        self._at = 0

    def block(self) -> bytes:
        """All text up to the last line end within reach; at the end of the file what is left, or b''."""
        if self._at < len(self._given):
            left = "".join(self._given[self._at :])
            self._given, self._at = [], 0
            return left.encode("utf-8", "surrogatepass")
        parts, size, wanted = [self._rest], len(self._rest), self.size
        while True:
            while size < wanted and (more := self._more(parts)) is not None:
                parts.append(more)
                size += len(more)
            found = b"".join(parts)
            is_all = size < wanted
            # a carriage return at the very end may be half of a line end
            end = len(found) if is_all else max(found.rfind(b"\n"), found.rfind(b"\r", 0, -1)) + 1
            if end or is_all:
                self._rest = found[end:]
                return found[:end]
            if size > MAX_LINE:
                raise LogError(f"{self._name}: a line longer than {MAX_LINE:,} characters", code="log.limit")
            parts, wanted = [found], size + self.size

    def take_lines(self, block: bytes) -> None:
        """Give the lines of this block next."""
        text = block.decode("utf-8", "surrogatepass")
        self._given, self._at = list(io.StringIO(text, newline="")), 0

    def passed(self, lines: int) -> None:
        """Count the lines of a block that was used as a whole."""
        self.lines += lines

    @property
    def has_lines(self) -> bool:
        """Whether lines of the block are left."""
        return self._at < len(self._given)

    def __iter__(self) -> TextBlocks:
        return self

    def __next__(self) -> str:
        if not self.has_lines:
            block = self.block()
            if not block:
                raise StopIteration
            self.take_lines(block)
        self._at += 1
        self.lines += 1
        return self._given[self._at - 1]

    def _more(self, before: list[bytes]) -> bytes | None:
        """The next piece as UTF-8; None at the end. `before` is what this block has already."""
        chunk = next(self._chunks, b"")
        if self._may_be_marked and chunk:
            chunk, self._may_be_marked = chunk.removeprefix(_MARK) or b"", False
        if not self._is_wide and b"\0" in chunk:
            if not self._drops_nuls or not self._ends_in_nuls(chunk):
                raise self._nul(chunk, before)
            chunk, self._is_cut = chunk[: chunk.index(b"\0")], True
        if self._is_cut and not chunk:
            self._leave_out_last_line(before)
            return None
        try:
            if self._is_utf8:
                if not chunk.isascii() or self._decoder.getstate()[0] or not chunk:
                    self._decoder.decode(chunk, not chunk)
                return chunk or None
            text = self._decoder.decode(chunk, not chunk)
        except UnicodeDecodeError as error:
            raise self._undecodable(error, before) from error
        except UnicodeError as error:  # what some codecs raise for text that is not theirs
            raise LogError(
                f"{self._name}: not {self._encoding.upper()}: {error}", code="log.encoding"
            ) from error
        return text.encode("utf-8", "surrogatepass") if chunk or text else None

    def _ends_in_nuls(self, chunk: bytes) -> bool:
        """Whether nothing but NULs follows the first; the rest of the source is read."""
        return not chunk[chunk.index(b"\0") :].strip(b"\0") and not any(
            rest.strip(b"\0") for rest in self._chunks
        )

    def _leave_out_last_line(self, before: list[bytes]) -> None:
        """Take away the line in which the NULs begin: nobody knows how it went on."""
        if self.lost_line is None:
            text = b"".join(before)
            self.lost_line = self.lines + _line_ends(text) + 1
            before[:] = [text[: max(text.rfind(b"\n"), text.rfind(b"\r")) + 1]]

    def _nul(self, chunk: bytes, before: list[bytes]) -> LogError:
        is_first = not self.lines and not any(before)
        line = self.lines + _line_ends(*before, chunk[: chunk.index(b"\0")]) + 1
        wide = is_wide(chunk) if is_first else None
        hint = "is this a text file? --on-bad-row drop leaves out NULs at its end, as a power cut makes them"
        hint = f"is it UTF-16 without a mark? --encoding {wide}" if wide else hint
        return LogError(f"{self._name}: line {line}: NUL byte", code="log.nul", hint=hint)

    def _undecodable(self, error: UnicodeDecodeError, before: list[bytes]) -> LogError:
        """The error with the file's own line and the byte's place in it."""
        until = b"".join((*before, error.object[: error.start]))
        line = self.lines + _line_ends(until) + 1
        byte = len(until) - max(until.rfind(b"\n"), until.rfind(b"\r"))
        return LogError(
            f"{self._name}: line {line}, byte {byte}: not {self._encoding.upper()}",
            hint=encoding_hint(error.object, error.start),
            code="log.encoding",
            context={"line": line, "byte": byte},
        )


def _line_ends(*parts: bytes) -> int:
    """How many lines end here; carriage returns count where they stand alone."""
    return sum(part.count(b"\n") for part in parts) or sum(part.count(b"\r") for part in parts)

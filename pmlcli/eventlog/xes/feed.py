"""Bytes into the XES parser: regular stretches by the quick way, everything else tag by tag."""

from __future__ import annotations

from collections.abc import Iterator

from pmlcli.errors import LogError
from pmlcli.eventlog.encodings import Utf8Source
from pmlcli.eventlog.source import ByteSource
from pmlcli.eventlog.xes.handlers import XesHandlers
from pmlcli.eventlog.xes.scan import Scanner

MAX_TOKEN = 3 << 19
"""Bytes that may be fed without the parser coming to the end of a tag."""
PACK_AT = 1 << 17
"""Attributes taken in before they are packed."""
STRETCH = 1 << 20
"""Bytes that are gathered before the quick way looks at them."""
GIVE_UP = 1 << 22
"""Bytes without the end of a trace after which the quick way is not tried again."""

PIECE = 1 << 18
"""Bytes that the parser is given at once."""

_TRACE, _TRACE_END = b"<trace", b"</trace>"
_ASCII = ("us-ascii", "ascii")
_UTF_8 = (None, "utf-8", "utf8", *_ASCII)


class Feeder:
    """Feeds one source to the handlers' parser. With `quick` False every tag goes to the handlers."""

    def __init__(self, handlers: XesHandlers, source: ByteSource | Utf8Source, *, quick: bool = True) -> None:
        self._handlers = handlers
        self._source = source
        self._scanner = Scanner(handlers.vocabularies)
        self._quick = quick
        self.is_wide = b"\0" in source.peek(4)
        self._fed = 0
        self._last = b""
        self._line = 1

    def feed(self) -> None:
        """Read the source to its end. Raises what the parser raises, and LogError for a NUL or a limit."""
        for data, whole_traces in self._stretches():
            self._check_nul(data)
            is_quick = whole_traces and self._quick and self._is_declared(data)
            stretch = self._scanner.scan(data, self._line) if is_quick else None
            if stretch is not None:
                self._pass_over(data)
                self._handlers.take(stretch)
            else:
                self._parse(data)
            self._line += data.count(b"\n")
            if b"\r" in data:
                self._line += data.count(b"\r") - data.count(b"\r\n")
        self._handlers.parser.Parse(b"", True)

    def around_error(self) -> tuple[bytes, int]:
        """The bytes last given to the parser, and where in them it found an error."""
        return self._last, max(0, self._handlers.parser.ErrorByteIndex - self._fed)

    def _stretches(self) -> Iterator[tuple[bytes, bool]]:
        """The bytes in pieces, and whether a piece is made of whole traces only."""
        gathered = b""
        in_traces = False
        for chunk in self._source.chunks():
            gathered += chunk
            if self._quick and not in_traces:
                at = gathered.find(_TRACE)
                in_traces = at >= 0
                cut = at if in_traces else max(len(gathered) - len(_TRACE), 0)
                yield gathered[:cut], False
                gathered = gathered[cut:]
                self._quick = not in_traces or self._may_be_quick()
            elif self._quick and len(gathered) >= STRETCH:
                end = _end_of_traces(gathered)
                yield gathered[:end], True
                gathered = gathered[end:]
                self._quick = len(gathered) < GIVE_UP and self._may_be_quick()
            elif not self._quick:
                yield gathered, False
                gathered = b""
        end = _end_of_traces(gathered) if in_traces and self._quick else 0
        yield gathered[:end], True
        yield gathered[end:], False

    def _may_be_quick(self) -> bool:
        """Whether the parser stands between two traces, in plain UTF-8 markup, with nothing left over."""
        handlers = self._handlers
        at_end = handlers.parser.CurrentByteIndex == self._fed
        return at_end and handlers.between_traces and not handlers.has_cdata and handlers.encoding in _UTF_8

    def _is_declared(self, data: bytes) -> bool:
        """Whether the bytes can be what the file declares: UTF-8 is checked where it is decoded."""
        return self._handlers.encoding not in _ASCII or data.isascii()

    def _pass_over(self, data: bytes) -> None:
        """Whole traces that need no parser: it gets as many blank lines and columns, to count them."""
        lines, last_line = data.count(b"\n"), data[data.rfind(b"\n") + 1 :].decode()
        self._last = b"\n" * lines + b" " * len(last_line)
        self._handlers.parser.Parse(self._last, False)
        self._fed += len(self._last)

    def _parse(self, data: bytes) -> None:
        """Tag by tag, with an eye on what the parser holds back."""
        parser, handlers = self._handlers.parser, self._handlers
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            self._last = piece
            parser.Parse(piece, False)
            self._fed += len(piece)
            if self._fed - parser.CurrentByteIndex > MAX_TOKEN:
                raise LogError(
                    f"{self._source.name}: line {parser.CurrentLineNumber}: a value longer than 1 MB",
                    code="log.limit",
                )
            if len(handlers.events.elements) > PACK_AT:
                handlers.pack()

    def _check_nul(self, data: bytes) -> None:
        if self.is_wide or b"\0" not in data:
            return
        self._last = before = data[: data.index(b"\0")]
        self._handlers.parser.Parse(before, False)
        line = self._line + before.count(b"\n")
        raise LogError(f"{self._source.name}: line {line}: NUL byte", code="log.nul", context={"line": line})


def _end_of_traces(data: bytes) -> int:
    """Where the last trace in the bytes ends; 0 when none does."""
    at = data.rfind(_TRACE_END)
    return at + len(_TRACE_END) if at >= 0 else 0

"""What to say about text that is not in the encoding it should be in."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from pmlcli.errors import LogError
from pmlcli.eventlog.source import ByteSource

COMMON = ("utf-8", *(f"windows-125{number}" for number in (2, 0, 1, 5, 3, 4)))
"""Encodings that logs from older tools come in, the likeliest first."""

_AROUND = 24
_MOST = 3


def encoding_hint(data: bytes, at: int) -> str:
    """How the word around the byte at `at` reads in other encodings, as options to choose from."""
    start, end = max(0, at - _AROUND), at + _AROUND
    around = data[start:end]
    left = re.split(rb"[\x00-\x20,;|\"'<>=]", around[: at - start])[-1]
    right = re.split(rb"[\x00-\x20,;|\"'<>=]", around[at - start :])[0]
    readings: dict[str, str] = {}
    for encoding in COMMON:
        try:
            text = (left + right).decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.isprintable() and text not in readings.values():
            readings[encoding] = text
    shown = [f"--encoding {name} reads '{text}'" for name, text in list(readings.items())[:_MOST]]
    if not shown:
        return "say how the text is encoded: --encoding windows-1252, latin-1, ..."
    return f"say how the text is encoded: {', '.join(shown)}"


def is_wide(head: bytes) -> str | None:
    """`utf-16-le` or `utf-16-be` when text of two-byte characters begins without a mark, else None."""
    even, odd = head[0:200:2], head[1:200:2]
    if len(odd) < 2:
        return None
    if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return None


class Utf8Source:
    """A source's text as UTF-8, whatever it is kept in: what the XML parser is given with `--encoding`."""

    def __init__(self, source: ByteSource, encoding: str) -> None:
        self.name = source.name
        self._source = source
        self._encoding = encoding

    def peek(self, size: int) -> bytes:
        """The first bytes, for a look at the kind of text; never wide."""
        return b""

    def chunks(self) -> Iterator[bytes]:
        """All text, in pieces. Raises LogError where it is not in the encoding."""
        decoder = codecs.getincrementaldecoder(self._encoding)()
        line = 1
        try:
            for chunk in self._source.chunks():
                text = decoder.decode(chunk)
                line += text.count("\n")
                if text:
                    yield text.encode("utf-8", "surrogatepass")
            yield decoder.decode(b"", True).encode("utf-8", "surrogatepass")
        except UnicodeError as error:
            at = getattr(error, "start", 0)
            data = getattr(error, "object", b"")
            line += data[:at].count(b"\n") if isinstance(data, bytes) else 0
            raise LogError(
                f"{self.name}: line {line}: not {self._encoding.upper()}",
                hint="--encoding names another, or is left out to take what the file declares",
                code="log.encoding",
                context={"line": line},
            ) from error

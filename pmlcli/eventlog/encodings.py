"""What to say about text that is not in the encoding it should be in."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from pmlcli.errors import LogError
from pmlcli.eventlog.legacy_text import SEPARATORS, likeliest
from pmlcli.eventlog.source import ByteSource

_AROUND = 24
_JUDGED = 4_096
"""Bytes before and after the first wrong one by which encodings are told apart."""
_MOST = 3


def encoding_hint(data: bytes, at: int) -> str:
    """How the word around the byte at `at` reads in other encodings, as options to choose from."""
    left = SEPARATORS.split(data[max(0, at - _AROUND) : at])[-1]
    right = SEPARATORS.split(data[at : at + _AROUND])[0]
    readings = likeliest(left + right, data[max(0, at - _JUDGED) : at + _JUDGED])
    shown = [
        f"--encoding {name} reads '{text}'" + (f" ({others[0]} too)" if others else "")
        for text, (name, *others) in list(readings.items())[:_MOST]
    ]
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

"""How much a reader may make of one input, in bytes: one rule for every format."""

from __future__ import annotations

from pmlcli.errors import LogError
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.source import ByteSource

FREE_MADE = 64 << 20
"""Bytes that any input may become, however small it is."""
PACKING = 5
"""So much more may a packed file inflate than an inflated one may become in memory."""
CODE = 4
"""Bytes of a cell in a column of coded text."""
CELL = 64
"""Bytes of a cell that is an object of Python for a while: a place in a dict, and what stands there."""
MAX_TEXT = 1 << 20
"""Bytes of one text, in every format."""
MAX_NAMES = 2_000
"""Attributes that a log may have, where a file names them event by event."""


class Budget:
    """What is made of one input, counted before it is held; beyond the bound a LogError.

    The bound is `max_ratio / PACKING` times the inflated input (or `FREE_MADE` where that is more), and never
    more than `max_input_bytes`. A ratio of 0 leaves only the latter.
    """

    def __init__(self, source: ByteSource, options: ReadOptions) -> None:
        self.name = source.name
        self._read = source.inflated
        by_ratio = max(FREE_MADE, options.max_ratio * self._read // PACKING)
        self._most = min(by_ratio, options.max_input_bytes) if options.max_ratio else options.max_input_bytes
        self._made = 0

    def make(self, size: int, what: str = "") -> None:
        """Count so many bytes more; `what` names the part of the input, for the error."""
        self._made += size
        if self._made > self._most:
            of = f" in {what}" if what else ""
            raise LogError(
                f"{self.name}: inflates too much ({self._made:,} bytes to hold{of}, from {self._read:,})",
                hint="--max-ratio 0 turns this check off for a log that you trust, --max-input-bytes raises "
                "the bound",
                code="log.bomb",
            )

    def text(self, size: int, what: str) -> None:
        """Refuse a text of more than `MAX_TEXT` bytes."""
        if size > MAX_TEXT:
            raise LogError(f"{self.name}: {what}: a value longer than 1 MB", code="log.limit")

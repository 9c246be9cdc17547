"""The account of a reading: rows read = events used + rows refused, by reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """Rows that were left out for one reason; `lines` are the first few, 1-based, in the source."""

    reason: str
    count: int
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Ledger:
    """What became of every row of a log.

    `notes` are facts that a reader of the log should know though no row was lost, as (kind, count):
    ties in time kept in file order, cases kept apart that share a name, times without a zone, ...

    Raises ValueError when the rows do not add up: that is a bug in a reader, never bad input.
    """

    rows_read: int
    events_used: int
    refused: tuple[Refusal, ...] = ()
    notes: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if self.rows_read != self.events_used + self.rows_refused:
            raise ValueError(
                f"the ledger does not add up: {self.rows_read} read, {self.events_used} used, "
                f"{self.rows_refused} refused"
            )

    @property
    def rows_refused(self) -> int:
        """Rows that did not become events."""
        return sum(refusal.count for refusal in self.refused)

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form, as it stands in the manifest."""
        return {
            "rows_read": self.rows_read,
            "events_used": self.events_used,
            "refused": [{"reason": r.reason, "count": r.count, "lines": list(r.lines)} for r in self.refused],
            "notes": [{"kind": kind, "count": count} for kind, count in self.notes],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Ledger:
        """The inverse of `to_dict`."""
        return cls(
            rows_read=data["rows_read"],
            events_used=data["events_used"],
            refused=tuple(Refusal(r["reason"], r["count"], tuple(r["lines"])) for r in data["refused"]),
            notes=tuple((n["kind"], n["count"]) for n in data["notes"]),
        )

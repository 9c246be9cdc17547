"""The account of a reading: rows read = events used + rows refused + rows filtered, by reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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

    `refused` rows could not be used; `filtered` ones were left out because the user asked for it.
    `notes` are facts that a reader of the log should know though no row was lost, as (kind, count):
    ties in time kept in file order, cases kept apart that share a name, times without a zone, ...

    Raises ValueError when the rows do not add up: that is a bug in a reader, never bad input.
    """

    rows_read: int
    events_used: int
    refused: tuple[Refusal, ...] = ()
    notes: tuple[tuple[str, int], ...] = ()
    filtered: tuple[Refusal, ...] = ()

    def __post_init__(self) -> None:
        if self.rows_read != self.events_used + self.rows_refused + self.rows_filtered:
            raise ValueError(
                f"the ledger does not add up: {self.rows_read} read, {self.events_used} used, "
                f"{self.rows_refused} refused, {self.rows_filtered} filtered"
            )

    @property
    def rows_refused(self) -> int:
        """Rows that did not become events."""
        return sum(refusal.count for refusal in self.refused)

    @property
    def rows_filtered(self) -> int:
        """Rows that the user chose to leave out, or that were merged into another on request."""
        return sum(filtering.count for filtering in self.filtered)

    def without(self, filtering: Refusal) -> Ledger:
        """The ledger after some more of the events were left out on request."""
        return replace(
            self, events_used=self.events_used - filtering.count, filtered=(*self.filtered, filtering)
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form, as it stands in the manifest."""
        return {
            "rows_read": self.rows_read,
            "events_used": self.events_used,
            "refused": [_plain(refusal) for refusal in self.refused],
            "filtered": [_plain(filtering) for filtering in self.filtered],
            "notes": [{"kind": kind, "count": count} for kind, count in self.notes],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Ledger:
        """The inverse of `to_dict`."""
        return cls(
            rows_read=data["rows_read"],
            events_used=data["events_used"],
            refused=tuple(_refusal(plain) for plain in data["refused"]),
            notes=tuple((n["kind"], n["count"]) for n in data["notes"]),
            # models saved before there were filters have none
            filtered=tuple(_refusal(plain) for plain in data.get("filtered", ())),
        )


def _plain(refusal: Refusal) -> dict[str, Any]:
    return {"reason": refusal.reason, "count": refusal.count, "lines": list(refusal.lines)}


def _refusal(plain: Mapping[str, Any]) -> Refusal:
    return Refusal(plain["reason"], plain["count"], tuple(plain["lines"]))

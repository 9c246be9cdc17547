"""Which events and cases of a log are wanted: every choice a user can make, checked once."""

from __future__ import annotations

from dataclasses import dataclass

from pmlcli.errors import ValidationError, unknown_name
from pmlcli.eventlog.times.duration import duration_seconds

RUNNING = ("mark", "drop", "only")
IS_RUNNING = "case:is_running"
"""The column that `running="mark"` adds."""


@dataclass(frozen=True)
class Selection:
    """The choices of one selection; the defaults keep everything. They are made in this order.

    - `where`: (column, value) pairs; events that hold one of the values of each column
    - `since`, `until`: cases that begin at or after the one and before the other; never a part of a case
    - `start_activity`, `end_activity`: cases whose first or last activity is one of these
    - `min_events`: cases of at least so many events
    - `variants_top`: cases of the so many most frequent variants; ties in order of appearance
    - `running`: `mark` adds the column `case:is_running`, `drop` leaves running cases out, `only` keeps
      no others. Then `end_activity` says how finished cases end instead of choosing cases by it
    - `idle`: a case is running only when its last event is at most so long before the log's end: 30d, 12h
    """

    where: tuple[tuple[str, str], ...] = ()
    since: str | None = None
    until: str | None = None
    start_activity: tuple[str, ...] = ()
    end_activity: tuple[str, ...] = ()
    min_events: int | None = None
    variants_top: int | None = None
    running: str | None = None
    idle: str | None = None

    def __post_init__(self) -> None:
        if self.running is not None and self.running not in RUNNING:
            raise unknown_name("value of running", self.running, RUNNING)
        if self.idle is not None and self.running is None:
            raise ValidationError(
                "an idle time says which cases are running, but not what to do with them",
                hint="add --running mark, drop or only",
            )
        for name in ("min_events", "variants_top"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ValidationError(f"{name} is at least 1, not {number}")
        self.idle_us()

    def idle_us(self) -> int | None:
        """The idle time in microseconds."""
        return None if self.idle is None else int(duration_seconds(self.idle) * 1_000_000)

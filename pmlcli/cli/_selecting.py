"""Options that choose events and cases of a log: the same for every command that reads one."""

from __future__ import annotations

from typing import Annotated

import typer

from pmlcli.cli._group import REQUEST, options
from pmlcli.errors import ValidationError
from pmlcli.eventlog.selection import Selection

_SELECTING = "Choosing events and cases"


@options
class SelectingOptions:
    """Which events and cases are wanted; all of them unless something is said."""

    pair_lifecycle: Annotated[
        bool,
        REQUEST,
        typer.Option(
            "--pair-lifecycle",
            help="Join each start with its completion: one event with start_timestamp and timestamp.",
            rich_help_panel=_SELECTING,
        ),
    ] = False
    lifecycle: Annotated[
        list[str] | None,
        REQUEST,
        typer.Option(
            "--lifecycle",
            metavar="NAME",
            help="Keep events of this lifecycle transition, such as complete. Repeatable.",
            rich_help_panel=_SELECTING,
        ),
    ] = None
    where: Annotated[
        list[str] | None,
        REQUEST,
        typer.Option(
            "--where",
            metavar="COLUMN=VALUE",
            help="Keep events with this value, or cases if the column begins with case:. Repeatable: any "
            "of the values of one column, and all of the columns.",
            rich_help_panel=_SELECTING,
        ),
    ] = None
    since: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Keep cases that begin at this time or later.",
            rich_help_panel=_SELECTING,
        ),
    ] = None
    until: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--until",
            metavar="TIME",
            help="Keep cases that begin before this time.",
            rich_help_panel=_SELECTING,
        ),
    ] = None
    start_activity: Annotated[
        list[str] | None,
        REQUEST,
        typer.Option(
            "--start-activity",
            metavar="NAME",
            help="Keep cases that begin with this activity. Repeatable.",
            rich_help_panel=_SELECTING,
        ),
    ] = None
    end_activity: Annotated[
        list[str] | None,
        REQUEST,
        typer.Option(
            "--end-activity",
            metavar="NAME",
            help="Keep cases that end with this activity. With --running: a case is finished if it ends "
            "with it. Repeatable.",
            rich_help_panel=_SELECTING,
        ),
    ] = None
    min_events: Annotated[
        int | None,
        REQUEST,
        typer.Option(
            "--min-events",
            min=1,
            metavar="N",
            help="Keep cases with at least N events.",
            rich_help_panel=_SELECTING,
        ),
    ] = None
    variants_top: Annotated[
        int | None,
        REQUEST,
        typer.Option(
            "--variants-top",
            min=1,
            metavar="K",
            help="Keep cases of the K most frequent variants.",
            rich_help_panel=_SELECTING,
        ),
    ] = None
    running: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--running",
            metavar="mark|drop|only",
            help="Running cases: mark them in a column case:is_running, drop them, or keep only them.",
            rich_help_panel=_SELECTING,
        ),
    ] = None
    idle: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--idle",
            metavar="DURATION",
            help="With --running: a case without an event for longer, such as 30d, is not running.",
            rich_help_panel=_SELECTING,
        ),
    ] = None

    def to_selection(self) -> Selection:
        """The same choices as the reader takes them, checked."""
        return Selection(
            where=tuple(_pair(text) for text in self.where or ()),
            since=self.since,
            until=self.until,
            start_activity=tuple(self.start_activity or ()),
            end_activity=tuple(self.end_activity or ()),
            min_events=self.min_events,
            variants_top=self.variants_top,
            running=self.running,
            idle=self.idle,
        )


def _pair(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not equals or not column:
        raise ValidationError(f"--where takes COLUMN=VALUE, not '{text}'")
    return column, value

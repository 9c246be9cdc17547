"""`inspect LOG --kpi`: a log's KPI series, as a forecast would learn from them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmlcli.cli import _complete
from pmlcli.cli._group import REQUEST, options
from pmlcli.cli._options import ReadingOptions
from pmlcli.cli._session import Session
from pmlcli.render.series import series as series_blocks

if TYPE_CHECKING:
    from pmlcli.encoding.series.encoding import Series

_PANEL = "KPI series of a log"


@options
class SeriesOptions:
    """Which series are shown in place of the log's profile."""

    kpi: Annotated[
        list[str] | None,
        REQUEST,
        typer.Option(
            "--kpi",
            metavar="KPI",
            autocompletion=_complete.kpis,
            help="Show this KPI's series, such as arrivals or sla-breach-rate:5d. Repeatable.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    frequency: Annotated[
        str,
        REQUEST,
        typer.Option(
            "--frequency",
            metavar="H|D|W|M",
            help="Width of a bucket: hour, day, week or month.",
            rich_help_panel=_PANEL,
        ),
    ] = "D"


def show_series(source: str, choice: SeriesOptions, reading: ReadingOptions, session: Session) -> None:
    """Each KPI's definition and values: the last of them as text, all of them with --json."""
    # numpy and pandas take time to import; a model's card needs neither.
    from pmlcli.encoding.series.encoding import SeriesEncoding
    from pmlcli.eventlog import read_log

    encoding = SeriesEncoding(tuple(choice.kpi or ()), choice.frequency)
    log = read_log(source, reading.to_read_options())
    document = {"series": [_facts(series) for series in encoding.fit(log).transform(log)]}
    session.result("series", document, lambda: series_blocks(document, sys.stdout.encoding))


def _facts(series: Series) -> dict[str, Any]:
    return {
        "kpi": series.kpi,
        "about": series.about,
        "unit": series.unit,
        "frequency": series.frequency,
        "starts": [start.isoformat() for start in series.local_starts()],
        "values": series.values.tolist(),
    }

"""`pmlcli inspect`: the card of a model, or the profile of a log."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from pmlcli.cli._group import REQUEST
from pmlcli.cli._options import CommonOptions, ReadingOptions
from pmlcli.cli._series import SeriesOptions, show_series
from pmlcli.errors import DamagedModelError, ValidationError
from pmlcli.render import log_profile, text

EXIT_SERIOUS = 3

TargetArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL|LOG", help="Model directory, or event log (- for stdin).", show_default=False
    ),
]
StrictOption = Annotated[
    bool, REQUEST, typer.Option("--strict", help="Exit with code 3 if a finding about the log is serious.")
]


def inspect(
    target: TargetArgument,
    series: SeriesOptions,
    reading: ReadingOptions,
    common: CommonOptions,
    strict: StrictOption = False,
) -> None:
    """Show a model's card, a log's profile, or a KPI's series.

    For a model (a directory): how it was made, how good it is, which columns it needs, and, with exit
    code 5, which of its files do not match its manifest; `pmlcli verify` also opens them.
    For a log (a file): size, times, activities, variants, resources, attributes, rows that were refused or
    filtered, and what is wrong with its data: serious (a model would learn something false), warning (look
    at it) or note.
    """
    with common.session() as session:
        if Path(target).is_dir():
            if strict or series.kpi:
                option = "--strict" if strict else "--kpi"
                raise ValidationError(f"{option} is for a log", hint="`pmlcli verify` checks a model")
            # Only this branch needs the store.
            from pmlcli.lifecycle.inspection import DAMAGED, inspect_model

            card = inspect_model(target)
            session.result("model", card, lambda: text.model(card))
            if card["findings"] or card["signature"].startswith(DAMAGED):
                raise typer.Exit(DamagedModelError.exit_code)
            return
        if series.kpi:
            show_series(target, series, reading, session)
            return
        found = inspect_log(target, reading)
        session.result("log", found, lambda: log_profile.log(found, sys.stdout.encoding))
        if strict and any(finding["severity"] == "serious" for finding in found["profile"]["findings"]):
            raise typer.Exit(EXIT_SERIOUS)


def inspect_log(source: str, reading: ReadingOptions) -> dict[str, Any]:
    """A log's source and profile."""
    # numpy and pandas take time to import; a model's card needs neither.
    from pmlcli.eventlog import read_log
    from pmlcli.eventlog.profile import profile

    log = read_log(source, replace(reading.to_read_options(), guess_columns=True))
    return {"log": dict(vars(log.source)), "profile": profile(log).to_dict()}

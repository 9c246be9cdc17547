"""`pmlcli monitor`: a model and a new log become what has changed since training."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from pmlcli.cli._group import PLACE, REQUEST
from pmlcli.cli._measuring import MeasuringOptions, finish
from pmlcli.cli._options import CommonOptions, ReadingOptions, one_of
from pmlcli.cli._trust import TrustOptions
from pmlcli.cli.predict import ModelArgument
from pmlcli.errors import ValidationError

LogArgument = Annotated[
    str, typer.Argument(metavar="LOG", help="Event log, - for stdin.", show_default=False)
]
EffectOption = Annotated[
    float,
    REQUEST,
    typer.Option(
        "--min-effect",
        metavar="SHARE",
        help="Smallest change that counts. 0.05 is 5 percentage points; for times and numbers, a new value "
        "is above an old one in 55 of 100 pairs instead of 50.",
    ),
]
WindowOption = Annotated[
    str,
    REQUEST,
    typer.Option(
        "--window", metavar="SPAN", help="How precisely to date the start of a change: 12h, 7d, 4w."
    ),
]
HistoryOption = Annotated[
    Path | None,
    PLACE,
    typer.Option(
        "--history", metavar="FILE.jsonl", help="Append one line about this run. One file per model."
    ),
]
FailOption = Annotated[
    str | None,
    REQUEST,
    typer.Option(
        "--fail-on",
        metavar="drift|serious",
        help="Exit with code 6 if anything changed (drift), or if a change is surely larger than "
        "--min-effect (serious).",
    ),
]
_SPAN = re.compile(r"([1-9][0-9]{0,5})\s*([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}
_FAILS = {"drift": ("drift", "serious"), "serious": ("serious",)}


def monitor(  # noqa: PLR0913 (a command takes its groups of options)
    model: ModelArgument,
    log: LogArgument,
    measuring: MeasuringOptions,
    reading: ReadingOptions,
    trust: TrustOptions,
    common: CommonOptions,
    min_effect: EffectOption = 0.05,
    window: WindowOption = "7d",
    history: HistoryOption = None,
    fail_on: FailOption = None,
) -> None:
    """Say what has changed in the process since a model was trained, and since when.

    Compares cases that began after training with those of training, each for the same time after its start.
    Shows only changes that chance does not explain, and allows for weeks that differ anyway. The exit code
    is 0 whatever is found, unless --fail-on or --fail-if says otherwise.
    """
    with common.session() as session:
        one_of("limit", fail_on, tuple(_FAILS))
        hours = _hours(window)
        # pandas takes time to import; a misspelt option must not wait for it.
        from pmlcli.lifecycle import drift_history
        from pmlcli.lifecycle.monitoring import UNITS, Monitored

        how = Monitored(min_effect, hours * 3_600_000_000)
        measuring.check(session, UNITS)
        loaded = trust.load(model)
        if history is not None:
            replaced = drift_history.replaced_by(loaded.manifest_fields["training_log"])
            drift_history.check(history, loaded.root_digest, replaced)
        found = loaded.monitor(log, how=how, options=reading.to_read_options())
        if fail_on is not None:
            found = replace(found, fails=found.verdict in _FAILS[fail_on])
        with nullcontext() if history is None else drift_history.appended(history, found):
            finish(found, measuring, session)


def _hours(span: str) -> int:
    found = _SPAN.fullmatch(span.strip().lower())
    if found is None:
        raise ValidationError(
            f"--window '{span}' is not a time span", hint="give hours, days or weeks: 12h, 7d, 4w"
        )
    return int(found[1]) * _HOURS[found[2]]

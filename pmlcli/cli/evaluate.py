"""`pmlcli evaluate`: a model on a log that holds the truth, beside training and its baseline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmlcli.cli import _measuring, _target
from pmlcli.cli._group import PLACE, REQUEST, TRUST, options
from pmlcli.cli._measuring import MeasuringOptions
from pmlcli.cli._options import (
    CommonOptions,
    ReadingOptions,
    labels_option,
    one_of,
)
from pmlcli.cli._trust import TrustOptions
from pmlcli.cli.predict import TABLE_ENDINGS, ModelArgument
from pmlcli.errors import ValidationError
from pmlcli.store import publish

if TYPE_CHECKING:
    from pmlcli.cli._session import Session
    from pmlcli.lifecycle.evaluating import Evaluation

LogArgument = Annotated[
    str,
    typer.Argument(metavar="LOG", help="Event log of cases that ended, - for stdin.", show_default=False),
]


@options
class ScopeOptions:
    """On what, and beside what, the model is evaluated."""

    by: Annotated[
        list[str] | None,
        REQUEST,
        typer.Option(
            "--by",
            metavar="activity|prefix-length|month|resource|COLUMN",
            help="Also measure each activity, month, ... by itself, the worst first. Repeatable.",
        ),
    ] = None
    only_new: Annotated[
        bool,
        REQUEST,
        typer.Option("--only-new", help="Measure only cases that began after the training log ended."),
    ] = False
    labels: Annotated[
        Path | None,
        PLACE,
        labels_option(),
    ] = None
    against: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--against", metavar="MODEL", help="Compare with this model of the same task, on the same cases."
        ),
    ] = None
    errors: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--errors",
            metavar="FILE",
            help="Also write each prediction next to the truth: .csv, .jsonl or .parquet.",
        ),
    ] = None

    figures: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--figures",
            metavar="DIR",
            help="Draw what was found into this directory, as SVG: beside training, by group, how honest.",
        ),
    ] = None

    def check(self, *, force: bool) -> None:
        """Raises before any work is done when errors or figures cannot be written as asked."""
        if self.figures is not None:
            _target.require_directory_place(self.figures, force=force)
        if self.errors is not None:
            _target.require_file_place(self.errors, force=force)
            if self.errors.suffix.lower() not in TABLE_ENDINGS:
                raise ValidationError(
                    f"{self.errors}: predictions cannot be written as '{self.errors.suffix}'",
                    hint="end it in .csv, .jsonl or .parquet",
                )


ForeignOption = Annotated[
    str,
    TRUST,
    typer.Option(
        "--foreign",
        metavar="refuse|allow",
        help="What to do if training never saw the activities of most events of the log.",
    ),
]


def evaluate(  # noqa: PLR0913 (a command takes its groups of options)
    model: ModelArgument,
    log: LogArgument,
    scope: ScopeOptions,
    measuring: MeasuringOptions,
    reading: ReadingOptions,
    trust: TrustOptions,
    common: CommonOptions,
    foreign: ForeignOption = "refuse",
) -> None:
    """Say how good a model is on a log that holds the truth.

    Predicts the log's cases as `predict --every-prefix` does, and compares each prediction with what
    happened. Uses the metric of the training, and compares with the baseline that the model keeps. With
    --fail-if, a result beyond a limit gives exit code 6.
    """
    with common.session() as session:
        measuring.check(session)
        scope.check(force=measuring.force)
        one_of("foreign", foreign, ("refuse", "allow"))
        found = evaluate_log(model, log, scope, reading, trust, foreign=foreign)
        if scope.errors is not None:
            _write_errors(found, scope.errors, measuring, session)
        if scope.figures is not None:
            drawn = found.save_pictures(scope.figures, force=True)
            session.note(f"drew {', '.join(path.name for path in drawn)} in {scope.figures}")
        _measuring.finish(found.assessment, measuring, session)


def evaluate_log(  # noqa: PLR0913 (a command takes its groups of options)
    model: Path,
    log: str,
    scope: ScopeOptions,
    reading: ReadingOptions,
    trust: TrustOptions,
    *,
    foreign: str,
) -> Evaluation:
    """The model's evaluation; columns and zone are those of its training unless options say otherwise."""
    how = reading.to_read_options()
    # The model's library takes time to import; a misspelt option must not wait for it.
    from pmlcli.eventlog import read_log
    from pmlcli.lifecycle.evaluating import Scope
    from pmlcli.lifecycle.labels import labels_of

    loaded = trust.load(model)
    other = None if scope.against is None else trust.load(scope.against)
    read = read_log(log, loaded.read_options(how))
    labels = labels_of(scope.labels, read)
    asked = Scope(tuple(scope.by or ()), scope.only_new, labels)
    return loaded.evaluate(read, scope=asked, against=other, options=how, foreign=foreign)


def _write_errors(found: Evaluation, path: Path, measuring: MeasuringOptions, session: Session) -> None:
    # pandas takes time to import.
    from pmlcli.render import frame

    table: Any = found.frame
    data = frame.to_bytes(table, TABLE_ENDINGS[path.suffix.lower()])
    publish.write_file(path, data, force=measuring.force)
    session.note(f"wrote {len(table):,} predictions beside the truth to {path}")

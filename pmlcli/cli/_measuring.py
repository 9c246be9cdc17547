"""What all measuring commands share: where their results go, in which form, and when it is a failure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from pmlcli.cli import _complete, _target
from pmlcli.cli._group import PLACE, REQUEST, options
from pmlcli.cli._options import ForceOption, one_of
from pmlcli.cli._session import QUIET, Session
from pmlcli.errors import ValidationError
from pmlcli.evaluation import gates
from pmlcli.evaluation.assessment import Assessment
from pmlcli.evaluation.gates import Gate, Judged
from pmlcli.render import assessment as render
from pmlcli.render import prometheus
from pmlcli.store import publish


@options
class GateOptions:
    """When a result is a failure, and where its figures go for monitoring."""

    metrics: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--metrics",
            metavar="FILE.prom",
            help="Also write all figures to this file, for Prometheus.",
        ),
    ] = None
    fail_if: Annotated[
        list[str] | None,
        REQUEST,
        typer.Option(
            "--fail-if",
            metavar="GATE",
            help="Exit with code 6 if this is true, such as 'accuracy<0.7'. Results are still written. "
            "Repeatable.",
        ),
    ] = None

    def gates(self) -> list[Gate]:
        """The gates of --fail-if; ValidationError for a text that is none."""
        return [gates.parse(text) for text in self.fail_if or ()]

    def check_gates(self, units: Mapping[str, str] | None = None) -> None:
        """Raises, before any work is done, for a text that is no gate and a place that cannot be written.

        `units` are the figures that there may be, name to unit, where they are known beforehand.
        """
        found = self.gates()
        if units is not None:
            gates.check_names(found, units)
        if self.metrics is not None:
            _target.require_file_place(self.metrics, force=True)

    def write_metrics(self, found: Assessment, judged: Sequence[Judged], session: Session) -> None:
        """Replaces the file of --metrics, if one is wanted."""
        if self.metrics is not None:
            publish.write_file(self.metrics, _encoded(prometheus.text(found, judged)), force=True)
            session.note(f"wrote the metrics to {self.metrics}")


@options
class MeasuringOptions(GateOptions):
    """Output and gates of a command that measures. Call `check` first and `finish` last."""

    output: Annotated[
        Path | None,
        PLACE,
        typer.Option("--output", "-o", metavar="FILE", help="The file to write; - is stdout."),
    ] = None
    format: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--format",
            metavar="|".join(_complete.MEASURED_FORMATS),
            autocompletion=_complete.measured_formats,
            help="The format.  [default: by the file's name, else a table]",
        ),
    ] = None
    force: ForceOption = False

    def check(self, session: Session, units: Mapping[str, str] | None = None) -> None:
        """Raises, before any work is done, for gates, formats and places that cannot be meant.

        `units` are the figures that the command may give, name to unit, where it knows them beforehand.
        """
        one_of("format", self.format, render.FORMATS)
        if session.as_json and not self.is_file() and self.format not in (None, "json"):
            raise ValidationError(
                f"--json and --format {self.format} exclude each other",
                hint="give one of them, or write one to a file with -o",
            )
        self.check_gates(units)
        if self.output is not None and self.is_file():
            self.chosen_format()
            _target.require_file_place(self.output, force=self.force)

    def is_file(self) -> bool:
        """Whether the results go to a file."""
        return _target.is_file(self.output)

    def chosen_format(self) -> str:
        """The format by --format, else by the file's name, else a table."""
        if self.format is not None or self.output is None or not self.is_file():
            return self.format or "table"
        suffix = self.output.suffix.lower()
        if suffix and suffix not in render.BY_ENDING:
            raise ValidationError(
                f"{self.output}: figures cannot be written as '{suffix}'",
                hint=f"end it in {', '.join(render.BY_ENDING)}, or say --format",
            )
        return render.BY_ENDING.get(suffix, "table")


def finish(found: Assessment, options: MeasuringOptions, session: Session) -> None:
    """Says and writes all that was found, then raises GateError where a gate is crossed, or where the verdict
    fails (exit code 6).

    With -q a bad day is one line: the gates that are crossed, else a verdict that a person should look at.
    Raises ValidationError, with nothing written, for a gate that names no figure or is pointless.
    """
    judged = gates.judge(options.gates(), found.figures)
    for text in found.warnings:
        session.warn(text)
    for one in judged:
        if one.value is None:
            session.warn(gates.sentence(one), is_serious=True)
    found = dataclasses.replace(found, warnings=list(session.warned))
    options.write_metrics(found, judged, session)
    _write(found, judged, options, session)
    gates.require(judged, found)
    if found.is_bad and session.level == QUIET:
        session.warn(found.sentence, is_serious=True)


def _write(found: Assessment, judged: Sequence[Judged], options: MeasuringOptions, session: Session) -> None:
    document = render.document(found, judged)
    chosen = options.chosen_format()
    if options.output is not None and options.is_file():
        publish.write_file(
            options.output, _encoded(render.to_text(found, judged, chosen)), force=options.force
        )
        session.note(found.sentence)
        session.note(f"wrote the {chosen} to {options.output}")
        document["output"] = str(options.output)
    if session.as_json:
        session.result(found.command, document, list)
    elif options.is_file():
        return
    elif chosen != "table":
        typer.echo(_encoded(render.to_text(found, judged, chosen)), nl=False)
    elif options.output is not None or options.format is not None:
        session.result(found.command, document, lambda: render.blocks(found, judged))
    else:
        session.outcome(found.command, document, lambda: render.blocks(found, judged))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="backslashreplace")

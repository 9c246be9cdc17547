"""`pmlcli convert`: the same log in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pmlcli.cli import _complete, _target
from pmlcli.cli._group import PLACE, REQUEST, options
from pmlcli.cli._options import (
    CommonOptions,
    ForceOption,
    LogArgument,
    RawCsvOption,
    ReadingOptions,
    one_of,
)
from pmlcli.cli._session import Session
from pmlcli.errors import ValidationError
from pmlcli.render import number, sentence, text
from pmlcli.store import publish

FORMATS = ("csv", "xes", "parquet")


@options
class TargetOptions:
    """Where the log goes, and how it is written."""

    output: Annotated[
        Path,
        PLACE,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file to write: .csv, .xes or .parquet, compressed with .gz; - is stdout.",
            show_default=False,
        ),
    ]
    format: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--format",
            metavar="csv|xes|parquet",
            autocompletion=_complete.log_formats,
            help="The format.  [default: by the file's name]",
        ),
    ] = None
    raw_csv: RawCsvOption = False
    force: ForceOption = False

    def is_file(self) -> bool:
        """Whether the log goes to a file, not to stdout."""
        return _target.is_file(self.output)

    def chosen_format(self) -> str:
        """The format by --format, else the ending of the file's name."""
        return self.format or self.output.name.lower().removesuffix(".gz").rpartition(".")[2]

    def check(self) -> None:
        """Raises before the log is read when it cannot be written as asked."""
        one_of("format", self.format, FORMATS)
        if self.chosen_format() not in FORMATS:
            raise ValidationError(
                f"the name '{self.output}' does not name a format", hint="give --format csv, xes or parquet"
            )
        if self.is_file():
            _target.require_file_place(self.output, force=self.force)


def convert(log: LogArgument, target: TargetOptions, reading: ReadingOptions, common: CommonOptions) -> None:
    """Write a log in another format: CSV, XES or Parquet.

    Columns are case_id, activity, timestamp, resource, lifecycle, then the rest. Prints the file's
    path on stdout, unless the log itself goes there.
    """
    with common.session() as session:
        document = convert_log(log, target, reading, session)
        if target.is_file():
            session.outcome("convert", document, lambda: text.saved_path(document))


def convert_log(
    source: str, target: TargetOptions, reading: ReadingOptions, session: Session
) -> dict[str, Any]:
    """Reads and writes the log; the document that `convert --json` prints."""
    target.check()
    # numpy and pandas take time to import; a wrong option must not wait for them.
    from pmlcli.eventlog import log_pieces, read_log, write_log
    from pmlcli.eventlog.losses import losses

    log = read_log(source, reading.to_read_options())
    facts = sentence.facts_of(log)
    for line in sentence.reading(facts, log.schema.columns, log.schema.timezone):
        session.note(line)
    for lost in losses(log, target.chosen_format(), escape_formulas=not target.raw_csv):
        session.warn(lost)
    how: dict[str, Any] = {"format": target.format, "escape_formulas": not target.raw_csv}
    if target.is_file():
        pieces = log_pieces(log, target.output.name, **how)
        publish.write_file(target.output, pieces, force=target.force)
    else:
        write_log(log, typer.get_binary_stream("stdout"), **how)
    session.note(f"wrote {number.counted(log.n_events, 'event')} to {target.output}")
    return {"path": str(target.output), "log": facts}

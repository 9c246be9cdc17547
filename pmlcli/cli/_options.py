"""Options that more than one command has: one declaration, one meaning, one help text."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import typer

from pmlcli.cli import _complete, _config
from pmlcli.cli._failure import Mode
from pmlcli.cli._group import LIMIT, PLACE, REQUEST, SHOWN, TRUST, options
from pmlcli.cli._selecting import SelectingOptions
from pmlcli.cli._session import NORMAL, QUIET, VERBOSE, Session, opened
from pmlcli.errors import ValidationError, unknown_name
from pmlcli.eventlog.options import MAX_INPUT_BYTES, MAX_RATIO, ReadOptions

_READING = "Reading the log"
_COMMON = "Common options"

LogArgument = Annotated[
    str,
    typer.Argument(
        metavar="LOG",
        help="Event log: CSV, XES, Parquet, Excel or OCEL, also .gz and .zip; - is stdin.",
        show_default=False,
    ),
]
RawCsvOption = Annotated[
    bool,
    TRUST,
    typer.Option("--raw-csv", help="Do not escape cells that a spreadsheet would run as a formula."),
]
ForceOption = Annotated[bool, PLACE, typer.Option("--force", help="Replace the output if it exists.")]


def task_option(told: str) -> Any:
    """`--task`, with what it does for this command."""
    return typer.Option("--task", "-t", metavar="TASK", autocompletion=_complete.tasks, help=told)


def algorithm_option(metavar: str, told: str) -> Any:
    """`--algorithm`: one, or several where the metavar says so."""
    names = _complete.algorithms
    return typer.Option(
        "--algorithm", "-a", metavar=metavar, autocompletion=names, help=told, show_default=False
    )


def param_option(metavar: str, told: str, panel: str | None = None) -> Any:
    """`--param`: NAME=VALUE, or several values."""
    names = _complete.parameters
    return typer.Option(
        "--param", "-p", metavar=metavar, autocompletion=names, help=told, rich_help_panel=panel
    )


def labels_option(told: str = "") -> Any:
    """`--labels`; `told` says when it is looked at, where that is not always."""
    text = f"{told}CSV with the true labels: case_id,label (outcome, anomaly)."
    return typer.Option("--labels", metavar="FILE", help=text)


def _remember_json(context: typer.Context, value: bool) -> bool:
    context.ensure_object(Mode).json |= value
    return value


def _remember_debug(context: typer.Context, value: bool) -> bool:
    context.ensure_object(Mode).debug |= value
    return value


@options
class CommonOptions:
    """What every command takes."""

    config: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--config",
            is_eager=True,
            callback=_config.apply,
            metavar="FILE",
            help="TOML file with defaults for options. Without it pmlcli.toml, or [tool.pmlcli] in "
            "pyproject.toml, in the working directory; these cannot set options of trust, files or limits.",
            rich_help_panel=_COMMON,
            show_default=False,
        ),
    ] = None
    json: Annotated[
        bool,
        SHOWN,
        typer.Option(
            "--json",
            is_eager=True,
            callback=_remember_json,
            help="Print one JSON document, errors included.",
            rich_help_panel=_COMMON,
        ),
    ] = False
    quiet: Annotated[
        bool,
        LIMIT,
        typer.Option(
            "--quiet",
            "-q",
            help="Print only results, errors and serious warnings.",
            rich_help_panel=_COMMON,
        ),
    ] = False
    verbose: Annotated[
        bool,
        SHOWN,
        typer.Option("--verbose", "-v", help="Print more about each step.", rich_help_panel=_COMMON),
    ] = False
    log_file: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--log-file",
            metavar="FILE",
            help="Append all messages with their time, and the exit code, to this file; as JSON lines if it "
            "ends in .jsonl.",
            rich_help_panel=_COMMON,
        ),
    ] = None
    no_progress: Annotated[
        bool, SHOWN, typer.Option("--no-progress", help="Show no progress bars.", rich_help_panel=_COMMON)
    ] = False
    threads: Annotated[
        int,
        LIMIT,
        typer.Option(
            "--threads",
            min=1,
            metavar="N",
            help="Threads that numeric libraries may use.",
            rich_help_panel=_COMMON,
        ),
    ] = 1
    debug: Annotated[
        bool,
        SHOWN,
        typer.Option(
            "--debug",
            is_eager=True,
            callback=_remember_debug,
            help="Show a traceback with an error.",
            rich_help_panel=_COMMON,
        ),
    ] = False

    def session(self) -> AbstractContextManager[Session]:
        """The run that these options ask for."""
        if self.quiet and self.verbose:
            raise ValidationError("--quiet and --verbose exclude each other", hint="give one of them")
        level = QUIET if self.quiet else VERBOSE if self.verbose else NORMAL
        return opened(
            Session(as_json=self.json, level=level),
            threads=self.threads,
            log_file=self.log_file,
            show_progress=not self.no_progress,
        )


@options
class ReadingOptions(SelectingOptions):
    """How a log is to be read; what is left out is found in the log, and told."""

    case_id: Annotated[
        str | None,
        REQUEST,
        typer.Option("--case-id", metavar="COLUMN", help="Column of the case.", rich_help_panel=_READING),
    ] = None
    activity: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--activity", metavar="COLUMN", help="Column of the activity.", rich_help_panel=_READING
        ),
    ] = None
    timestamp: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--timestamp",
            metavar="COLUMN",
            help="Column of the time; DATE+TIME joins two columns.",
            rich_help_panel=_READING,
        ),
    ] = None
    resource: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--resource",
            metavar="COLUMN",
            help="Column of the resource (who did it); 'none' leaves it out.",
            rich_help_panel=_READING,
        ),
    ] = None
    columns: Annotated[
        list[str] | None,
        REQUEST,
        typer.Option(
            "--columns",
            metavar="ROLE=COLUMN",
            help="Any role: case_id, activity, timestamp, start_timestamp, resource, lifecycle, instance. "
            "Repeatable.",
            rich_help_panel=_READING,
        ),
    ] = None
    timezone: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--timezone",
            metavar="ZONE",
            help="Time zone of times without one, such as Europe/Berlin.  [default: UTC]",
            rich_help_panel=_READING,
        ),
    ] = None
    day_first: Annotated[
        bool | None,
        REQUEST,
        typer.Option(
            "--day-first/--month-first",
            help="Whether 03/04/2024 is 3 April or March 4.",
            rich_help_panel=_READING,
            show_default=False,
        ),
    ] = None
    timestamp_format: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--timestamp-format",
            metavar="FORMAT",
            help="How times are written, as in strptime: %d.%m.%Y %H:%M; or what numbers count: seconds, "
            "milliseconds, microseconds, nanoseconds, days.",
            rich_help_panel=_READING,
        ),
    ] = None
    sheet: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--sheet",
            metavar="NAME",
            help="The sheet of an Excel workbook.  [default: the first]",
            rich_help_panel=_READING,
        ),
    ] = None
    delimiter: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--delimiter",
            metavar="CHARACTER",
            help="The character between the cells of a CSV file.",
            rich_help_panel=_READING,
        ),
    ] = None
    encoding: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--encoding", metavar="NAME", help="Encoding of a CSV or XES file.", rich_help_panel=_READING
        ),
    ] = None
    decimal: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--decimal",
            metavar=",|.",
            help="Decimal mark of a CSV file, if its numbers do not show it.",
            rich_help_panel=_READING,
        ),
    ] = None
    on_bad_row: Annotated[
        str,
        REQUEST,
        typer.Option(
            "--on-bad-row",
            metavar="error|drop",
            help="Refuse a log with bad rows, or leave them out and count them.",
            rich_help_panel=_READING,
        ),
    ] = "error"
    bad_value: Annotated[
        str,
        REQUEST,
        typer.Option(
            "--bad-value",
            metavar="error|missing",
            help="Cells that are no number or time in such a column: an error, or read as empty.",
            rich_help_panel=_READING,
        ),
    ] = "error"
    order: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--order",
            metavar="time|row|COLUMN",
            help="Order of the events of a case: by time, as they stand, by a column's numbers, or by time "
            "and then a column: time+COLUMN.  [default: time]",
            rich_help_panel=_READING,
        ),
    ] = None
    classifier: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--classifier",
            metavar="NAME",
            help="What the activity is: a classifier of the XES file, or columns joined by +.",
            rich_help_panel=_READING,
        ),
    ] = None
    log_format: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--log-format",
            metavar="FORMAT",
            help="csv, xes, parquet, xlsx or ocel-json, -xml, -sqlite, -csv, if the content does not say.",
            rich_help_panel=_READING,
            autocompletion=_complete.log_formats,
        ),
    ] = None
    object_type: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--object-type",
            metavar="TYPE",
            help="In an object-centric log (OCEL), objects of this type become the cases.",
            rich_help_panel=_READING,
        ),
    ] = None
    fill_globals: Annotated[
        bool,
        REQUEST,
        typer.Option(
            "--fill-globals",
            help="Fill missing global attributes with the defaults that the XES file declares.",
            rich_help_panel=_READING,
        ),
    ] = False
    max_input_bytes: Annotated[
        int,
        LIMIT,
        typer.Option(
            "--max-input-bytes",
            min=1,
            metavar="N",
            help="Refuse a log that is larger than this when unpacked.",
            rich_help_panel=_READING,
        ),
    ] = MAX_INPUT_BYTES
    max_ratio: Annotated[
        int,
        LIMIT,
        typer.Option(
            "--max-ratio",
            min=0,
            metavar="N",
            help="Refuse a packed file that grows more than N times when unpacked; 0 is no limit.",
            rich_help_panel=_READING,
        ),
    ] = MAX_RATIO

    def named_columns(self) -> dict[str, str]:
        """Role to column, from --columns and its short forms; ValidationError when a role is given twice."""
        named = split_pairs(self.columns or [], "--columns", "ROLE=COLUMN")
        for role in ("case_id", "activity", "timestamp", "resource"):
            column = getattr(self, role)
            if column is not None and named.setdefault(role, column) != column:
                raise ValidationError(
                    f"two columns for '{role}': '{named[role]}' and '{column}'", hint="give one of them"
                )
        return named

    def to_read_options(self) -> ReadOptions:
        """The same choices as the reader takes them, checked."""
        given: dict[str, Any] = {"order": self.order, "timezone": self.timezone}
        return ReadOptions(
            format=self.log_format,
            columns=self.named_columns(),
            on_bad_row=self.on_bad_row,
            bad_value=self.bad_value,
            day_first=self.day_first,
            timestamp_format=self.timestamp_format,
            sheet=self.sheet,
            delimiter={"tab": "\t", "\\t": "\t"}.get(self.delimiter or "", self.delimiter),
            encoding=self.encoding,
            decimal=self.decimal,
            classifier=self.classifier,
            pair_lifecycle=self.pair_lifecycle,
            lifecycle=tuple(self.lifecycle or ()),
            object_type=self.object_type,
            fill_globals=self.fill_globals,
            selection=self.to_selection(),
            max_input_bytes=self.max_input_bytes,
            max_ratio=self.max_ratio,
            **{name: value for name, value in given.items() if value is not None},
        )


def split_pairs(texts: list[str], option: str, form: str) -> dict[str, str]:
    """`NAME=VALUE` texts as a dict; ValidationError for other forms and for a name given twice."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise ValidationError(f"{option} takes {form}, not '{text}'")
        if pairs.setdefault(name, value) != value:
            raise ValidationError(f"{option} gives '{name}' twice: '{pairs[name]}' and '{value}'")
    return pairs


def one_of(kind: str, value: str | None, known: tuple[str, ...]) -> None:
    """Raises ValidationError with the nearest name unless `value` is None or known."""
    if value is not None and value not in known:
        raise unknown_name(kind, value, known)

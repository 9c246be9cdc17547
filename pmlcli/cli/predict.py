"""`pmlcli predict`: a model and a log become a table of predictions."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmlcli.cli import _complete, _declared, _target
from pmlcli.cli._group import PLACE, REQUEST, options
from pmlcli.cli._measuring import GateOptions
from pmlcli.cli._options import (
    CommonOptions,
    ForceOption,
    RawCsvOption,
    ReadingOptions,
    one_of,
)
from pmlcli.cli._rows import RowOptions, Rows
from pmlcli.cli._session import Session
from pmlcli.cli._trust import TrustOptions
from pmlcli.errors import ValidationError
from pmlcli.evaluation import gates
from pmlcli.evaluation.assessment import Assessment, Figure
from pmlcli.evaluation.gates import Judged
from pmlcli.render import number, sentence
from pmlcli.store import publish

if TYPE_CHECKING:
    import pandas as pd

    from pmlcli.eventlog import EventLog, ReadOptions
    from pmlcli.lifecycle.model import Model
    from pmlcli.lifecycle.result import PredictionResult

TABLE_ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_SHOWN_ROWS = 25
_STAMP = ("model_id", "root_digest", "predicted_at")
"""Who made a row and when: columns of every table that is written, facts of the JSON document."""

ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="Model directory.", show_default=False)]


RequestValues = Annotated[dict[str, Any], _declared.request_group()]
"""What is asked of the model: the options that the tasks declare."""


@options
class DrawingOptions:
    """What else is made of the predictions."""

    annotate: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--annotate",
            metavar="FILE",
            help="Also write the log with its predictions: .csv, .xes or .parquet, compressed with .gz.",
        ),
    ] = None

    chart: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--chart",
            metavar="FILE",
            help="Also draw the predictions, .svg or .png: a forecast as a fan, the scores of cases, or the "
            "cases at the highest risk.",
        ),
    ] = None

    def check(self, log: str | None, *, force: bool) -> None:
        """Raises before any work is done when the annotated log or the chart cannot be written as asked."""
        if self.chart is not None:
            _target.require_file_place(self.chart, force=force)
            one_of("format of a chart", self.chart.suffix.lower().removeprefix("."), ("svg", "png"))
        if self.annotate is None:
            return
        if log is None:
            raise ValidationError("--annotate needs a log to annotate", hint="give the LOG")
        _target.require_file_place(self.annotate, force=force)
        one_of("format of a log", _log_ending(self.annotate), ("csv", "xes", "parquet"))

    def check_task(self, model: Model) -> None:
        """Raises before the model is asked when its task gives nothing to draw, or to write into a log."""
        task, about = model.algorithm.task, f"this model is {model.model_type}"
        if self.chart is not None and not (task.has_chart or task.risks):
            raise ValidationError(
                f"--chart has no picture of the task {task.name}", hint=about, context={"option": "chart"}
            )
        if self.annotate is not None and not task.is_about_cases:
            raise ValidationError(
                "--annotate writes what is predicted of cases into their log",
                hint=f"{about}; write its table with -o",
                context={"option": "annotate"},
            )


def _log_ending(path: Path) -> str:
    return path.name.lower().removesuffix(".gz").rpartition(".")[2]


@options
class WritingOptions:
    """Where the table goes, and how it is written."""

    output: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file to write; - is stdout.  [default: a table, or CSV to a pipe]",
        ),
    ] = None
    format: Annotated[
        str | None,
        REQUEST,
        typer.Option(
            "--format",
            metavar="csv|jsonl|parquet",
            autocompletion=_complete.output_formats,
            help="The format.  [default: by the file's name, else csv]",
        ),
    ] = None
    raw_csv: RawCsvOption = False
    force: ForceOption = False

    def chosen_format(self) -> str:
        """The format by --format, else by the file's name, else CSV."""
        one_of("format", self.format, ("csv", "jsonl", "parquet"))
        name = "" if self.output is None else self.output.name.lower()
        suffix = Path(name).suffix
        if self.format is None and self.is_file() and suffix not in TABLE_ENDINGS and suffix != "":
            raise ValidationError(
                f"{self.output}: a table of predictions cannot be written as '{suffix}'",
                hint="end it in .csv, .jsonl or .parquet, or say --format; --annotate writes the log back",
            )
        return self.format or TABLE_ENDINGS.get(suffix, "csv")

    def is_file(self) -> bool:
        """Whether the table goes to a file."""
        return _target.is_file(self.output)

    def check(self) -> None:
        """Raises before any work is done when the table cannot be written as asked."""
        if self.output is not None and self.is_file():
            self.chosen_format()
            _target.require_file_place(self.output, force=self.force)
        elif self.chosen_format() == "parquet" and sys.stdout.isatty():
            raise ValidationError("Parquet is not for a terminal", hint="write it to a file with -o")


DriftOption = Annotated[
    str,
    REQUEST,
    typer.Option(
        "--drift",
        metavar="warn|fail|off",
        help="What becomes of a log whose activities or paths have changed since training: with fail the run "
        "ends with exit code 6 once all is written.",
    ),
]
LogOption = Annotated[
    str | None,
    typer.Argument(
        metavar="LOG", help="Event log, - for stdin; a forecast works without one.", show_default=False
    ),
]


def predict(  # noqa: PLR0913 (a command takes its groups of options)
    model: ModelArgument,
    request: RequestValues,
    rows: RowOptions,
    gate: GateOptions,
    drawing: DrawingOptions,
    writing: WritingOptions,
    reading: ReadingOptions,
    trust: TrustOptions,
    common: CommonOptions,
    log: LogOption = None,
    drift: DriftOption = "warn",
) -> None:
    """Predict with a model. Shows a table on a terminal, writes CSV to a pipe, or a file with -o."""
    with common.session() as session:
        writing.check()
        _declared.check_choices(request)
        drawing.check(log, force=writing.force)
        rows.check(force=writing.force)
        one_of("drift", drift, ("warn", "fail", "off"))
        gate.check_gates()
        how = reading.to_read_options()
        loaded = trust.load(model)
        drawing.check_task(loaded)
        rows.check_task(loaded.algorithm.task)
        result = predict_log(loaded, log, request, drawing, how, session=session, drift=drift != "off")
        chosen = rows.choose(result, loaded, session)
        found = assessed(result, chosen)
        if drift == "fail":
            found = _failing(found, result)
        judged = gates.judge(gate.gates(), found.figures)
        write(result, chosen, writing, session, judged=judged, raw=rows.raw)
        if rows.keep_all is not None:
            keep_all(result, chosen, rows.keep_all, session)
        gate.write_metrics(found, judged, session)
        gates.require(judged, found)


def _failing(found: Assessment, result: PredictionResult) -> Assessment:
    """The same as a failure where the process has changed since training."""
    changes = result.metadata.get("drift")
    if not changes:
        return found
    more = f", and {len(changes) - 1} more" if len(changes) > 1 else ""
    told = f"the process has changed since training: {changes[0]}{more}; see pmlcli monitor"
    return replace(found, verdict="drift", sentence=told, is_bad=True, fails=True)


def predict_log(  # noqa: PLR0913 (a command takes its groups of options)
    model: Model,
    log: str | None,
    request: Mapping[str, Any],
    drawing: DrawingOptions,
    how: ReadOptions,
    *,
    session: Session,
    drift: bool = True,
) -> PredictionResult:
    """The model's predictions; columns and zone are those of its training unless `how` says otherwise."""
    # The model's library takes time to import; a misspelt option must not wait for it.
    from pmlcli.algorithms._interface.request import PredictRequest
    from pmlcli.eventlog import read_log

    asked = PredictRequest(**_declared.asked(request))
    if drawing.annotate is None or log is None:
        result = model.predict(log, request=asked, options=how, drift=drift)
        _tell(result, session)
    else:
        read = read_log(log, model.read_options(how))
        result = model.predict(read, request=asked, drift=drift)
        _tell(result, session)
        _write_annotated(read, result, drawing.annotate, session)
    if drawing.chart is not None:
        _write_chart(model, result, drawing.chart, session)
    return result


def _write_chart(model: Model, result: PredictionResult, path: Path, session: Session) -> None:
    # matplotlib takes time to import.
    from pmlcli.lifecycle.artifacts import used

    with used(foreign=True, tellable=(ValidationError,)):
        drawn = _drawn(model, result, path.suffix.lower().removeprefix("."))
    publish.write_file(path, drawn, force=True)
    what = "forecast" if model.algorithm.task.has_chart else "predictions"
    session.note(f"drew the {what} to {path}")


def _drawn(model: Model, result: PredictionResult, file_format: str) -> bytes:
    """A forecast as a fan, scores beside their threshold, or the rows at the highest risk."""
    from pmlcli.lifecycle.history import recent_history
    from pmlcli.render import prediction_charts
    from pmlcli.render.fan_chart import fan_chart

    task, table = model.algorithm.task, result.predictions
    if task.has_chart:
        return fan_chart(recent_history(model.files), table, file_format)
    if {"score", "threshold", "is_anomaly"} <= set(table.columns):
        return prediction_charts.scores(table, file_format)
    risk = task.risk_of(table)
    if risk is None:
        raise ValidationError("these predictions say no risk to draw", hint="leave --chart out")
    return prediction_charts.risks(table, risk, result.metadata["units"], file_format)


def _write_annotated(log: EventLog, result: PredictionResult, path: Path, session: Session) -> None:
    # pandas takes time to import.
    from pmlcli.eventlog import log_pieces
    from pmlcli.eventlog.annotate import annotate
    from pmlcli.eventlog.losses import losses
    from pmlcli.lifecycle.artifacts import used

    with used(foreign=True):
        annotated = annotate(log, result.predictions)
    for lost in losses(annotated, _log_ending(path)):
        session.warn(lost)
    publish.write_file(path, log_pieces(annotated, path.name), force=True)
    session.note(f"wrote the log with its predictions to {path}")


def _tell(result: PredictionResult, session: Session) -> None:
    found = result.metadata
    if found.get("log"):
        for line in sentence.reading(found["log"], found.get("columns"), found.get("timezone")):
            session.note(line)
    for warning in found.get("warnings", ()):
        session.warn(warning, is_serious=warning in found.get("serious_warnings", ()))
    for note in found.get("notes", ()):
        session.note(f"note: {note}")
    by_unit = {unit: [c for c, u in found["units"].items() if u == unit] for unit in found["units"].values()}
    session.note(f"model {found['model_id']}, root digest {found['root_digest']}")
    session.note(f"predicted at {found['predicted_at']}")
    if not session.as_json:
        session.note("units: " + "; ".join(f"{', '.join(cs)}: {unit}" for unit, cs in by_unit.items()))


def write(
    result: PredictionResult,
    rows: Rows,
    writing: WritingOptions,
    session: Session,
    *,
    judged: Sequence[Judged] = (),
    raw: bool = False,
) -> None:
    """Puts the chosen rows where the options say; `raw` shows all digits."""
    # pandas takes time to import.
    from pmlcli.render import frame

    table, chosen = rows.chosen, writing.chosen_format()
    if writing.output is not None and writing.is_file():
        content = frame.to_bytes(_stamped(table, result), chosen, raw=writing.raw_csv)
        publish.write_file(writing.output, content, force=writing.force)
        session.note(f"wrote {number.counted(len(table), 'row')} to {writing.output}")
        if session.as_json:
            document = _document(result, rows, judged, session) | {"output": str(writing.output)}
            session.result("predict", document, list)
    elif session.as_json:
        document = _document(result, rows, judged, session) | {"predictions": frame.records(table)}
        session.result("predict", document, list)
    elif writing.output is None and writing.format is None and sys.stdout.isatty():
        shown = frame.table(table, units=_units(result, table), limit=_SHOWN_ROWS, raw=raw)
        session.result("predict", {}, lambda: [shown])
        if len(table) > _SHOWN_ROWS:
            session.note(f"the first {_SHOWN_ROWS} of {number.count(len(table))} rows; -o FILE writes all")
    else:
        typer.echo(frame.to_bytes(_stamped(table, result), chosen, raw=writing.raw_csv), nl=False)


def keep_all(result: PredictionResult, rows: Rows, path: Path, session: Session) -> None:
    """Writes all rows for the next run; last of all, so that a run that failed is not taken for the last."""
    # pandas takes time to import.
    from pmlcli.render import frame

    publish.write_file(path, frame.to_bytes(_stamped(rows.whole, result), "csv"), force=True)
    session.note(f"kept all {number.counted(len(rows.whole), 'row')} in {path}")


def assessed(result: PredictionResult, rows: Rows) -> Assessment:
    """The counts of rows, for gates and metrics."""
    known = result.metadata
    counts = {"rows": len(rows.chosen), **rows.facts}
    counts |= {"n_flagged": known["n_flagged"]} if "n_flagged" in known else {}
    figures = [Figure(name, float(count), "rows") for name, count in counts.items()]
    facts = {"model": known["model_id"], "root_digest": known["root_digest"], "log": known.get("log")}
    facts["measured_at"] = known["predicted_at"]
    said = number.counted(len(rows.chosen), "row")
    return Assessment("predict", "predicted", said, False, figures, facts=facts)


def _document(
    result: PredictionResult, rows: Rows, judged: Sequence[Judged], session: Session
) -> dict[str, Any]:
    kept = {key: value for key, value in result.metadata.items() if "warnings" not in key}
    counts = {"rows": len(rows.chosen), **rows.facts, "seconds": session.seconds}
    gated = {"gates": [one.to_dict() for one in judged]} if judged else {}
    return kept | counts | gated | {"units": _units(result, rows.chosen)}


def _units(result: PredictionResult, table: pd.DataFrame) -> dict[str, str]:
    # pandas takes time to import.
    from pmlcli.lifecycle.situation import UNITS

    known: dict[str, str] = result.metadata["units"]
    return {name: unit for name, unit in UNITS.items() if name in table.columns} | known


def _stamped(table: pd.DataFrame, result: PredictionResult) -> pd.DataFrame:
    """The rows, each with the model that made it and when it was asked."""
    return table.assign(**{name: result.metadata[name] for name in _STAMP})

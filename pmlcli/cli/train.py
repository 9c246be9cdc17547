"""`pmlcli train`: an algorithm and a log become a model directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmlcli import registry, runtime
from pmlcli.cli import _complete, _target
from pmlcli.cli._group import ASKED, LIMIT, PLACE, options
from pmlcli.cli._options import (
    CommonOptions,
    ForceOption,
    LogArgument,
    ReadingOptions,
    RegressorOption,
    split_pairs,
)
from pmlcli.cli._session import Session
from pmlcli.cli._trust import PrivateKeyOption, WaitOption, signer_for
from pmlcli.errors import ValidationError, nearest
from pmlcli.render import sentence, text

if TYPE_CHECKING:
    from pmlcli.lifecycle.result import TrainingResult

_PARAMETERS = "Parameters of the algorithm"
_SHORTHANDS = (
    "contamination", "kpi", "sla", "horizon", "frequency", "holidays", "seed", "split",
    "label_column", "outcome_activity", "slower_than", "rule", "positive",
)  # fmt: skip


@options
class ChoiceOptions:
    """Which algorithm, and its parameters."""

    algorithm: Annotated[
        str | None,
        ASKED,
        typer.Option(
            "--algorithm",
            "-a",
            metavar="ALGORITHM",
            autocompletion=_complete.algorithms,
            help="task/name, or name where that is unique; `pmlcli algorithms` lists them.",
        ),
    ] = None
    task: Annotated[
        str | None,
        ASKED,
        typer.Option(
            "--task",
            "-t",
            metavar="TASK",
            autocompletion=_complete.tasks,
            help="The task; without -a its recommended algorithm is taken.",
        ),
    ] = None
    param: Annotated[
        list[str] | None,
        ASKED,
        typer.Option(
            "--param",
            "-p",
            metavar="NAME=VALUE",
            autocompletion=_complete.parameters,
            help="Any parameter; `pmlcli algorithms NAME` lists them. Repeatable.",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None
    seed: Annotated[
        int | None,
        ASKED,
        typer.Option(
            "--seed",
            metavar="N",
            help="Seed of every random step.  [default: 0]",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None
    contamination: Annotated[
        float | None,
        ASKED,
        typer.Option(
            "--contamination",
            metavar="SHARE",
            help="Share expected to be anomalous (anomaly).",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None
    kpi: Annotated[
        list[str] | None,
        ASKED,
        typer.Option(
            "--kpi",
            autocompletion=_complete.kpis,
            metavar="KPI",
            help="What is forecast, such as arrivals or activity:NAME. Repeatable.",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None
    sla: Annotated[
        str | None,
        ASKED,
        typer.Option(
            "--sla",
            metavar="TIME",
            help="Within which a case must be completed (KPI sla-breach-rate), such as 5d or 12h.",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None
    horizon: Annotated[
        int | None,
        ASKED,
        typer.Option("--horizon", metavar="N", help="Steps ahead (forecast).", rich_help_panel=_PARAMETERS),
    ] = None
    frequency: Annotated[
        str | None,
        ASKED,
        typer.Option(
            "--frequency",
            metavar="H|D|W|M",
            help="Width of a bucket: hour, day, week or month (forecast).",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None
    holidays: Annotated[
        str | None,
        ASKED,
        typer.Option(
            "--holidays",
            metavar="COUNTRY",
            help="Whose public holidays count, such as DE (forecast).",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None

    label_column: Annotated[
        str | None,
        ASKED,
        typer.Option(
            "--label-column",
            metavar="COLUMN",
            help="The column that names how each case ended (outcome).",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None
    outcome_activity: Annotated[
        str | None,
        ASKED,
        typer.Option(
            "--outcome-activity",
            metavar="NAME",
            help="The outcome is whether this activity will occur (outcome).",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None
    slower_than: Annotated[
        str | None,
        ASKED,
        typer.Option(
            "--slower-than",
            metavar="TIME",
            help="The outcome is whether a case takes longer, such as 30d or 12h (outcome).",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None
    rule: Annotated[
        str | None,
        ASKED,
        typer.Option(
            "--rule",
            metavar="RULE",
            help="The outcome is whether this will be true, such as 'count(\"Repair\") > 2' (outcome).",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None
    positive: Annotated[
        str | None,
        ASKED,
        typer.Option(
            "--positive",
            metavar="OUTCOME",
            help="The outcome that is looked for.  [default: what was named; else the rarest] (outcome).",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None
    split: Annotated[
        str | None,
        ASKED,
        typer.Option(
            "--split",
            metavar="temporal|strict",
            help="How the test part is cut off (predictive tasks).",
            rich_help_panel=_PARAMETERS,
        ),
    ] = None

    def parameters(self, name: str) -> dict[str, Any]:
        """Parameter to value, from -p and the shorthands.

        Raises ValidationError, with the nearest name, for one that the algorithm does not have.
        """
        self._require_sla_of(name)
        given: dict[str, Any] = dict(split_pairs(self.param or [], "-p", "NAME=VALUE"))
        for shorthand in _SHORTHANDS:
            value = getattr(self, shorthand) or None if shorthand == "kpi" else getattr(self, shorthand)
            if value is not None and str(given.setdefault(shorthand, value)) != str(value):
                option = f"--{shorthand.replace('_', '-')}"
                raise ValidationError(f"-p {shorthand}={given[shorthand]} contradicts {option} {value}")
        known = [parameter.name for parameter in registry.card(name).parameters]
        for parameter in given:
            if parameter not in known:
                raise _no_such_parameter(name, parameter, known)
        return given

    def _require_sla_of(self, name: str) -> None:
        """--sla is about a KPI: the tasks that know one of their own are told where."""
        task = name.partition("/")[0]
        elsewhere = {
            "remaining-time": f"train without it, and ask `pmlcli predict MODEL LOG --sla {self.sla}`",
            "outcome": f"--slower-than {self.sla} makes it the outcome; or train -t remaining-time, whose "
            "`predict` takes --sla",
        }
        if self.sla is not None and task != "forecast":
            hint = elsewhere.get(task, "forecasts take it, and `predict` with a model of remaining-time")
            raise ValidationError(
                f"training {name} takes no --sla", hint=hint, context={"kind": "parameter", "name": "sla"}
            )


@options
class WorkOptions:
    """What a forecast learns from beside the log, and in how many processes."""

    regressor: RegressorOption = None
    jobs: Annotated[
        int,
        LIMIT,
        typer.Option(
            "--jobs",
            min=1,
            metavar="N",
            help="Series to learn side by side, a process each (forecast); the model is the same.",
        ),
    ] = 1


@options
class SavingOptions:
    """Where the model goes."""

    output: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--output", "-o", metavar="MODEL", help="The model directory.  [default: models/TASK-NAME]"
        ),
    ] = None
    force: ForceOption = False
    model_id: Annotated[
        str | None,
        ASKED,
        typer.Option("--model-id", metavar="ID", help="The model's name for itself.  [default: TASK-NAME]"),
    ] = None
    sign: PrivateKeyOption = None
    wait: WaitOption = 0.0


def train(  # noqa: PLR0913 (a command takes its groups of options)
    log: LogArgument,
    choice: ChoiceOptions,
    work: WorkOptions,
    saving: SavingOptions,
    reading: ReadingOptions,
    common: CommonOptions,
) -> None:
    """Train an algorithm on an event log and save it as a model directory.

    Prints the model directory's path on stdout; what was read and how the model compares with its
    task's baseline goes to stderr.
    """
    with common.session() as session:
        with runtime.use_jobs(work.jobs):
            document = train_model(log, choice, saving, reading, work.regressor, session)
        session.outcome("train", document, lambda: text.saved_path(document))


def train_model(  # noqa: PLR0913 (a command takes its groups of options)
    source: str,
    choice: ChoiceOptions,
    saving: SavingOptions,
    reading: ReadingOptions,
    regressor: Path | None,
    session: Session,
) -> dict[str, Any]:
    """Trains and saves; the document of `train --json`. All options are checked before the log is read."""
    name = registry.resolve(choice.algorithm, choice.task)
    parameters, how = choice.parameters(name), reading.to_read_options()
    sign = signer_for(saving.sign)
    target = saving.output or Path("models") / name.replace("/", "-")
    _target.require_model_place(target, force=saving.force)
    # The rest needs numpy and the algorithm's library; a misspelt name must not wait for them.
    from pmlcli.encoding.series.regressors import read_regressors
    from pmlcli.eventlog import read_log
    from pmlcli.lifecycle.concerns import concerns
    from pmlcli.lifecycle.model import Model
    from pmlcli.store.publish import Publication

    model = Model(name, model_id=saving.model_id, **parameters)
    outside = None if regressor is None else read_regressors(regressor)
    if outside is not None:
        model.algorithm.task.take_regressors(model.algorithm, outside)
    # Held from before the log is read: who comes second waits, or is told, before any work is done.
    with Publication(target, wait_seconds=saving.wait) as publication:
        publication.refuse_existing(force=saving.force)
        log = read_log(source, how)
        for line in sentence.reading(sentence.facts_of(log), log.schema.columns, log.schema.timezone):
            session.note(line)
        for concern in concerns(log):
            session.warn(concern)
        session.note(f"training {name}")
        result = model.train(log, options=how, regressors=outside)
        _tell(result, session)
        saved = model.save(target, force=saving.force, sign=sign, publication=publication)
    session.note(f"saved to {saved.path}, root digest {saved.root_digest}")
    return {
        "path": str(saved.path),
        "root_digest": saved.root_digest,
        "is_signed": sign is not None,
        "metrics": result.metrics,
        **{key: value for key, value in result.metadata.items() if key != "warnings"},
    }


def _tell(result: TrainingResult, session: Session) -> None:
    for remark in result.metadata.get("remarks", ()):
        session.note(remark)
    for warning in result.metadata.get("warnings", ()):
        if warning not in session.warned:  # those on the log were said before
            session.warn(warning)
    for metric in result.metrics.values():
        session.note(sentence.comparison(metric))
        session.note(sentence.measured(metric))
    session.detail(f"took {result.metadata['cpu_seconds']:.1f} CPU seconds")


def _no_such_parameter(name: str, parameter: str, known: list[str]) -> ValidationError:
    near = nearest(parameter, known)
    hint = f"did you mean '{near}'?" if near else f"it has: {', '.join(known)}"
    return ValidationError(
        f"{name} has no parameter '{parameter}'", hint=hint, context={"kind": "parameter", "name": parameter}
    )

"""`pmlcli train`: an algorithm and a log become a model directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmlcli import registry, runtime
from pmlcli.cli import _declared, _target
from pmlcli.cli._existing import (
    ExistingOptions,
    decision_on,
    is_up_to_date,
    kept_document,
    old_model,
    require_replaced,
)
from pmlcli.cli._group import LIMIT, PLACE, REQUEST, options
from pmlcli.cli._options import (
    CommonOptions,
    ForceOption,
    LogArgument,
    ReadingOptions,
    algorithm_option,
    param_option,
    split_pairs,
    task_option,
)
from pmlcli.cli._session import VERBOSE, Session
from pmlcli.cli._trust import PrivateKeyOption, WaitOption, signer_for
from pmlcli.errors import ValidationError, nearest
from pmlcli.eventlog.times.duration import duration_seconds
from pmlcli.render import sentence, text
from pmlcli.runtime import Deadline

if TYPE_CHECKING:
    from pmlcli.algorithms._interface.base import Algorithm
    from pmlcli.eventlog.log import EventLog
    from pmlcli.lifecycle.result import TrainingResult
    from pmlcli.lifecycle.unchanged import Recipe
    from pmlcli.store.artifacts import Sign


@options
class ChoiceOptions:
    """Which algorithm, and its parameters."""

    algorithm: Annotated[
        str | None,
        REQUEST,
        algorithm_option(
            "ALGORITHM", "TASK/NAME, or NAME if only one task has it; `pmlcli algorithms` lists them."
        ),
    ] = None
    task: Annotated[
        str | None,
        REQUEST,
        task_option("The task; its default algorithm is used unless -a names one."),
    ] = None
    param: Annotated[
        list[str] | None,
        REQUEST,
        param_option(
            "NAME=VALUE",
            "Any parameter; `pmlcli algorithms NAME` lists them. Repeatable.",
            "Parameters of the algorithm",
        ),
    ] = None


def chosen_algorithm(choice: ChoiceOptions, own: Mapping[str, Any]) -> registry.Default:
    """The algorithm that is named; else the task's default, as far as the installed libraries go."""
    if choice.algorithm is not None or choice.task is None:
        return registry.Default(registry.resolve(choice.algorithm, choice.task))
    given = split_pairs(choice.param or [], "-p", "NAME=VALUE")
    return registry.default(choice.task, [*given, *_declared.given(own)])


ParameterValues = Annotated[dict[str, Any], _declared.parameter_group()]
"""The parameters that have options of their own: the tasks declare them."""


def parameters_of(name: str, choice: ChoiceOptions, own: Mapping[str, Any]) -> dict[str, Any]:
    """Parameter to value, from -p and the options that are `own` to a parameter.

    Raises ValidationError, with the nearest name or who has it, for one that the algorithm does not have.
    """
    given: dict[str, Any] = dict(split_pairs(choice.param or [], "-p", "NAME=VALUE"))
    for parameter, value in _declared.given(own).items():
        if str(given.setdefault(parameter, value)) != str(value):
            option = f"--{parameter.replace('_', '-')}"
            raise ValidationError(f"-p {parameter}={given[parameter]} contradicts {option} {value}")
    known = [parameter.name for parameter in registry.card(name).parameters]
    for parameter in given:
        if parameter not in known:
            raise _no_such_parameter(name, parameter, known)
    return given


InputValues = Annotated[dict[str, Any], _declared.input_group()]
"""What training is given beside the log: the tasks declare it."""


@options
class WorkOptions:
    """How much is learned from, for how long, and in how many processes."""

    sample_cases: Annotated[
        int | None,
        LIMIT,
        typer.Option(
            "--sample-cases",
            min=1,
            metavar="N",
            help="Learn from N whole cases, drawn by a hash of their ids (not forecast).",
        ),
    ] = None

    time_limit: Annotated[
        str | None,
        LIMIT,
        typer.Option(
            "--time-limit",
            metavar="DURATION",
            help="Stop learning after so long, such as 90s, 10m or 2h, and keep what there is.",
        ),
    ] = None

    jobs: Annotated[
        int,
        LIMIT,
        typer.Option(
            "--jobs",
            min=1,
            metavar="N",
            help="How many series to learn at the same time; the model is the same (forecast).",
        ),
    ] = 1

    def deadline(self) -> Deadline:
        """One that begins now; ValidationError for what is no time."""
        if self.time_limit is None:
            return Deadline()
        return Deadline(duration_seconds(self.time_limit, "time for --time-limit"))


@options
class HindsightOptions:
    """Which columns of the log are known in time."""

    known_at_start: Annotated[
        list[str] | None,
        REQUEST,
        typer.Option(
            "--known-at-start",
            metavar="COLUMN",
            help="Use this column: its value is known when a case starts. Repeatable.",
        ),
    ] = None
    hindsight: Annotated[
        list[str] | None,
        REQUEST,
        typer.Option(
            "--hindsight",
            metavar="COLUMN",
            help="Leave this column out: it is filled in later than it looks. Repeatable.",
        ),
    ] = None


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
        REQUEST,
        typer.Option(
            "--model-id", metavar="ID", help="The name that is stored in the model.  [default: TASK-NAME]"
        ),
    ] = None
    sign: PrivateKeyOption = None
    wait: WaitOption = 0.0


def train(  # noqa: PLR0913 (a command takes its groups of options)
    log: LogArgument,
    choice: ChoiceOptions,
    parameters: ParameterValues,
    inputs: InputValues,
    known: HindsightOptions,
    work: WorkOptions,
    saving: SavingOptions,
    existing: ExistingOptions,
    reading: ReadingOptions,
    common: CommonOptions,
) -> None:
    """Train an algorithm on an event log and save it as a model directory.

    Prints the path of the model directory on stdout. What was read, and how the model compares with the
    baseline of its task, goes to stderr.
    """
    with common.session() as session:
        limit = work.deadline()
        existing.check(log, force=saving.force)
        chosen = chosen_algorithm(choice, parameters)
        name = chosen.name
        target = saving.output or Path("models") / name.replace("/", "-")
        values = chosen.parameters | parameters_of(name, choice, parameters)
        how, sign = reading.to_read_options(), signer_for(saving.sign)
        _target.require_model_place(target, force=saving.force or existing.looks)
        # The rest needs numpy and the algorithm's library; a misspelt name must not wait for them.
        from pmlcli.encoding.hindsight import ColumnChoice
        from pmlcli.lifecycle.model import Model
        from pmlcli.lifecycle.unchanged import Recipe

        columns = ColumnChoice(tuple(known.known_at_start or ()), tuple(known.hindsight or ()))
        model = Model(name, model_id=saving.model_id, **values)
        beside = _declared.inputs(inputs, name.partition("/")[0])
        model.algorithm.task.take_inputs(model.algorithm, beside)
        recipe = Recipe(
            model, log, how, columns, beside.get("regressors"), work.sample_cases, saving.sign, limit
        )
        with runtime.use_jobs(work.jobs):
            document = _made(recipe, chosen, target, saving, existing, sign, session)
        session.outcome("train", document, lambda: text.saved_path(document))
        require_replaced(document, existing)


def _made(  # noqa: PLR0913 (what to make, where, and what is to become of what stands there)
    recipe: Recipe,
    chosen: registry.Default,
    target: Path,
    saving: SavingOptions,
    existing: ExistingOptions,
    sign: Sign | None,
    session: Session,
) -> dict[str, Any]:
    """Trains and saves, unless the model that stands there is kept; the document of `train --json`."""
    from pmlcli.store.publish import Publication

    may_replace = saving.force or existing.replace_if is not None
    # Held from before the log is read: who comes second waits, or is told, before any work is done.
    with Publication(target, wait_seconds=saving.wait) as publication:
        stands = publication.refuse_existing(force=saving.force or existing.looks)
        looked_at = stands and existing.skip_unchanged
        if looked_at and is_up_to_date(target, recipe, session, may_replace=may_replace):
            return kept_document(target, "up to date")
        old = old_model(target, recipe) if stands and existing.replace_if else None
        log = _read(recipe, session)
        decided = None if old is None else decision_on(target, old, recipe, log, existing, session)
        if decided is not None and not decided.is_replaced:
            return kept_document(target, "kept", decision=decided.to_dict())
        result = _trained(recipe, log, session)
        if chosen.left_out:
            session.note(_without(chosen))
            recipe.model.keep_left_out(chosen.left_out, chosen.extras)
        if decided is not None:
            recipe.model.keep_decision(decided.to_dict())
        saved = recipe.model.save(target, force=may_replace, sign=sign, publication=publication)
    session.note(f"saved to {saved.path}, root digest {saved.root_digest}")
    return {
        "path": str(saved.path),
        "root_digest": saved.root_digest,
        "is_signed": sign is not None,
        "outcome": "replaced" if stands else "new",
        **({} if decided is None else {"decision": decided.to_dict()}),
        "metrics": result.metrics,
        **{key: value for key, value in result.metadata.items() if key != "warnings"},
    }


def _without(chosen: registry.Default) -> str:
    """What the task's default went without, and the one command that brings it."""
    how = "without" if chosen.parameters else "in place of"
    command = f"pip install 'pmlcli[{','.join(chosen.extras)}]'"
    return f"{chosen.name} {how} {', '.join(chosen.left_out)}, which needs what is not installed: {command}"


def _read(recipe: Recipe, session: Session) -> EventLog:
    """Reads the log, and says what was read and what is wrong with it."""
    from pmlcli.eventlog import read_log
    from pmlcli.lifecycle.concerns import concerns

    log = read_log(recipe.log, recipe.options)
    for line in sentence.reading(sentence.facts_of(log), log.schema.columns, log.schema.timezone):
        session.note(line)
    for concern in concerns(log):
        session.warn(concern)
    return log


def _trained(recipe: Recipe, log: EventLog, session: Session) -> TrainingResult:
    """Trains, and says what was found."""
    session.note(f"training {recipe.model.model_type}")
    result = recipe.train_on(log)
    _tell(result, recipe.model.algorithm, session)
    return result


def _tell(result: TrainingResult, algorithm: Algorithm[Any], session: Session) -> None:
    """The verdict first, then what must be known; with -v all that it rests on."""
    task, choices = algorithm.task, algorithm.choices()
    for metric in result.metrics.values():
        session.note(f"verdict: {sentence.verdict(metric, task.name, task.baseline_phrase)}")
        for line in sentence.reasons(metric):
            session.note(line)
    for warning in result.metadata.get("warnings", ()):
        if warning not in session.warned:  # those on the log were said before
            session.warn(warning)
    for remark in result.metadata.get("remarks", ()):
        (session.detail if remark in choices else session.note)(remark)
    _tell_more(result, session)


def _tell_more(result: TrainingResult, session: Session) -> None:
    """How each verdict came about: the interval, period by period, what the numbers mean, what it took."""
    for metric in result.metrics.values():
        for line in (sentence.comparison(metric), *sentence.by_cut(metric), sentence.measured(metric)):
            session.detail(line)
    cuts = max(len(sentence.cuts_of(metric)) for metric in result.metrics.values())
    session.detail(sentence.cost(result.metadata, cuts))
    if session.level < VERBOSE:
        session.note("how this was measured: -v, or `pmlcli inspect` on the model")


def _no_such_parameter(name: str, parameter: str, known: list[str]) -> ValidationError:
    near = nearest(parameter, known)
    hint = _declared.who_has(parameter) or (
        f"did you mean '{near}'?" if near else f"it has: {', '.join(known)}"
    )
    return ValidationError(
        f"{name} has no parameter '{parameter}'", hint=hint, context={"kind": "parameter", "name": parameter}
    )

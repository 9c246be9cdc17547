"""`pmlcli compare`: algorithms on a log, two models, two logs, or the groups of a log."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmlcli import registry
from pmlcli.cli import _declared, _measuring, _target
from pmlcli.cli._group import LIMIT, PLACE, REQUEST, options
from pmlcli.cli._measuring import MeasuringOptions
from pmlcli.cli._options import (
    CommonOptions,
    ReadingOptions,
    algorithm_option,
    labels_option,
    param_option,
    task_option,
)
from pmlcli.cli._trust import TrustOptions
from pmlcli.cli.train import ParameterValues
from pmlcli.errors import LogError, MissingDependencyError, ValidationError, nearest
from pmlcli.eventlog.times.duration import duration_seconds

if TYPE_CHECKING:
    from pmlcli.cli._session import Session
    from pmlcli.evaluation.assessment import Assessment
    from pmlcli.eventlog import ReadOptions
    from pmlcli.eventlog.log import EventLog
    from pmlcli.lifecycle.leaderboard import Candidate, Cut, Row

ThingsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="LOG|MODEL...",
        help="A log (with -t or --by), two models and a log, or two logs.",
        show_default=False,
    ),
]
ALL, FAST = "all", "fast"
MOST_COMBINATIONS = 1000
_LISTED = "names separated by commas"


@options
class RaceOptions:
    """Which algorithms are compared on one log, for how long, and what is kept."""

    task: Annotated[
        str | None,
        REQUEST,
        task_option("Compare this task's algorithms on the log."),
    ] = None
    algorithm: Annotated[
        list[str] | None,
        REQUEST,
        algorithm_option(
            "A,B|all|fast",
            "Which: names, all, or fast (those that need no extra). The baseline always runs. "
            "Repeatable.  [default: fast]",
        ),
    ] = None
    param: Annotated[
        list[str] | None,
        REQUEST,
        param_option(
            "NAME=V1,V2", "Try these values of a parameter with every algorithm that has it. Repeatable."
        ),
    ] = None
    labels: Annotated[
        Path | None,
        PLACE,
        labels_option(),
    ] = None
    budget: Annotated[
        str | None,
        LIMIT,
        typer.Option(
            "--budget",
            metavar="DURATION",
            help="Begin no other algorithm after so long, such as 90s, 10m or 2h.",
        ),
    ] = None
    resume: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--resume",
            metavar="FILE",
            help="Keep what was found in this file, and take from it what an earlier run found.",
        ),
    ] = None
    save_best: Annotated[
        Path | None,
        PLACE,
        typer.Option(
            "--save-best", metavar="MODEL", help="Train the best on the whole log and save it here."
        ),
    ] = None

    def given(self) -> list[str]:
        """The options that only a comparison of algorithms takes, as far as they are given."""
        names = ("algorithm", "param", "labels", "budget", "resume", "save_best")
        return [f"--{name.replace('_', '-')}" for name in names if getattr(self, name) is not None]

    def seconds(self) -> float:
        """The budget; ValidationError for what is no time."""
        return float("inf") if self.budget is None else duration_seconds(self.budget, "time for --budget")


ByOption = Annotated[
    str | None,
    REQUEST,
    typer.Option(
        "--by",
        metavar="month|COLUMN",
        help="Compare the log's months, each with the one before, or the cases of each value of a column "
        "with all others.",
    ),
]
EffectOption = Annotated[
    float,
    REQUEST,
    typer.Option("--min-effect", metavar="SHARE", help="Smallest difference of logs that counts."),
]


def compare(  # noqa: PLR0913 (a command takes its groups of options)
    things: ThingsArgument,
    race: RaceOptions,
    parameters: ParameterValues,
    measuring: MeasuringOptions,
    reading: ReadingOptions,
    trust: TrustOptions,
    common: CommonOptions,
    by: ByOption = None,
    min_effect: EffectOption = 0.05,
) -> None:
    """Say which algorithm or model is better on a log, or how two logs differ.

    `compare LOG -t TASK` tries algorithms on the log's last fifth, `compare MODEL MODEL LOG` holds two models
    against the same cases, begun after both were trained, and `compare LOG LOG` or `compare LOG --by month`
    says what differs beyond chance, the largest difference first.
    """
    with common.session() as session:
        own = _declared.given(parameters)
        kind = _kind(things, race, own, by)
        units = _log_units() if kind in ("logs", "groups") else None
        measuring.check(session, units)
        if kind == "race":
            found = _race(things[0], race, own, measuring, reading, session)
        elif kind == "models":
            found = _models(things, reading, trust)
        else:
            found = _logs(things, by, min_effect, reading)
        _measuring.finish(found, measuring, session)


def _log_units() -> Mapping[str, str]:
    # pandas takes time to import.
    from pmlcli.lifecycle.comparing import UNITS

    return UNITS


def _kind(things: Sequence[str], race: RaceOptions, own: Mapping[str, Any], by: str | None) -> str:
    """What is to be compared; ValidationError for anything else, and for options that it does not take."""
    models = [_is_model(one) for one in things]
    kind = {(True, True, False): "models", (False, False): "logs"}.get(tuple(models), "")
    if models == [False]:
        kind = "race" if race.task is not None else "groups" if by is not None else ""
    if not kind:
        raise ValidationError(
            _odd(models),
            hint="give a log with -t TASK or --by COLUMN, two models and a log, or two logs",
        )
    given = [] if kind == "race" else [*(["--task"] if race.task else []), *race.given()]
    given += [] if kind == "race" else [f"--{name.replace('_', '-')}" for name in own]
    given += ["--by"] if by is not None and kind != "groups" else []
    if given:
        what = {"models": "two models", "logs": "two logs", "groups": "groups of cases"}
        raise ValidationError(
            f"comparing {what.get(kind, 'algorithms')} takes no {', '.join(given)}",
            hint="leave it out",
            context={"option": given[0].removeprefix("--")},
        )
    return kind


def _odd(models: Sequence[bool]) -> str:
    if models == [False]:
        return "one log alone says nothing to compare"
    said = ", ".join("a model" if one else "a log" for one in models)
    return f"{said}: cannot be compared"


def _is_model(text: str) -> bool:
    return text != "-" and (Path(text) / "manifest.json").is_file()


# --- algorithms


def _race(  # noqa: PLR0913 (a command takes its groups of options)
    source: str,
    race: RaceOptions,
    own: Mapping[str, Any],
    measuring: MeasuringOptions,
    reading: ReadingOptions,
    session: Session,
) -> Assessment:
    task, how, budget = str(race.task), reading.to_read_options(), race.seconds()
    wanted = candidates(task, race, own)
    if race.save_best is not None:
        _target.require_model_place(race.save_best, force=measuring.force)
    if race.resume is not None:
        _target.require_file_place(race.resume, force=True)
    # numpy and the algorithms' libraries take time to import; a misspelt name must not wait for them.
    from pmlcli.eventlog import read_log
    from pmlcli.lifecycle.labels import labels_of
    from pmlcli.lifecycle.leaderboard import cut_of

    log = read_log(source, how)
    labels = labels_of(race.labels, log)
    cut = cut_of(log, labels)
    rows = _rows(cut, wanted, race, budget, measuring, session)
    return _told(log, cut, wanted, rows, race, how, session, force=measuring.force)


def candidates(task: str, race: RaceOptions, own: Mapping[str, Any]) -> list[Candidate]:
    """The algorithms with every combination of parameters, the task's baseline first.

    ValidationError for names and parameters that there are not, and where nothing is left to compare.
    """
    from pmlcli.lifecycle.leaderboard import Candidate

    baseline = registry.card(registry.resolve(None, task)).baseline
    names = _names(task, race.algorithm or [FAST])
    values = _values(race.param or [], names)
    _require_known(names, {*values, *own}, task)
    fixed = dict(own) | {k: v[0] for k, v in values.items() if len(v) == 1}
    searched = {k: v for k, v in values.items() if len(v) > 1}
    if math.prod(len(one) for one in searched.values()) > MOST_COMBINATIONS:
        raise ValidationError(f"more than {MOST_COMBINATIONS} combinations", hint="give fewer values")
    made = [Candidate(baseline, _of(baseline, fixed))]
    for name in names:
        ranges = _of(name, searched)
        for chosen in itertools.product(*ranges.values()):
            varied = dict(zip(ranges, chosen, strict=True))
            made.append(Candidate(name, _of(name, fixed) | varied, varied))
    found: dict[str, Candidate] = {}
    for one in made:
        found.setdefault(one.label, one)
    if len(found) < 2:
        raise ValidationError(
            f"{next(iter(found))} alone has nothing to be compared with: it is the baseline",
            hint="name another algorithm with -a (all tries those that need an extra too), or values of a "
            "parameter with -p NAME=V1,V2",
        )
    return list(found.values())


def _of(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values whose parameter this algorithm has."""
    has = {parameter.name for parameter in registry.card(name).parameters}
    return {parameter: value for parameter, value in values.items() if parameter in has}


def _names(task: str, texts: Sequence[str]) -> list[str]:
    found: list[str] = []
    for text in [part.strip() for one in texts for part in one.split(",")]:
        if text == ALL:
            found += registry.names(task)
        elif text == FAST:
            found += [name for name in registry.names(task) if registry.card(name).extra is None]
        else:
            found.append(registry.resolve(text, task))
    return list(dict.fromkeys(found))


def _values(texts: Sequence[str], names: Sequence[str]) -> dict[str, list[str]]:
    """The values of each parameter; a comma belongs to the value where the parameter takes several names."""
    listed = {
        one.name for name in names for one in registry.card(name).parameters if one.type.startswith(_LISTED)
    }
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        parts = [value] if name in listed else [part.strip() for part in value.split(",")]
        if not equals or not name or not all(parts):
            raise ValidationError(f"-p takes NAME=V1,V2, not '{text}'")
        found[name] = list(dict.fromkeys([*found.get(name, []), *parts]))
    return found


def _require_known(names: Sequence[str], parameters: set[str], task: str) -> None:
    known = {one.name for name in names for one in registry.card(name).parameters}
    for name in sorted(parameters - known):
        near = nearest(name, known)
        raise ValidationError(
            f"none of these algorithms of {task} has a parameter '{name}'",
            hint=f"did you mean '{near}'?" if near else f"they have: {', '.join(sorted(known))}",
            context={"kind": "parameter", "name": name},
        )


def _rows(  # noqa: PLR0913 (all that a run of algorithms depends on)
    cut: Cut,
    wanted: Sequence[Candidate],
    race: RaceOptions,
    budget: float,
    measuring: MeasuringOptions,
    session: Session,
) -> list[Row]:
    from pmlcli.lifecycle import leaderboard
    from pmlcli.lifecycle.leaderboard_state import read_state, write_state

    earlier = {} if race.resume is None else read_state(race.resume, cut.digest)
    _require_buildable(one for one in wanted if one.key not in earlier)
    found = dict(earlier)
    rows: list[Row] = []
    for row in leaderboard.race(cut, wanted, earlier=earlier, goes_on=lambda: session.seconds < budget):
        if row.is_measured and not any(one.is_measured for one in rows):
            measuring.check_gates(_units(row))
        rows.append(row)
        where = " (from an earlier run)" if row.is_earlier else ""
        told = f"{row.metric} {row.value:.4g}" if row.is_measured else row.failure
        session.note(f"{len(rows)} of {len(wanted)}: {row.label}: {told}{where}")
        if race.resume is not None and not row.is_earlier:
            found[row.candidate.key] = row
            write_state(race.resume, cut.digest, list(found.values()))
    return rows


def _require_buildable(wanted: Iterable[Candidate]) -> None:
    """Raises, before anything is trained, for a value that a parameter cannot have."""
    for one in wanted:
        with suppress(MissingDependencyError):
            registry.build(one.name, one.parameters)


def _units(row: Row) -> dict[str, str]:
    """The figures that there will be, and their units, as the first row tells."""
    apart = "points" if row.unit == "share" else row.unit
    own = {row.metric: row.unit, f"{row.metric}_without_choosing": row.unit}
    own |= dict.fromkeys(("best_difference", "baseline_difference", "choosing"), apart)
    own |= {name: unit for name, (_value, unit) in row.others.items()}
    return own | {"fit_seconds": "seconds", "milliseconds": "ms", "size_bytes": "bytes"}


def _told(  # noqa: PLR0913 (all that the result depends on)
    log: EventLog,
    cut: Cut,
    wanted: Sequence[Candidate],
    rows: Sequence[Row],
    race: RaceOptions,
    how: ReadOptions,
    session: Session,
    *,
    force: bool,
) -> Assessment:
    from pmlcli.lifecycle.leaderboard import ranked
    from pmlcli.lifecycle.leaderboard_words import Board, assessed
    from pmlcli.lifecycle.provenance import now, stamp_of

    done = {row.candidate.key for row in rows}
    left = [one.label for one in wanted if one.key not in done]
    about = registry.find(wanted[0].name).task
    facts: dict[str, Any] = {
        "task": race.task,
        "log": {"name": log.source.name, "sha256": log.source.sha256},
        "measured_at": stamp_of(now()),
    }
    order = ranked(rows)
    if race.save_best is not None and order:
        facts["saved"] = _saved(order[0], log, race.save_best, how, session, force=force)
    return assessed(
        Board(rows, wanted[0].label, about.baseline_phrase, left, about.is_about_cases), cut, facts
    )


def _saved(  # noqa: PLR0913 (all that a saved model depends on)
    best: Row, log: EventLog, path: Path, how: ReadOptions, session: Session, *, force: bool
) -> dict[str, str]:
    from pmlcli.lifecycle.model import Model

    session.note(f"training {best.label} on the whole log")
    model = Model(best.candidate.name, **best.candidate.parameters)
    model.train(log, options=how)
    saved = model.save(path, force=force)
    session.note(f"saved to {saved.path}, root digest {saved.root_digest}")
    return {"path": str(saved.path), "root_digest": saved.root_digest}


# --- models, logs and groups


def _models(things: Sequence[str], reading: ReadingOptions, trust: TrustOptions) -> Assessment:
    how = reading.to_read_options()
    # The models' libraries take time to import; a misspelt option must not wait for them.
    from pmlcli.eventlog import read_log
    from pmlcli.lifecycle.comparing import of_models
    from pmlcli.lifecycle.evaluating import Scope

    first, second = (trust.load(Path(one)) for one in things[:2])
    log = read_log(things[2], first.read_options(how))
    scope = Scope(only_new=log.times is not None)
    try:
        found = first.evaluate(log, scope=scope, against=second, options=how)
    except LogError as error:
        if error.code == "log.truth":
            error.hint = "give a log with cases that began after both models were trained, and have ended"
        raise
    return of_models(found, (things[0], things[1]))


def _logs(things: Sequence[str], by: str | None, min_effect: float, reading: ReadingOptions) -> Assessment:
    how = reading.to_read_options()
    # pandas takes time to import; a misspelt option must not wait for it.
    from pmlcli.eventlog import read_log
    from pmlcli.lifecycle.comparing import of_groups, of_logs
    from pmlcli.lifecycle.monitoring import Monitored

    wanted = Monitored(min_effect)
    logs = [read_log(one, how) for one in things]
    if by is not None:
        return of_groups(logs[0], by, wanted)
    return of_logs(logs[0], logs[1], wanted, (things[0], things[1]))

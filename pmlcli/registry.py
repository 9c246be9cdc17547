"""The algorithms that there are: the file's path is the registry.

`algorithms/anomaly/isolation_forest.py` is `anomaly/isolation-forest`. `names` imports no algorithm, `card`
none that has a stored card; `find` imports exactly one. Other packages add theirs by the entry-point group
`pmlcli.algorithms`, with `task/name` as the entry's name and the class as its object.
"""

from __future__ import annotations

import inspect
import site
import sysconfig
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from pmlcli._cards import PACKAGE_ROOT, AlgorithmCard, OptionCard, TaskCard, stored_cards, stored_task
from pmlcli.errors import (
    STOPPED,
    MissingDependencyError,
    PersistenceError,
    PmlError,
    SeriousWarning,
    ValidationError,
    nearest,
    unknown_name,
)

if TYPE_CHECKING:
    import pandas as pd

    from pmlcli.algorithms._interface.base import Algorithm

ENTRY_POINTS = "pmlcli.algorithms"
_LIBRARIES = {"boost": "xgboost", "neural": "torch", "prophet": "prophet"}
"""The library that each extra of an algorithm brings."""


@cache
def _own() -> dict[str, str]:
    """Name to module of each algorithm in this package."""
    files = sorted(PACKAGE_ROOT.glob("algorithms/*/[!_]*.py"))
    return {
        f"{f.parent.name}/{f.stem}".replace("_", "-"): f"pmlcli.algorithms.{f.parent.name}.{f.stem}"
        for f in files
        if not f.parent.name.startswith("_")
    }


@cache
def _others() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS) if entry.name not in _own()}


def names(task: str | None = None) -> tuple[str, ...]:
    """All algorithms as `task/name`, sorted; with `task`, those of that task."""
    everything = sorted([*_own(), *_others()])
    return tuple(name for name in everything if task is None or name.startswith(f"{task}/"))


def own_names(task: str) -> tuple[str, ...]:
    """The algorithms of a task that this package holds itself, sorted."""
    return tuple(name for name in names(task) if name in _own())


def tasks() -> tuple[str, ...]:
    """The tasks that have an algorithm, sorted."""
    return tuple(sorted({name.partition("/")[0] for name in names()}))


def resolve(text: str | None, task: str | None = None) -> str:
    """The full name meant by `task/name`, by a unique `name`, or by a task alone (its recommended default).

    Raises ValidationError with the nearest name when there is none, or the choices when there are several.
    """
    if task is not None and task not in tasks():
        raise unknown_name("task", task, tasks())
    if text is None:
        if task is None:
            raise ValidationError("no algorithm given", hint="name one with -a, or a task with -t")
        return card(names(task)[0]).recommended
    known = names(task)
    if text in known:
        return text
    matches = [name for name in known if name.partition("/")[2] == text]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ValidationError(
            f"there are several algorithms named '{text}'", hint=f"name one of: {', '.join(matches)}"
        )
    raise _unknown(text, known)


class Default(NamedTuple):
    """What a task takes here where no algorithm is named.

    `parameters` are those that differ from the algorithm's own defaults, `left_out` the algorithms that need
    an extra which is not installed, and `extras` what would bring them.
    """

    name: str
    parameters: dict[str, Any] = {}
    left_out: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


def default(task: str, given: Iterable[str] = ()) -> Default:
    """The recommended algorithm of a task, as far as the installed libraries go.

    One that combines others leaves out the members that need a missing extra, unless `given` (names of
    parameters) has `members`. One that lacks a library itself gives way to the first algorithm of the task
    that lacks none, the baseline last; but not where that one has not all the parameters that are given.
    """
    name, taken = resolve(None, task), set(given)
    members = next((p.default for p in card(name).parameters if p.name == "members"), ())
    if "members" in taken:
        return Default(name)
    lacking = {f"{task}/{member}": missing_extras(f"{task}/{member}") for member in members}
    there = [full.partition("/")[2] for full, extras in lacking.items() if not extras]
    if there:
        left_out = tuple(full for full, extras in lacking.items() if extras)
        chosen = {"members": ",".join(there)} if left_out else {}
        return Default(name, chosen, left_out, _joined(lacking.values()))
    if not (extras := missing_extras(name)):
        return Default(name)
    simple = sorted(own_names(task), key=lambda one: (card(one).is_baseline, one))
    fits = [
        one for one in simple if not missing_extras(one) and taken <= {p.name for p in card(one).parameters}
    ]
    return Default(fits[0], {}, (name,), extras) if fits else Default(name)


def missing_extras(name: str) -> tuple[str, ...]:
    """The extras of an algorithm whose library is not installed here, sorted."""
    extras = (card(name).extra or "").split(",")
    return tuple(sorted(extra for extra in extras if extra and _is_missing(_LIBRARIES.get(extra, extra))))


def _joined(extras: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({extra for some in extras for extra in some}))


def _unknown(text: str, known: Iterable[str]) -> ValidationError:
    """Compares with full and short names alike, so that `isolation-forst` finds its way; a task's name is
    known as such.
    """
    full = {name.partition("/")[2]: name for name in known} | {name: name for name in known}
    near = nearest(text, full)
    hint = f"did you mean '{full[near]}'?" if near else "`pmlcli algorithms` lists them"
    task = text.replace("_", "-")
    if task in tasks():
        hint = f"{task} is a task: name it with -t"
    return ValidationError(
        f"unknown algorithm '{text}'", hint=hint, context={"kind": "algorithm", "name": text}
    )


def card(name: str) -> AlgorithmCard:
    """What there is to know of an algorithm; one that has no stored card is imported for it."""
    if name not in _own() and name not in _others():
        raise unknown_name("algorithm", name, names())
    stored = stored_cards(_folder(name)).get(name) if name in _own() else None
    return stored or fresh_card(name)


@cache
def fresh_card(name: str) -> AlgorithmCard:
    """The card as the imported class has it, whatever is stored."""
    # numpy takes time to import.
    from pmlcli.algorithms._interface.card import card_of

    return card_of(name, find(name))


def task_card(task: str) -> TaskCard:
    """What there is to know of a task; one that has no stored card is imported for it."""
    return stored_task(_folder(task)) or fresh_task_card(task)


@cache
def fresh_task_card(task: str) -> TaskCard:
    """The card as the imported classes have it; those that cannot be imported here are left out."""
    # numpy takes time to import.
    from pmlcli.algorithms._interface.card import task_card_of

    found = []
    for name in names(task):
        # What another package brings may fail as it likes: other tasks must not.
        with suppress(PmlError, ImportError, AttributeError, TypeError):
            found.append(find(name))
    return task_card_of(found) if found else TaskCard()


def request_options() -> dict[OptionCard, tuple[str, ...]]:
    """What predictions can be asked for, with the tasks that have it."""
    return _by_task({task: task_card(task).request for task in tasks()})


def parameter_options() -> dict[OptionCard, tuple[str, ...]]:
    """The parameters that have options of their own in `train`, with the tasks that have them."""
    return _by_task({task: task_card(task).parameters for task in tasks()})


def input_options() -> dict[OptionCard, tuple[str, ...]]:
    """What training can be given beside the log, with the tasks that take it."""
    return _by_task({task: task_card(task).inputs for task in tasks()})


def _by_task(options: Mapping[str, Iterable[OptionCard]]) -> dict[OptionCard, tuple[str, ...]]:
    """Where two tasks mean different things by one name, that of the first is kept; a test refuses ours."""
    found: dict[OptionCard, tuple[str, ...]] = {}
    for task, cards in options.items():
        for card in cards:
            is_taken = card not in found and any(known.option == card.option for known in found)
            if not is_taken:
                found[card] = (*found.get(card, ()), task)
    return found


def _folder(name: str) -> str:
    return name.partition("/")[0].replace("-", "_")


def find(name: str) -> type[Algorithm[Any]]:
    """The algorithm's class; imports its one module.

    Raises ValidationError for an unknown name and MissingDependencyError, with the pip extra, when its
    library is not installed; PersistenceError for one of another package that cannot be loaded.
    """
    if name not in _own() and name not in _others():
        raise _unknown(name, names())
    try:
        found: type[Algorithm[Any]] = (
            _plugged_algorithm(_others()[name]) if name in _others() else _only_algorithm(_own()[name])
        )
        return found
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("pmlcli"):
            raise
        raise _missing(name, (error.name or "").partition(".")[0]) from error


def _plugged_algorithm(entry: EntryPoint) -> Any:
    # numpy takes time to import.
    from pmlcli.algorithms._interface.base import Algorithm

    try:
        loaded = plugged_in(entry)
    except ModuleNotFoundError:
        raise
    except Exception as error:
        raise _unloadable(entry, f"{type(error).__name__}: {error}") from error
    if not (isinstance(loaded, type) and issubclass(loaded, Algorithm)):
        raise _unloadable(entry, "it is no class that inherits from Algorithm")
    return loaded


def _unloadable(entry: EntryPoint, why: str) -> PersistenceError:
    package = "" if entry.dist is None else f" of the package {entry.dist.name}"
    return PersistenceError(
        f"algorithm '{entry.name}' ({entry.value}){package} cannot be loaded: {why}",
        hint="fix that package, or remove it from this environment",
        context={"algorithm": entry.name},
    )


def plugged_in(entry: EntryPoint) -> Any:
    """The object of an entry point; warns of one that no installation put where libraries belong.

    Such an entry counts because its directory is on PYTHONPATH or the like. Code that ends the program while
    it is imported is an ImportError.
    """
    place = None if entry.dist is None else Path(str(entry.dist.locate_file(""))).resolve()
    if place is not None and place not in _library_places():
        what = "hook" if entry.group != ENTRY_POINTS else "algorithm"
        warnings.warn(
            f"the {what} '{entry.name}' ({entry.value}) comes from {place}, outside site-packages",
            SeriousWarning,
            stacklevel=3,
        )
    try:
        return entry.load()
    except (Exception, *STOPPED):
        raise
    except BaseException as error:
        raise ImportError(f"it ends the program ({type(error).__name__}: {error})") from error


@cache
def _library_places() -> frozenset[Path]:
    places = {*site.getsitepackages(), site.getusersitepackages()}
    places |= {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return frozenset(Path(place).resolve() for place in places)


def _is_missing(library: str) -> bool:
    try:
        return find_spec(library) is None
    except ImportError:
        return True


def build(name: str, parameters: Mapping[str, Any]) -> Algorithm[Any]:
    """The untrained algorithm of this name, with its members if it combines others.

    Raises ValidationError for a parameter that is wrong, and what `find` raises.
    """
    # numpy takes time to import.
    from pmlcli.algorithms._interface.members import built_members

    algorithm = find(name).build(dict(parameters))
    if (names_of_members := algorithm.member_names()) is not None:
        algorithm.take_members(built_members(algorithm, names_of_members, find))
    return algorithm


def build_to_load(name: str, parameters: Mapping[str, Any], files: Iterable[str]) -> Algorithm[Any]:
    """As `build`, for the state in these files: of members only those are imported that have a file there.

    ValidationError also for a member that has none and cannot be one.
    """
    # numpy takes time to import.
    from pmlcli.algorithms._interface.members import LateMembers, require_member

    algorithm = find(name).build(dict(parameters))
    if (names_of_members := algorithm.member_names()) is None:
        return algorithm
    members = LateMembers(algorithm, names_of_members, find)
    for member in names_of_members:
        require_member(algorithm, member, card(f"{algorithm.task.name}/{member}").container)
    algorithm.take_members(members)
    has_own_files = algorithm.container == "members"
    for member in names_of_members:
        if not has_own_files or any(file.startswith(f"{member}-") for file in files):
            _ = members[member]
    return algorithm


def _missing(name: str, dependency: str) -> MissingDependencyError:
    stored = stored_cards(_folder(name)).get(name)
    extras = (stored.extra if stored and stored.extra else "all").split(",")
    lacking = [extra for extra in extras if _is_missing(_LIBRARIES.get(extra, dependency))]
    return MissingDependencyError(dependency, extra=",".join(lacking or extras), needed_by=name)


class _Algorithms(ModuleType):
    """The package `pmlcli.algorithms`, which can be called: `pmlcli.algorithms()` says what there is."""

    def __call__(self, task: str | None = None) -> pd.DataFrame:
        """A row for each algorithm, or those of a task; ValidationError for a task that there is not.

        Columns: `name`, `task`, `summary`, `is_recommended`, `is_baseline`, `extra` (what it needs beside
        the core install; None), `is_installed` and `parameters` (name to default).
        """
        # pandas takes time to import.
        import pandas as pd

        if task is not None and task not in tasks():
            raise unknown_name("task", task, tasks())
        return pd.DataFrame([_line(card(name)) for name in names(task)])


def _line(one: AlgorithmCard) -> dict[str, Any]:
    return {
        "name": one.name,
        "task": one.task,
        "summary": one.summary,
        "is_recommended": one.name == one.recommended,
        "is_baseline": one.is_baseline,
        "extra": one.extra,
        "is_installed": not missing_extras(one.name),
        "parameters": {parameter.name: parameter.default for parameter in one.parameters},
    }


def _callable_package() -> _Algorithms:
    found = import_module("pmlcli.algorithms")
    # The package has to keep its name, and a module can be called by its class alone.
    found.__class__ = _Algorithms
    return cast("_Algorithms", found)


algorithms = _callable_package()


def _only_algorithm(module_name: str) -> type[Algorithm[Any]]:
    base: type[Algorithm[Any]] = import_module("pmlcli.algorithms._interface.base").Algorithm
    module = import_module(module_name)
    classes: list[type[Algorithm[Any]]] = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, base) and value.__module__ == module_name
    ]
    public = [cls for cls in classes if not cls.__name__.startswith("_")]
    if len(public) != 1:
        raise TypeError(f"{module_name} must hold exactly one algorithm, not {len(public)}")
    return public[0]

"""Algorithms that ask other algorithms: how they get at them, and keep their state within their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pmlcli.algorithms._interface.base import Algorithm, field_names
from pmlcli.algorithms._interface.param import specs
from pmlcli.errors import MissingDependencyError, ValidationError


def members(owner: Algorithm, names: Sequence[str]) -> dict[str, Any]:
    """Untrained algorithms of the owner's task, by name; see `member`.

    ValidationError for none, for one named twice, and for what is no name within the task;
    MissingDependencyError that names all libraries that any of them lacks.
    """
    wrong = ""
    if not names:
        wrong = "no member is named"
    elif twice := [name for name, count in Counter(names).items() if count > 1]:
        wrong = f"'{twice[0]}' is named twice"
    elif strange := [name for name in names if "/" in name]:
        wrong = f"'{strange[0]}' is no name within the task {owner.task}"
    if wrong:
        raise ValidationError(
            f"parameter 'members': {wrong}",
            hint="name each once, without its task: members=A,B; `pmlcli algorithms` lists them",
            context={"parameter": "members", "value": ",".join(names)},
        )
    found, missing = {}, []
    for name in names:
        try:
            found[name] = member(owner, f"{owner.task}/{name}")
        except MissingDependencyError as error:
            missing.append(error)
    if missing:
        raise MissingDependencyError.joined(missing)
    return found


def member(owner: Algorithm, name: str) -> Any:
    """An untrained algorithm for `owner` to ask; parameters that both have take `owner`'s values.

    ValidationError for one that is unknown or asks others itself, and, unless the owner's `container` is
    `members`, for one that is kept in a format of its library's own.
    """
    find = type(owner).find_member
    if find is None:
        raise ValidationError(f"{type(owner).__name__} asks other algorithms: build it by its name")
    cls = find(name)
    is_kept = owner.container == "members" or cls.container == "plain"
    if not is_kept or cls.container == "members" or issubclass(cls, type(owner)):
        asks = "does not itself ask others"
        kind = asks if owner.container == "members" else f"{asks} and keeps its state as plain numbers"
        raise ValidationError(
            f"'{name}' cannot be a member",
            hint=f"take one that {kind}",
            context={"parameter": "members", "value": name},
        )
    shared = field_names(cls) & {spec.name for spec in specs(type(owner))}
    return cls(**{field_name: getattr(owner, field_name) for field_name in sorted(shared)})


def fit_in_turn(members: Iterable[Algorithm], data: Any, memory: str = "auto") -> None:
    """Trains each; the first that finds whether late cases count more tells the others that would look."""
    for one in members:
        if "memory" in one.parameters():
            one.memory = memory  # type: ignore[attr-defined]
        one.fit(data)
        memory = getattr(one, "memory_", memory)


def joined_state(own: Mapping[str, Any], members: Mapping[str, Algorithm]) -> dict[str, Any]:
    """The owner's state and that of each member under the member's name."""
    states = {name: one.state() for name, one in members.items()}
    inner = {f"{_prefix(name)}{key}": value for name, state in states.items() for key, value in state.items()}
    return {**own, **inner}


def own_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """The owner's part of a joined state."""
    return {key: value for key, value in state.items() if "__" not in key}


def restore_members(state: Mapping[str, Any], members: Mapping[str, Algorithm]) -> None:
    """Gives each member its part of a joined state."""
    for name, one in members.items():
        prefix = _prefix(name)
        one.restore({key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)})


def _prefix(name: str) -> str:
    return f"{name.replace('-', '_')}__"

"""Algorithms that ask other algorithms: how they get at them, and keep their state within their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pmlcli.algorithms._interface.base import Algorithm, field_names
from pmlcli.algorithms._interface.param import specs
from pmlcli.errors import MissingDependencyError, ValidationError

Find = Callable[[str], type[Algorithm[Any]]]
"""The registry's `find`: a full name to the algorithm's class."""


class LateMembers(Mapping[str, Algorithm[Any]]):
    """Members by short name, in their order, each imported and built when it is first asked for.

    A saved model asks only for those that it kept, and needs no library of the others.
    """

    def __init__(self, owner: Algorithm[Any], names: Sequence[str], find: Find) -> None:
        """`find` as for `built_members`; ValidationError for no name, and for one that stands there twice."""
        _require_distinct(owner, names)
        self._owner, self._names, self._find = owner, tuple(names), find
        self._built: dict[str, Algorithm[Any]] = {}

    def __getitem__(self, name: str) -> Algorithm[Any]:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._built:
            self._built[name] = _member(self._owner, name, self._find(f"{self._owner.task.name}/{name}"))
        return self._built[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def require_member(owner: Algorithm[Any], name: str, container: str) -> None:
    """ValidationError for what its container says cannot be a member: one that combines others itself, and,
    unless the owner's is `members`, one that is kept in a format of its library's own.
    """
    if container != "members" and (owner.container == "members" or container == "plain"):
        return
    asks = "does not itself combine others"
    kind = asks if owner.container == "members" else f"{asks} and keeps its state as plain numbers"
    raise ValidationError(
        f"'{name}' cannot be a member",
        hint=f"take one that {kind}",
        context={"parameter": "members", "value": name},
    )


def built_members(owner: Algorithm[Any], names: Sequence[str], find: Find) -> dict[str, Algorithm[Any]]:
    """Untrained algorithms of the owner's task, by short name; parameters that both have take its values.

    ValidationError for none, for one named twice, for what is no name within the task, and for one that
    cannot be a member; MissingDependencyError that names all libraries that any of them lacks.
    """
    _require_distinct(owner, names)
    found, missing = {}, []
    for name in names:
        try:
            found[name] = _member(owner, name, find(f"{owner.task.name}/{name}"))
        except MissingDependencyError as error:
            missing.append(error)
    if missing:
        raise MissingDependencyError.joined(missing)
    return found


def _require_distinct(owner: Algorithm[Any], names: Sequence[str]) -> None:
    wrong = ""
    if not names:
        wrong = "no member is named"
    elif twice := [name for name, count in Counter(names).items() if count > 1]:
        wrong = f"'{twice[0]}' is named twice"
    elif strange := [name for name in names if "/" in name]:
        wrong = f"'{strange[0]}' is no name within the task {owner.task.name}"
    if wrong:
        raise ValidationError(
            f"parameter 'members': {wrong}",
            hint="name each once, without its task: members=A,B; `pmlcli algorithms` lists them",
            context={"parameter": "members", "value": ",".join(names)},
        )


def _member(owner: Algorithm[Any], name: str, cls: type[Algorithm[Any]]) -> Algorithm[Any]:
    """ValidationError for one that cannot be a member, such as the owner itself."""
    shared = field_names(cls) & {spec.name for spec in specs(type(owner))}
    one = cls(**{field_name: vars(owner)[field_name] for field_name in sorted(shared)})
    require_member(owner, name, cls.container if one.member_names() is None else "members")
    return one


def joined_state(own: Mapping[str, Any], members: Mapping[str, Algorithm[Any]]) -> dict[str, Any]:
    """The owner's state and that of each member under the member's name."""
    states = {name: one.state() for name, one in members.items()}
    inner = {f"{_prefix(name)}{key}": value for name, state in states.items() for key, value in state.items()}
    return {**own, **inner}


def own_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """The owner's part of a joined state."""
    return {key: value for key, value in state.items() if "__" not in key}


def restore_members(state: Mapping[str, Any], members: Mapping[str, Algorithm[Any]]) -> None:
    """Gives each member its part of a joined state."""
    for name, one in members.items():
        prefix = _prefix(name)
        one.restore({key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)})


def _prefix(name: str) -> str:
    return f"{name.replace('-', '_')}__"

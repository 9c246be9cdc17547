"""What every algorithm is: a dataclass of parameters with a learned state, of one task and one encoding.

Three hands hold it. The *algorithm's file* declares parameters, encoding and `fit` (and what its task
needs: `score`, `forecast`, ...). Its *task* (`<task>/_task.py`) turns that into targets, calibrated output
columns and measurements. The *lifecycle* decides the order of steps. None does another's work.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, final

from pmlcli.algorithms._interface.param import Param, specs, validated
from pmlcli.algorithms._interface.task import Data, Task
from pmlcli.encoding.base import Encodes
from pmlcli.errors import UntrustedArtifactError, ValidationError


@dataclass(kw_only=True)
class Algorithm(ABC, Generic[Data]):
    """A method that can be trained. Fields are its parameters; attributes that end in `_` its learned state.

    It never saves, loads, logs, prints or touches a raw event.
    """

    seed: Annotated[
        int, Param("Seed of every random step.", ge=0, le=4294967295, has_option=True, metavar="N")
    ] = 0
    cuts: Annotated[
        int,
        Param(
            "How many cuts of the log's later part to measure on; a small log has fewer.",
            ge=1,
            le=10,
            has_option=True,
            metavar="N",
        ),
    ] = 3

    _members: Mapping[str, Any] = field(init=False, repr=False, default_factory=dict)

    task: ClassVar[Task[Any, Any, Any, Any]]
    """What it is trained for: one object, the same for all algorithms of the task."""
    source: ClassVar[str]
    """The paper or text that describes the method."""
    extra: ClassVar[str | None] = None
    """The pip extra that holds the libraries it needs."""
    container: ClassVar[str] = "plain"
    """How its learned state is kept: plain (JSON and arrays), sklearn (joblib), safetensors, xgboost, or
    members (its own as plain, that of each member in the member's way)."""
    allowed_globals: ClassVar[frozenset[str]] = frozenset()
    """`sklearn` only: the exact `module.Class` names that its joblib file may hold beside the common ones."""
    estimator_class: ClassVar[str | None] = None
    """`sklearn` only: the `module.Class` of `estimator_`."""
    tolerance: ClassVar[float] = 0.0
    """Largest difference that other cases in the batch may make to an answer, as a share of it where it is
    more than 1; 0 promises the same bits."""
    can_stop_early: ClassVar[bool] = False
    """Whether it looks at `runtime.deadline()` between steps, and keeps what it has when that is over."""

    @final
    @classmethod
    def build(cls, parameters: dict[str, Any]) -> Self:
        """The algorithm with these parameters, checked and coerced; ValidationError names what is wrong."""
        return cls(**validated(cls, parameters))

    @final
    def parameters(self) -> dict[str, Any]:
        """All parameters and their values, JSON-plain."""
        values = {spec.name: vars(self)[spec.name] for spec in specs(type(self))}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    @final
    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Changes parameters before training; ValidationError for values that `build` would refuse."""
        for name, value in validated(type(self), values).items():
            setattr(self, name, value)

    @abstractmethod
    def make_encoding(self) -> Encodes[Data]:
        """The unfitted encoding that makes its data."""

    @abstractmethod
    def fit(self, data: Data) -> None:
        """Learns from encoded training data."""

    def refit(self, data: Data, trial: Self) -> None:
        """Learns from all data, with what `trial` (fitted on the training part) found."""
        self.fit(data)

    def state(self) -> dict[str, Any]:
        """The learned state: every attribute that ends in `_`."""
        return {k: v for k, v in vars(self).items() if k.endswith("_")}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`; UntrustedArtifactError for a name that no learned state has."""
        for name, value in state.items():
            if not name.endswith("_") or name.startswith("_") or name == "calibration_":
                raise UntrustedArtifactError(f"a learned state has no '{name}'")
            setattr(self, name, value)

    def choices(self) -> list[str]:
        """What was chosen in training that a user should know, in sentences."""
        return []

    # Of algorithms that combine others.

    def member_names(self) -> tuple[str, ...] | None:
        """The algorithms of its task that it combines, by short name, which the registry builds for it; None
        for one that combines none.
        """
        return None

    @final
    def take_members(self, members: Mapping[str, Algorithm[Any]]) -> None:
        """Takes the untrained algorithms of `member_names`, in their order."""
        self._members = members

    @property
    def parts(self) -> Mapping[str, Any]:
        """The members by short name, in their order; ValidationError if they were not passed in."""
        if not self._members:
            raise ValidationError(
                f"{type(self).__name__} combines other algorithms",
                hint=f"build it by its name, as pmlcli.Model('{self.task.name}/...') does",
            )
        return self._members

    def kept_members(self) -> dict[str, Algorithm[Any]]:
        """The members that predictions need, by short name; their state is saved beside its own."""
        return dict(self._members)


Method = TypeVar("Method", bound=Algorithm[Any])


def clone(algorithm: Method) -> Method:
    """The same algorithm with the same parameters and members, untrained."""
    names = {f.name for f in dataclasses.fields(algorithm) if f.init}
    copy = type(algorithm)(**{n: v for n, v in vars(algorithm).items() if n in names})
    copy.take_members({name: clone(one) for name, one in algorithm._members.items()})
    return copy


def field_names(cls: type[Algorithm[Any]]) -> set[str]:
    """Names of all dataclass fields of an algorithm."""
    return {f.name for f in dataclasses.fields(cls)}

"""What algorithms share that try others on late cases and keep the cheapest that is as good as the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, TypeVar, runtime_checkable

from pmlcli import runtime
from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.task import Data
from pmlcli.algorithms._learning.choice import FEW, Choice, by_cost, listed
from pmlcli.algorithms._learning.recency import Turns
from pmlcli.algorithms._learning.validation import CHOOSING_TIME
from pmlcli.errors import UntrustedArtifactError

Encoded = TypeVar("Encoded", contravariant=True)


@runtime_checkable
class FitsHeldOut(Protocol[Encoded]):
    """Learns from all but the latest fifth of the cases, and settles on what those tell it."""

    def fit_held_out(self, data: Encoded) -> None:
        """Learns from the earlier cases; what it may choose is chosen on the others."""


@dataclass(kw_only=True)
class ChoosingAlgorithm(Algorithm[Data]):
    """Tries its baseline and its members, cheapest first, and is from then on what it has taken of them.

    The algorithm's file says which members there are and how the late cases judge them (`choose`). What is
    taken is trained on all data, and kept; nothing else is.
    """

    container: ClassVar[str] = "members"
    tolerance: ClassVar[float] = 1e-9
    can_stop_early: ClassVar[bool] = True

    combine: Annotated[
        Literal["auto", "always"],
        Param("always: the mean of all members; auto: the cheapest that is as good as the best."),
    ] = "auto"

    chosen_: list[str] = field(init=False, repr=False)
    """Names of the members that were taken."""
    why_: str = field(init=False, repr=False)
    """The sentence that says so, and why."""

    def choose(self, data: Data) -> Choice:
        """What is taken, after the members tried have learned from the earlier cases."""
        raise NotImplementedError

    def say(self, choice: Choice) -> str:
        """The choice in a sentence, with its figures."""
        raise NotImplementedError

    def fit(self, data: Data) -> None:
        """Chooses, and trains what was chosen on all cases."""
        if self.combine == "always":
            self.combine_all(data)
        else:
            with runtime.use_part_of_time(CHOOSING_TIME):
                self.adopt(self.choose(data))
            self.refit(data, self)

    def combine_all(self, data: Data) -> None:
        """Trains all members, cheapest first, and takes them whatever late cases say."""
        baseline, turns = self.task.baseline.partition("/")[2], Turns()
        others = by_cost({name: one.container for name, one in self.parts.items() if name != baseline})
        names, trained = others or (baseline,), []
        for name in runtime.in_time(names, lambda done: f"{listed(names[done:])} left out"):
            turns.take(self.parts[name], partial(self.parts[name].fit, data))
            trained.append(name)
        self.chosen_ = [name for name in self.parts if name in trained]
        self.why_ = f"{listed(self.chosen_)} taken, as combine={self.combine} says"

    def adopt(self, choice: Choice) -> None:
        """Takes what was chosen."""
        self.chosen_, self.why_ = list(choice.taken.members), self.say(choice)

    def refit(self, data: Data, trial: Self) -> None:
        """Trains what the trial took on everything, guided by the trial's."""
        self.chosen_, self.why_ = list(trial.chosen_), trial.why_
        for name, one in self.kept_members().items():
            one.refit(data, trial.parts[name])

    def kept_members(self) -> dict[str, Any]:
        """Those that were taken."""
        return {name: self.parts[name] for name in self.parts if name in self.chosen_}

    def choices(self) -> list[str]:
        """What was taken, and why."""
        return [self.why_]

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`; UntrustedArtifactError for a choice that names no member, or one twice."""
        super().restore(state)
        if not _is_choice(self.chosen_, self.parts) or type(self.why_) is not str:
            raise UntrustedArtifactError("the members that were taken are none that there are")

    def names_by_cost(self, n_cases: int) -> tuple[str, ...]:
        """The baseline, then the members that are tried on so many cases, cheapest first."""
        baseline = self.task.baseline.partition("/")[2]
        others = by_cost({name: one.container for name, one in self.parts.items() if name != baseline})
        cheap = [name for name in others if self.parts[name].container == "plain"]
        return (baseline, *(cheap[:1] if n_cases < FEW else others))


def with_baseline(baseline: str, members: tuple[str, ...]) -> tuple[str, ...]:
    """The members, and before them the task's baseline (its full name) where it is not one of them."""
    short = baseline.partition("/")[2]
    return members if not members or short in members else (short, *members)


def _is_choice(names: Any, parts: Mapping[str, Any]) -> bool:
    is_list = isinstance(names, list) and len(names) > 0 and all(type(name) is str for name in names)
    return is_list and len(set(names)) == len(names) and set(names) <= set(parts)

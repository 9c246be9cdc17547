"""What a caller asks of a prediction: by name from outside, and as the fields that each task declares."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pmlcli.algorithms._interface.param import Param, check_fields, option_cards
from pmlcli.errors import ValidationError

Fields = Mapping[str, str | int | bool]
"""Fields of a request by name."""


class PredictRequest:
    """The options of a prediction, by name: `PredictRequest(level="event", explain=True)`.

    Each task declares its options (`pmlcli predict --help` lists them all); a model refuses options of other
    tasks.
    """

    def __init__(self, **given: Any) -> None:
        self._given = given

    @property
    def given(self) -> dict[str, Any]:
        """The given options, name to value."""
        return dict(self._given)

    def with_(self, **more: Any) -> PredictRequest:
        """The same request, with more options."""
        return PredictRequest(**{**self.given, **more})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PredictRequest) and self.given == other.given

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.given)))

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.given.items())
        return f"PredictRequest({given})"


@dataclass(frozen=True, kw_only=True)
class TrainingInputs:
    """What training can be given beside the log and the parameters: nothing. A task that takes more adds
    fields: each is an option of `train`, by this one declaration.
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Request(PredictRequest):
    """What every task can be asked for. A task's own request adds fields: each is an option of `predict`, a
    name of `PredictRequest`, a line of the docs and a check, by this one declaration.
    """

    cases: Annotated[
        Literal["running", "all"],
        Param("Which cases to predict: running ones, or all.", metavar="running|all"),
    ] = "running"
    unseen: Annotated[
        Literal["ignore", "flag", "fail"],
        Param(
            "What to do with cases whose activities or resources training never saw.",
            metavar="ignore|flag|fail",
        ),
    ] = "ignore"
    foreign: Annotated[
        Literal["refuse", "allow"],
        Param(
            "What to do if training never saw the activities of most events of the log.",
            metavar="refuse|allow",
            concern="trust",
        ),
    ] = "refuse"

    @property
    def given(self) -> dict[str, Any]:
        """Name to value of the fields that are not at their default."""
        fields = {field.name: (vars(self)[field.name], field.default) for field in dataclasses.fields(self)}
        return {
            name: value
            for name, (value, default) in fields.items()
            if type(value) is not type(default) or value != default
        }

    @classmethod
    def of(cls, request: PredictRequest, task: str) -> Self:
        """A request as this task's own, its fields checked; ValidationError for a name that it has not."""
        given, known = request.given, {card.name: card.option for card in option_cards(cls)}
        for name in given:
            if name not in known:
                raise ValidationError(
                    f"a prediction of the task {task} has no '{name}'",
                    hint=f"it has: {', '.join(known.values())}",
                    context={"option": name},
                )
        made = cls(**given)
        check_fields(made)
        return made

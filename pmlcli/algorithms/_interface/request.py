"""What a caller asks of a prediction."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from pmlcli.algorithms._interface.unseen import UNSEEN_CHOICES
from pmlcli.encoding.series.regressors import Regressors
from pmlcli.errors import ValidationError, unknown_name


@dataclass(frozen=True)
class PredictRequest:
    """What a caller wants of a prediction; a task refuses what it cannot give.

    - `level`: `case` or `event` (anomaly); `fdr`: flag by the false discovery rate instead of the threshold
    - `cases`: `running` or `all` (predictive tasks); `every_prefix`: one row a prefix instead of a case
    - `as_of`: only events up to this ISO 8601 time count, read in the log's zone where it names none
    - `unseen`: what becomes of cases with activities or resources that training never saw: `ignore`
      (answered for), `flag` (a column says so) or `fail`
    - `foreign`: what becomes of a log most of whose events have an activity that training never saw:
      `refuse` or `allow`
    - `explain`: say in a column what moved each answer; `sla`: seconds that a case may take (remaining-time)
    - `horizon`: steps ahead (forecast), None for the trained one; `top`: how many classes (next-activity)
    - `regressors`: columns from outside the log for the buckets to come (forecast)
    """

    level: str | None = None
    cases: str = "running"
    every_prefix: bool = False
    horizon: int | None = None
    top: int = 3
    fdr: float | None = None
    as_of: str | None = None
    unseen: str = "ignore"
    foreign: str = "refuse"
    explain: bool = False
    sla: float | None = None
    regressors: Regressors | None = None


FOREIGN_CHOICES = ("refuse", "allow")
OF_EVERY_TASK = ("cases", "unseen", "foreign")
"""The fields that any task takes."""
_TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "text"),
    "bool": ((bool, np.bool_), "True or False"),
    "int": (Integral, "a whole number"),
    "float": (Real, "a number"),
}
"""What each type of a field accepts, and how it is called."""


def check_values(request: PredictRequest) -> None:
    """ValidationError for a field of another type than is declared, or for a choice that there is not."""
    for field in dataclasses.fields(request):
        _require_type(field, getattr(request, field.name))
    if request.unseen not in UNSEEN_CHOICES:
        raise unknown_name("choice of unseen values", request.unseen, UNSEEN_CHOICES)
    if request.foreign not in FOREIGN_CHOICES:
        raise unknown_name("choice for a foreign log", request.foreign, FOREIGN_CHOICES)


def refuse_unknown(task: str, understands: Sequence[str], request: PredictRequest) -> None:
    """ValidationError for a field that was set and that means nothing to the task."""
    for field in dataclasses.fields(request):
        is_set = getattr(request, field.name) != field.default
        if is_set and field.name not in {*OF_EVERY_TASK, *understands}:
            options = ", ".join(map(_option, (*understands, "unseen", "foreign")))
            raise ValidationError(
                f"a prediction of the task {task} has no '{field.name}'",
                hint=f"it can be asked for: {options}",
                context={"option": field.name},
            )


def _option(name: str) -> str:
    """The option by which a field is set on the command line."""
    return {"regressors": "--regressor"}.get(name, f"--{name.replace('_', '-')}")


def _require_type(field: dataclasses.Field[Any], value: Any) -> None:
    kind, _bar, none = str(field.type).partition(" | ")
    if kind not in _TYPES or (none and value is None):
        return
    accepted, words = _TYPES[kind]
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind != "bool"):
        raise ValidationError(
            f"{field.name} is {value!r}, but must be {words}", context={"option": field.name}
        )

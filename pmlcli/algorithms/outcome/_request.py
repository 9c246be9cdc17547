"""What a prediction of outcomes can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._prefixes.request import PrefixRequest


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class OutcomeRequest(PrefixRequest):
    """What the outcome task can be asked for beside what all predictive tasks can."""

    every_class: Annotated[
        bool, Param("Also the probability of every outcome, as JSON in the column probabilities.")
    ] = False

"""What a remaining-time model can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._prefixes.due import DueRequest


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RemainingTimeRequest(DueRequest):
    """The risk of missing a deadline."""

    sla: Annotated[
        float | None,
        Param(
            "How long a case may take, such as 5d or 12h; adds the risk that it takes longer.",
            gt=0,
            unit="seconds",
            metavar="TIME",
            reads="duration",
        ),
    ] = None

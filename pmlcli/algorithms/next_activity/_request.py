"""What a next-activity model can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._prefixes.request import PrefixRequest

MOST_CANDIDATES = 1000
"""So many activities a row can be asked for at most."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class NextActivityRequest(PrefixRequest):
    """How many candidates."""

    candidates: Annotated[
        int,
        Param("How many likely activities to show per row.", ge=1, le=MOST_CANDIDATES, metavar="K"),
    ] = 3

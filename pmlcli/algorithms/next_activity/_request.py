"""What a next-activity model can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._prefixes.request import PrefixRequest

MOST_TOP = 1000
"""So many activities can be asked for at most."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class NextActivityRequest(PrefixRequest):
    """How many candidates."""

    top: Annotated[int, Param("How many candidates a row.", ge=1, le=MOST_TOP, metavar="K")] = 3

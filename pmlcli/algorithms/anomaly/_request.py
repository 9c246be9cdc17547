"""What an anomaly detector can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.request import Request


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AnomalyRequest(Request):
    """Cases or events, flagged by the threshold or by a false discovery rate."""

    level: Annotated[
        Literal["case", "event"] | None,
        Param("One row per case (the default) or per event.", metavar="case|event"),
    ] = None
    fdr: Annotated[
        float | None,
        Param(
            "Flag by the false discovery rate: about this share of the flags is false, at most.",
            gt=0,
            lt=1,
            metavar="RATE",
        ),
    ] = None

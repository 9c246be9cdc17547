"""What a forecast can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.request import Request
from pmlcli.encoding.series.regressors import Regressors


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ForecastRequest(Request):
    """How far, and with which columns from outside the log."""

    horizon: Annotated[
        int | None, Param("Steps ahead; without it as many as trained.", ge=1, metavar="N")
    ] = None
    regressors: Annotated[
        Regressors | None,
        Param(
            "CSV of columns from outside the log: date, then numbers, future values given.",
            option="--regressor",
            metavar="FILE",
            reads="table",
            concern="place",
        ),
    ] = None

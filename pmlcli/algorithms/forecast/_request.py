"""What a forecast can be asked for, and what it can learn from beside the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.request import Request, TrainingInputs
from pmlcli.encoding.series.regressors import Regressors

RegressorsChoice = Annotated[
    Regressors | None,
    Param(
        "CSV of exogenous columns: a date, then numbers. Future values must be given.",
        option="--regressor",
        metavar="FILE",
        reads="table",
        concern="place",
    ),
]
"""The same file for training and for what is to come: a prediction reads on."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ForecastRequest(Request):
    """How far, with which exogenous columns, and from where."""

    horizon: Annotated[
        int | None, Param("How many steps to forecast; by default as many as in training.", ge=1, metavar="N")
    ] = None
    regressors: RegressorsChoice = None
    every_origin: Annotated[
        bool, Param("Forecast from each bucket after the training log, not only from the log's end.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class ForecastInputs(TrainingInputs):
    """Exogenous columns."""

    regressors: RegressorsChoice = None

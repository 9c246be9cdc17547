"""Detectors trained as the lifecycle does, and what they predict."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import Fitted
from pmlcli.eventlog.log import EventLog


def train(detector: Algorithm[Any], log: EventLog) -> Fitted[Any, Any]:
    """One fit for trial and final model."""
    encoding, task = detector.make_encoding().fit(log), detector.task
    data = encoding.transform(log)
    detector.fit(data)
    trial = Fitted(detector, encoding)
    *_, last = task.cuts(detector, log)
    fitted = Fitted(detector, encoding, task.calibrate(detector, [task.held_out(trial, last, log)]))
    return Fitted(detector, encoding, task.settle(fitted, data, log))


def predict(fitted: Fitted[Any, Any], log: EventLog, request: PredictRequest) -> pd.DataFrame:
    """The task's table."""
    task = fitted.algorithm.task
    table: pd.DataFrame = task.predict(fitted, log, task.checked(fitted.algorithm, request))
    return table

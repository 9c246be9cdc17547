"""What the asking process knows of an answer before it has it, and holds it against.

A model answers what it likes in its cells; which rows and columns there are, whom they are about, and whose
fault an error is, does not depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.request import Request
from pmlcli.encoding.attributes import as_text
from pmlcli.errors import LogError, PmlError, ValidationError
from pmlcli.eventlog.log import CASE_ID, EventLog
from pmlcli.eventlog.lookalike import difference
from pmlcli.lifecycle.answer import Answer, malformed
from pmlcli.lifecycle.kinds import EXAMPLES

_POSITIONS = {"event_index": 0, "prefix_length": 1}
"""Columns that tell a place in a case, by what the first event's is."""


def tellable(log: EventLog | None, request: Request, schema: Mapping[str, Any]) -> tuple[type[PmlError], ...]:
    """The errors beside those about itself that a model may tell: that the log, or a table of regressors,
    is not what it needs. Any other that comes out of a model is about the model.
    """
    has_regressors = "regressors" in request.given or bool(schema.get("regressors"))
    return (*((LogError,) if log is not None else ()), *((ValidationError,) if has_regressors else ()))


def check_answer(algorithm: Algorithm[Any], log: EventLog | None, request: Request, given: Answer) -> None:
    """Raises UntrustedArtifactError unless the table has the form of its task and is about this log."""
    breach = algorithm.task.prediction_form(algorithm, log, request).breach(given.table)
    if breach is not None:
        raise malformed(breach)
    if log is None:
        if given.unseen:
            raise malformed("unseen values")
        return
    if CASE_ID in given.table.columns and not _is_about(log, given.table):
        raise malformed("keys of the rows")
    if not all(_is_unseen(log, *item) for item in given.unseen.items()):
        raise malformed("unseen values")


def _is_about(log: EventLog, table: pd.DataFrame) -> bool:
    """Whether each row is of another case, or event of a case, of the log."""
    cases = pd.Index(log.case_ids).get_indexer(pd.Index(table[CASE_ID]))
    if (cases < 0).any():
        return False
    places: Any = cases
    for name, first in _POSITIONS.items():
        if name in table.columns:
            place = table[name].to_numpy()
            if not np.issubdtype(place.dtype, np.integer):
                return False
            if ((place < first) | (place >= log.lengths[cases] + first)).any():
                return False
            places = log.offsets[cases] + place
    return bool(pd.Index(places).is_unique)


def _is_unseen(log: EventLog, column: str, found: Mapping[str, Any]) -> bool:
    if column not in log.frame.columns or not 0 < found["events"] <= log.n_events:
        return False
    examples: list[str] = found["examples"]
    similar: Mapping[str, str] = found["similar"]
    if max(len(examples), len(similar)) > EXAMPLES:
        return False
    # What a model says it knew is believed only where it looks like what the log holds.
    if not all(difference(value, like) for value, like in similar.items()):
        return False
    return {*examples, *similar} <= set(as_text(log.frame[column]).dropna().unique())

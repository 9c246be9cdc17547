"""What a log holds that training never saw: the column `has_unseen`, and the error of `--unseen fail`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.form import Column, columns
from pmlcli.encoding.attributes import coded
from pmlcli.encoding.base import Encodes
from pmlcli.encoding.vocabulary import UNSEEN_CODE, Vocabulary
from pmlcli.errors import LogError
from pmlcli.eventlog.log import ACTIVITY, RESOURCE, EventLog
from pmlcli.eventlog.lookalike import lookalikes
from pmlcli.eventlog.lookalike import told as lookalike_told

HAS_UNSEEN = "has_unseen"
UNSEEN_CHOICES = ("ignore", "flag", "fail")
_LOOKED_AT = (ACTIVITY, RESOURCE)

Flags = NDArray[np.bool_]


def unseen_columns(choice: str) -> tuple[Column, ...]:
    """The column that a table has beside its task's, for this choice of `unseen`."""
    return () if choice == "ignore" else columns("flag", HAS_UNSEEN)


def unseen_events(encoding: Encodes[object], log: EventLog) -> Flags:
    """Which events have an activity or resource that training never saw, (events,).

    Resources count where the encoding looks at them.
    """
    found, known = np.zeros(log.n_events, dtype=np.bool_), encoding.vocabularies()
    for column in _LOOKED_AT:
        if column in known and column in log.frame.columns:
            found |= Vocabulary(known[column]).encode(*coded(log, column)) == UNSEEN_CODE
    return found


def never_seen(encoding: Encodes[object], log: EventLog, event: int, told: str) -> LogError:
    """The error that begins with `told` and quotes what is unseen of this event."""
    known = encoding.vocabularies()
    values = {column: log.frame[column].iloc[event] for column in _LOOKED_AT if column in known}
    column = next(name for name, value in values.items() if value not in known[name])
    case = log.case_ids[int(log.case_of_event[event])]
    similar = lookalikes([str(values[column])], known[column])
    more = f": {lookalike_told(similar)}" if similar else ""
    return LogError(
        f"{log.source.name}: {told}, first {column} '{values[column]}' in case '{case}'{more}",
        code="log.unseen",
        hint="train again on a newer log, or predict with --unseen flag",
        context={"column": column, "case": str(case)},
    )

"""How cases came out, as a log alone tells it: what predictions of outcomes are held against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.attributes import coded
from pmlcli.encoding.outcome.encoding import UNKNOWN, OutcomeEncoding, OutcomeSource
from pmlcli.errors import LogError
from pmlcli.eventlog.log import MISSING, EventLog


def outcomes(
    source: OutcomeSource,
    log: EventLog,
    is_running: NDArray[np.bool_],
    labels: NDArray[np.object_] | None = None,
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """The outcome of each case, (cases,), None where nobody knows, and the prefixes that it is still to be
    told for, (events,).

    `is_running`: (cases,), which cases have not ended; `labels`: outcomes from outside the log, (cases,),
    which go before what the log tells. LogError for a log that lacks the column of labels.
    """
    if labels is not None:
        return labels, np.repeat(np.array([one is not None for one in labels], dtype=np.bool_), log.lengths)
    if source.kind == "label_column" and source.text not in log.frame.columns:
        raise LogError(
            f"{log.source.name}: no column '{source.text}', which names the outcomes: there is no truth",
            code="log.label",
            hint="give a log that has it, or the true labels with --labels FILE",
            context={"column": source.text},
        )
    encoding = OutcomeEncoding(source)
    if source.kind == "label_column":
        names, codes = coded(log, source.text)
        encoding.class_names = tuple(names[code] for code in np.unique(codes[codes != MISSING]))
    known = encoding.known(log, is_running)
    told = np.array([*encoding.class_names, None], dtype=object)
    return told[np.where(known.target == UNKNOWN, len(encoding.class_names), known.target)], known.is_counted

"""Area under the ROC curve over all test prefixes together; the label is the column `label`.

Protocol of Teinemaa et al. (2019): prefixes of 1 to min(40, 90 % quantile of the length of the rarer class's
cases in the whole log) events; of longer cases the later events are taken out of both parts. `strict` is
theirs: training events from the first test event on are dropped. Published: Stevens and De Smedt (2023), the
best of seven methods, on `strict`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from _tasks._parts import NAN, Cells, Part, predicted, with_interval
from pmlcli.evaluation.ranking import auc_over
from pmlcli.eventlog import EventLog
from pmlcli.eventlog.log import offsets_of
from pmlcli.eventlog.split import Split, split_by_start

NAMES = ("prior", "logistic", "boosting", "gru", "ensemble")
LABEL = "label"
PARAMETERS = {"label_column": LABEL}
PUBLISHED = {"sepsis_cases_1": 0.563, "sepsis_cases_2": 0.923, "Production": 0.759}
LONGEST = 40


def halves(log: EventLog) -> dict[str, Any]:
    """The two ways to cut a log."""
    return {"literature": lambda: _short(split_by_start(log)), "strict": lambda: _short(_strictly(log))}


def _strictly(log: EventLog) -> Split:
    """Training part without what happened from the first test event on, and test part."""
    train, test, *_ = split_by_start(log)
    assert train.times is not None and test.times is not None
    kept = train.times < test.times.min()
    lengths = np.add.reduceat(kept.astype(np.int64), train.offsets[:-1])
    return Split(train.take_rows(np.flatnonzero(kept), offsets_of(lengths[lengths > 0])), test)


def cells(part: Part) -> Cells:
    """The row of an algorithm."""
    test = part.split.test
    positive = _rarer(part.split)
    found = predicted(part, PARAMETERS | {"positive": positive})
    is_positive = (_labels(test) == positive)[test.case_of_event]
    share = found.table["positive_probability"].to_numpy()
    return {
        "cases": f"{part.split.train.n_cases}/{test.n_cases}",
        "AUC": with_interval(auc_over(is_positive, share, test.case_of_event, test.n_cases), test.n_cases, 3),
        "published": f"{PUBLISHED.get(part.log, NAN) if part.kind == 'strict' else NAN:.3f}",
        **found.costs,
    }


def _labels(log: EventLog) -> NDArray[np.str_]:
    """The label of each case, (cases,)."""
    return log.frame[LABEL].to_numpy()[log.offsets[:-1]].astype(str)


def _rarer(split: Split) -> str:
    names, counts = np.unique(np.concatenate([_labels(split.train), _labels(split.test)]), return_counts=True)
    return str(names[counts.argmin()])


def _short(split: Split) -> Split:
    """Both parts with no case longer than the protocol looks at."""
    labels, lengths = (
        np.concatenate([of(log) for log in (split.train, split.test)])
        for of in (_labels, lambda log: log.lengths)
    )
    of_rarer = lengths[labels == _rarer(split)]
    most = min(LONGEST, int(np.ceil(np.quantile(of_rarer, 0.9))))
    train, test = (
        log.take_cases(np.arange(log.n_cases), np.minimum(log.lengths, most))
        for log in (split.train, split.test)
    )
    return Split(train, test)

"""Area under the ROC curve over all test prefixes together; the label is the column `label`.

Protocol of Teinemaa et al. (2019): prefixes of 1 to min(40, 90 % quantile of the length of the rarer class's
cases in the whole log) events, in training and test. `strict` is theirs: training events from the first test
event on are dropped. Published: Stevens and De Smedt (2023), the best of seven methods, on `strict`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from _tasks._parts import NAN, Cells, Part, fitted_and_reopened, with_interval
from pmlcli.encoding.outcome.encoding import OutcomePrefixes
from pmlcli.evaluation.ranking import macro_auc_over
from pmlcli.eventlog import EventLog
from pmlcli.eventlog.log import offsets_of
from pmlcli.eventlog.split import Split, split_by_start

NAMES = ("prior", "logistic", "boosting", "gru", "ensemble")
PARAMETERS = {"label_column": "label"}
PUBLISHED = {"sepsis_cases_1": 0.563, "sepsis_cases_2": 0.923, "Production": 0.759}
LONGEST = 40


def halves(log: EventLog) -> dict[str, Any]:
    """The two ways to cut a log."""
    return {"literature": lambda: split_by_start(log), "strict": lambda: _strictly(log)}


def _strictly(log: EventLog) -> Split:
    """Training part without what happened from the first test event on, and test part."""
    train, test, _since = split_by_start(log)
    assert train.times is not None and test.times is not None
    kept = train.times < test.times.min()
    lengths = np.add.reduceat(kept.astype(np.int64), train.offsets[:-1])
    return Split(train.take_rows(np.flatnonzero(kept), offsets_of(lengths[lengths > 0])), test)


def cells(part: Part, algorithm: Any) -> Cells:
    """The row of an untrained algorithm."""
    encoding = algorithm.make_encoding().fit(part.split.train)
    longest = _longest(*(encoding.transform(log) for log in (part.split.train, part.split.test)))
    opened = fitted_and_reopened(part, algorithm, lambda data: _short(data, longest))
    algorithm, data = opened.algorithm, _short(opened.encoding.transform(part.split.test), longest)
    rows = np.flatnonzero(data.is_counted)
    _cases, unit = np.unique(data.case_of_event[rows], return_inverse=True)
    found = algorithm.probabilities(data, rows)
    value_of = macro_auc_over(data.target_of_event[rows], found, unit, len(_cases))
    return {
        "cases": f"{part.split.train.n_cases}/{data.n_cases}",
        "AUC": with_interval(value_of, len(_cases), 3),
        "published": f"{PUBLISHED.get(part.log, NAN) if part.kind == 'strict' else NAN:.3f}",
        "fit CPU s": f"{opened.seconds:.1f}",
    }


def _longest(*parts: OutcomePrefixes) -> int:
    target, lengths = (np.concatenate([getattr(p, name) for p in parts]) for name in ("target", "lengths"))
    rarer = np.bincount(target[target >= 0]).argmin()
    return min(LONGEST, int(np.ceil(np.quantile(lengths[target == rarer], 0.9))))


def _short(data: OutcomePrefixes, longest: int) -> OutcomePrefixes:
    return replace(data, is_counted=data.is_counted & (data.position < longest))

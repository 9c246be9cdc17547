"""Three means of 1 - Damerau-Levenshtein distance / longer length.

Per trace first, over all prefixes of one event or more with the empty suffix of the whole case (as the
published figures are); per prefix; per prefix without the empty suffixes. At most 1,500 test cases a log,
evenly taken, the same for all algorithms. Published: alignments4ppm (chronological 80/20), the best of six
methods.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import DamerauLevenshtein

from _tasks._parts import Cells, Part, activity_names, finished, listed, predicted, with_interval
from pmlcli.eventlog import EventLog
from pmlcli.eventlog.split import measured_prefixes

END, SEPARATOR = "<end>", " > "
NAMES = ("medoid", "gru", "ensemble")
PUBLISHED = {
    "helpdesk_erama": 0.881,
    "sepsis": 0.419,
    "BPIC13_incidents": 0.667,
    "BPIC20_RequestForPayment": 0.936,
    "BPIC12": 0.469,
}
MOST_CASES = 1_500
prepared = finished


def cells(part: Part) -> Cells:
    """The row of an algorithm."""
    whole = part.split.test
    cases = np.unique(np.linspace(0, whole.n_cases - 1, min(whole.n_cases, MOST_CASES)).astype(np.int64))
    test, events = whole.take_cases(cases), np.isin(whole.case_of_event, cases)
    found = predicted(part, {}, test)
    rows = np.flatnonzero(measured_prefixes(part.split)[events])
    alike = similarities(test, found.table["suffix"].iloc[rows].to_list(), rows)
    is_not_empty = test.position[rows] + 1 < test.lengths[test.case_of_event[rows]]
    _cases, place = np.unique(test.case_of_event[rows], return_inverse=True)
    means = np.bincount(place, weights=alike) / np.bincount(place)
    return {
        "per trace": with_interval(lambda units: float(means[units].mean()), len(means), 4),
        "published": f"{part.published(PUBLISHED):.3f}",
        "per prefix": f"{alike.mean():.4f}",
        "non-empty": f"{alike[is_not_empty].mean():.4f}",
        **found.costs,
    }


def similarities(test: EventLog, suffixes: list[str], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """How like what came after these events the suffixes are that were predicted for them, (rows,)."""
    names, ends = activity_names(test).tolist(), test.offsets[1:][test.case_of_event]
    truths = [names[row + 1 : ends[row]] for row in rows.tolist()]
    told = [[name for name in listed(text, SEPARATOR) if name != END] for text in suffixes]
    alike = DamerauLevenshtein.normalized_similarity
    return np.array([alike(one, other) for one, other in zip(told, truths, strict=True)])

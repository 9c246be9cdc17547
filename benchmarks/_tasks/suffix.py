"""Three means of 1 - Damerau-Levenshtein distance / longer length.

Per trace first, over all prefixes of one event or more with the empty suffix of the whole case (as the
published figures are); per prefix; per prefix without the empty suffixes. At most 1,500 test cases a log,
evenly taken, the same for all algorithms. Published: alignments4ppm (chronological 80/20), the best of six
methods.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from _tasks._parts import Cells, Part, encoded, with_interval
from pmlcli.algorithms._prefixes.task import evenly
from pmlcli.algorithms.suffix._task import similarities
from pmlcli.eventlog.split import measured_prefixes

NAMES = ("medoid", "gru", "ensemble")
PUBLISHED = {
    "helpdesk_erama": 0.881,
    "sepsis": 0.419,
    "BPIC13_incidents": 0.667,
    "BPIC20_RequestForPayment": 0.936,
    "BPIC12": 0.469,
}
MOST_CASES = 1_500


def cells(part: Part, algorithm: Any) -> Cells:
    """The row of an untrained algorithm."""
    (algorithm, _encoding, seconds), test = encoded(part, algorithm)
    cases = evenly(np.arange(test.n_cases), MOST_CASES)
    events, _offsets = test.rows_of(cases)
    rows, test = np.flatnonzero(measured_prefixes(part.split)[events]), test.take(cases)
    begin = time.process_time()
    found = similarities(algorithm, test, rows)
    each = (time.process_time() - begin) / len(rows)
    is_not_empty = test.position[rows] + 1 < test.lengths[test.case_of_event[rows]]
    _cases, place = np.unique(test.case_of_event[rows], return_inverse=True)
    means = np.bincount(place, weights=found) / np.bincount(place)
    return {
        "per trace": with_interval(lambda units: float(means[units].mean()), len(means), 4),
        "published": f"{part.published(PUBLISHED):.3f}",
        "per prefix": f"{found.mean():.4f}",
        "non-empty": f"{found[is_not_empty].mean():.4f}",
        "fit CPU s": f"{seconds:.1f}",
        "ms a prefix": f"{1000 * each:.2f}",
    }

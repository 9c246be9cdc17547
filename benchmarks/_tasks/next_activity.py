"""Accuracy over the prefixes of one event or more, the end of the case counted as an activity.

`ECE`: expected calibration error; `held`, `size`: share of what came that prediction sets of 90 % held, and
activities in each; both found on one half of the test cases and checked on the other. Published: the best of
alignments4ppm's table (chronological 80/20); BPIC12 with activity and lifecycle as one name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from _tasks._parts import Cells, Part, encoded, with_interval
from pmlcli.algorithms._learning.calibration import cross_checked
from pmlcli.encoding.events.sequences import targets
from pmlcli.eventlog.split import measured_prefixes

NAMES = ("ngram", "linear", "xgboost", "gru", "transformer", "ensemble")
PUBLISHED = {
    "helpdesk_erama": 0.713,
    "sepsis": 0.656,
    "BPIC13_incidents": 0.701,
    "BPIC12": 0.852,
    "BPIC20_RequestForPayment": 0.894,
}


def cells(part: Part, algorithm: Any) -> Cells:
    """The row of an untrained algorithm."""
    (algorithm, _encoding, seconds), test = encoded(part, algorithm)
    counted = measured_prefixes(part.split)
    rows, measured = np.flatnonzero(counted), algorithm.accuracy(test, counted)
    found = algorithm.probabilities(test)[rows]
    told = cross_checked(found, targets(test)[rows], test.case_of_event[rows] % 2 == 0)
    return {
        "accuracy": with_interval(measured.value_of, measured.n_units, 4),
        "published": f"{part.published(PUBLISHED):.3f}",
        "ECE": f"{told['calibration_error']:.3f}",
        "held": f"{told['coverage']:.2f}",
        "size": f"{told['set_size']:.1f}",
        "fit CPU s": f"{seconds:.1f}",
    }

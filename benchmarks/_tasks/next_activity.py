"""Accuracy over the prefixes of one event or more, the end of the case counted as an activity.

`ECE`: expected calibration error; `held`, `size`: share of what came that prediction sets of 90 % held, and
activities in each; temperature and limit as `train` found them in the training part. Published: the best of
alignments4ppm's table (chronological 80/20); BPIC12 with activity and lifecycle as one name.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from _tasks._parts import Cells, Part, activity_names, finished, listed, mean_by_case, predicted
from pmlcli.evaluation.ranking import calibration_error
from pmlcli.eventlog import EventLog
from pmlcli.eventlog.split import measured_prefixes

END, SEPARATOR = "<end>", " | "
NAMES = ("ngram", "linear", "xgboost", "gru", "transformer", "ensemble")
PUBLISHED = {
    "helpdesk_erama": 0.713,
    "sepsis": 0.656,
    "BPIC13_incidents": 0.701,
    "BPIC12": 0.852,
    "BPIC20_RequestForPayment": 0.894,
}
prepared = finished


def cells(part: Part) -> Cells:
    """The row of an algorithm."""
    found, test = predicted(part, {}), part.split.test
    counted = measured_prefixes(part.split)
    table, truth = found.table[counted], next_activities(test)[counted]
    is_right = table["next_activity"].to_numpy() == truth
    sets = [listed(text, SEPARATOR) for text in table["prediction_set"]]
    held = [name in one for name, one in zip(truth, sets, strict=True)]
    return {
        "accuracy": mean_by_case(is_right, test.case_of_event[counted], 4),
        "published": f"{part.published(PUBLISHED):.3f}",
        "ECE": f"{calibration_error(is_right, table['probability'].to_numpy()):.3f}",
        "held": f"{np.mean(held):.2f}",
        "size": f"{np.mean([len(one) for one in sets]):.1f}",
        **found.costs,
    }


def next_activities(log: EventLog) -> NDArray[np.object_]:
    """What follows each event in its case, (events,)."""
    following = np.append(activity_names(log)[1:], END)
    following[log.offsets[1:] - 1] = END
    return following

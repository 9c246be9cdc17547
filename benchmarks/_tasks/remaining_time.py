"""Mean absolute error in days over the prefixes of 2 to n - 1 events.

`held`: share of these prefixes whose 90 % interval held the truth; `width`: median width of the intervals in
days; stretched as `train` found right in the training part. Published: PGTNet's holdout table (64/16/20 by
start), the best of four networks.
"""

from __future__ import annotations

import numpy as np

from _tasks._parts import DAY, Cells, Part, finished, mean_by_case, predicted
from pmlcli.eventlog.split import measured_prefixes

NAMES = ("median", "transition-system", "boosting", "gru", "survival", "ensemble")
PUBLISHED = {
    "helpdesk_erama": 4.80,
    "BPIC12": 5.49,
    "BPIC12_W_complete": 5.88,
    "sepsis": 15.71,
    "BPIC13_incidents": 2.39,
}
prepared = finished


def cells(part: Part) -> Cells:
    """The row of an algorithm."""
    found, test = predicted(part, {}), part.split.test
    assert test.times is not None
    left = (test.ends[test.case_of_event] - test.times) / 1e6
    is_inside = (test.position > 0) & (test.position + 1 < test.lengths[test.case_of_event])
    counted = np.flatnonzero(measured_prefixes(part.split) & is_inside)
    rows, truth = found.table.iloc[counted], left[counted]
    held = (rows["lower"] <= truth) & (truth <= rows["upper"])
    errors = np.abs(rows["remaining_seconds"].to_numpy() - truth) / DAY
    return {
        "MAE, days": mean_by_case(errors, test.case_of_event[counted], 2),
        "published": f"{part.published(PUBLISHED):.2f}",
        "held": f"{held.mean():.2f}",
        "width": f"{(rows['upper'] - rows['lower']).median() / DAY:.1f}",
        **found.costs,
    }
